"""Split a text in any script into terms: words, or pairs of letters in scripts without spaces.

Used to compare texts by content: support in a source, retrieval, repeats. Terms are in lower case, without Latin
accents and possessive endings. Stems are cut by length instead of looked up, so that `rotated` and `rotation` are equal
in any European language. The only word lists are short ones of function words (function_words.yaml).
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from docent.resources import read_yaml

STEM_LETTERS = 5
HANGUL_STEM_LETTERS = 2
"""Korean adds particles to nouns, so the first two syllables identify the noun."""
LETTERS_PER_WORD, LETTERS_PER_LONG_WORD = 2.0, 4.0
"""Letters per word, for lengths: in Chinese and Japanese; in Thai, Lao, Burmese and Khmer, whose letters are sounds."""

# Scripts without spaces between words: kana, Chinese characters, Thai, Lao, Khmer, Burmese.
_LONG = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_SHORT = (
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U000323af"
)
UNSPACED = _SHORT + _LONG
_OF_TWO, _OF_FOUR = re.compile(f"[{_SHORT}]"), re.compile(f"[{_LONG}]")
_RUN = re.compile(rf"[{UNSPACED}]+")
_TERM = re.compile(rf"[{UNSPACED}]+|[^\W_{UNSPACED}]+(?:['’.,-][^\W_{UNSPACED}]+)*")
_POSSESSIVE = re.compile(r"['’]s?$")
_HANGUL = re.compile(r"^[\uac00-\ud7a3]+$")


def folded(text: str) -> str:
    """Return the text in lower case, with full-width forms narrowed and Latin accents removed."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKC", text).casefold()
    pieces = (unicodedata.normalize("NFD", c)[0] if "\u00c0" <= c <= "\u024f" else c for c in text)
    return "".join(pieces)


_WORDS: dict[str, dict[str, str]] = read_yaml(__package__, "function_words.yaml")
STOP_WORDS_OF, FUNCTION_WORDS_OF = (
    {code: frozenset(map(folded, words.split())) for code, words in _WORDS[kind].items()}
    for kind in ("stop_words", "function_words")
)
"""Words by language, folded: words without content, and words of languages that only detection.py uses."""
STOP_WORDS = frozenset[str]().union(*STOP_WORDS_OF.values())


@lru_cache(maxsize=16)  # several gates process the same question and answer, one after the other
def terms_of(text: str) -> tuple[str, ...]:
    """Return the words in order; a run of letters in a script without spaces becomes its overlapping pairs."""
    terms: list[str] = []
    for term in _TERM.findall(folded(text)):
        if not term.isascii() and _RUN.match(term):
            terms += [term[i : i + 2] for i in range(len(term) - 1)] or [term]
        else:
            terms.append(term if term.isalnum() else _POSSESSIVE.sub("", term))
    return tuple(terms)


@lru_cache(maxsize=1 << 16)
def stem(term: str) -> str:
    """Return a word without its ending, so that `edges` and `edge`, `rotation` and `rotated` become equal."""
    if any(c.isdigit() for c in term):
        return term
    if _HANGUL.match(term):
        return term[:HANGUL_STEM_LETTERS]
    if term.isascii() and len(term) > 3 and term.endswith("s") and not term.endswith("ss"):
        term = term[:-1]
    return term[:STEM_LETTERS]


def stems_of(text: str) -> frozenset[str]:
    """Return the stems of all words in a text, including the parts of hyphenated ones."""
    terms = set(terms_of(text))
    parts = {part for term in terms if "-" in term for part in term.split("-") if part}
    return frozenset(map(stem, terms | parts))


@lru_cache(maxsize=16)
def content_stems(text: str) -> tuple[str, ...]:
    """Return the distinct stems of content words, in order; numbers are left out, as they are checked elsewhere."""
    kept = (term for term in terms_of(text) if term not in STOP_WORDS and not term[:1].isdigit() and len(term) > 1)
    return tuple(dict.fromkeys(stem(term) for term in kept))


def support(stems: Iterable[str], known: frozenset[str]) -> float:
    """Return the share of `stems` that are in `known`, or 1.0 if there are none."""
    wanted = list(stems)
    return sum(s in known for s in wanted) / len(wanted) if wanted else 1.0


def length_in_words(text: str) -> int:
    """Return the number of words; in scripts without spaces, estimate it from the number of letters."""
    if text.isascii():
        return sum(any(map(str.isalnum, piece)) for piece in text.split())
    ideographs, letters = len(_OF_TWO.findall(text)), len(_OF_FOUR.findall(text))
    spaced = sum(any(map(str.isalnum, piece)) for piece in _RUN.sub(" ", text).split())
    unspaced = ideographs / LETTERS_PER_WORD + letters / LETTERS_PER_LONG_WORD
    return spaced + (max(1, round(unspaced)) if unspaced else 0)
