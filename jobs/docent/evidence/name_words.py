"""Normalise words of names for comparison, ignoring letter case, accents, plurals, case endings and small typos.

In scripts without spaces, each character is one word, so that a name in Chinese or Japanese is found inside a sentence.
Endings are removed by rules, without a dictionary: `bottles`, `Flaschen` and `dodecahedra` get the same form as
`bottle`, `Flasche` and `dodecahedron`.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from docent.resources import read_yaml
from docent.text.numbers.numbers import CARDINALS
from docent.text.terms import STOP_WORDS, UNSPACED, folded

MIN_TYPO_LETTERS = 6
"""Typos are only accepted in words this long: changing a letter of a shorter one gives another word (`clock`,
`block`)."""
MIN_COMPOUND_LETTERS = 7
"""A word of a name this long may be the beginning of a compound, such as `Dampfmaschinenmodell`, in languages that
write compounds as one word."""
HANGUL_PARTICLE_LETTERS = 2
"""Minimum length of a Korean noun before a particle, which follows it without a space: `청자는`."""
MIN_STEM_LETTERS = 4

_LISTS: dict[str, str] = read_yaml(__package__, "name_words.yaml")
ARTICLES, NEGATIONS = (frozenset(_LISTS[kind].split()) for kind in ("articles", "negations"))

# `re` does not match the vowel signs and accents of scripts such as Devanagari, Arabic and Hebrew as word characters.
_MARKS = "".join(chr(code) for code in range(0x300, 0xE00) if unicodedata.category(chr(code)).startswith("M"))
_WORD = re.compile(rf"[{UNSPACED}]|(?:[^\W\d_{UNSPACED}]|[{_MARKS}])+|\d+")
_POSSESSIVE = re.compile(r"['’]s\b")
_HANGUL = re.compile(r"[\uac00-\ud7a3]+")
_DENSE = re.compile(rf"[\uac00-\ud7a3{UNSPACED}]+")
_ENDING = re.compile(
    rf"(?<=\w{{{MIN_STEM_LETTERS}}})(?:ern|en|er|em|es|as|os|e|n|a|o|i|ами|ями|ой|ей|ом|ем|ов|ев|ам|ям|ах|ях|ы|и|а|я|у"
    r"|ю|е|о|й|ь)$"
)
_LATIN_PLURALS = (("i", "us"), ("a", "um"), ("ae", "a"), ("ces", "x"))


def words_in(text: str) -> list[str]:
    """Return the folded words of a text, split at hyphens, underscores, and between letters and digits."""
    return _WORD.findall(_POSSESSIVE.sub("", folded(text)))


@lru_cache(maxsize=1 << 16)
def canonical(word: str) -> str:
    """Remove plural and case endings from a word; words in scripts without such endings do not change."""
    if word.endswith(("hedra", "hedrons")):
        word = word.removesuffix("s").removesuffix("hedra").removesuffix("hedron") + "hedron"
    elif word.endswith("ies") and len(word) > MIN_STEM_LETTERS:
        word = f"{word[:-3]}y"
    elif word.endswith(("sses", "xes", "zes", "ches", "shes")) and len(word) > MIN_STEM_LETTERS:
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        word = word[:-1]
    return _ENDING.sub("", word)


def latin_singulars(word: str) -> list[str]:
    """Return possible singulars of a Latin plural as used in English: `torus` for `tori`."""
    return [word.removesuffix(plural) + one for plural, one in _LATIN_PLURALS if word.endswith(plural)]


def deletions(word: str) -> set[str]:
    """Return the word and all forms with one letter removed; words that are one typo apart have one in common."""
    return {word, *(word[:place] + word[place + 1 :] for place in range(len(word)))}


def one_typo_apart(a: str, b: str) -> bool:
    """Return whether the words differ by one inserted, deleted or changed letter, or by two swapped neighbours."""
    shorter, longer = sorted((a, b), key=len)
    if len(longer) - len(shorter) > 1:
        return False
    start = next((i for i, (x, y) in enumerate(zip(shorter, longer, strict=False)) if x != y), len(shorter))
    if len(shorter) < len(longer):
        return shorter[start:] == longer[start + 1 :]
    exchanged = shorter[start + 1 : start + 2] + shorter[start : start + 1] + shorter[start + 2 :]
    return shorter[start + 1 :] == longer[start + 1 :] or exchanged == longer[start:]


def beginnings(word: str) -> Iterable[str]:
    """Return possible first parts of a compound, or of a Korean noun with particles, the longest first."""
    hangul = _HANGUL.fullmatch(word) is not None
    least = HANGUL_PARTICLE_LETTERS if hangul else MIN_COMPOUND_LETTERS
    return (word[:length] for length in range(len(word) - 1, least - 1, -1))


def is_name(words: Sequence[str]) -> bool:
    """Return whether canonical words can be an exhibit's name; `IMG 1`, `exhibit 3`, `2024`, `the blue one` cannot."""
    if len(words) == 2 and len(words[0]) == 1 and words[0] not in ARTICLES and words[1].isdecimal():
        return True  # `T-34`
    if not all(map(is_weak, words)):
        return True
    return not any(word.isdecimal() for word in words) and any(
        word not in NO_NAMES and (len(word) > 1 or is_dense(word)) for word in words
    )


def is_weak(word: str) -> bool:
    """Return whether a canonical word is too common to identify an exhibit: a number, article, color or material."""
    lone = len(word) == 1 and not is_dense(word)
    return lone or word.isdecimal() or word in WEAK_WORDS


def is_dense(text: str) -> bool:
    """Return whether a text is in a script where one or two characters can be a word, such as Chinese or Korean."""
    return _DENSE.fullmatch(text) is not None


# Words of file names, for any object, and for its appearance: no combination of these is a name.
NO_NAMES = frozenset(
    canonical(folded(word))
    for word in (*_LISTS["placeholders"].split(), *_LISTS["looks"].split(), *STOP_WORDS, *CARDINALS)
)
# Materials, places and kinds of objects: such a word can be a complete name (`Cat`), but does not count as a part of a
# longer name or together with a number.
WEAK_WORDS = NO_NAMES | {canonical(folded(word)) for word in _LISTS["nouns"].split()}
