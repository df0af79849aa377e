"""Names in the order in which a reader looks for them."""

from __future__ import annotations

import random

import pytest

from docent.text.natural_order import natural_key


@pytest.mark.parametrize(
    "names",
    [
        ["exhibit 2", "exhibit 10", "exhibit 100"],
        ["Äpfel", "Birne", "Zebra"],
        ["école", "Etui", "Évian", "Zoo"],
        ["Øre", "Österbotten", "Pil"],
        ["1 Cube", "2 Cube", "10 Cube", "Cube"],
        ["3.2 Fuses", "3.10 Wires", "11.1 Motors"],
        ["vitrine 2a", "Vitrine 2b", "vitrine 11"],
        ["room ٢", "room ١٠"],
        ["", "7", "a", "Ωmega"],
    ],
)
def test_names_are_ordered_by_number_and_by_letter(names: list[str]) -> None:
    shuffled = list(names)
    random.Random(3).shuffle(shuffled)
    assert sorted(shuffled, key=natural_key) == names


def test_names_that_differ_in_case_or_zeros_alone_stay_apart_in_a_fixed_order() -> None:
    names = ["Cube 1", "cube 1", "Cube 01"]
    assert len({natural_key(name) for name in names}) == 3
    assert sorted(names, key=natural_key) == sorted(reversed(names), key=natural_key)


def test_a_run_of_ten_thousand_digits_is_ordered_without_an_error() -> None:
    assert sorted(["9" * 10_000, "5"], key=natural_key) == ["5", "9" * 10_000]
