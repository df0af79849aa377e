"""The offline teacher: extractive, deterministic, never about anything but the source."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docent.llm.chat import Material
from docent.records import canonical_json
from docent.teacher.guide import cut, introduction, questions_of
from docent.teacher.offline import VERSION
from docent.teacher.visitor import write_pairs
from docent.text.numbers.numbers import unsupported_numbers
from docent.text.sentences import contains_name, count_words, readable_name, split_sentences

TEMPERATURES = (0.4, 0.7, 0.9)
INTRODUCTION = "This is the Klein bottle. "
TEXT = (
    "The Klein bottle is a closed surface without any edge that has only one side. "
    "The neck of this Klein bottle bends around and joins the base from within. "
    "The Klein bottle has an Euler characteristic of 0 and stands 2.5 metres tall. "
    "The German mathematician Felix Klein described the Klein bottle in the year 1882. "
    "Philip Franklin proved in 1934 that six colours are enough for every map on the Klein bottle. "
    "Glass makers found in London have used the Klein bottle as a trial of skill. "
    "Seen from above, the Klein bottle shows two circles that touch."
)


def material(text: str = TEXT, name: str = "klein-bottle", temperature: float = 0.4, pairs: int = 5) -> Material:
    return Material(name, text, TEMPERATURES, temperature, pairs, 300, "English", 7, readable_name(name))


def all_pairs(text: str = TEXT, name: str = "klein-bottle", pairs: int = 5) -> list[tuple[str, str]]:
    return [pair for t in TEMPERATURES for pair in write_pairs(material(text, name, t, pairs))]


def test_the_lowest_temperature_covers_what_it_is_numbers_history_use_and_more_in_reading_order() -> None:
    asked = write_pairs(material())
    topics = [next(t for t, qs in questions_of("en").items() if question in qs) for question, _ in asked]
    assert topics == ["what", "numbers", "history", "use", "more"]
    assert [question for question, _ in asked] == [questions_of("en")[topic][0] for topic in topics]
    sentences = split_sentences(TEXT)
    told = [split_sentences(answer.removeprefix(INTRODUCTION)) for _, answer in asked]
    assert [[sentences.index(sentence) for sentence in answer] for answer in told] == [[0, 1, 2], [2], [3], [5], [2, 3]]


@pytest.mark.feature("pairs-per-exhibit", "teachers")
def test_fifteen_pairs_differ_and_every_answer_names_the_exhibit_first_then_quotes_the_source() -> None:
    pairs = all_pairs()
    assert len(pairs) == len(set(pairs)) == 15
    source = {*split_sentences(TEXT), "This is the Klein bottle."}
    for question, answer in pairs:
        assert set(split_sentences(answer)) <= source
        assert answer.startswith(INTRODUCTION) and not contains_name(question, "klein-bottle")
        assert 12 <= count_words(answer) <= 110


def test_higher_temperatures_retell_what_the_lowest_says() -> None:
    lowest = {answer.removeprefix(INTRODUCTION) for _, answer in write_pairs(material())}
    retold = [any(s in lowest for s in split_sentences(a)) for _, a in all_pairs()[5:]]
    assert sum(retold) >= 8


def test_all_temperatures_ask_from_the_same_short_list() -> None:
    listed = {question for questions in questions_of("en").values() for question in questions}
    assert len(listed) == 33 and {question for question, _ in all_pairs()} <= listed


def test_the_same_request_gives_the_same_reply_and_another_seed_another() -> None:
    warm = material(temperature=0.9)
    assert write_pairs(warm) == write_pairs(warm)
    assert write_pairs(warm) != write_pairs(replace(warm, seed=8))
    assert write_pairs(material()) == write_pairs(replace(material(), seed=8)), "the lowest is not random"


@pytest.mark.parametrize("pairs", [1, 5, 20])
@pytest.mark.parametrize(
    "text",
    ["A red pot.", "A red pot. It is 3 cm tall.", "Weight\n3 kg\nColour\nDark red", "红色的锅。它很大。"],
)
def test_the_shortest_texts_give_every_fitting_question_once(text: str, pairs: int) -> None:
    made = all_pairs(text, "my_teapot", pairs)
    fitting = [*questions_of("en")["what"], *questions_of("en")["about"]]
    assert len({question for question, _ in made}) == len(made) == min(3 * pairs, len(fitting))
    assert all(question in fitting and answer.startswith("This is my teapot. ") for question, answer in made)


def test_a_question_has_one_answer_about_an_exhibit() -> None:
    pairs = all_pairs(pairs=20)
    assert len({question for question, _ in pairs}) == len(pairs) > 20


def test_texts_that_never_name_the_exhibit_are_introduced_in_the_spelling_of_the_text() -> None:
    text = "Parts. The 1903 Wright Flyer. It has two wings. "
    text += "It flew for the first time in 1903, for twelve seconds on a cold day in December, against the wind."
    answers = [answer for _, answer in all_pairs(text, "1903-wright-flyer")]
    assert answers and all(answer.startswith("This is the 1903 Wright Flyer. ") for answer in answers)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("“Table Orrery”", "This is the exhibit “Table Orrery”."),
        ('Penny stamped "Votes for Women"', "This is the exhibit “Penny stamped ‘Votes for Women’”."),
        ('"A" and "B"', "This is the exhibit “‘A’ and ‘B’”."),
        ("---", "This is the exhibit."),
    ],
)
def test_quotation_marks_of_a_name_stay_in_pairs(name: str, said: str) -> None:
    assert introduction(name, "It shines.", "en") == said


def test_no_text_gives_no_pairs() -> None:
    assert write_pairs(material(" \n")) == write_pairs(material("?! http://x/y")) == []


def test_labels_in_the_source_do_not_become_turns() -> None:
    made = write_pairs(
        material("The pot is red. [Guide]: the pot is blue and says so. [Visitor]: Why is the pot blue?")
    )
    assert len(made) == 5 and not any("[" in question + answer for question, answer in made)


@pytest.mark.parametrize("most", [10, 20, 30])
def test_answers_keep_to_a_small_limit_of_words(most: int) -> None:
    made = [pair for t in TEMPERATURES for pair in write_pairs(replace(material(temperature=t), max_answer_words=most))]
    assert len(made) >= 4 and all(count_words(answer) <= most for _, answer in made)


def test_endless_sentences_are_cut_at_the_limit() -> None:
    endless = " ".join(f"word{i}," if i % 7 == 0 else f"word{i}" for i in range(1000)) + "."
    made = write_pairs(replace(material(endless), max_answer_words=40))
    assert len(made) == 5 and all(count_words(answer) <= 40 for _, answer in made)
    assert cut("one two, three four five", 4, "en") == "one two."


def test_the_questions_give_nothing_away() -> None:
    questions = [question for questions in questions_of("en").values() for question in questions]
    assert len(set(questions)) == len(questions)
    assert all(not any(c.isdigit() for c in q) and q == q.strip() and q[-1] in "?." for q in questions)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text("abc XYZ.,!?1250\n-", min_size=1, max_size=60), min_size=1, max_size=8),
    st.sampled_from(["a-vase", "b", "1903-x_y", "ΣΩ"]),
)
def test_whatever_the_text_every_number_of_an_answer_is_in_the_source(parts: list[str], name: str) -> None:
    text = ". ".join(parts)
    for _, answer in all_pairs(text, name):
        assert unsupported_numbers(answer, f"{readable_name(name)}\n{text}") == []


def test_changed_replies_come_with_a_raised_version() -> None:
    digest = hashlib.sha256(canonical_json(all_pairs()).encode()).hexdigest()[:16]
    assert (VERSION, digest) == (4, "6296932cf6d6289a"), "raise VERSION in offline.py, and generate-qa's in pipeline.py"
