"""Find what the price in a row of a table is for: a metre, a kilogram, a piece.

Reads and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from docent.teacher.source.words import ENGLISH

PRICE = re.compile(r"(?:unit )?(?:price|cost|costs|fee|admission)(?: per .+)?")
_UNIT_HEADING = re.compile(ENGLISH["price_units"])
_PER = re.compile(ENGLISH["price_per"])
_SEVERAL = re.compile(ENGLISH["price_of_several"])
_EACH = frozenset("each piece pieces pcs pc item items unit units".split())
MAX_UNIT_WORDS = 2


def basis_of(cells: Iterable[tuple[str, str]]) -> str | None:
    """Return what the price of a row is for: "" where the row does not say, None where it takes more than two words.

    Args:
        cells: headings and values of the row.
    """
    basis: str | None = ""
    for heading, value in cells:
        spoken = value.strip().rstrip(".").lower()
        if _SEVERAL.search(spoken) or _SEVERAL.search(heading):
            return None
        if _UNIT_HEADING.fullmatch(heading.strip()) and spoken and spoken[0].isalpha():
            if len(spoken.split()) > MAX_UNIT_WORDS:
                return None
            basis = "" if spoken in _EACH else spoken
        elif per := _PER.search(spoken):
            basis = per[1]
    return basis


def is_basis(value: str) -> bool:
    """Check whether a remark only says what the price is for."""
    return _PER.match(value) is not None and len(value.split()) <= MAX_UNIT_WORDS + 2
