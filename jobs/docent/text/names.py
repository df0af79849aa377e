"""Find proper names in a text by their capitals, so that an answer can be checked against its source.

Works for languages in Latin script that capitalise names but not other nouns (not German). The first word of a sentence
counts only with a possessive ending. The method is lexical: a name from the source used in the wrong place passes.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from docent.resources import read_yaml
from docent.text.numbers.quantities import UNITS
from docent.text.terms import STOP_WORDS, folded, terms_of

NOUNS_WITH_CAPITALS = frozenset({"de", "lb"})
"""Codes of languages that capitalise every noun."""
MAX_FORM_LETTERS = 24
"""For longer words, which are codes rather than names, other forms are not looked up."""
_LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"
_WORD = re.compile(rf"(?<!\w)[{_LATIN}][{_LATIN}0-9]*(?:[-’'][{_LATIN}0-9]+)*")
_POSSESSIVE = re.compile(r"['’]s?$")
_FORMS = re.compile(r"(?<=\w{4})(?:ians?|eans?|ans?|ese|ish|ics?)$")
_BEGINS = tuple('.!?…:;"“”„«»‘(（[{|*#>•·–—\n。！？：；「『')
_NO_NAMES = frozenset(read_yaml(__package__, "word_lists.yaml")["no_names"].split())
_LINE_MARK = re.compile(r"^[ \t]*(?:[-*•]|\(?\d{1,2}[.)])[ \t]+", re.MULTILINE)


@dataclass(frozen=True)
class SourceWords:
    """The words of a source, prepared for looking up names.

    Attributes:
        words: all words and the parts of compounds, folded.
        beginnings: first letters of the words, to match other forms of a name, such as Greek for Greece.
        initials: first letters of all words in order, for abbreviations.
    """

    words: frozenset[str]
    beginnings: frozenset[str]
    initials: str


def source_words(text: str) -> SourceWords:
    """Return the words of a source, prepared for looking up names."""
    terms = terms_of(text)
    words = frozenset(part for term in terms for part in (term, *re.split(r"[-'’.,]", term)) if part)
    beginnings = frozenset(word[:n] for word in words for n in range(4, min(len(word), MAX_FORM_LETTERS) + 1))
    return SourceWords(words, beginnings, "".join(term[0] for term in terms))


def names_of(text: str) -> list[str]:
    """Return the words of a text that are names by their capitals, in order, without repeats."""
    names: list[str] = []
    text = _LINE_MARK.sub("\n", text)
    for match in _WORD.finditer(text):
        word = match.group()
        if word.islower() or folded(word) in _NO_NAMES:
            continue
        possessive = _POSSESSIVE.search(word) is not None
        if _begins_sentence(text, match.start()) and not (possessive and word[0].isupper()):
            continue
        name = _POSSESSIVE.sub("", word)
        if len(name) > 1 and folded(name) not in STOP_WORDS and folded(name) not in UNITS:
            names.append(name)
    return list(dict.fromkeys(names))


def unsupported_names(answer: str, source: SourceWords, allowed: Collection[str] = ()) -> list[str]:
    """Return the names in `answer` that are not in `source` or `allowed` (folded words), in order."""
    return [name for name in names_of(answer) if not _is_known(name, source, allowed)]


def _begins_sentence(text: str, start: int) -> bool:
    before = text[max(0, start - 8) : start].rstrip(" \t")
    return not before or before.endswith(_BEGINS)


def _is_known(name: str, source: SourceWords, allowed: Collection[str]) -> bool:
    whole = folded(name)
    if whole in source.words or whole in allowed or (name.isupper() and whole in source.initials):
        return True
    parts = [part for part in re.split(r"[-'’]", whole) if part]
    return all(_has(part, source) or part in allowed for part in parts)


def _has(word: str, source: SourceWords) -> bool:
    """Return whether the source has the word, its singular, or another form that differs only in the ending."""
    is_plural = len(word) > 3 and word.endswith("s") and word[:-1] in source.words
    if word in source.words or word in STOP_WORDS or is_plural:
        return True
    beginning = _FORMS.sub("", word)
    return len(word) > 4 and (beginning if beginning != word else word[: max(4, len(word) - 2)]) in source.beginnings
