"""Wordings that readers of the offline teacher's pairs about six manuals found weak or wrong."""

from __future__ import annotations

import pytest

from docent.llm.offline_clarity import stands_alone
from docent.llm.offline_english import questions_of
from docent.llm.offline_instructions import instructions_of
from docent.llm.offline_labels import value_of
from docent.llm.offline_source import Statement, cleaned
from docent.llm.offline_table_compared import comparisons_of_tables
from docent.llm.offline_table_questions import rows_of_tables
from docent.llm.offline_typed import write_typed
from docent.llm.typed import TypedMaterial, TypedReply

KEYS = "| Key | Name | Length | Use |\n|---|---|---|---|\n| 1 | Short | 55 s | Cups |\n| 2 | Long | 80 s | Pots |"
CARTS = "| | Fox | Bear |\n|---|---|---|\n| Load | 25 kg | 60 kg |"
VARIANTS = (
    "The **KL-3** is fired with wood. It has no blower.\n\n"
    "The **KL-4** is fired with gas. The machine needs a dry room with a level floor."
)


def told(question_type: str, text: str, title: str = "The kiln") -> dict[str, str]:
    """Questions and answers of one type about a section of a handbook."""
    material = TypedMaterial(
        question_type, title=title, text=text, figures=(), language="en", max_answer_words=300, seed=3,
        name="Pottery handbook", facts=(), others=(), pairs=30,
    )  # fmt: skip
    return {p.question: p.answer for p in TypedReply.model_validate_json(write_typed(material, 0.4)).pairs}


def cells(text: str) -> dict[str, str]:
    return {cell.asked.question: cell.answer for row in rows_of_tables(text) for cell in row.cells}


def test_what_a_numbered_key_starts_is_no_property_of_the_key() -> None:
    assert cells(KEYS) == {}
    assert comparisons_of_tables(KEYS) == []
    named = KEYS.replace("| 1 |", "| START |").replace("| 2 |", "| RINSE |")
    assert "What is the length of the START key?" in cells(named)


def test_a_use_without_a_verb_is_no_function() -> None:
    table = "| Programme | Use |\n|---|---|\n| Short rinse | Glasses and cups |\n| Long rinse | Pots and pans |"
    assert cells(table) == {}
    assert cells(table.replace("Use", "Function"))


def test_a_bare_name_over_a_column_is_asked_about_where_the_section_explains_it() -> None:
    assert cells(CARTS) == {}
    assert comparisons_of_tables(CARTS) == []
    assert cells(f"The trailers are called Fox and Bear.\n\n{CARTS}")["What is the load for Fox?"]


@pytest.mark.parametrize(
    ("cell", "unit", "value"), [("60", "£", "£60"), ("1", "£ per day", "£1 per day"), ("2.5", "kW", "2.5 kW")]
)
def test_a_sign_of_money_stands_before_its_number(cell: str, unit: str, value: str) -> None:
    assert value_of(cell, unit) == value


@pytest.mark.parametrize(
    "sentence",
    [
        "Fit the lid so that the arrow lines up with the mark on the rim.",
        "Cracks are more often due to damp clay than to a fault in the kiln.",
        "Steam causes deep burns very quickly.",
        "The most common cause is a blunt blade.",
        "Turn the dial to set the firing time and press the knob to confirm.",
        "If the red lamp blinks, the sensor has seen the flame.",
        "Stop at once if you feel dizzy or short of breath.",
        "The kiln is a gas oven.",
        "The panel offers four modes, and one of them is chosen before the fire is lit.",
    ],
)
def test_sentences_whose_question_would_be_broken_trivial_or_circular_are_not_asked_about(sentence: str) -> None:
    assert [*questions_of(sentence, sentence), *instructions_of(sentence, sentence)] == []


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("Close the flap so that no smoke flows back into the room.", "Why should you close the flap?"),
        ("A leaking seal causes low pressure.", "What causes low pressure?"),
        ("The kiln is a gas oven with two doors.", "What is the kiln?"),
    ],
)
def test_what_is_told_in_full_still_is(sentence: str, question: str) -> None:
    asked = [one.question for one in [*questions_of(sentence, sentence), *instructions_of(sentence, sentence)]]
    assert question in asked


@pytest.mark.parametrize(
    ("sentence", "is_clear"),
    [
        ("If both stay clear, the test must be repeated.", False),
        ("Drop both strips into the bowl.", False),
        ("Wash both the bowl and the lid with a soft brush.", True),
        ("Lift the lid with both hands.", True),
    ],
)
def test_both_needs_what_it_means(sentence: str, is_clear: bool) -> None:
    assert stands_alone(Statement(sentence, sentence)) == is_clear


def test_the_machine_is_not_any_machine_where_its_paragraph_is_about_one_model() -> None:
    assert not [question for question in told("factual_recall", VARIANTS) if "the machine" in question]
    alone = VARIANTS.replace("The **KL-4** is fired with gas. ", "")
    assert [question for question in told("factual_recall", alone) if "the machine" in question]


def test_a_definition_in_a_glossary_is_no_value() -> None:
    text = "Volume: one or more discs that appear as a single storage area\nWeight: 3 kg"
    assert [q for q in told("factual_recall", text) if "volume" in q] == []


def test_a_thing_is_not_asked_what_it_does_where_one_sentence_of_many_is_the_answer() -> None:
    text = "The Pottery handbook takes two hands to lift off its shelf."
    assert not [question for question in told("factual_recall", text) if question.endswith("handbook do?")]


@pytest.mark.parametrize("title", ["Welcome", "Glossary", "Every week", "Before you start", "Weekly tasks"])
def test_headings_that_name_no_thing_are_not_asked_about(title: str) -> None:
    text = "The kiln stands in the yard. Its door opens to the left. Two people are needed to lift the lid."
    assert [q for q in told("long_answer", text, title) if "know about" in q and title.lower() in q.lower()] == []
    assert "know about firing" in " ".join(told("long_answer", text, "Firing"))


def test_a_list_of_words_has_no_summary_and_thanks_are_none() -> None:
    text = (
        "Thank you for choosing a Kelder kiln. The kiln is made for schools with up to ten classes. Pots go in on the "
        "left and come out on the right. Read the chapter on safety before the kiln is lit."
    )
    assert all("Thank you" not in answer for answer in told("summarization", text, "Introduction").values())
    assert told("summarization", text, "Introduction")
    assert told("summarization", text, "Glossary") == {}


def test_sides_of_a_contrast_are_no_quantities_of_anything() -> None:
    text = "Every extra shelf makes the kiln slower to heat, whereas an empty kiln is hot within an hour."
    assert not told("comparative_analysis", text)


def test_a_symptom_without_its_verb_becomes_a_clause_or_is_quoted() -> None:
    table = "| Problem | Cause | What to do |\n|---|---|---|\n| {} | Dirt | Clean the glass |"
    assert "What should you do if the card is refused at the desk?" in cells(table.format("Card refused at the desk"))
    assert "What should you do in case of “Smudged prints”?" in cells(table.format("Smudged prints"))
    assert "What should you do if the code E1 is shown?" in cells(table.format("E1 on the display"))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (
            "Close it. *Note: the pump stops. It starts again later.* Go on.",
            "Close it. Note: the pump stops. It starts again later. Go on.",
        ),  # noqa: E501
        ("The folder *public* is open.", "The folder public is open."),
        ("* one\n* two", "* one\n* two"),
        ("2 * 3 * 4 and **bold** and 5*", "2 * 3 * 4 and **bold** and 5*"),
    ],
)
def test_asterisks_around_words_are_left_out(text: str, clean: str) -> None:
    assert cleaned(text) == clean
