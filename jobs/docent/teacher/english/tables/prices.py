"""Find what the price in a row of a table is for: a metre, a kilogram, a piece.

Reads and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

PRICE = re.compile(r"(?:unit )?(?:price|cost|costs|fee|admission)(?: per .+)?")
_UNIT_HEADING = re.compile(
    r"(?:price |sales? |order |packing )?unit|per|sold (?:by|per)|pack(?:ing|age|aging)?(?: unit)?", re.IGNORECASE
)
_PER = re.compile(
    r"(?:^|\b(?:price|prices|priced|sold|charged|costs?|billed|rate)\b[^.;]{0,20}?\b)(?:per|by the) ([a-z]+)",
    re.IGNORECASE,
)
_SEVERAL = re.compile(
    r"\b(?:pack|packet|box|set|bundle|bag|roll|pair|case|price|prices) (?:of|for) (?:\d|two|three|four|five|six|ten)",
    re.IGNORECASE,
)
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
