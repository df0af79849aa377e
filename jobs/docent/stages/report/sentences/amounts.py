"""Write counts alike all over the page: `2 404 rows`. Reads and writes nothing."""

from __future__ import annotations

from docent.messages import plurals


def thousands(value: float) -> str:
    """Write `2404` as `2 404`; the space does not break."""
    return f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def counted(number: int, one: str, more: str = "") -> str:
    """Write a number with the noun that it counts.

    Args:
        one: the noun in the singular.
        more: its plural, where that is not the singular with an s.
    """
    return plurals.counted(number, one, more).replace(str(number), thousands(number), 1)


def plural(number: int, one: str, many: str) -> str:
    """Return the form of a word that agrees with a number."""
    return one if number == 1 else many
