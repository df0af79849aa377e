"""No regular expression of the package takes quadratic time, whatever text it is given."""

from __future__ import annotations

import re

import pytest
from tests.pattern_growth import MAX_GROWTH, Found, growth, patterns_of_package

PATTERNS = patterns_of_package()


def test_the_patterns_of_the_package_are_found() -> None:
    assert len(PATTERNS) > 200


@pytest.mark.parametrize("pattern", [r"\s+$", r"<(?=\s*/?\s*name\b)", r"(\d+)(ms|s)", r"^\s*```", r"(a+)+b"])
def test_a_quadratic_pattern_would_be_noticed(pattern: str) -> None:
    flags = re.MULTILINE if pattern.startswith("^") else 0
    assert growth(Found("here", re.compile(pattern, flags), frozenset({"search"})))[0] > MAX_GROWTH


@pytest.mark.parametrize("found", PATTERNS, ids=lambda found: found.where)
def test_time_grows_with_the_text_and_not_with_its_square(found: Found) -> None:
    factor, text = growth(found)
    assert factor <= MAX_GROWTH, f"{found.where} {found.pattern.pattern!r} takes {factor:.0f} times as long for {text}…"
