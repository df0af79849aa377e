"""Find facts in answers that only one exhibit has: counted numbers, years, names, pairs of words.

A key is one term (a year, a number with three or more digits, a decimal number, a proper name) or a pair of nearby
terms in one clause (`12 edges`, `business cards`). A key identifies a fact if exactly one exhibit's text has it.
Several keys can belong to one fact: each number is a fact, all names of a sentence are one fact, and all other words of
a clause are one fact. So a name and a year are two facts, but two words of one phrase are not. Only keys that occur in
an answer are kept: memory grows with the answers and not with the exhibits; time grows with both.
"""

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
"""Minimum number of an exhibit's facts in an answer that does not name it, for the answer to count as about it."""
NEIGHBOURS = 2
"""Number of following terms that a term forms pairs with, after stop words are removed."""
MIN_NUMBER_DIGITS = 3
"""Minimum number of digits for an integer to be a fact on its own, such as a year."""

Kind = Literal["number", "name", "words"]
Key = tuple[str, ...]
Fact = tuple[int, Kind, str]
"""Index of the sentence in the source, kind, and which fact of that kind: the number, the clause's index, or "" for
names."""

_PARTS = re.compile(r"[-'’]")
_CLAUSE_END = re.compile(r"[,;:)\]]\s+|\s[(\[–—-]+|[，、；：（）]")


def keys_of(text: str) -> frozenset[Key]:
    """Return all keys of a text, whether or not they identify a fact."""
    return frozenset(key for sentence in split_sentences(text) for key, _, _ in _keys(sentence, frozenset()))


def find_facts(exhibits: Iterable[Exhibit], wanted: frozenset[Key]) -> dict[Key, tuple[str, Fact]]:
    """Return key -> (id of the only exhibit that has it, fact), for keys in `wanted` that identify a fact."""
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
    """Return the exhibit with at least MIN_FACTS facts among `keys` and more than all others together, or None."""
    stated: dict[str, set[Fact]] = {}
    for key in keys:
        if key in facts:
            item, fact = facts[key]
            stated.setdefault(item, set()).add(fact)
    total = sum(map(len, stated.values()))
    return next((item for item, own in stated.items() if len(own) >= MIN_FACTS and 2 * len(own) > total), None)


def _keys(sentence: str, names: frozenset[str]) -> Iterator[tuple[Key, Kind | None, str]]:
    """Yield (key, kind, which of that kind) for each key of a sentence; the kind is None if the key is not a fact."""
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
    """Return (stem or number, whether it is a number) for each word that is not a stop word."""
    parts = (part for term in terms_of(words) for part in _PARTS.split(term))
    return [_reduced(part) for part in parts if part and (len(part) > 1 or part.isdecimal()) and part not in STOP_WORDS]


@lru_cache(maxsize=1 << 16)
def _reduced(term: str) -> tuple[str, bool]:
    numbers = numbers_of(term)
    return (numbers[0], True) if len(numbers) == 1 else (stem(term), False)


def _names_in(sentence: str) -> frozenset[str]:
    """Return the stems of the proper names of a sentence."""
    return frozenset(stem(part) for name in names_of(sentence) for part in _PARTS.split(folded(name)) if part)
