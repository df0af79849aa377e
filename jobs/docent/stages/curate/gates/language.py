"""Check that a text is in the expected language; the check fails only if it certainly is not.

Scripts decide whenever they differ. Between languages in Latin letters, py3langid decides: a table of letter sequences
in the package, with the same answer on every machine and no network access. It is used only for texts of at least
MIN_WORDS words, and trusted only if it gives the expected language a share of at most MAX_EXPECTED: no false alarm on
6,950 English texts between three words and a paragraph (docs/benchmarks.md). languages.yaml lists the scripts of each
language, and the languages that py3langid confuses, which count as one.
"""

import re
import unicodedata
from collections import Counter
from functools import cache
from typing import Any

from docent.errors import ConfigError
from docent.resources import read_yaml
from docent.text.detection import function_words
from docent.text.languages import find_language
from docent.text.terms import STOP_WORDS_OF, folded

MIN_WORDS = 5
MAX_CHARS = 1000
MAX_EXPECTED = 0.01
MIN_FOUND = 0.4
MIN_FOREIGN_LETTERS = 6
SURE_OF_SOURCE = 0.9
MIN_SOURCE_WORDS = 20
MIN_EXPECTED_WORDS = 0.15
"""Share of function words of the expected language; a text reaches it only if it is in that language."""

_LISTS = read_yaml(__package__, "languages.yaml")
SCRIPTS: dict[str, list[str]] = _LISTS["scripts"]
_SIMILAR: list[list[str]] = _LISTS["similar"]
_NO_LANGUAGE = {"zxx"}
_NO_PROSE = re.compile(r"`[^`]*`|\b\w+://\S+|(?<![^\s`])[^\s`\\/_@=<>{}]*+[\\/_@=<>{}]\S*")
_WORD = re.compile(r"[^\W\d_]{2,}")
_ASCII_LETTER = re.compile(r"[A-Za-z]")
_ENGLISH_ENOUGH = 0.35
"""Share of English stop words that no other language reaches; above it, the detector is not needed."""


@cache
def code_of(language: str) -> str:
    """Return the code of a language, given its name or code, or "" if it is unknown and therefore not checked."""
    try:
        return find_language(language, "").code
    except ConfigError:
        return ""


def wrong_language(text: str, code: str) -> str | None:
    """Return the language of a text if it is certainly not `code`, or else None."""
    if not code:
        return None
    text = _NO_PROSE.sub(" ", text[:MAX_CHARS])
    letters = _scripts(text)
    foreign = _foreign_script(letters, code)
    if foreign or code in SCRIPTS:
        return foreign
    words = _WORD.findall(text)
    if len(words) < MIN_WORDS or (code == "en" and _is_english(words)):
        return None
    shares = dict(_detector().rank(text))
    best = max(shares, key=lambda name: shares[name])
    related = set().union(*(group for group in _SIMILAR if code in group), {code}, _NO_LANGUAGE)
    if best in related or shares[best] < MIN_FOUND or sum(shares.get(name, 0) for name in related) > MAX_EXPECTED:
        return None
    return None if _is_of_names(words, best, code) else str(best)


def code_of_text(text: str) -> str:
    """Return the code of the language of a longer text, or "" if it is unclear."""
    text = _NO_PROSE.sub(" ", text[: 4 * MAX_CHARS])
    letters = _scripts(text)
    total = sum(letters.values())
    for code in ("ko", "ja", "zh", "ru", "ar", "he", "hi", "bn", "th", "el"):
        own = letters[SCRIPTS[code][0]]
        if total and own / total > 0.3 and (code != "zh" or not letters["HIRAGANA"]):
            return code
    words = _WORD.findall(text)
    if len(words) < MIN_SOURCE_WORDS:
        return ""
    if _is_english(words):
        return "en"
    best, share = _detector().classify(text)
    return str(best) if share >= SURE_OF_SOURCE and best not in _NO_LANGUAGE and _has_words_of(words, best) else ""


def _is_of_names(words: list[str], detected: str, code: str) -> bool:
    """Return whether only names look like another language: `Quercus robur, Fagus sylvatica` is not Latin text.

    A text in the detected language would contain more function words of it than of the expected language. If there is
    no list of its function words, only those of the expected language are counted.
    """
    terms = [folded(word) for word in words]
    expected = sum(term in function_words(code) for term in terms)
    if not function_words(detected):
        return expected >= max(2, MIN_EXPECTED_WORDS * len(terms))
    theirs = sum(term in function_words(detected) for term in terms)
    return theirs == 0 or expected > theirs


def _has_words_of(words: list[str], detected: str) -> bool:
    known = function_words(detected)
    return not known or any(folded(word) in known for word in words)


def _is_english(words: list[str]) -> bool:
    return sum(folded(word) in STOP_WORDS_OF["en"] for word in words) >= _ENGLISH_ENOUGH * len(words)


def _scripts(text: str) -> Counter[str]:
    """Return the number of letters per script; ASCII letters are counted without a lookup."""
    plain = len(_ASCII_LETTER.findall(text))
    if text.isascii():
        return Counter({"LATIN": plain})
    letters = Counter(unicodedata.name(c, "?").split(" ", 1)[0] for c in text if not c.isascii() and c.isalpha())
    letters["LATIN"] += plain
    return letters


def _foreign_script(letters: Counter[str], code: str) -> str | None:
    """Return a script that the language does not use, if nearly all letters belong to it."""
    total = sum(letters.values())
    if total < MIN_FOREIGN_LETTERS:
        return None
    own = sum(letters[script] for script in SCRIPTS.get(code, ["LATIN"]))
    top = letters.most_common(1)[0][0]
    spelled = letters["HIRAGANA"] + letters["KATAKANA"] + letters["HANGUL"]
    if code in ("ja", "ko") and not spelled and letters["CJK"] > 2 * MIN_FOREIGN_LETTERS:
        return "Chinese characters only"
    if code == "zh" and letters["HIRAGANA"] + letters["KATAKANA"] > 0.2 * total:
        return "kana"
    # Names stay in Latin letters in every language, so only a text without other letters, as long as a sentence, fails.
    if code in SCRIPTS and top == "LATIN":
        return "Latin letters" if own < 0.05 * total and total > 5 * MIN_FOREIGN_LETTERS else None
    return f"{top.capitalize()} letters" if own < 0.5 * total else None


@cache
def _detector() -> Any:
    from py3langid import langid

    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
