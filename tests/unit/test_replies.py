"""The parser of visitor and guide dialogues."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chat_files import dialogues
from tests.published import published

from docent.llm.structure.dialogue import (
    UnusableReplyError,
    format_dialogue,
    parse_dialogue,
    parse_shorter_dialogue,
    without_labels,
)

PAIRS = [(f"Question {i}?", f"Answer {i} is longer.") for i in range(5)]
GOOD = format_dialogue(PAIRS)


@pytest.mark.feature("failed-temperature")
@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"Here you are:\n\n{GOOD}\n",
        f"```text\n{GOOD}\n```",
        GOOD.replace("[Visitor]:", "**[Visitor]:**").replace("[Guide]:", "**[Guide]**: "),
        GOOD.replace("[Visitor]:", "[visitor]").replace("[Guide]:", "[GUIDE] :"),
        GOOD.replace("\n", "  \r\n"),
        f"{GOOD}\n\n[Visitor]: A sixth?\n[Guide]: Left out.",
        f"{GOOD}\n\n[Visitor]: Cut o",
    ],
    ids=["plain", "preface", "fence", "bold", "case", "line ends", "one more", "half a pair more"],
)
def test_five_pairs_are_read_in_every_usual_form(text: str) -> None:
    assert parse_dialogue(text, 5) == PAIRS


@pytest.mark.feature("failed-temperature")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "I cannot do that.",
        format_dialogue(PAIRS[:4]),
        GOOD.replace("[Guide]", "Guide", 1),
        GOOD.replace("[Visitor]", "[x]").replace("[Guide]", "[Visitor]").replace("[x]", "[Guide]"),
        GOOD.replace("[Guide]: Answer 2 is longer.", "[Guide]:"),
        GOOD.replace("Question 3?", " "),
        GOOD.replace("[Guide]: Answer 1", "[Visitor]: Answer 1") + "\n[Guide]: more",
    ],
    ids=["empty", "refusal", "four", "label lost", "swapped", "no answer", "no question", "two visitors"],
)
def test_what_does_not_keep_to_the_form_is_refused(text: str) -> None:
    with pytest.raises(UnusableReplyError):
        parse_dialogue(text, 5)


def test_a_dialogue_in_form_with_fewer_pairs_keeps_what_it_has() -> None:
    four = format_dialogue(PAIRS[:4])
    assert parse_shorter_dialogue(four, 5) == PAIRS[:4]
    for spoiled in (GOOD, "", f"{four}\n[Visitor]: A fifth?", four.replace("[Guide]: Answer 2 is longer.", "[Guide]:")):
        assert parse_shorter_dialogue(spoiled, 5) == []


def test_answers_become_one_paragraph_with_ascii_apostrophes() -> None:
    text = "[Visitor]: What\u2019s this?\n[Guide]: It\x1b is\n\na  \u201ccube\u201d.\nReally."
    assert parse_dialogue(text, 1) == [("What's this?", "It is a \u201ccube\u201d. Really.")]


@pytest.mark.feature("failed-temperature")
@pytest.mark.parametrize("row", [0, 1])
def test_long_dialogues_are_read_whole_and_spoiled_copies_of_them_refused(row: int) -> None:
    reads_fifteen_pairs(dialogues()[row])


@pytest.mark.published
@pytest.mark.feature("failed-temperature")
@pytest.mark.parametrize("row", [0, 1])
def test_published_dialogues_are_read_whole_and_spoiled_copies_of_them_refused(row: int) -> None:
    text = published("museum/example_synthetic_data.csv").read_text(encoding="utf-8-sig")
    reads_fifteen_pairs(list(csv.DictReader(text.splitlines(keepends=True)))[row]["synthetic_dialogs"])


def reads_fifteen_pairs(text: str) -> None:
    """Read a dialogue of 15 pairs, and four copies of it that are spoiled."""
    pairs = parse_dialogue(text, 15)
    assert len(set(pairs)) == 15 and all(question.endswith("?") for question, _ in pairs)
    assert all("\u2019" not in answer and len(answer.split()) > 60 for _, answer in pairs)
    fourteen = text[: text.rindex("[Visitor]")]
    swapped = text.replace("[Visitor]", "[x]", 1).replace("[Guide]", "[Visitor]", 1).replace("[x]", "[Guide]", 1)
    for spoiled in (fourteen, swapped, text.replace("[Guide]", "Guide", 1), text.replace("[Visitor]", "", 1)):
        with pytest.raises(UnusableReplyError):
            parse_dialogue(spoiled, 15)


@given(st.text(max_size=200))
def test_source_text_without_labels_cannot_speak_for_anyone(text: str) -> None:
    answer = " ".join(without_labels(f"[Guide] {text} [visitor]: x").split())
    made = parse_dialogue(format_dialogue([("Why?", answer), ("How?", "So.")]), 2)
    assert [question for question, _ in made] == ["Why?", "How?"]
