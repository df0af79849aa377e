"""Counts in messages: `1 row`, `2 rows`. Reads and writes nothing."""

from __future__ import annotations


def counted(number: int, one: str, more: str = "") -> str:
    """A number with the noun that it counts.

    Args:
        one: the noun in the singular.
        more: its plural, where that is not the singular with an s.
    """
    return f"{number} {one if number == 1 else more or f'{one}s'}"
