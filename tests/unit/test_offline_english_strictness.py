"""What the English offline teacher leaves out or asks differently, because readers found it weak or wrong."""

from __future__ import annotations

import re

import pytest

from docent.llm.structure.typed import TypedMaterial, TypedReply
from docent.teacher.english.grammar.instructions import instructions_of
from docent.teacher.english.grammar.sentences import questions_of
from docent.teacher.english.tables.columns import Cell, about_column
from docent.teacher.english.tables.labels import as_written, label_of, named
from docent.teacher.english.tables.names import owner_of
from docent.teacher.english.tables.questions import rows_of_tables
from docent.teacher.english.writers.judged import with_blank
from docent.teacher.source.references import leans
from docent.teacher.source.statements import Statement
from docent.teacher.typed import write_typed

SENTENCE = "The {thing} of the kiln is cleaned by two people with a soft brush in the spring of every year. "
RECORD = "Name: Hook brass\nGroup: Rigging\nLength (mm): 60\nWeight (g): 45\nPrice (EUR): 3.20"
DATA = "| Quantity | Value | Unit |\n| --- | --- | --- |\n| Rated load | 40 | kg |\n| Sound level at 1 m | 51 | dB |"


def told(question_type: str, text: str, title: str = "2.3 The kiln", **changes: object) -> dict[str, str]:
    """Questions and answers of one type about a section of a handbook."""
    fields = {"name": "Pottery handbook", "facts": (), "others": (), "pairs": 30, **changes}
    material = TypedMaterial(
        question_type, title=title, text=text, figures=(), language="en", max_answer_words=300, seed=3,
        **fields,  # type: ignore[arg-type]
    )  # fmt: skip
    return {p.question: p.answer for p in TypedReply.model_validate_json(write_typed(material, 0.4)).pairs}


def asked(sentence: str) -> list[str]:
    return [one.question for one in [*questions_of(sentence, sentence), *instructions_of(sentence)]]


def test_a_long_section_told_whole_is_asked_what_it_says() -> None:
    text = "".join(SENTENCE.format(thing=thing) for thing in ("door", "grate", "flue", "floor", "roof"))
    assert list(told("section_summary", text)) == ["What does “2.3 The kiln” in “Pottery handbook” say?"]


def test_steps_told_whole_are_asked_for_as_steps() -> None:
    text = "1. Open the door of the kiln slowly.\n2. Take out the upper shelf.\n3. Let the pots cool for an hour."
    assert list(told("summarization", text)) == ["Which steps does “2.3 The kiln” in “Pottery handbook” describe?"]


def test_a_short_section_without_steps_is_its_own_summary() -> None:
    text = "".join(SENTENCE.format(thing=thing) for thing in ("door", "grate", "flue"))
    (question,) = told("summarization", text)
    assert re.search(r"summarize|in short|main points", question)


@pytest.mark.parametrize(
    "sentence",
    ["In return, second-rate clay costs less.", "Do not open the door earlier.", "The glaze is far more important."],
)
def test_a_comparison_without_its_other_side_needs_the_sentence_before(sentence: str) -> None:
    assert leans(sentence, "en")
    assert not leans("The glaze is far more important than the clay.", "en")


def test_a_thing_out_of_a_table_says_nothing_and_is_called_as_it_is_written() -> None:
    questions = [*told("true_false_fill_blank", RECORD, "", name="Hook brass")]
    questions += told("factual_recall", RECORD, "", name="Hook brass")
    assert "What is the length of “Hook brass”?" in questions
    assert any(question.startswith("Fill in the blank: “") for question in questions)
    assert not any("says" in question or "ccording to" in question for question in questions)
    assert "Fill in the blank: “The length of Hook brass is ____.”" in questions
    assert as_written("Hook M8") == "Hook M8"


def test_what_is_done_gets_no_article() -> None:
    assert named("Hand filling", "") == "“Hand filling”"
    assert named("Lower bearing", "") == "the lower bearing"


def test_the_main_facts_of_a_thing_are_all_its_cells_or_nothing() -> None:
    assert len(told("summarization", RECORD, "", name="Hook brass")) == 1
    assert told("summarization", f"{RECORD}\nRemarks: Polished", "", name="Hook brass") == {}


@pytest.mark.parametrize("column", ["Distance to wall", "Height above floor"])
def test_a_column_with_a_place_in_its_head_is_not_asked_about(column: str) -> None:
    assert about_column(Cell("the kiln", label_of(column), "40 cm", "")) is None


@pytest.mark.parametrize(
    ("title", "text", "others", "owner"),
    [
        ("5.1 Data of the Rondo 40", "", ("The Rondo 60 is larger.",), "the Rondo 40"),
        ("5.1 Data", "The Rondo 40 is small.", ("The Rondo 60 is larger.",), None),
        ("5.1 Data", "The Rondo 40 is small.", ("See Table 12 and Table 13.",), ""),
        ("Data of the Rondo 40 and 60", "", ("The Rondo 60 is larger than the Rondo 40.",), None),
    ],
)
def test_data_belong_to_the_model_of_their_heading(title: str, text: str, others: tuple[str, ...], owner: str) -> None:
    assert owner_of(title, text, others) == owner


def test_data_are_asked_about_with_their_model_or_not_at_all() -> None:
    questions = [cell.asked.question for row in rows_of_tables(DATA, "the Rondo 40") for cell in row.cells]
    assert questions == ["What is the rated load of the Rondo 40?", "What is the sound level at 1 m for the Rondo 40?"]
    others = (("Models", "There are the Rondo 40 and the Rondo 60."),)
    assert told("factual_recall", DATA, "Data", others=others) == {}


@pytest.mark.parametrize("sentence", ["Four measures are proposed.", "The permit is enclosed with the delivery."])
def test_no_statement_is_made_false_by_a_negation(sentence: str) -> None:
    text = f"{sentence} The permit is signed by the mayor of the town."
    assert told("boolean", text, truths=(False,), pairs=1) == {}


def test_a_noun_that_the_heading_calls_in_full_is_no_subject() -> None:
    text = "The permit is enclosed with the delivery of the kiln."
    assert told("true_false_fill_blank", text, "4 Permit of use") == {}
    assert told("factual_recall", text, "4 Permit of use") == {}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("The council decides on the measures 1 to 3 before summer.", "Report"),
        ("The kiln called Rondo 40 has a rated load of 40 kg on every shelf.", "Report"),
        ("The oven for the potters has a rated load of 40 kg on every shelf.", "Rondo 40 handbook"),
    ],
)
def test_a_blank_is_no_end_of_a_range_and_no_number_that_the_question_gives_away(text: str, name: str) -> None:
    assert with_blank(Statement(text, text), (), name) == ""


def test_only_moves_out_of_the_end_of_a_question() -> None:
    assert asked("The kiln is cleaned only every two weeks.") == ["How often is the kiln cleaned?"]


@pytest.mark.parametrize(
    "sentence",
    [
        "Fill the rack to the mark and wipe every shelf.",
        "The pots are turned every shelf.",
        "Thick soot is a sign of too little air.",
        "Night mode is the best choice for small kilns.",
        "The kiln may be used only to heat clay in closed rooms with a pressure of up to 3 bar.",
        "A single fan serves the kiln and the drying room.",
        "Water takes heat from the clay and dust must then be removed from the air, so that heat is paid for twice.",
        "Open the flap after about six minutes.",
    ],
)
def test_sentences_that_no_question_fits_are_not_asked_about(sentence: str) -> None:
    assert asked(sentence) == []


def test_frequencies_are_still_asked_for() -> None:
    assert asked("The pots are turned every two hours.") == ["How often are the pots turned?"]


def test_a_fault_keeps_the_capitals_of_its_code() -> None:
    table = "| Fault | Cause | Remedy |\n| --- | --- | --- |\n| F02: Door open | Latch worn | Replace the latch |"
    (row,) = rows_of_tables(table)
    assert row.cells[0].asked.question == "What may be the cause if “F02: Door open” is shown?"


def test_an_order_within_steps_is_asked_about_within_its_procedure() -> None:
    text = "1. Stop the fan if the red lamp is on.\n2. Open the lower door of the kiln."
    assert list(told("application", text)) == [
        "According to “2.3 The kiln” in “Pottery handbook”, what should you do if the red lamp is on?"
    ]


def test_steps_that_point_outside_are_no_procedure() -> None:
    steps = "1. Open the door.\n2. Set the dial to the value {where}.\n3. Close the door."
    title = "Setting the dial"
    assert told("process_workflow", steps.format(where="given above for your clay"), title) == {}
    assert len(told("process_workflow", steps.format(where="of 3 for red clay"), title)) == 1


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("2.1 Kiln room", "The kiln needs a dry room. The kiln weighs 400 kg. The kiln stands on a level floor."),
        ("2.2 Equipment", "Heat is supplied by two burners. They stand below the floor. Heat is lost in the flue."),
        (
            "2.4 Probe",
            "The probe has a brake. The probe is greased in spring. The wire is of copper. The probe weighs 5 kg.",
        ),
    ],
)
def test_a_long_answer_is_about_the_topic_of_its_section_and_leaves_nothing_out(title: str, text: str) -> None:
    made = told("long_answer", text, title)
    assert not any(re.search(r"about (?:the kiln|heat)\?", question) for question in made)
    assert all("copper" in answer for question, answer in made.items() if "the probe?" in question)
