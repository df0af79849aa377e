r"""Repair surrogates in text: JSON and YAML can encode a character as a pair (`\ud83d\ude00`), or contain a lone one.

UTF-8 cannot encode a lone surrogate. Reads and writes no files.
"""


def without_surrogates(text: str) -> str:
    """Return the text with surrogate pairs replaced by the characters they encode, and lone ones by U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
