"""Numbers of a text in one normal form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docent.text.numbers.numbers import number_support, numbers_of, supported_by, unsupported_numbers
from docent.text.numbers.quantities import quantities_of


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("8 vertices, 12 edges", ["8", "12"]),
        ("66,000 cards and 1,234,567.50 more", ["66000", "1234567.5"]),
        ("66\u202f000 cards", ["66000"]),
        ("1, 14, 51 and 124", ["1", "14", "51", "124"]),
        ("116.57 degrees. 3 m.", ["116.57", "3"]),
        ("December 17,1903", ["17", "1903"]),
        (
            "the 1950s, the 19th century, 3D, 12-horsepower, 36m (120 ft), -6",
            ["1950", "19", "3", "12", "36", "120", "6"],
        ),
        ("twelve, twenty-four, ninety nine", ["12", "24", "99"]),
        ("one hundred and five, two thousand five hundred", ["105", "2500"]),
        ("sixty-six thousand and 4.5 million", ["66000", "4500000"]),
        ("two and three, five, six", ["2", "3", "5", "6"]),
        ("one of the first, someone, often, tension", []),
        ("0, 007, 1.0", ["0", "7", "1"]),
    ],
)
def test_numbers_are_read_as_people_mean_them(text: str, numbers: list[str]) -> None:
    assert numbers_of(text) == numbers


@pytest.mark.parametrize(
    ("answer", "source"),
    [
        ("It has 66,000 cards.", "made of sixty-six thousand cards"),
        ("It has 66000 cards.", "made of 66 000 cards"),
        ("a work of the 19th century", "of the nineteenth century"),
        ("It has two sides and 1 edge", "2 sides, one edge"),
        ("In the 1970s", "in 1970"),
        ("one of the first", "nothing"),
        ("about five", "five hundred"),
    ],
)
def test_what_the_source_says_in_other_words_is_supported(answer: str, source: str) -> None:
    assert unsupported_numbers(answer, source) == []


def test_what_the_source_does_not_say_is_named_once_in_order() -> None:
    assert unsupported_numbers("In 1857, 20 and 1857 and 30.5", "20 of them in 1858, 30") == ["1857", "30.5"]


def test_support_is_the_share_of_the_numbers_and_one_without_any() -> None:
    assert number_support("8 and 9 and 9 and 8", "8") == 0.5
    assert number_support("no number", "8") == 1.0


@given(st.text(max_size=200))
def test_every_text_supports_itself(text: str) -> None:
    assert set(numbers_of(text)) <= supported_by(text)


@given(st.integers(0, 10**40))
def test_long_digit_strings_keep_all_their_digits(number: int) -> None:
    assert numbers_of(f"x {number} y") == [str(number)]


def test_a_line_that_ends_between_a_number_and_its_unit_parts_them_no_more_than_a_space() -> None:
    for written in ("45 degrees Celsius", "45\ndegrees Celsius", "45 degrees\nCelsius", "45  \n  degrees Celsius"):
        assert quantities_of(f"below a spatula of {written}.") == [("45", "°c")]
    assert quantities_of("page 45\n\nminutes of the meeting") == [("45", "")]
