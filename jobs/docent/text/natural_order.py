"""Sort names as a reader expects: `exhibit 2` before `exhibit 10`, `Äpfel` before `Zebra`.

Reads and writes no files. Letters are ordered by Unicode without accents, not by the rules of one country, whereas the
script of the report page sorts by the reader's locale.
"""

import re
import unicodedata
from typing import TypeAlias

Key: TypeAlias = tuple[tuple[tuple[int, int, str], ...], str]

MAX_DIGITS = 1000
"""A longer run of digits is sorted as text, as Python refuses to parse more than 4,300 as a number."""
_PART = re.compile(r"(\d+)")
_LETTERS = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "ð": "d", "þ": "th", "ı": "i"})


def natural_key(name: str) -> Key:
    """Return a key for `sorted`: numbers by value, letters without case and accents.

    The name itself breaks ties between names that differ only in case, accents or leading zeros.
    """
    bare = (c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    plain = " ".join("".join(bare).translate(_LETTERS).split())
    # Numbers sort before text, as in the browsers' Intl.Collator. `isdecimal` also accepts digits beyond ASCII.
    pieces = (part for part in _PART.split(plain) if part)
    parts = ((0, int(p), "") if p.isdecimal() and len(p) < MAX_DIGITS else (1, 0, p) for p in pieces)
    return tuple(parts), name
