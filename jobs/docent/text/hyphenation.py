"""Join words divided at line ends; compounds keep their hyphen.

The spelling elsewhere in the document decides first, then the form of the two parts. Uses no dictionary. Reads and
writes no files.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from docent.resources import read_yaml

HYPHENS = "-\u2010\u00ad"
_DIVIDED = re.compile(rf"(?<=\w)[{HYPHENS}]\Z")
# URLs, command options and the like are not divided by the rules for words.
_CODE = re.compile(r"\A-|://|[@/_=\\<>$]")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_LISTS = read_yaml(__package__, "word_lists.yaml")
# "pre- and post-war": the hyphen stands for an omitted word.
_CONNECTING = frozenset(_LISTS["connecting"].split())
# First parts of compounds, unless only an ending follows: "half-way", but "selfish" and "higher".
_FIRST_PARTS = frozenset(_LISTS["first_parts"].split())
_ENDINGS, _LAST_PARTS = frozenset(_LISTS["endings"].split()), frozenset(_LISTS["last_parts"].split())
_PREFIXES = frozenset("un in im dis re pre mis over under out be ill".split())


class Words(Counter[str]):
    """Counts of how often a document writes each word, hyphens included, except across line ends."""

    @classmethod
    def of(cls, lines: Iterable[str]) -> "Words":
        """Count the words of these lines in lower case; a line's last word may be a divided one's first part."""
        return cls(word for line in lines for word in _WORD.findall(line.rstrip(HYPHENS).lower()))


def is_divided(line: str) -> bool:
    """Return whether a line ends with a hyphen after a letter or digit."""
    return _DIVIDED.search(line) is not None


def whole_word(head: str, tail: str, words: Words) -> str | None:
    """Return a word joined from its two parts, or None if they are two words.

    Args:
        head: the end of a line from its last blank, including the hyphen.
        tail: the beginning of the next line, up to its first blank.
    """
    stem, letters = head[:-1], _WORD.match(tail)
    if _CODE.search(head) or letters is None:
        return f"{stem}-{tail}" if tail[:1].isalnum() else None
    if not tail[0].islower():
        # "CONSER-" and "VATION", but "Anglo-" and "Saxon"
        known = words[f"{_last_letters(stem.lower())}{letters.group().lower()}"]
        return stem + tail if known and stem.isupper() else f"{stem}-{tail}"
    if head[-1] == "\u00ad":
        return stem + tail
    first = _last_letters(stem)
    if tail.rstrip(".,;:").lower() in _CONNECTING:
        return None
    return stem + tail if _is_one_word(first, letters.group().lower(), words) else f"{stem}-{tail}"


def joined(lines: Sequence[str], words: Words) -> str:
    """Return the lines of one paragraph as one line, with divided words joined."""
    text = ""
    for line in (" ".join(each.split()) for each in lines):
        if not line:
            continue
        before, _, head = text.rpartition(" ")
        tail, _, rest = line.partition(" ")
        if is_divided(text) and (word := whole_word(head, tail, words)) is not None:
            text = " ".join(part for part in (before, word, rest) if part)
        else:
            text = f"{text} {line}" if text else line
    return text


def _last_letters(stem: str) -> str:
    runs = _WORD.findall(stem)
    return runs[-1].lower() if runs and stem.endswith(runs[-1]) and not stem[-len(runs[-1]) :].isupper() else ""


def _is_one_word(first: str, second: str, words: Words) -> bool:
    """Return whether two parts form one word rather than a hyphenated compound."""
    if len(first) < 2 or "-" in first:  # "x-ray", "DNA-based", "3-fold", "mother-in-law"
        return False
    if words[first + second] or words[f"{first}-{second}"]:
        return words[first + second] >= words[f"{first}-{second}"]
    if first in _PREFIXES or second in _ENDINGS:
        return True
    if len(second) < 3:  # hyphenation leaves at least three letters, except for endings
        return False
    return first not in _FIRST_PARTS and second not in _LAST_PARTS
