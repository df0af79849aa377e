"""Footnotes of Markdown: marks such as `[^1]` left out of the sentence, the words of `^[a note]` told apart from it.

Definitions (`[^1]: words`) are blocks of their own, see block_rules.py. Reads and writes nothing.
"""

from __future__ import annotations

import re

_MARK = re.compile(r"(?<!\\)\[\^(?P<label>[^\[\]\s^]{1,200})\](?!\()")
_INLINE = re.compile(r"(?<!\\)\^\[(?P<words>(?:[^\[\]\\]|\\[\s\S]|\[[^\[\]]{0,500}\]){1,4000}+)\]")
_NUMBERED = re.compile(r"\d{1,5}[a-z]?|[*†‡§]+")


def split_notes(text: str) -> tuple[str, list[str]]:
    """A paragraph's Markdown without its marks and inline notes, and the words of these notes.

    `[^a-z]` after a space is a class of characters rather than a mark, and stays.
    """
    if "[^" not in text and "^[" not in text:
        return text, []
    notes: list[str] = []

    def cut(note: re.Match[str]) -> str:
        if not any(character.isalpha() for character in note["words"]):
            return note.group()
        notes.append(" ".join(note["words"].split()))
        return "\n" * note.group().count("\n")

    return _MARK.sub(_shown, _INLINE.sub(cut, text)), notes


def _shown(mark: re.Match[str]) -> str:
    before = mark.string[mark.start() - 1 : mark.start()]
    attached = before != "" and not before.isspace()
    return "" if attached or _NUMBERED.fullmatch(mark["label"]) else mark.group()
