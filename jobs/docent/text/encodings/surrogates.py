r"""Repair surrogates in text: JSON and YAML can write a character as two (`\ud83d\ude00`), or contain a lone one.

UTF-8 cannot encode a lone surrogate. Reads and writes no files.
"""

from __future__ import annotations


def without_surrogates(text: str) -> str:
    """Return the text with surrogate pairs as the characters they encode; lone ones become U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
