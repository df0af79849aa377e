"""Makes names that strangers chose safe to print: one line, no terminal sequences, nothing that reorders the line.

Reads and writes nothing. File names, exhibit names and texts of a source pass `printable` where a message, a table or
a log line quotes them.
"""

from __future__ import annotations

import unicodedata

MAX_PRINTED_CHARS = 300
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def printable(text: str, max_chars: int = MAX_PRINTED_CHARS) -> str:
    """The text on one line, with control, format and surrogate characters as escapes (`\\x1b`, `\\u202e`).

    Args:
        text: any text, also a file name with undecodable bytes.
        max_chars: a longer text is cut, with an ellipsis at its end.
    """
    shown = "".join(
        _escaped(character) if unicodedata.category(character) in _UNPRINTABLE else character for character in text
    )
    return shown if len(shown) <= max_chars else shown[: max_chars - 1] + "…"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
