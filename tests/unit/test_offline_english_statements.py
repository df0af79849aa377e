"""What the English offline teacher makes of numbers in names, of tables of faults and tasks, and of findings."""

from __future__ import annotations

import pytest

from docent.llm.structure.typed import TypedMaterial, TypedReply
from docent.teacher.english.grammar.clarity import is_unexplained
from docent.teacher.english.grammar.instructions import instructions_of
from docent.teacher.english.grammar.sentences import questions_of
from docent.teacher.english.tables.compared import comparisons_of_tables
from docent.teacher.english.tables.questions import rows_of_tables
from docent.teacher.english.writers.numbers import is_measured, opposite_of
from docent.teacher.typed import write_typed


def told(question_type: str, text: str, title: str = "2.3 The loom", **changes: object) -> dict[str, str]:
    """Questions and answers of one type about a section of a handbook."""
    fields = {"name": "Weaving handbook", "facts": (), "others": (), "pairs": 30, **changes}
    material = TypedMaterial(
        question_type, title=title, text=text, figures=(), language="en", max_answer_words=300, seed=3,
        **fields,  # type: ignore[arg-type]
    )  # fmt: skip
    return {p.question: p.answer for p in TypedReply.model_validate_json(write_typed(material, 0.4)).pairs}


def asked(sentence: str) -> list[str]:
    return [one.question for one in [*questions_of(sentence, sentence), *instructions_of(sentence)]]


def cells(table: str) -> dict[str, str]:
    return {cell.asked.question: cell.answer for row in rows_of_tables(table) for cell in row.cells}


@pytest.mark.parametrize(
    ("text", "digits", "expected"),
    [
        ("The Selva 30 is sold with a bench.", "30", False),
        ("Gate 3 is closed in winter.", "3", False),
        ("The lamps of gate 3 are lit in winter.", "3", False),
        ("The loom weighs 85 kg in all.", "85", True),
        ("The loom needs 7 newtons of force.", "7", True),
        ("The loom has 8 wooden pedals.", "8", True),
        ("The loom was built in 1931.", "1931", True),
        ("The yarn costs €12 today.", "12", True),
    ],
)
def test_only_numbers_that_measure_or_count_are_exchanged(text: str, digits: str, expected: bool) -> None:
    start = text.index(digits)
    assert is_measured(text, start, start + len(digits)) is expected


@pytest.mark.parametrize(
    "text",
    ["The Selva 30 fits on a table of oak.", "Gate 3 is the real trouble of the yard.", "Hall 2 and gate 3 are level."],
)
def test_no_false_statement_has_another_number_in_a_name(text: str) -> None:
    assert told("boolean", f"{text} Gate 5 is of oak.", truths=(False,), pairs=1) == {}


@pytest.mark.parametrize(
    "sentence",
    ["Two looms are kept for disabled weavers.", "The reed is always reset.", "The upper lamp shows the yarn."],
)
def test_no_adjective_or_adverb_is_exchanged_for_its_opposite(sentence: str) -> None:
    assert opposite_of(sentence) is None


@pytest.mark.parametrize(
    "sentence",
    [
        "A wooden reed is lighter and needs hardly any care.",
        "The two ways differ in speed and in price.",
        "The comb was fastened with a cord of hemp on all of the days.",
    ],
)
def test_statements_that_lean_on_their_section_are_not_judged(sentence: str) -> None:
    assert told("boolean", sentence, truths=(True,), pairs=1) == {}
    assert len(told("boolean", "A wooden reed is lighter than one of steel.", truths=(True,), pairs=1)) == 1


def test_a_noun_is_explained_by_the_title_or_where_the_section_says_it_again() -> None:
    said = "The comb is fastened with a cord."
    assert is_unexplained(said, f"The frame has a steel comb. {said}", "Frame")
    assert is_unexplained(said, said, "Frame")
    assert not is_unexplained(said, said, "The comb")
    assert not is_unexplained(said, f"The frame has a comb. {said}", "Frame")
    assert not is_unexplained(said, said, "Frame", ("Lift the comb.", "Then the comb is oiled."))


def test_a_fault_that_is_no_noun_phrase_with_an_article_is_quoted() -> None:
    table = (
        "| Symptom | Cause | Remedy |\n| --- | --- | --- |\n| Whistle missing | Reed upside down | Turn the reed |\n"
        "| A loud hum | Belt loose | Tighten the belt |\n| One edge too tight | Comb bent | Replace the comb |\n"
        "| Code E7 | Motor hot | Wait an hour |"
    )
    made = cells(table)
    assert made["What may be the cause of “Whistle missing”?"] == (
        "The cause of “Whistle missing” may be: reed upside down."
    )
    assert "What may be the cause of “One edge too tight”?" in made
    assert "What may be the cause in case of a loud hum?" in made
    assert "What may be the cause if code E7 is shown?" in made
    (whole, *_) = [row.whole for row in rows_of_tables(table)]
    assert whole is not None and whole.asked.question.endswith("of “Whistle missing”, and what should you do?")
    assert whole.answer == "The cause of “Whistle missing” may be: reed upside down. Turn the reed."


def test_tasks_are_asked_about_as_one_order_or_quoted() -> None:
    table = (
        "| Task | Interval |\n| --- | --- |\n| Hoover the floor and the mat | weekly |\n"
        "| Oil the pedals, adjust | every 3 months |\n| Clean and oil the reed | yearly |\n| Belt inspection | yearly |"
    )
    assert cells(table) == {
        "How often should you hoover the floor and the mat?": "Hoover the floor and the mat weekly.",
        "What is the interval for “Oil the pedals, adjust”?": "The interval for “Oil the pedals, adjust” is 3 months.",
        "What is the interval for “Clean and oil the reed”?": "The interval for “Clean and oil the reed” is yearly.",
        "How often is the belt inspection due?": "The belt inspection is due yearly.",
    }


def test_values_that_are_lists_are_not_asked_about() -> None:
    table = (
        "| Property | Selva 30 | Selva 50 |\n| --- | --- | --- |\n| Angle (degrees) | 60, 90 | 60, 90, 110 |\n"
        "| Weight (kg) | 46 | 71 |"
    )
    assert not any("angle" in question for question in cells(table))
    assert len(cells(table)) == 2
    things = (
        "| Loom | Width (cm) | Angle (degrees) | Weight (kg) |\n| --- | --- | --- | --- |\n"
        "| Selva | 90 | 60, 90 | 46 |\n| Silva | 80 | 60, 80 | 40 |"
    )
    assert not any(row.whole and "60," in row.whole.answer for row in rows_of_tables(things))
    assert told("factual_recall", "Data of the loom:\n\n- Angle: 60, 90\n- Weight: 46 kg") == {
        "According to “Weaving handbook”, what is the weight?": "The weight is 46 kg."
    }
    assert ["angle" in one.asked.question for one in comparisons_of_tables(table)] == [False]


@pytest.mark.parametrize("sentence", ["The bell tells the weaver where the yarn is.", "Worn combs let the yarn slip."])
def test_verbs_with_two_objects_are_not_asked_with_what(sentence: str) -> None:
    assert asked(sentence) == []


def test_the_most_common_cause_is_asked_for_by_its_name() -> None:
    said = "Dust is the most common cause of torn yarn."
    assert asked(said) == ["What is the most common cause of torn yarn?"]


def test_how_long_something_takes_has_what_it_takes_so_long_for() -> None:
    (one,) = questions_of("The steam press takes 40 minutes to heat up.", "")
    assert (one.question, one.short) == ("How long does the steam press take to heat up?", "40 minutes")
