"""Numbers with the marks of other countries are the same numbers, and other numbers are still found."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docent.config.stages import Curate
from docent.records import Item, QAPair, Span
from docent.stages.curate.gates.cases import Case
from docent.stages.curate.gates.duplicates import Kept
from docent.stages.curate.gates.grounding import unsupported_number
from docent.stages.curate.gates.sources import Source, item_text
from docent.text.numbers.marks import plain_marks, readings
from docent.text.numbers.numbers import numbers_of, unsupported_numbers


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("66’000, 66'000 and 1’234’567.50", "66000, 66000 and 1234567.50"),
        ("66\u2009000, 66\u00a0000 and 1\u202f234\u202f567,5", "66000, 66000 and 1234567,5"),
        ("3.500,50 and 1.234.567", "3500.50 and 1234567"),
        ("12,34,567 rupees", "1234567 rupees"),
        ("١٢٣٬٤٥٦٫٥ and १२ and １２", "123456.5 and 12 and 12"),
        ("66,000 and 1.5 and 1,234.50", "66,000 and 1.5 and 1,234.50"),
        ("December 17,1903; 1,2,3; 1.2.3; 10:30; 5'8", "December 17,1903; 1,2,3; 1.2.3; 10:30; 5'8"),
        ("17.05.1990, the 1990's, 192.168.10.1", "17.05.1990, the 1990's, 192.168.10.1"),
    ],
)
def test_what_can_only_be_one_number_is_written_as_english_has_it(text: str, plain: str) -> None:
    assert plain_marks(text) == plain


def test_what_can_be_two_numbers_is_read_in_both_ways_outside_of_english() -> None:
    assert readings("1.500 kg", "en") == ("1.500 kg",)
    assert readings("1.500 kg", "de") == ("1500 kg", "1.500 kg")
    assert readings("1,500 and 1,5", "fr") == ("1.500 and 1.5", "1,500 and 1.5")
    assert readings("1,5 kg", "ja") == ("1.5 kg", "1,5 kg")
    assert readings("12 000 parts", "en") == ("12 000 parts", "12000 parts")


WRITTEN = {
    "en": ("It has 12,500 parts and weighs 3.5 t.", "It has {} parts and weighs {} t.", "12 500", "3.5"),
    "de": ("Sie hat 12.500 Teile und wiegt 3,5 t.", "Sie hat {} Teile und wiegt {} t.", "12500", "3,5"),
    "de-CH": ("Sie hat 12’500 Teile und wiegt 3.5 t.", "Sie hat {} Teile und wiegt {} t.", "12.500", "3,5"),
    "fr": ("Il a 12\u202f500 pièces et pèse 3,5 t.", "Il a {} pièces et pèse {} t.", "12 500", "3,5"),
    "es": ("Tiene 12 500 piezas y pesa 3,5 t.", "Tiene {} piezas y pesa {} t.", "12.500", "3,5"),
    "ja": ("部品は12,500個、重さは3.5トンです。", "部品は{}個、重さは{}トンです。", "１２５００", "３．５"),
    "hi": ("इसमें 12,500 पुर्ज़े और 3.5 टन हैं।", "इसमें {} पुर्ज़े और {} टन हैं।", "१२५००", "३.५"),
}


def found(source: str, answer: str, code: str) -> str | None:
    """What the gate says of an answer to this source."""
    span = Span(file="a.md", first_line=1, last_line=1)
    item = Item(id="i", kind="section", name="a", text=source, document_id="d", document="d", source=span)
    pair = QAPair(
        id="p",
        item_id="i",
        item_name="a",
        question="?",
        answer=answer,
        question_type="factual_recall",
        language=code,
        temperature=0.4,
        index=0,
        teacher="m",
        sources=(span,),
    )
    return unsupported_number(Case(pair, Source((item_text(item),)), Kept(Curate()), Curate()))


@pytest.mark.parametrize("language", WRITTEN)
def test_an_answer_may_use_other_marks_than_its_source_but_no_other_numbers(language: str) -> None:
    source, answer, many, few = WRITTEN[language]
    code = language[:2]
    assert found(source, answer.format(many, few), code) is None
    for other in ("12600", "1250", "125000"):
        assert found(source, answer.format(other, few), code) is not None, other
    other = few.replace("5", "7").replace("५", "७").replace("５", "７")
    assert found(source, answer.format(many, other), code) is not None


@given(st.integers(1000, 10**9), st.sampled_from(["’", "'", "\u2009", "\u00a0", "\u202f"]))
def test_a_grouped_number_is_itself(number: int, mark: str) -> None:
    assert numbers_of(f"about {number:,} of them".replace(",", mark)) == [str(number)]
    assert unsupported_numbers(f"It has {number}.", f"it has {number:,}.".replace(",", mark)) == []


MARKS = {
    "de": ("Die Anlage kostete {} Franken und wiegt {} Tonnen, gebaut {} in Bern.", ",", ".’\u202f "),
    "fr": ("La machine a coûté {} francs et pèse {} tonnes, construite en {} à Berne.", ",", "\u202f\u00a0 ."),
    "es": ("La máquina costó {} euros y pesa {} toneladas, hecha en {} en Jaca.", ",", ". \u00a0"),
    "en": ("The machine cost {} pounds and weighs {} tonnes, built in {} at York.", ".", ",’\u2009 "),
}


@pytest.mark.parametrize("code", MARKS)
def test_of_planted_pairs_in_all_marks_no_clean_one_is_rejected_and_no_changed_one_kept(code: str) -> None:
    text, point, marks = MARKS[code]
    rng = random.Random(code)
    for _ in range(40):
        price, tonnes, year = rng.randrange(1100, 899_999), round(rng.uniform(1.1, 99.9), 1), rng.randrange(1800, 2000)
        shown, said = rng.choice([*marks, ""]), rng.choice([*marks, ""])

        def told(price: int, tonnes: float, mark: str, year: int = year) -> str:
            return text.format(f"{price:,}".replace(",", mark), str(tonnes).replace(".", point), year)

        source = told(price, tonnes, shown)
        assert found(source, told(price, tonnes, said), code) is None, source
        for other, weight in ((price + rng.choice([1, 20, 300]), tonnes), (10 * price, tonnes), (price, tonnes + 0.25)):
            assert found(source, told(other, weight, said), code) is not None, told(other, weight, said)
