"""Short questions of the offline teacher: complete conditions, rows by their column, prices by what they are for."""

from __future__ import annotations

import re

import pytest

from docent.llm.structure.typed import TypedMaterial, TypedReply
from docent.teacher.english.grammar.instructions import instructions_of
from docent.teacher.english.grammar.sentences import questions_of
from docent.teacher.english.tables.columns import Cell, about_column
from docent.teacher.english.tables.compared import comparisons_of_tables
from docent.teacher.english.tables.labels import basis_of, label_of, value_of
from docent.teacher.english.tables.questions import rows_of_tables
from docent.teacher.english.writers.numbers import opposite_of, with_other_number
from docent.teacher.source.statements import statements_of
from docent.teacher.source.words import words_of_language
from docent.teacher.typed import write_typed

EN = words_of_language("en")


def told(question_type: str, text: str, name: str = "Loom handbook", **changes: object) -> dict[str, str]:
    """Questions and answers of one type about a section."""
    material = TypedMaterial(question_type, name, "Work", text, (), (), (), 20, "en", 300, 3, **changes)  # type: ignore[arg-type]
    return {p.question: p.answer for p in TypedReply.model_validate_json(write_typed(material, 0.4)).pairs}


def cells(table: str) -> dict[str, str]:
    return {cell.asked.question: cell.answer for row in rows_of_tables(table) for cell in row.cells}


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("The pump loses about 3 °C in the first minute.", []),
        ("The pump moves about 30 l per minute.", []),
        ("The hall is 30 m wide at the gate.", [("How wide is the hall at the gate?", "30 m")]),
        ("A calf should gain 9 to 11 per cent of its weight by May.", []),
        ("The bridge is 30 m long, but only if both leaves are closed.", []),
        ("The reel holds 9 kg in winter.", []),
        ("The bell rings and the lamp shows a code when a thread breaks.", []),
        ("The wall shows fine cracks up to 2 millimetres wide.", []),
        ("The barn has four bays of 3 m each.", [("How many bays of 3 m each does the barn have?", "four bays")]),
        ("A red lamp always stops the loom.", []),
        ("The lease lasts two years.", [("How long does the lease last?", "two years")]),
        ("The old reader accepts coins of up to three kinds.", []),
        ("The tank is supplied with every loom.", []),
        ("Starch protects the yarn.", []),
    ],
)  # fmt: skip
def test_a_question_has_every_condition_that_its_short_answer_leaves_out(
    sentence: str, expected: list[tuple[str, str]]
) -> None:
    assert [(asked.question, asked.short) for asked in questions_of(sentence, sentence)] == expected


def test_a_noun_that_could_be_a_verb_is_no_order() -> None:
    said = "Cover to the beams was measured with a steel ruler at 60 points."
    assert instructions_of(said) == []


def test_a_row_that_begins_with_a_code_is_named_with_its_column() -> None:
    table = "| Recipes | Yarn | Tension (N) |\n|---|---|---|\n| R2 | Wool | 40 |\n| 7 | Silk | 25 |\n"
    assert cells(table) == {
        "What is the tension of recipe R2?": "The tension of recipe R2 is 40 N.",
        "What is the tension of recipe 7?": "The tension of recipe 7 is 25 N.",
    }
    assert cells(table.replace("Recipes", "No.")) == {}


def test_values_have_their_unit_also_a_range_and_a_percentage() -> None:
    table = (
        "| Quantity | Value | Unit |\n|---|---|---|\n| Humidity range | 35 to 80 | % |\n"
        "| Ambient temperature | -20 to +50 | °C |\n"
        "| Yarn speed | 10–40 | m/s |\n| Noise level | ≤ 70 | dB |\n"
    )
    assert [answer.split(" is ")[1] for answer in cells(table).values()] == [
        "35 to 80 %.", "-20 to +50 °C.", "10–40 m/s.", "≤ 70 dB."
    ]  # fmt: skip
    daily = "| Property | Loom 2 |\n|---|---|\n| Average consumption (kWh per day) | 2.5 |\n"
    assert cells(daily) == {
        "What is the average consumption of Loom 2?": "The average consumption of Loom 2 is 2.5 kWh per day."
    }


@pytest.mark.parametrize(
    ("row", "basis"),
    [
        ([("Unit", "metre"), ("Price", "3")], "metre"),
        ([("Price", "3"), ("Remarks", "Price per metre")], "metre"),
        ([("Price", "3"), ("Remarks", "Sold by the hank")], "hank"),
        ([("Sales unit", "piece"), ("Price", "3")], ""),
        ([("Price", "3"), ("Remarks", "Blue")], ""),
        ([("Price", "3"), ("Remarks", "Pack of 12")], None),
    ],
)
def test_the_basis_of_a_price_is_read_anywhere_in_its_row(row: list[tuple[str, str]], basis: str | None) -> None:
    assert basis_of(row) == basis


def test_a_price_is_told_for_its_unit_or_not_at_all() -> None:
    table = (
        "| Article | Unit | Price (EUR) | Remarks |\n|---|---|---|---|\n| Waxed cord | metre | 0.80 | |\n"
        "| Bone needle | piece | 2.50 | |\n| Glass bead | piece | 4.00 | Price for 100 |\n"
    )
    assert cells(table) == {
        "How much does the waxed cord cost per metre?": "The waxed cord costs 0.80 euros per metre.",
        "How much does the bone needle cost?": "The bone needle costs 2.50 euros.",
    }
    assert comparisons_of_tables(table) == []
    record = "name: Waxed cord\nprice_eur: 0.80\nremarks: Price per metre"
    made = told("factual_recall", record, name="Waxed cord")
    assert made == {"How much does “Waxed cord” cost per metre?": "“Waxed cord” costs 0.80 euros per metre."}


@pytest.mark.parametrize(
    ("column", "value"),
    [("category", "Tool"), ("type", "Hand loom"), ("class", "B"), ("product group", "Yarn"), ("material", "Oak"),
     ("price", "12")],
)  # fmt: skip
def test_a_column_that_tells_nothing_by_itself_is_not_asked_about(column: str, value: str) -> None:
    assert about_column(Cell("the oak bobbin", label_of(column), value_of(value, ""), "source")) is None


@pytest.mark.parametrize(
    ("heading", "words"),
    [("Zip Code", "zip code"), ("zip", "zip code"), ("Phone extension", "phone extension"), ("phone", "phone number")],
)
def test_a_heading_that_is_short_for_a_name_is_written_out_once(heading: str, words: str) -> None:
    assert label_of(heading).words == words


def test_codes_are_neither_doubled_nor_exchanged_with_amounts() -> None:
    record = "name: Oak loom\nlender_zip: 04817\ninsured_eur: 5200"
    made = told("boolean", record, name="Oak loom", truths=(False, False, False))
    assert not any("zip" in question for question in made)
    text = "The speed of program 2 is 120 rpm. The mast of program 4 is 90 rpm fast."
    every = statements_of(text, EN)
    assert with_other_number(every[0], every) == "The speed of program 2 is 90 rpm."


def test_an_opposite_is_put_in_only_where_it_fits() -> None:
    assert opposite_of("The upper line shows the yarn, the lower line the speed.") is None
    assert opposite_of("The key is left in the door.") is None
    assert opposite_of("The keys open the door.") is None
    assert opposite_of("The lamp hangs above the yarn.") == "The lamp hangs below the yarn."
    assert opposite_of("The load increases in spring.") == "The load decreases in spring."


def test_a_blank_is_never_a_clause() -> None:
    text = (
        "The loom stops when the yarn is torn. The mat must be cleaned before the loom starts. The white bird is "
        "called Fly."
    )
    asked = [question for seed in range(6) for question in told("true_false_fill_blank", text, name=f"Loom {seed}")]
    assert any("called ____" in question for question in asked)
    assert not any(re.search(r"(?:stops|cleaned) ____", question) for question in asked)


def test_a_sentence_that_tells_what_happens_next_is_not_judged_alone() -> None:
    text = (
        "1. Tie the thread.\n2. Start the loom.\n\nThe loom runs slowly. The tension falls at first. "
        "The loom frame is oak."
    )
    made = told("boolean", text, truths=(True, True, True))
    assert list(made.values()) == ["True. The loom frame is oak."]


def test_a_single_statement_is_asked_about_although_a_false_one_cannot_be_made_as_well() -> None:
    assert len(told("boolean", "The loom frame is 3 m wide.", truths=(True, False))) == 1


def test_a_fault_that_is_no_plain_condition_is_not_asked_about() -> None:
    table = (
        "| Fault | Possible cause |\n|---|---|\n| Tension fluctuates by 5 N | Worn brake |\n| Loud hum | Dry oil |\n"
    )
    assert list(cells(table)) == ["What may be the cause of “Loud hum”?"]
