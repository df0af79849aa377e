"""Counts on the page, all written alike: `2 404 rows`. Reads and writes nothing."""

from __future__ import annotations

from docent.messages import plurals


def thousands(value: float) -> str:
    """`2404` as `2 404`; the space does not break."""
    return f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def counted(number: int, one: str, more: str = "") -> str:
    """A number with the noun that it counts.

    Args:
        one: the noun in the singular.
        more: its plural, where that is not the singular with an s.
    """
    return plurals.counted(number, one, more).replace(str(number), thousands(number), 1)
