"""The offline teacher asks about tables as people do: cells with their units, faults as conditions, rows as things."""

from __future__ import annotations

import re

import pytest

from docent.llm.structure.typed import TypedMaterial, TypedReply
from docent.teacher.english.tables.columns import Cell, about_column
from docent.teacher.english.tables.compared import comparisons_of_tables
from docent.teacher.english.tables.labels import label_of, value_of
from docent.teacher.english.tables.questions import rows_of_tables
from docent.teacher.english.tables.table import tables_of
from docent.teacher.typed import write_typed

QUANTITIES = """| Quantity | Value | Unit |
|---|---|---|
| Line voltage | 690 | V |
| Flow rate at 2 bar | 31 | l/min |
| Idle power | TBD | kW |
"""
PLATE = "The rating plate of the drum gives the voltage, the flow rate and the idle power.\n\n"
MODELS = """| Property | Lark 2 | Lark 5 |
|---|---|---|
| Width (mm) | 310 | 455 |
| Noise level | 51 dB | 58 dB |
"""
FAULTS = """| Fault | Possible cause | Remedy |
|---|---|---|
| Drum does not turn | Door open | Close the door |
| | Belt torn | Replace the belt |
| Excessive foam | Too much soap | Use less soap |
| E12 | Drain blocked | Clear it with the wire |
"""


def told(text: str) -> dict[str, str]:
    """Questions about cells with their answers."""
    return {cell.asked.question: cell.answer for row in rows_of_tables(text) for cell in row.cells}


def test_a_quantity_is_asked_for_and_answered_with_its_unit_and_an_open_one_is_not() -> None:
    assert told(QUANTITIES) == {
        "What is the line voltage?": "The line voltage is 690 V.",
        "What is the flow rate at 2 bar?": "The flow rate at 2 bar is 31 l/min.",
    }


def test_columns_of_models_are_asked_about_one_by_one_and_compared() -> None:
    assert told(MODELS)["What is the width of Lark 5?"] == "The width of Lark 5 is 455 mm."
    compared = {pair.asked.question: pair.answer for pair in comparisons_of_tables(MODELS)}
    assert (
        compared["How do Lark 2 and Lark 5 compare in width?"]
        == "The width is 310 mm for Lark 2 and 455 mm for Lark 5."
    )


def test_a_fault_is_a_condition_and_its_causes_stand_together() -> None:
    made = told(FAULTS)
    assert made["What may be the cause if the drum does not turn?"] == (
        "If the drum does not turn, the possible causes are: door open; belt torn."
    )
    assert made["What should you do if the drum does not turn?"].endswith(
        "Door open: close the door. Belt torn: replace the belt."
    )
    assert made["What should you do in case of “Excessive foam”?"] == (
        "The cause of “Excessive foam” may be: too much soap. Use less soap."
    )
    # Nothing says what `it` is.
    assert "What should you do if the code E12 is shown?" not in made


def test_lamps_keys_and_tasks_are_asked_about_by_what_they_are() -> None:
    lamps = "| Lamp | Meaning |\n|---|---|\n| Blue | The pump is running |\n"
    keys = "| Key | Function |\n|---|---|\n| HOLD | Stops the drum |\n"
    tasks = "| Task | Interval |\n|---|---|\n| Check the hoses | monthly |\n| Replace the lamp | 5,000 hours |\n"
    assert told(lamps) == {"What does the lamp “Blue” mean?": "The lamp “Blue” means that the pump is running."}
    assert told(keys) == {"What does the HOLD key do?": "The HOLD key stops the drum."}
    assert told(tasks) == {
        "How often should you check the hoses?": "Check the hoses monthly.",
        "How often should you replace the lamp?": "Replace the lamp every 5,000 hours.",
    }


def test_rows_of_years_are_asked_about_as_times() -> None:
    table = "| Year | Visitors | Turnover (EUR) |\n|---|---|---|\n| 2019 | 3,210 | 40,500 |\n"
    assert told(table) == {
        "How many visitors were there in 2019?": "There were 3,210 visitors in 2019.",
        "What was the turnover in 2019?": "The turnover in 2019 was 40,500 euros.",
    }


@pytest.mark.parametrize(
    ("column", "value", "question", "answer"),
    [
        ("weight_kg", "41", "What is the weight of Merle?", "The weight of Merle is 41 kg."),
        ("opens", "09:30", "When does Merle open?", "Merle opens at 09:30."),
        ("restored", "1988", "When was Merle restored?", "Merle was restored in 1988."),
        ("cabins", "4", "How many cabins does Merle have?", "Merle has 4 cabins."),
        ("price_eur", "12.50", "How much does Merle cost?", "Merle costs 12.50 euros."),
        ("owner", "Ada Finch", "Who is the owner of Merle?", "The owner of Merle is Ada Finch."),
        ("on_loan_until", "2030-01-31", "Until when is Merle on loan?", "Merle is on loan until 2030-01-31."),
        ("Skipper Available", "N", "Is a skipper available at Merle?", "No, a skipper is not available at Merle."),
    ],
)
def test_a_column_of_a_list_is_asked_for_in_plain_words(column: str, value: str, question: str, answer: str) -> None:
    label = label_of(column)
    made = about_column(Cell("Merle", label, value_of(value, label.unit), "source", is_record=True))
    assert made is not None and (made.asked.question, made.answer) == (question, answer)


@pytest.mark.parametrize("column", ["xref", "kW", "sort", "url"])
def test_a_column_that_nobody_asks_for_gives_no_question(column: str) -> None:
    assert about_column(Cell("Merle", label_of(column), "A7", "source", is_record=True)) is None


@pytest.mark.parametrize(
    "question_type", ["fact_based", "factual_recall", "boolean", "summarization", "section_summary"]
)
def test_no_answer_repeats_a_row_as_data(question_type: str) -> None:
    # Summaries tell short tables of quantities, the other types any table.
    is_summary = "summar" in question_type
    text = f"{PLATE}{QUANTITIES.replace('TBD', '4')}" if is_summary else f"{QUANTITIES}\n{MODELS}\n{FAULTS}"
    facts = tuple(table.fact(row) for table in tables_of(text) for row in table.rows)
    material = TypedMaterial(
        question_type, "Lark Manual", "Data", text, facts, (), (), 20, "en", 300, 5, truths=(True, True)
    )
    made = TypedReply.model_validate_json(write_typed(material, 0.4)).pairs
    assert made
    assert not any(
        re.search(r"Quantity:|Value:|Property:|Fault:|; Unit|\|", pair.question + pair.answer) for pair in made
    )


@pytest.mark.parametrize(
    ("table", "is_told"),
    [
        (QUANTITIES.replace("TBD", "0.4"), True),
        (QUANTITIES, False),  # one row says nothing
        (MODELS, False),
        (FAULTS, False),
        (QUANTITIES.replace("TBD", "0.4") + "".join(f"| Weight of part {n} | {n} | kg |\n" for n in range(6)), False),
        ("| Term | Meaning |\n|---|---|\n| Drum | The part that turns |\n| Sump | The part below it |\n", False),
    ],
)
def test_a_summary_tells_every_row_of_a_short_table_of_quantities_and_no_other_table(table: str, is_told: bool) -> None:
    text = f"{PLATE}Wear gloves at the drum.\n\n{table}"
    material = TypedMaterial("summarization", "Lark Manual", "Data", text, (), (), (), 1, "en", 300, 5)
    made = TypedReply.model_validate_json(write_typed(material, 0.4)).pairs
    assert [all(value in pair.answer for value in ("690 V", "31 l/min", "0.4 kW")) for pair in made] == [True] * is_told
