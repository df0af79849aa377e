r"""Surrogates in text: JSON and YAML can spell a character as two of them (`\ud83d\ude00`), or hold a lone one.

No file can hold a lone surrogate as UTF-8. Reads and writes nothing.
"""

from __future__ import annotations


def without_surrogates(text: str) -> str:
    """The text with pairs of surrogates as the characters that they stand for, and a replacement for lone ones."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
