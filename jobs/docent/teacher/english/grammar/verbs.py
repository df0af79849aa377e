"""List English verbs in all their forms, and nouns that name a quantity.

Reads data/english_verbs.yaml of the package; writes nothing.
"""

import re
from typing import Any

from docent.teacher.source.words import data_file

_VOWELS = "aeiou"


def third_of(base: str) -> str:
    """Return the third person singular: `carries`, `passes`, `moves`."""
    if base in ("do", "go") or base.endswith(("s", "sh", "ch", "x", "z")):
        return f"{base}es"
    return f"{base[:-1]}ies" if base.endswith("y") and base[-2] not in _VOWELS else f"{base}s"


def past_of(base: str) -> str:
    """Return the regular past: `carried`, `moved`, `opened`."""
    if base.endswith("e"):
        return f"{base}d"
    return f"{base[:-1]}ied" if base.endswith("y") and base[-2] not in _VOWELS else f"{base}ed"


_TABLE: dict[str, Any] = data_file("english_verbs.yaml")


def _pasts() -> dict[str, tuple[str, str]]:
    """Return past tense and past participle of every verb, by its base form."""
    forms = {base: (past_of(base),) * 2 for base in _TABLE["regular"].split()}
    forms |= {base: (f"{base}{base[-1]}ed",) * 2 for base in _TABLE["doubled"].split()}
    for line in _TABLE["irregular"]:
        base, past, participle = line.split()
        forms[base] = (past, participle)
    return forms


_PASTS = _pasts()
BASES = frozenset(_PASTS)
"""Base forms of all verbs."""
THIRD = {third_of(base): base for base in _PASTS}
"""Base forms by the third person singular."""
PAST = {past: base for base, (past, _) in _PASTS.items()}
"""Base forms by the past tense."""
PARTICIPLES = frozenset(participle for _, participle in _PASTS.values())
"""Past participles."""
MEASURES = frozenset(_TABLE["measures"].split())
"""Nouns that can be asked for with `What is the ... of ...?`."""


def is_measure(label: str) -> bool:
    """Check whether the head noun of a label names a quantity or a property: `rated voltage`, `number of turns`."""
    words = [word.strip("().,").lower() for word in re.sub(r"\([^()]*\)", " ", label).split()]
    head = words[: words.index("of")] if "of" in words else words
    for stop in ("in", "at", "for", "per", "from", "with", "to", "between", "on"):
        head = head[: head.index(stop)] if stop in head[1:] else head
    if not head:
        return False
    last = head[-1]
    return last in MEASURES or (last.endswith("s") and last[:-1] in MEASURES)


def is_participle(word: str) -> bool:
    """Check whether a word is a past participle, as far as its form shows."""
    return word in PARTICIPLES or (word.endswith("ed") and len(word) > 4 and word.islower())
