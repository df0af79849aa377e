"""Remove soft hyphens and zero-width spaces, which only mark where a word may be divided.

They are invisible, but make equal words compare as different. Reads and writes no files.
"""

import re

# Thai, Lao, Tibetan, Burmese and Khmer separate words by zero-width spaces; joiners next to their letters have a
# meaning.
_UNSPACED = "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff"
_INVISIBLE = re.compile(
    rf"[\u00ad\u2060\ufeff]|(?<![{_UNSPACED}])\u200b|\u200b(?![{_UNSPACED}])"
    r"|(?<=[A-Za-z\u00c0-\u024f])[\u200c\u200d](?=[A-Za-z\u00c0-\u024f])"
)


def without_invisible(text: str) -> str:
    """Return the text without soft hyphens, zero-width spaces and byte order marks; lines stay the same."""
    return text if text.isascii() else _INVISIBLE.sub("", text)
