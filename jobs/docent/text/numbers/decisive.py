"""Extract the parts of a text that any repeat of it must share, however similar the other words are.

These are numbers with their units and signs, number words, negations, yes and no, words that have an opposite
(opposites.yaml, by language), and proper names. Each text is processed by itself, so that millions can be compared by
one hash each. Names are recognised by their capital: in German every noun counts, in scripts without capitals none
does.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

from docent.resources import read_yaml
from docent.text.numbers.numbers import CARDINALS, ORDINALS
from docent.text.numbers.quantities import UNITS
from docent.text.terms import STOP_WORDS, UNSPACED, folded

MIN_UNIT_LETTERS = 2
"""A unit of one letter counts only after a number: `m` is metres in `5 m`, but not in `m. 1858`."""
MAX_SHORT_UNIT_LETTERS = 3
MAX_BEGINNING = 16
"""Letters of the longest word stem in the table; the rest of a word need not be compared."""
_ANSWERS = frozenset(read_yaml("docent.text", "word_lists.yaml")["answers"].split())
_KOREAN_NEGATIONS = "않없못"
_BEGINS = tuple('.!?…:;"“”„«»‘(（[{|*#>•·–—\n。！？：；「『¿¡')
_BEFORE_SIGN = ("", " ", "(", "\n", "\t", "\N{NO-BREAK SPACE}")
_MEGA = re.compile(r"M(?=[A-Z])")


@dataclass(frozen=True)
class Decisive:
    """The words and numbers of a text that a repeat must share.

    Attributes:
        ordered: numbers, units, negations and words with an opposite, in the order of the text, as `left to right`
            is not `right to left`.
        names: proper names, folded and sorted.
        beginnings: words at the beginning of a sentence that may be names, folded and sorted.
    """

    ordered: tuple[str, ...]
    names: tuple[str, ...]
    beginnings: tuple[str, ...]


@lru_cache(maxsize=16)  # several gates process the question and answer of a pair
def decisive_of(text: str) -> Decisive:
    """Return the words and numbers that any repeat of this text must share with it."""
    ordered: list[str] = []
    names: set[str] = set()
    beginnings: set[str] = set()
    behind_number = False
    for match in _token().finditer(text):
        word = _word(match[0])
        unit = _unit(word.term, match[0]) if behind_number and not word.has_digits else ""
        behind_number = word.has_digits or word.term in CARDINALS
        start = match.start()
        is_signed = text[start - 1 : start] in ("-", "−") and text[max(0, start - 2) : start - 1] in _BEFORE_SIGN
        if meaning := unit or word.meaning:
            ordered.append(f"-{meaning}" if word.has_digits and is_signed else meaning)
        elif not word.may_name:
            continue
        elif _begins_sentence(text, start):
            beginnings.add(word.term)
        elif len(word.term) == 1:
            ordered.append(word.term)  # pump A is not pump B
        else:
            names.add(word.term)
    return Decisive(tuple(ordered), tuple(sorted(names)), tuple(sorted(beginnings)))


class _Word(NamedTuple):
    """One word, independent of its place.

    Attributes:
        term: the folded word.
        meaning: its decisive part, or "" if it has none.
        may_name: whether it has a capital and is not a function word.
    """

    term: str
    meaning: str
    has_digits: bool
    may_name: bool


@lru_cache(maxsize=1 << 16)
def _word(word: str) -> _Word:
    term = folded(word)
    if not word.isalpha() and any(map(str.isdecimal, word)):
        return _Word(term, folded(_MEGA.sub("mega", word)), True, False)
    return _Word(term, _meaning(term), False, word != word.lower() and term not in STOP_WORDS)


def _unit(term: str, word: str) -> str:
    """Return the unit after a number, or "" if the word cannot be one; MW differs from mW."""
    if term in UNITS:
        return f"mega{term[1:]}" if _MEGA.match(word) else UNITS[term]
    return term if len(term) <= MAX_SHORT_UNIT_LETTERS and term not in STOP_WORDS else ""


def _meaning(term: str) -> str:
    """Return a word's stem in the table, the short name of a unit, `not` for a negation, or "" for other words."""
    if term.endswith(("n't", "n’t")) or term in ("not", "cannot"):
        return "not"
    if term in _ANSWERS or term in CARDINALS or term in ORDINALS:
        return term
    if term in UNITS and (len(term) >= MIN_UNIT_LETTERS or not term.isalpha()):
        return UNITS[term]
    exact, beginnings, _ = _table()
    if term in exact:
        return term
    for length in range(min(len(term), MAX_BEGINNING), 0, -1):
        if term[:length] in beginnings:
            return term[:length]
    return next((letter for letter in _KOREAN_NEGATIONS if letter in term), "")


def _begins_sentence(text: str, start: int) -> bool:
    before = text[max(0, start - 8) : start].rstrip(" \t")
    return not before or before.endswith(_BEGINS)


@cache
def _table() -> tuple[frozenset[str], frozenset[str], str]:
    """Return complete words, word stems, and a pattern for scripts without spaces."""
    lines: dict[str, list[str]] = read_yaml(__package__, "opposites.yaml")
    letters, unspaced = "".join(lines["letters"]), " ".join(lines["unspaced"]).split()
    languages = lines.keys() - {"letters", "unspaced"}
    words = [word for language in languages for line in lines[language] for word in line.split()]
    exact = frozenset((*(folded(word) for word in words if not word.endswith("*")), *letters, *unspaced))
    beginnings = frozenset(folded(word[:-1])[:MAX_BEGINNING] for word in words if word.endswith("*"))
    return exact, beginnings, "|".join([*unspaced, f"[{letters}]"])


@cache
def _token() -> re.Pattern[str]:
    """Return the pattern of words, numbers and signs, and of decisive letters in scripts without spaces."""
    word = rf"[^\W_{UNSPACED}]"
    joined = rf"(?:[.,’'](?=\d){word}+|['’][tT](?!{word}))"
    return re.compile(rf"{_table()[2]}|{word}+{joined}*|[%‰°€$£¥<>≤≥±]")
