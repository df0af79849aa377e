r"""Surrogates in text: JSON and YAML can spell a character as two of them (`\ud83d\ude00`), or hold a lone one.

No file can hold a lone surrogate as UTF-8. Reads and writes nothing.
"""

from __future__ import annotations


def without_surrogates(text: str) -> str:
    """Return the text with surrogate pairs as the characters they encode; lone ones become U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
