"""Find facts that only one exhibit has in answers: numbers with what they count, years, names, pairs of words.

Reads exhibits and texts in memory, writes nothing. A key is one term (a year, a number of three digits or a fraction, a
proper name) or a pair of neighbouring terms of one clause (`12 edges`, `business cards`). It belongs to a fact where
exactly one exhibit's text has it. A number is one fact, the names of a sentence are one, the other words of a clause
are one: a name and a year are two facts, two words of one phrase are not. Only keys that stand in an answer are kept:
memory grows with the answers, not with the exhibits, and time with both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Literal

from docent.evidence.naming import Exhibit
from docent.text.names import names_of
from docent.text.numbers.numbers import numbers_of
from docent.text.sentences import split_sentences
from docent.text.terms import STOP_WORDS, folded, stem, terms_of

MIN_FACTS = 2
"""Facts that an answer must state to be about an exhibit that it does not name."""
NEIGHBOURS = 2
"""Terms behind a term that it makes a pair with; words without content are left out before."""
MIN_NUMBER_DIGITS = 3
"""Digits of a whole number that is a fact without what it counts, such as a year."""

Kind = Literal["number", "name", "words"]
Key = tuple[str, ...]
Fact = tuple[int, Kind, str]
"""Number of a sentence in the source, kind, and which of that kind: the number, the clause, nothing for names."""

_PARTS = re.compile(r"[-'’]")
_CLAUSE_END = re.compile(r"[,;:)\]]\s+|\s[(\[–—-]+|[，、；：（）]")


def keys_of(text: str) -> frozenset[Key]:
    """Return all keys of a text, whatever they are worth."""
    return frozenset(key for sentence in split_sentences(text) for key, _, _ in _keys(sentence, frozenset()))


def find_facts(exhibits: Iterable[Exhibit], wanted: frozenset[Key]) -> dict[Key, tuple[str, Fact]]:
    """Map keys among `wanted` that belong to facts to the exhibit that alone has them, and to the fact."""
    owners: dict[Key, tuple[str, Fact] | None] = {}
    for exhibit in exhibits:
        own: dict[Key, Fact | None] = {}
        for number, sentence in enumerate(split_sentences(exhibit.text or "")):
            names = frozenset() if exhibit.capitalised_nouns else _names_in(sentence)
            for key, kind, which in _keys(sentence, names):
                if key in wanted and own.get(key) is None:
                    own[key] = (number, kind, which) if kind else None
        for key, fact in own.items():
            owners[key] = None if key in owners or fact is None else (exhibit.id, fact)
    return {key: place for key, place in owners.items() if place is not None}


def exhibit_by_facts(keys: Iterable[Key], facts: Mapping[Key, tuple[str, Fact]]) -> str | None:
    """Return the exhibit of which at least MIN_FACTS are stated, more than of all others together; None for none."""
    stated: dict[str, set[Fact]] = {}
    for key in keys:
        if key in facts:
            item, fact = facts[key]
            stated.setdefault(item, set()).add(fact)
    total = sum(map(len, stated.values()))
    return next((item for item, own in stated.items() if len(own) >= MIN_FACTS and 2 * len(own) > total), None)


def _keys(sentence: str, names: frozenset[str]) -> Iterator[tuple[Key, Kind | None, str]]:
    """Yield every key of a sentence with the kind and part of its fact; None for a term that is no fact alone."""
    for clause, words in enumerate(_CLAUSE_END.split(sentence)):
        terms = _content(words)
        for place, (term, is_number) in enumerate(terms):
            behind = [other for other, counts in terms[place + 1 :][: 2 * NEIGHBOURS] if not counts][:NEIGHBOURS]
            if is_number:
                telling = "." in term or len(term) >= MIN_NUMBER_DIGITS
                yield (term,), "number" if telling else None, term
                yield from (((term, other), "number", term) for other in behind)
            else:
                yield (term,), "name" if term in names else None, ""
                for other in behind:
                    named = not names.isdisjoint((term, other))
                    pair = (min(term, other), max(term, other))
                    yield (pair, "name", "") if named else (pair, "words", str(clause))


def _content(words: str) -> Sequence[tuple[str, bool]]:
    """Return (stem or number, whether it is a number) of the words that carry content."""
    parts = (part for term in terms_of(words) for part in _PARTS.split(term))
    return [_reduced(part) for part in parts if part and (len(part) > 1 or part.isdecimal()) and part not in STOP_WORDS]


@lru_cache(maxsize=1 << 16)
def _reduced(term: str) -> tuple[str, bool]:
    numbers = numbers_of(term)
    return (numbers[0], True) if len(numbers) == 1 else (stem(term), False)


def _names_in(sentence: str) -> frozenset[str]:
    """Return the stems of the proper names of a sentence."""
    return frozenset(stem(part) for name in names_of(sentence) for part in _PARTS.split(folded(name)) if part)
