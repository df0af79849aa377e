"""The English verbs that the offline teacher knows, in all their forms, and the nouns that name a quantity.

Reads offline_english_verbs.yaml of the package; writes nothing.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Any

import yaml

_VOWELS = "aeiou"


def third_of(base: str) -> str:
    """The third person singular: `carries`, `passes`, `moves`."""
    if base in ("do", "go"):
        return f"{base}es"
    if base.endswith(("s", "sh", "ch", "x", "z")):
        return f"{base}es"
    return f"{base[:-1]}ies" if base.endswith("y") and base[-2] not in _VOWELS else f"{base}s"


def past_of(base: str) -> str:
    """The regular past: `carried`, `moved`, `opened`."""
    if base.endswith("e"):
        return f"{base}d"
    return f"{base[:-1]}ied" if base.endswith("y") and base[-2] not in _VOWELS else f"{base}ed"


@cache
def _table() -> dict[str, Any]:
    text = resources.files("docent.teacher").joinpath("data", "english_verbs.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def _pasts() -> dict[str, tuple[str, str]]:
    """Past and participle of every verb, by its base form."""
    table = _table()
    found = {base: (past_of(base),) * 2 for base in table["regular"].split()}
    found |= {base: (f"{base}{base[-1]}ed",) * 2 for base in table["doubled"].split()}
    for line in table["irregular"]:
        base, past, participle = line.split()
        found[base] = (past, participle)
    return found


_PASTS = _pasts()
BASES = frozenset(_PASTS)
"""Base forms."""
THIRD = {third_of(base): base for base in _PASTS}
"""Base forms by the third person singular."""
PAST = {past: base for base, (past, _) in _PASTS.items()}
"""Base forms by the past tense."""
PARTICIPLES = frozenset(participle for _, participle in _PASTS.values())
"""Past participles."""
FORMS = BASES | THIRD.keys() | PAST.keys() | PARTICIPLES
"""Every form but the one with -ing."""
MEASURES = frozenset(_table()["measures"].split())
"""Nouns that can be asked for with `What is the ... of ...?`."""


def is_measure(label: str) -> bool:
    """Whether the head noun of a label names a quantity or a property: `rated voltage`, `number of turns`."""
    words = [word.strip("().,").lower() for word in re.sub(r"\([^()]*\)", " ", label).split()]
    head = words[: words.index("of")] if "of" in words else words
    for stop in ("in", "at", "for", "per", "from", "with", "to", "between", "on"):
        head = head[: head.index(stop)] if stop in head[1:] else head
    if not head:
        return False
    last = head[-1]
    return last in MEASURES or (last.endswith("s") and last[:-1] in MEASURES)


def is_participle(word: str) -> bool:
    """Whether a word is a past participle, as far as its form tells."""
    return word in PARTICIPLES or (word.endswith("ed") and len(word) > 4 and word.islower())
