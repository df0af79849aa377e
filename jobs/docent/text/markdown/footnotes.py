"""Handle footnotes of Markdown: drop marks such as `[^1]` from sentences, and extract the words of `^[a note]`.

Definitions (`[^1]: words`) are separate blocks, see block_rules.py. Reads and writes no files.
"""

import re
from collections.abc import Collection

_MARK = re.compile(r"(?P<space>[ \t]?)(?<!\\)\[\^(?P<label>[^\[\]\s^]{1,200})\](?!\()")
_INLINE = re.compile(r"(?<!\\)\^\[(?P<words>(?:[^\[\]\\]|\\[\s\S]|\[[^\[\]]{0,500}\]){1,4000}+)\]")
_DEFINED = re.compile(r"^[ \t>]{0,40}\[\^([^\[\]\s]{1,200})\]:", re.MULTILINE)
_NUMBERED = re.compile(r"\d{1,5}[a-z]?|[*†‡§]+")


def labels_in(text: str) -> frozenset[str]:
    """Return the labels of all notes that a document defines."""
    return frozenset(_DEFINED.findall(text)) if "[^" in text else frozenset()


def split_notes(text: str, labels: Collection[str] = ()) -> tuple[str, list[str]]:
    """Return a paragraph's Markdown without its marks and inline notes, and the words of these notes.

    Args:
        labels: labels of defined notes; `[^a-z]` after a space is a character class if it is not one of them.
    """
    if "[^" not in text and "^[" not in text:
        return text, []
    notes: list[str] = []

    def cut(note: re.Match[str]) -> str:
        if not any(character.isalpha() for character in note["words"]):
            return note.group()
        notes.append(" ".join(note["words"].split()))
        return "\n" * note.group().count("\n")

    def shown(mark: re.Match[str]) -> str:
        before = mark.string[mark.start() - 1 : mark.start()]
        attached = before != "" and not before.isspace() and not mark["space"]
        return "" if attached or mark["label"] in labels or _NUMBERED.fullmatch(mark["label"]) else mark.group()

    return _MARK.sub(shown, _INLINE.sub(cut, text)), notes
