"""Splitting prose into sentences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docent.text.sentences import contains_name, is_heading, plain, readable_name, split_sentences


@pytest.mark.parametrize(
    "sentence",
    [
        "It is 1.8 times as long as it is wide.",
        "The basilica of St. Mark has one, and so has Mt. Athos.",
        "It weighs approx. 12 kg, i.e. more than most.",
        "J. S. Bach and George W. Example saw it.",
        "See No. 5 and Figs. 2 and 3.",
        "It came from the U.S. Army in 1944.",
        'He said "Look at it. now" and left.',
    ],
)
def test_stops_inside_a_sentence_do_not_end_it(sentence: str) -> None:
    assert split_sentences(f"Before. {sentence} After it.") == ["Before.", sentence, "After it."]


def test_questions_exclamations_quotes_and_brackets_end_sentences() -> None:
    text = 'Is it old? It is! "It is very old." (Nobody knows.) 12 of them exist… They rest.'
    assert split_sentences(text) == [
        "Is it old?", "It is!", '"It is very old."', "(Nobody knows.)", "12 of them exist…", "They rest.",
    ]  # fmt: skip


def test_wrapped_lines_are_joined_and_headings_stay_alone() -> None:
    text = (
        "Physical Description\nThe torus is a smooth ring with a hole, and it goes\n"
        "Around a middle that\nis empty.\n\nSummary\nIt is round."
    )
    assert split_sentences(text) == [
        "Physical Description",
        "The torus is a smooth ring with a hole, and it goes Around a middle that is empty.",
        "Summary",
        "It is round.",
    ]


def test_chinese_and_japanese_sentences_need_no_space() -> None:
    assert split_sentences("これは立方体です。面は6つあります。") == ["これは立方体です。", "面は6つあります。"]


def test_headings_are_told_by_the_missing_stop() -> None:
    assert is_heading("Object Details") and not is_heading('He said "no."') and not is_heading("Why?")


def test_names_are_found_in_any_case_with_accents_and_in_the_plural_but_only_as_whole_words() -> None:
    assert readable_name("mobius-strip_2") == "mobius strip 2"
    assert contains_name("A Möbius strip has one side.", "mobius-strip")
    assert contains_name("Three CUBES stand here", "cube")
    assert not contains_name("The cubes' neighbour is a hypercube-like thing", "hyper")
    assert not contains_name("anything", "--")
    assert plain("  Möbius\n Strip ") == "mobius strip"


@given(st.text(max_size=300))
def test_no_word_of_any_text_is_lost(text: str) -> None:
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())
