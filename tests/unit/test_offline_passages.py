"""The offline teacher on small passages that are easily misread: lists, verbs, page heads, numbers of another kind."""

from __future__ import annotations

import re

import pytest

from docent.llm.structure.typed import TypedMaterial, TypedReply
from docent.teacher.english.grammar.instructions import instructions_of
from docent.teacher.english.grammar.sentences import questions_of
from docent.teacher.english.writers.numbers import with_other_number
from docent.teacher.source.statements import statements_of
from docent.teacher.source.words import words_of_language
from docent.teacher.typed import write_typed
from docent.text.languages import languages, truth_of

EN = words_of_language("en")
LIST = """1. **Data collection**: Gather texts from each of the regions.
2. **Include context**: Note for every text where it was said.
3. **Cultural sensitivity**: Ask a speaker of the language about taboos.
"""
STEPS = """Two people are needed, because the base weighs 48 kg.

1. Put the base on a level floor.
2. Turn the four feet until the bubble stands in the middle.
3. Connect the base to a socket with protective earth.
4. Close it.
"""


def asked(kind: str, text: str, facts: tuple[str, ...] = (), name: str = "Guide", most: int = 300) -> TypedMaterial:
    return TypedMaterial(kind, name, "Work", text, facts, (), (), 20, "en", most, 7)


def pairs(
    kind: str, text: str, facts: tuple[str, ...] = (), name: str = "Guide", most: int = 300
) -> list[tuple[str, str]]:
    reply = TypedReply.model_validate_json(write_typed(asked(kind, text, facts, name, most), 0.4))
    return [(pair.question, pair.answer) for pair in reply.pairs]


def test_items_of_a_list_are_statements_and_no_columns() -> None:
    facts = tuple(re.sub(r"^\d\. ", "", line) for line in LIST.splitlines())
    # `Include context: Note for every text ...`: nobody asks for what an item only elaborates.
    assert pairs("fact_based", LIST, facts) == []
    bullets = LIST.replace("1.", "-").replace("2.", "-").replace("3.", "-")
    for text in (LIST, bullets, "- maker: Ann\n- year: 1903\n- place: Bergen"):
        for kind in ("factual_recall", "short_answer", "boolean", "conversation"):
            for question, answer in pairs(kind, text):
                assert not re.search(r"\d\. |of Guide\?|given for|entry", question + answer), question


def test_items_below_a_short_item_keep_its_name() -> None:
    text = (
        "- Slow\n  - The table makes 0.5 turns.\n  - It is best for details.\n- Show\n  - The table makes 1.5 turns.\n"
    )
    said = [s.text for s in statements_of(text, EN)]
    assert said == [
        "Slow: The table makes 0.5 turns.",
        "Slow: It is best for details.",
        "Show: The table makes 1.5 turns.",
    ]


def test_a_piece_of_a_sentence_is_neither_asked_about_nor_an_answer() -> None:
    text = "is kept in a box below the base of the model. The new wheel has 156 teeth.\n\npH values are read each week."
    said = [s.text for s in statements_of(text, EN) if s.is_askable]
    assert said == ["The new wheel has 156 teeth.", "pH values are read each week."]
    assert not any("below the base" in answer for _, answer in pairs("long_answer", text) + pairs("summary", text))


@pytest.mark.parametrize(
    "head",
    [
        "오전 9:52 [Hands-on] Fast Training ImageNet on on-demand EC2 GPU instances 3/18",
        "22. 6. 14. 오전 9:52 [Hands-on] Fast Training ImageNet on on-demand EC2…",
        "https://example.org/fast-training-imagenet 3/18",
        "Conservation of the Halvorsen Orrery, page 2",
    ],
)
def test_heads_of_pages_are_skipped_and_a_sentence_goes_on_behind_them(head: str) -> None:
    text = (
        f"The studio cleaned all of the 148 parts and replaced the one\n{head}\nbroken wheel of Mars. It took a year."
    )
    said = [s.text for s in statements_of(text, EN)]
    assert said == [
        "The studio cleaned all of the 148 parts and replaced the one broken wheel of Mars.",
        "It took a year.",
    ]
    assert pairs("fact_based", head, (head,)) == []


def test_times_that_sentences_begin_with_are_no_heads() -> None:
    text = "9:30 is the time at which the doors open. At 17:30 the cabinet closes."
    assert len(statements_of(text, EN)) == 2


def test_numbers_are_exchanged_with_numbers_of_their_size_only() -> None:
    text = "A new belt lasts 10,000 hours. The lock opens for 4 hours. The motor runs for 8,000 hours."
    belt, lock, motor = every = statements_of(text, EN)
    assert with_other_number(belt, every) == "A new belt lasts 8,000 hours."
    assert with_other_number(motor, every) == "The motor runs for 10,000 hours."
    assert with_other_number(lock, every) is None


def test_a_year_is_never_exchanged_with_an_amount() -> None:
    row = "name: Plaster model\nyear: 1895\ninsured_eur: 5200\nrent_eur: 2400\nrepaired: 1931"
    made = pairs("boolean", row, name="Plaster model", most=60)
    false = {q: a for q, a in made if truth_of(a, languages()["en"]) is False}
    assert false
    for question, answer in false.items():
        numbers = [set(re.findall(r"\d{4}", said)) for said in (question, answer)]
        assert numbers[0] | numbers[1] <= {"1895", "1931"} or numbers[0] | numbers[1] <= {"5200", "2400"}


def test_a_summary_of_a_numbered_list_has_all_steps_or_none() -> None:
    ((_, whole),) = pairs("summarization", STEPS)
    assert whole.splitlines() == [line for line in STEPS.splitlines() if line]
    assert pairs("summarization", STEPS, most=20) == []
    mixed = (
        STEPS + "\nThe plan shows three zones for loads. The outer zone stays free. The inner one bears 12 kg.\n" * 2
    )
    for _, answer in pairs("summary", mixed + "\nThe mode knob has four positions. The lamps are warm or cool.\n"):
        steps = [line for line in STEPS.splitlines() if line[:1].isdigit()]
        assert sum(line in answer for line in steps) in (0, len(steps))


def test_columns_that_no_plain_question_asks_for_have_none() -> None:
    row = "insured_eur: 640\nxref_code_b: K7\nlender_zip: 04817\nmaker: Ann Lee"
    assert sorted(pairs("factual_recall", row, name="Brass pantograph")) == [
        ("For how much is “Brass pantograph” insured?", "“Brass pantograph” is insured for 640 euros."),
        (
            "What is the lender zip code of “Brass pantograph”?",
            "The lender zip code of “Brass pantograph” is 04817.",
        ),
        ("Who is the maker of “Brass pantograph”?", "The maker of “Brass pantograph” is Ann Lee."),
    ]


def test_no_question_ends_where_its_sentence_goes_on() -> None:
    assert instructions_of("Check the straps before every lift.") == []
    assert questions_of("The straps must be checked before every lift.", "the straps") == []
    assert questions_of("A ticket costs 7 euros, or 4 euros for pupils.", "a ticket")[0].short == "7 euros"
