"""Reduce words of names for comparison: case, accents, plural, endings of cases and small typos make no difference.

Reads and writes nothing. A script without spaces between words gives one word per character, so that a name in Chinese
or Japanese is found inside a sentence. Endings are cut by rule, without a dictionary: `bottles`, `Flaschen` and
`dodecahedra` become what `bottle`, `Flasche` and `dodecahedron` become.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib import resources

import yaml

from docent.text.numbers.numbers import CARDINALS
from docent.text.terms import STOP_WORDS, UNSPACED, folded

MIN_TYPO_LETTERS = 6
"""In shorter words one other letter makes another word: `clock` and `block`."""
MIN_COMPOUND_LETTERS = 7
"""In a language that writes compounds a longer word may begin with such a name word: `Dampfmaschinenmodell`."""
HANGUL_PARTICLE_LETTERS = 2
"""Korean particles follow a noun without a space: `청자는`."""
MIN_STEM_LETTERS = 4

_LISTS: dict[str, str] = yaml.safe_load(
    resources.files(__package__).joinpath("name_words.yaml").read_text(encoding="utf-8")
)
ARTICLES, NEGATIONS = (frozenset(_LISTS[kind].split()) for kind in ("articles", "negations"))

# Vowel signs and accents of scripts such as Devanagari, Arabic and Hebrew are no word characters to `re`.
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
    """Return the words of a text, folded; hyphens and underscores part words, letters and digits stand apart."""
    return _WORD.findall(_POSSESSIVE.sub("", folded(text)))


@lru_cache(maxsize=1 << 16)
def canonical(word: str) -> str:
    """Cut the endings of plural and case; words of scripts without such endings stay as they are."""
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
    """Return what a word is the plural of in Latin, as English writes it: `tori` of `torus`."""
    return [word.removesuffix(plural) + one for plural, one in _LATIN_PLURALS if word.endswith(plural)]


def deletions(word: str) -> set[str]:
    """Return the word and what it becomes without one of its letters: words one typo apart share one of them."""
    return {word, *(word[:place] + word[place + 1 :] for place in range(len(word)))}


def one_typo_apart(a: str, b: str) -> bool:
    """Tell whether one letter more, less or different, or two letters exchanged, makes one word of the other."""
    shorter, longer = sorted((a, b), key=len)
    if len(longer) - len(shorter) > 1:
        return False
    start = next((i for i, (x, y) in enumerate(zip(shorter, longer, strict=False)) if x != y), len(shorter))
    if len(shorter) < len(longer):
        return shorter[start:] == longer[start + 1 :]
    exchanged = shorter[start + 1 : start + 2] + shorter[start : start + 1] + shorter[start + 2 :]
    return shorter[start + 1 :] == longer[start + 1 :] or exchanged == longer[start:]


def beginnings(word: str) -> Iterable[str]:
    """Return what a compound, or a noun with Korean particles, may begin with: the longest first."""
    hangul = _HANGUL.fullmatch(word) is not None
    least = HANGUL_PARTICLE_LETTERS if hangul else MIN_COMPOUND_LETTERS
    return (word[:length] for length in range(len(word) - 1, least - 1, -1))


def is_name(words: Sequence[str]) -> bool:
    """Tell whether canonical words can be the name of one exhibit: not `IMG 1`, `exhibit 3`, `2024`, `the blue one`."""
    if len(words) == 2 and len(words[0]) == 1 and words[0] not in ARTICLES and words[1].isdecimal():
        return True  # `T-34`
    if not all(map(is_weak, words)):
        return True
    return not any(word.isdecimal() for word in words) and any(
        word not in NO_NAMES and (len(word) > 1 or is_dense(word)) for word in words
    )


def is_weak(word: str) -> bool:
    """Tell whether a canonical word is too common to stand for a name: a number, an article, a color, a material."""
    lone = len(word) == 1 and not is_dense(word)
    return lone or word.isdecimal() or word in WEAK_WORDS


def is_dense(text: str) -> bool:
    """Tell whether a text is in a script of which two characters can be a word: Chinese, Japanese, Korean, Thai."""
    return _DENSE.fullmatch(text) is not None


# Names of files, words for any object, and how one looks: no name, in any combination.
NO_NAMES = frozenset(
    canonical(folded(word))
    for word in (*_LISTS["placeholders"].split(), *_LISTS["looks"].split(), *STOP_WORDS, *CARDINALS)
)
# Materials, places, kinds of object: a name as a whole (`Cat`), but neither a part of one nor with a number.
WEAK_WORDS = NO_NAMES | {canonical(folded(word)) for word in _LISTS["nouns"].split()}
