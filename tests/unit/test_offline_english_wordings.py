"""Wordings that readers of the offline teacher's pairs about six manuals found weak or wrong."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from docent.llm.structure.typed import TypedMaterial, TypedReply
from docent.teacher.english.grammar.clarity import stands_alone, with_document
from docent.teacher.english.grammar.instructions import instructions_of
from docent.teacher.english.grammar.question import who_or_what
from docent.teacher.english.grammar.sentences import questions_of
from docent.teacher.english.tables.compared import comparisons_of_tables
from docent.teacher.english.tables.labels import Label, label_of, value_of
from docent.teacher.english.tables.questions import rows_of_tables
from docent.teacher.english.writers.judged import with_blank
from docent.teacher.english.writers.pairs import Pair
from docent.teacher.source.statements import Statement, cleaned
from docent.teacher.typed import write_typed

KEYS = "| Key | Name | Length | Use |\n|---|---|---|---|\n| 1 | Short | 55 s | Cups |\n| 2 | Long | 80 s | Pots |"
CARTS = "| | Fox | Bear |\n|---|---|---|\n| Load | 25 kg | 60 kg |"
VARIANTS = (
    "The **KL-3** is fired with wood. It has no blower.\n\nThe **KL-4** is fired with gas. The machine is 2 m high."
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
        "Two people are needed to lift the small kiln and four to lift the large one.",
        "Owners of the Duetto S skip steps 1 to 4 and fill the tank.",
        "The rim of the wheel can reach more than 70 metres per second.",
        "The commonest trouble is a count that does not tally.",
        "If in doubt, call the keeper.",
    ],
)
def test_sentences_whose_question_would_be_broken_trivial_or_circular_are_not_asked_about(sentence: str) -> None:
    assert [*questions_of(sentence, sentence), *instructions_of(sentence)] == []


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("A leaking seal is the usual cause of low pressure.", "What is the usual cause of low pressure?"),
        ("The kiln is a gas oven with two doors.", "What is the kiln?"),
    ],
)
def test_what_is_told_in_full_still_is(sentence: str, question: str) -> None:
    asked = [one.question for one in [*questions_of(sentence, sentence), *instructions_of(sentence)]]
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


@pytest.mark.parametrize(
    "title", ["Welcome", "The first firing", "Every week", "Before you start", "Description of parts"]
)
def test_a_section_told_in_detail_is_asked_for_by_its_quoted_heading(title: str) -> None:
    text = "The kiln stands in the yard. Its door opens to the left. Two people are needed to lift the lid."
    assert told("long_answer", text, title) == {f"What does “{title}” in “Pottery handbook” say in detail?": text}
    assert told("long_answer", text, "Glossary") == {}


def test_words_and_what_they_mean_are_no_summary_whatever_their_heading() -> None:
    text = "Biscuit – a pot that was fired once. Cone – a strip that bends in the heat. Slip – clay and water."
    assert told("summarization", text, "Useful to know") == told("long_answer", text, "Useful to know") == {}


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
    "sentence",
    [
        "The blower heats the lower chamber with hot air.",
        "Open the lid before the kiln is lit.",
        "The fan stops when the lid is opened.",
        "Close the flap so that no smoke flows back into the room.",
        "The keeper opens the lower door of the kiln.",
    ],
)
def test_single_sentences_give_no_question_of_a_form_that_readers_seldom_found_useful(sentence: str) -> None:
    assert [*questions_of(sentence, sentence), *instructions_of(sentence)] == []
    assert told("factual_recall", sentence) == told("short_answer", sentence) == told("conversation", sentence) == {}


def test_a_letter_in_brackets_is_a_unit_only_of_what_it_measures() -> None:
    assert label_of("Supply (V)") == Label("supply", "V")
    assert label_of("Vocal scores (V)").unit == ""
    assert not label_of("Vocal scores (V)").is_measure
    assert label_of("Pressure (S, M)").words == "pressure (S, M)"


def test_a_measure_behind_a_comma_belongs_to_what_stands_before_it() -> None:
    table = "| Quantity | Value |\n|---|---|\n| Firing chamber, volume | 40 l |\n| Shelves, width | 30 cm |"
    assert cells(table) == {
        "What is the volume of the firing chamber?": "The volume of the firing chamber is 40 l.",
        "What is the width of shelves?": "The width of shelves is 30 cm.",
    }
    assert cells("| Quantity | Value |\n|---|---|\n| A full box, large vases | 12 kg |") == {}


def test_a_sign_of_a_fault_is_no_sign_that_shows_something() -> None:
    table = "| Sign | Cause | Remedy |\n|---|---|---|\n| Smoke in the room | Flap shut | {} |"
    asked = cells(table.format("Open the flap, call the keeper"))
    assert asked["What should you do in case of “Smoke in the room”?"].endswith("Open the flap and call the keeper.")
    assert not [question for question in asked if "the sign shows" in question]


def test_a_symptom_of_two_parts_is_quoted_and_one_without_an_article_gets_it() -> None:
    table = "| Problem | Cause | What to do |\n|---|---|---|\n| {} | A magnet is dirty | Clean the glass |"
    (cause, remedy) = cells(table.format("Fan is loud, little heat")).items()
    assert cause == (
        "What may be the cause of “Fan is loud, little heat”?",
        "The cause of “Fan is loud, little heat” may be: a magnet is dirty.",
    )
    assert remedy[1] == "The cause of “Fan is loud, little heat” may be: a magnet is dirty. Clean the glass."
    assert "What should you do if the grass box fills only halfway?" in cells(
        table.format("Grass box fills only halfway")
    )


STEPS = "1. Open the flap.\n2. Lay the wood in.\n3. Light it."


@pytest.mark.parametrize(
    ("title", "text", "is_asked"),
    [
        ("Lighting the kiln", STEPS, True),
        ("Lighting the kiln", f"{STEPS}\n\n**Note:** Stand back.\n\n4. Close the flap.", False),
        ("Lighting the kiln", f"{STEPS}\n\nFinally close the flap and wait.", False),
        ("Lighting the kiln", f"{STEPS}\n\nThe kiln is hot after an hour.", True),
        ("Looking after the kiln", f"The grate is emptied twice a day:\n\n{STEPS}", False),
        ("Lighting the kiln", f"Follow these steps:\n\n{STEPS}", True),
        ("Hardness", STEPS, False),
        ("Missing children", STEPS, False),
    ],
)
def test_steps_are_asked_for_by_a_heading_that_they_are_all_of(title: str, text: str, is_asked: bool) -> None:
    assert bool(told("process_workflow", text, title)) == is_asked


def test_a_note_within_a_step_has_no_mark_of_a_quotation() -> None:
    (answer,) = told(
        "process_workflow", STEPS.replace("in.\n3", "in.\n   > Wear gloves.\n3"), "Lighting the kiln"
    ).values()
    assert "2. Lay the wood in. Wear gloves." in answer


def test_a_blank_is_no_half_of_a_time() -> None:
    text = "The evening firing begins at 17:00 and needs two people."
    assert "____:" not in with_blank(Statement(text, text), (), "") and ":____" not in with_blank(
        Statement(text, text), (), ""
    )


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


def test_what_leaves_sentences_out_is_no_summary() -> None:
    about = "The {} of the kiln is cleaned by two people with a soft brush in the spring of every year. "
    parts = [about.format(part) for part in ("door", "grate", "flue", "floor", "roof", "frame")]
    text = f"{''.join(parts[:3])}\n\n{''.join(parts[3:])}"
    assert told("summarization", text, "Cleaning") == {}
    assert len(told("section_summary", text, "Cleaning")) == 1
    assert told("section_summary", f"This manual covers three kilns. Its parts are the same. {text}", "Cleaning") == {}
    assert told("section_summary", f'{text} Then follow "Closing" below.', "Cleaning") == {}


def test_a_section_of_prose_with_a_few_steps_is_not_asked_about_as_steps() -> None:
    prose = "The door of the kiln is cleaned by two people with a soft brush in the spring of every year. " * 5
    assert all("say?" in question for question in told("section_summary", f"{prose}\n\n1. Knock.\n2. Enter.", "Doors"))
    steps = STEPS.replace("wood in", "dry wood in with both hands from the front of the kiln")
    assert all("steps" in question for question in told("section_summary", f"Read this first of all.\n\n{steps}"))


@pytest.mark.parametrize(
    "sentence",
    [
        "If one is out, replace the lamp before opening.",
        "If there is no answer, use the bell.",
        "When gravity is not enough, Pump 1 starts.",
        "Three methods are supported.",
    ],
)
def test_what_only_its_section_explains_is_not_asked_about(sentence: str) -> None:
    asked = [one.question for one in [*questions_of(sentence, sentence), *instructions_of(sentence)]]
    assert not [question for question in asked if question.startswith(("What should", "What are"))]


@pytest.mark.parametrize(
    ("sentence", "is_clear"),
    [
        ("The lunar rate is a little slower.", False),
        ("The large kiln holds nearly twice as much.", False),
        ("Hang up the card and proceed as follows.", False),
        ("The lunar rate is a little slower than the solar rate.", True),
        ("The large kiln holds twice as much as the small one.", True),
    ],
)
def test_a_comparison_needs_what_it_compares_with(sentence: str, is_clear: bool) -> None:
    assert stands_alone(Statement(sentence, sentence)) == is_clear


def test_a_symptom_without_a_subject_is_quoted_and_parts_are_counted() -> None:
    table = "| Problem | Cause | What to do |\n|---|---|---|\n| Does not start | Tank empty | Fill the tank |"
    assert "What should you do in case of “Does not start”?" in cells(table)
    models = "| Property | K45 | K80 |\n|---|---|---|\n| Heating zones | 1 | 2 |\n| Weight | 3 kg | 4 kg |"
    assert cells(models)["How many heating zones does K80 have?"] == "K80 has 2 heating zones."


def test_people_are_asked_for_with_who() -> None:
    assert who_or_what("the projectionist") == "Who"


@pytest.mark.parametrize(
    "text", ["Pumps 1 and 2 are submersible and electrically driven.", "The switch has three positions."]
)
def test_a_blank_is_no_number_in_a_name_and_leaves_enough_words(text: str) -> None:
    pairs = [Pair("How many?", text, "three positions", "value", text, Statement(text, text))]
    assert with_blank(Statement(text, text), pairs, "") == ""
    assert with_blank(Statement(told := "The pump in the yard lifts 30 litres a minute.", told), (), "") != ""


def test_numbers_of_parts_are_not_compared_and_a_numbered_thing_gets_no_article() -> None:
    models = "| Property | K45 | K80 |\n|---|---|---|\n| Heating zones | 1 | 2 |\n| Weight | 3 kg | 4 kg |"
    assert [one.asked.question for one in comparisons_of_tables(models)] == ["How do K45 and K80 compare in weight?"]
    assert [row.whole.asked.question for row in rows_of_tables(models) if row.whole] == [
        "What is the weight of K45 and of K80?"
    ]
    table = "| Problem | Cause | What to do |\n|---|---|---|\n| Pump 3 runs but is dry | Leak | Call the fitters |"
    about = "Pump 3 is driven by a diesel engine. When pump 3 runs, the others rest."
    asked = cells(f"{about}\n\n{table}")
    assert [question for question in asked if "the pump 3" in question.lower()] == [] and len(asked) == 2


def test_a_reason_that_is_the_second_one_needs_the_first() -> None:
    text = "Low temperature is the second common reason."
    assert not stands_alone(Statement(text, text))


PROPERTIES = (
    "| | Engine | Water tanker |\n|---|---|---|\n| Seats | 6 | 2 |\n| Weight, laden | 13 t | 16 t |\n"
    "| Loan period | short | 3 days |"
)


def test_a_table_without_a_first_heading_has_its_things_over_the_columns() -> None:
    about = "The engine goes first and the water tanker second."
    asked = cells(f"{about}\n\n{PROPERTIES}")
    assert asked["How many seats does the engine have?"] == "The engine has 6 seats."
    assert [question for question in asked if "engine for seats" in question or "laden" in question] == []
    assert [question for question in asked if "loan period" in question] == [
        "What is the loan period of the water tanker?"
    ]


def test_a_part_of_a_section_and_a_passing_remark_are_not_taken_for_the_whole() -> None:
    text = (
        "Grease the guide of the wedge every day. Sharpen its edge with a file. Check the hoses for cracks each month."
    )
    parted = TypedMaterial(
        "summarization", title="9 Maintenance", text=text, figures=(), language="en", max_answer_words=300, seed=3,
        name="Pottery handbook", facts=(), others=(("9.1 Changing the oil", "Drain the oil."),), pairs=30,
    )  # fmt: skip
    assert json.loads(write_typed(parted, 0.4))["pairs"] == []
    assert len(json.loads(write_typed(replace(parted, others=()), 0.4))["pairs"]) == 1
    remark = "Loss of force is the fault most frequently reported."
    assert questions_of(remark, remark) == []


def test_a_blank_in_a_cell_is_its_value_and_a_bare_count_is_not_judged() -> None:
    told_cell = "The noise at 1 m of the kiln is 63 dB."
    assert with_blank(Statement(told_cell, told_cell, "row", place=-1), (), "").endswith("is ____.")
    assert told("boolean", "Three types are available. The lid of the kiln weighs 30 kg.")
    assert not [q for q in told("boolean", "Three types are available.")]


def test_a_letter_or_a_short_code_does_not_say_what_is_meant() -> None:
    assert with_document("What is the range of C1?", "Calder C2 and C1 Meters", "“Calder”").startswith("According to")
    assert not with_document("What is the range of C100?", "Calder C100 Meter", "“Calder”").startswith("According to")
    assert cells("We have two ovens, A and B.\n\n| | A | B |\n|---|---|---|\n| Temperature | 20 °C | 25 °C |") == {}


def test_a_value_of_several_parts_is_not_asked_about() -> None:
    table = "| | KB 30 | KB 45 |\n|---|---|---|\n| Thickness | 10 or 12 mm, fixed | 9 or 11 mm, fixed |"
    assert cells(table) == {} and comparisons_of_tables(table) == []
    assert [row.whole for row in rows_of_tables(table)] == [None]


def test_a_limit_that_does_not_say_that_it_is_one_is_not_asked_about() -> None:
    assert not label_of("Ambient temperature").is_measure and label_of("Room temperature").is_measure


def test_a_symptom_of_three_words_gets_its_verb() -> None:
    table = "| Problem | Cause | What to do |\n|---|---|---|\n| Card not recognised | Dirt | Clean the card |"
    assert "What should you do if the card is not recognised?" in cells(table)


def test_a_heading_that_only_says_when_and_a_statement_of_four_words_are_left_out() -> None:
    text = "Remove the rear panel of the slicer. Wash the knife by hand in warm water. Dry it with a clean cloth."
    assert told("summarization", text, "Weekly") == told("long_answer", text, "Weekly") == {}
    assert told("summarization", text, "Weekly cleaning")
    assert told("boolean", "Cleaning seed raises dust.") == {}
    assert told("boolean", "A value between 15 and 20 per cent means that the seed is ready.") == {}


@pytest.mark.parametrize("seed", range(6))
def test_all_of_a_section_is_not_called_short(seed: int) -> None:
    material = TypedMaterial(
        "summarization", title="The kiln", figures=(), language="en", max_answer_words=300, seed=seed,
        text="The kiln stands in the yard. Its door opens to the left. Two people are needed to lift the lid of it.",
        name="Pottery handbook", facts=(), others=(), pairs=30,
    )  # fmt: skip
    (pair,) = json.loads(write_typed(material, 0.4))["pairs"]
    assert "in short" not in pair["question"]


def test_a_greatest_number_is_no_number_that_a_thing_has() -> None:
    table = "| | PX-10 | PX-25 |\n|---|---|---|\n| Maximum plates | 60 | 150 |\n| Plates | 40 | 80 |"
    assert [question for question in cells(table) if "maximum plates does" in question] == []
    assert "How many plates does PX-10 have?" in cells(table)


def test_a_number_in_a_model_is_no_blank_and_a_heading_that_runs_in_no_subject() -> None:
    text = "The HM 28 R and the HM 65 P are driven by a petrol engine from the yard."
    assert with_blank(Statement(text, text), (), "") == ""
    said = "KD 110. The smallest machine is a drill with one handle for short holes."
    assert questions_of(said, said) == []
    table = "| Problem | Cause | What to do |\n|---|---|---|\n| Shaft stops | Jam | Clear it as described above |"
    assert [question for question in cells(table) if "What should you do" in question] == []


def test_empty_labels_and_parts_of_cells_are_survived() -> None:
    models = "| Property | PX-10 | PX-25 |\n|---|---|---|\n| Weight | 12 kg | 14 kg |\n| (kg) | 3 | 4 |"
    assert len(cells(models)) == 2
    faults = "| Fault | Remedy |\n|---|---|\n| The pump does not start | , open the tap |"
    assert cells(faults) is not None


@pytest.mark.parametrize(
    "sentence",
    [
        "For loads over 100 kg two people turn the handle, as table 4 shows.",
        "This winch must never lift people, as section 4 explains.",
        "Compare the rope with table 4 every month and replace it when a strand is broken.",
    ],
)
def test_a_sentence_that_points_away_and_says_something_is_not_left_out_in_silence(sentence: str) -> None:
    text = "The winch lifts sheets of steel. Its hook turns to both sides. Two people are needed to hold the rope."
    assert told("summarization", f"{text} {sentence}", "The winch") == {}
    assert told("summarization", f"{text} See section 4.", "The winch")
    thanks = told("summarization", f"Thanks to its gearbox the winch lifts 400 kg. {text}", "The winch")
    assert all("Thanks to its gearbox" in answer for answer in thanks.values())


def test_asterisks_in_code_mean_themselves() -> None:
    for text in ("Press `*` to open the menu and `*` again to close it.", "Delete `*.log` and `*.tmp` files."):
        assert cleaned(text) == text
    assert cleaned("Press `*` for *all* files.") == "Press `*` for all files."


@pytest.mark.timeout(10)
def test_a_hostile_paragraph_about_the_machine_takes_no_time() -> None:
    text = "The " + "A-" * 20_000 + " starts now and is good. " + "The machine is 2 m high. " * 20
    assert told("factual_recall", text) is not None


def test_a_table_of_measures_without_a_first_heading_has_its_things_in_its_rows() -> None:
    table = "| | Weight | Length |\n|---|---|---|\n| Rondo 40 | 12 kg | 40 cm |\n| Rondo 60 | 15 kg | 60 cm |"
    assert cells(table)["What is the weight of Rondo 40?"] == "The weight of Rondo 40 is 12 kg."


@pytest.mark.parametrize(
    ("cell", "value"), [("up to 40", "up to €40"), ("12 to 15", "€12 to €15"), ("1,200.50", "€1,200.50")]
)
def test_a_sign_of_money_stands_before_every_number(cell: str, value: str) -> None:
    assert value_of(cell, "€") == value


@pytest.mark.parametrize("last", ["Wait 30 minutes before you open the windows.", "Add 20 g of salt to the ash."])
def test_an_order_with_a_number_behind_the_steps_goes_on_with_them(last: str) -> None:
    assert told("process_workflow", f"{STEPS}\n\n{last}", "Lighting the kiln") == {}
    assert told("process_workflow", STEPS, "Opening the case") != {}


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("The forest path is 3 km long.", "How long is the forest path?"),
        ("Dr. Anna Holm has 12 assistants.", "How many assistants does Dr. Anna Holm have?"),
    ],
)
def test_what_only_looks_like_a_superlative_or_a_heading_is_asked_about(sentence: str, question: str) -> None:
    assert question in [one.question for one in questions_of(sentence, sentence)]


def test_words_that_only_look_like_pointers_are_none() -> None:
    assert stands_alone(Statement("The tank needs a little water.", "The tank needs a little water."))
    text = (
        "Members pay a fee of 20 pounds. They must be aged 18 and above. They may use the kiln on any day but Monday."
    )
    assert told("summarization", text, "Members") and told("summarization", text, "Terms of loan")
    timed = "Within 30 minutes the pots of the upper shelf are cold."
    assert with_blank(Statement(timed, timed), (), "").startswith("Within ____")


def test_a_section_whose_parts_are_numbered_with_a_full_stop_is_not_told_without_them() -> None:
    text = (
        "Grease the guide of the wedge every day. Sharpen its edge with a file. Check the hoses for cracks each month."
    )
    parted = TypedMaterial(
        "summarization", title="4. Care", text=text, figures=(), language="en", max_answer_words=300, seed=3,
        name="Pottery handbook", facts=(), others=(("4.1. Cleaning", "Wipe it."),), pairs=30,
    )  # fmt: skip
    assert json.loads(write_typed(parted, 0.4))["pairs"] == []


@pytest.mark.parametrize(
    ("remedy", "is_asked"),
    [
        ("Bleed the pipe, Section 6.2", False),
        ("Clear it as described above", False),
        ("Warm the room to 18 °C or above", True),
        ("Look to see whether the nut is tight", True),
    ],
)
def test_a_remedy_that_stands_elsewhere_is_none(remedy: str, is_asked: bool) -> None:
    table = f"| Problem | Cause | What to do |\n|---|---|---|\n| Engine stopped during use | Dirt | {remedy} |"
    asked = cells(table)
    assert bool([question for question in asked if "What should you do" in question]) == is_asked
    assert not [question for question in asked if "is stopped" in question]


def test_a_task_beside_its_part_and_a_symptom_of_two_nouns_make_no_broken_question() -> None:
    tasks = "| Part | Task | Interval |\n|---|---|---|\n| Drive belt | Replace | every 2,000 hours |"
    assert cells(tasks) == {}
    assert cells("| Task | Interval |\n|---|---|\n| Replace the belt | every 2,000 hours |")
    faults = "| Problem | Cause | What to do |\n|---|---|---|\n| {} | Dull blade | Sharpen the blade |"
    assert "What should you do in case of “Chatter marks”?" in cells(faults.format("Chatter marks"))
    assert "What should you do if the gasket leaks?" in cells(faults.format("Gasket leaks"))


def test_plurals_before_brackets_and_counts_agree_with_their_verb() -> None:
    table = "| Quantity | Value |\n|---|---|\n| Dimensions (W x D x H) | 62 x 95 x 140 cm |\n| Speeds | 6 |"
    asked = cells(table)
    assert "What are the dimensions (W x D x H)?" in asked
    assert [question for question in asked if "speeds" in question] == []
