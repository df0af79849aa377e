"""Merge a new data card with the card on the hub, which people may have edited there.

A card consists of a head with YAML keys and a body with a section per heading. The digests of the parts that docent
pushed last show which of them a person changed since. Such a part is kept if docent's text is unchanged; if both
changed, docent's new text replaces it and the old text is reported. Parts that docent never wrote are kept.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import yaml

_KEY = re.compile(r"([A-Za-z_][\w.-]{0,99}) *:")
_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*)")
_FENCE = re.compile(r" {0,3}(```|~~~)")
TITLE = "section #"
"""The section under the level-1 heading, whatever its text, because that is the title of the data set."""
MAX_NAMED_CHARS = 300


@dataclass
class Card:
    """A card in parts: the text of each part by its name, such as `key license` or `section ## Files`.

    Attributes:
        is_readable: whether the head is valid YAML, so that it can be split into keys.
    """

    head: dict[str, str] = field(default_factory=dict)
    body: dict[str, str] = field(default_factory=dict)
    is_readable: bool = True


@dataclass(frozen=True)
class Merged:
    """A merged card that is ready to be pushed.

    Attributes:
        notes: messages that quote people's texts that were replaced.
    """

    text: str
    notes: tuple[str, ...] = ()


def merge(new: str, there: str, pushed: Mapping[str, str]) -> Merged:
    """Return the new card together with people's edits of the card on the hub.

    Args:
        new: the card that docent writes now.
        there: the card on the hub, or "" if there is none.
        pushed: digests of the parts that docent pushed last, by part name; empty if unknown.
    """
    ours, theirs = parse(new), parse(there)
    notes: list[str] = []
    if not theirs.is_readable:
        notes.append(
            f"the head of the card on the hub was not valid YAML and was replaced: {_named(_joined(theirs.head))}"
        )
        theirs.head = {}
    head = _merged(ours.head, theirs.head, pushed, notes)
    body = _merged(ours.body, theirs.body, pushed, notes)
    text = f"---\n{_joined(head)}\n---\n\n{_joined(body)}\n"
    same = next((card for card in (there, new) if list(digests(card).items()) == list(digests(text).items())), text)
    return Merged(same, tuple(notes))


def digests(text: str) -> dict[str, str]:
    """Return the digest of every part of a card, by part name."""
    card = parse(text)
    return {name: _digest(name, part) for name, part in (*card.head.items(), *card.body.items())}


def parse(text: str) -> Card:
    """Split a card into its parts, in order; a comment in the head belongs to the key before it."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    card, body_from = Card(), 0
    if lines[0].rstrip() == "---":
        end = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), 0)
        if end:
            card.head, body_from = _keys(lines[1:end]), end + 1
            card.is_readable = _is_mapping("\n".join(lines[1:end]))
    card.body = _sections(lines[body_from:])
    return card


def _keys(lines: list[str]) -> dict[str, str]:
    keys: dict[str, list[str]] = {}
    name = "key "
    for line in lines:
        if key := _KEY.match(line):
            name = f"key {key[1]}"
        keys.setdefault(name, []).append(line)
    return {name: "\n".join(part) for name, part in keys.items()}


def _sections(lines: list[str]) -> dict[str, str]:
    """Return the sections by heading; repeated headings are numbered. Headings in code blocks do not count."""
    sections: dict[str, list[str]] = {}
    name, fence = "section ", ""
    for line in lines:
        mark = _FENCE.match(line)
        if mark:
            fence = "" if fence == mark[1] else fence or mark[1]
        heading = _HEADING.match(line) if not fence else None
        if heading:
            wanted = TITLE if len(heading[1]) == 1 else f"section {heading[1]} {heading[2].strip()}"
            name, number = wanted, 1
            while name in sections:
                number += 1
                name = f"{wanted} ({number})"
        sections.setdefault(name, []).append(line)
    return {name: text for name, part in sections.items() if (text := "\n".join(part).strip("\n"))}


def _is_mapping(head: str) -> bool:
    try:
        return isinstance(yaml.safe_load(head), dict | None)
    except (yaml.YAMLError, ValueError):
        return False


def _merged(
    ours: Mapping[str, str], theirs: Mapping[str, str], pushed: Mapping[str, str], notes: list[str]
) -> dict[str, str]:
    parts = {name: _newer(name, part, theirs.get(name), pushed, notes) for name, part in ours.items()}
    order = list(parts)
    after = -1  # a part that only the hub has is put after the same part as on the hub
    for name, part in theirs.items():
        if name in parts:
            after = order.index(name)
        elif pushed.get(name) != _digest(name, part):  # if equal, docent wrote the part earlier and has dropped it
            parts[name] = part
            after += 1
            order.insert(after, name)
    return {name: parts[name] for name in order}


def _newer(name: str, ours: str, theirs: str | None, pushed: Mapping[str, str], notes: list[str]) -> str:
    """Return the part to push: docent's new text, or the text on the hub if only that was changed."""
    if theirs is None or _digest(name, theirs) == _digest(name, ours) or _digest(name, theirs) == pushed.get(name):
        return ours
    if _digest(name, ours) == pushed.get(name):
        return theirs  # only a person changed it
    notes.append(f"{name} of the card on the hub was replaced; the old text: {_named(theirs)}")
    return ours


def _digest(name: str, part: str) -> str:
    """Return the digest of a key's value, or of a section's text without trailing white space."""
    text = "\n".join(line.rstrip() for line in part.strip().split("\n"))
    if name.startswith("key "):
        text = _value(text)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _value(text: str) -> str:
    """Return the value of a key in a normal form, as the hub's editor uses other quotes and indents than docent."""

    def plain(value: object) -> str:
        return value.isoformat() if isinstance(value, date) else repr(value)

    try:
        return json.dumps(yaml.safe_load(text), sort_keys=True, default=plain)
    except (yaml.YAMLError, ValueError, TypeError):
        return text


def _joined(parts: Mapping[str, str]) -> str:
    keys = all(name.startswith("key ") for name in parts)
    return ("\n" if keys else "\n\n").join(part.rstrip("\n") for part in parts.values())


def _named(text: str) -> str:
    shown = " ".join(text.split())
    return shown if len(shown) <= MAX_NAMED_CHARS else f"{shown[:MAX_NAMED_CHARS]}..."
