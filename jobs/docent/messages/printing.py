"""Make untrusted text safe to print: escape terminal sequences and characters that reorder the line.

Reads and writes nothing. File names, exhibit names and texts of a source go through `printable` when a message, a table
or a log line quotes them; complete messages go through `terminal_safe` before output (logs.py, launcher/cli.py).
"""

import unicodedata

MAX_PRINTED_CHARS = 300
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Zero-width joiner and non-joiner are part of the spelling of Persian and Indic words, and are harmless.
_SPELLING = frozenset("\u200c\u200d")


def printable(text: str, max_chars: int = MAX_PRINTED_CHARS) -> str:
    r"""Return the text on one line, with control, format and surrogate characters as escapes (`\x1b`, `\u202e`).

    Args:
        text: any text, including a file name with undecodable bytes.
        max_chars: a longer text is cut to this length, ending in an ellipsis.
    """
    shown = text if text.isascii() and text.isprintable() else "".join(map(_shown, text))
    return shown if len(shown) <= max_chars else shown[: max_chars - 1] + "…"


def terminal_safe(text: str) -> str:
    """Escape everything in a message that could control the terminal; keep line breaks and tabs."""
    return "".join(c if c in "\n\t" or c.isprintable() else _shown(c) for c in text)


def _shown(character: str) -> str:
    if unicodedata.category(character) not in _UNPRINTABLE or character in _SPELLING:
        return character
    return character.encode("unicode_escape").decode("ascii")
