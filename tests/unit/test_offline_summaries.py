"""Summaries and long answers of the offline teacher: all of a section, in order, or nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from docent.llm.structure.typed import TypedMaterial, TypedReply
from docent.teacher.source.blocks import blocks_of
from docent.teacher.source.words import words_of_language
from docent.teacher.typed import write_typed

EN = words_of_language("en")
PRESS = """The press punches holes into sheets of tin. Each time it is started the guard closes first. Oil it weekly.

The waste falls into a tray. Empty the tray when it is half full.
"""
FILLER = "The frame {n} of the hall was painted with a thick grey paint against rust in the spring of the year.\n\n"


def told(question_type: str, text: str, title: str = "The press", **changes: object) -> list[str]:
    """The answers of one type about a section."""
    material = TypedMaterial(question_type, "Press handbook", title, text, (), (), (), 5, "en", 300, 3)
    reply = write_typed(replace(material, **changes), 0.4)  # type: ignore[arg-type]
    return [pair.answer for pair in TypedReply.model_validate_json(reply).pairs]


@pytest.mark.parametrize("question_type", ["summarization", "summary", "section_summary", "long_answer"])
def test_a_section_that_fits_is_told_whole_and_in_order(question_type: str) -> None:
    assert " ".join(PRESS.split()) in told(question_type, PRESS)


def test_a_section_with_more_paragraphs_than_the_budget_holds_has_no_summary() -> None:
    text = "".join(FILLER.format(n=number) for number in range(1, 8))
    assert told("summarization", text) == []
    assert len(told("section_summary", text)) == 1


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (
            "The press comes in a crate of pine.\n\nThe crate holds:\n\n- 1 press\n- Drip tray\n- 2 keys\n\n"
            "Keep the crate for the return transport of the press.",
            "The press comes in a crate of pine. The crate holds: 1 press, drip tray and 2 keys. "
            "Keep the crate for the return transport of the press.",
        ),
        (
            "- Bed: carries the sheet and has a scale of 2 m at its edge.\n- Guard: closes before the punch falls.\n"
            "- Lamp: red.\n",
            "- Bed: carries the sheet and has a scale of 2 m at its edge.\n- Guard: closes before the punch falls.\n"
            "- Lamp: red.",
        ),
    ],
)
def test_a_list_is_told_with_every_item(text: str, answer: str) -> None:
    assert told("section_summary", text) == [answer]


@pytest.mark.parametrize(
    "text",
    [
        f"{PRESS}\n- 1 press\n- Drip tray\n- 2 keys\n",  # nothing says what the items are
        f"{PRESS}\nThe parts are:\n\n- Bed\n  - left half\n  - right half\n- Guard\n",
        f"{PRESS}\n| Key | Short press | Long press |\n|---|---|---|\n| A | starts | stops |\n",
        f"{PRESS}\nTODO: describe the brake.\n",
        f"{PRESS}\nStart it with this command:\n\n```\npress --start\n```\n",
        f"4.2 Findings\n\n{PRESS}",  # a heading of another section
        "".join(f"**{name}**: the part that carries the {name.lower()} ring.\n\n" for name in ("Bed", "Arm", "Leg")),
        "It punches holes into sheets of tin. The guard closes first. The waste falls into a tray below the bed. "
        "The punch is oiled each week. The lamp is red.",
    ],
    ids=["bare items", "nested", "table", "unfinished", "code", "heading", "glossary", "pronoun"],
)
@pytest.mark.parametrize("question_type", ["summarization", "section_summary"])
def test_a_section_of_which_a_part_cannot_be_told_has_no_summary(question_type: str, text: str) -> None:
    assert told(question_type, text) == []


def test_prose_and_steps_stay_in_the_order_of_the_section() -> None:
    text = (
        "Wear gloves at the press, for the edges are sharp.\n\n1. Lay the sheet on the bed.\n2. Close the guard.\n\n"
        "The lamp turns green. The punch falls after two seconds.\n"
    )
    for question_type in ("summarization", "section_summary"):
        (answer,) = told(question_type, text)
        assert answer.splitlines() == [line for line in text.splitlines() if line]


def test_a_step_that_two_lists_have_stands_in_both() -> None:
    text = (
        "To start the press:\n\n1. Close the guard.\n2. Press the green key.\n\n"
        "To clean the bed:\n\n1. Press the red key.\n2. Wipe the bed.\n3. Close the guard.\n"
    )
    start, clean = told("process_workflow", text)
    assert start == "1. Close the guard.\n2. Press the green key."
    assert clean == "1. Press the red key.\n2. Wipe the bed.\n3. Close the guard."


def test_a_long_answer_about_a_thing_leaves_out_no_sentence_about_it() -> None:
    winch = "The winch lifts the sheets. The winch is made of steel. The winch was bought in 1988. "
    yard = "The yard is closed at night. Ducks live in the yard of the works near the old gate."
    (answer,) = told("long_answer", winch + yard, title="Page 4")
    assert answer == winch.strip()
    more = "".join(f"The winch has a hook of {size} mm. " for size in (20, 30, 40))
    assert told("long_answer", winch + more + yard, title="Page 4") == []
    # The section is more than the paragraph, so that its heading promises more.
    assert told("long_answer", f"{PRESS}\n| Part | Use |\n|---|---|\n| Bed | Carries the sheet |\n") == []


def test_blocks_are_the_whole_section() -> None:
    prose = "The press\n\nThe press hums. It is\nnew.\n\n"
    text = f"{prose}- One long item\n  goes on\n\n- Two\n\n1. Open.\n\n| A | B |\n|---|---|\n"
    assert [(block.kind, block.parts) for block in blocks_of(text, "The press", EN)][1:] == [
        ("gap", ()),  # bullets and numbers in one list
        ("table", ("| A | B |", "|---|---|")),
    ]
    blocks = blocks_of(text.replace("1. Open.", "Open."), "The press", EN)
    assert [(block.kind, block.parts) for block in blocks[:3]] == [
        ("paragraph", ("The press hums.", "It is new.")),
        ("list", ("One long item goes on", "Two")),
        ("paragraph", ("Open.",)),
    ]
