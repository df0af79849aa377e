"""Detect the language of a text by its script and its function words, without a model or a package.

Used for longer texts, before anything runs, on machines on which no stage is installed; for short answers, `curate`
compares letter sequences instead. Reads and writes no files.
"""

import re
import unicodedata
from collections import Counter

from docent.text.terms import FUNCTION_WORDS_OF, STOP_WORDS_OF, folded

UNKNOWN = "?"
"""Result for a text that is long enough but in none of the languages below."""
MAX_CHARS = 4_000
MIN_WORDS = 12
MIN_SHARE, MAX_SHARE_UNKNOWN = 0.14, 0.08
"""Share of function words: at least the first for a language; less than the second in all languages for UNKNOWN."""
MAX_SHARE_CAPITALS = 0.33
"""A text with a larger share of capitalised words is a list of names, which has no function words in any language."""
MIN_LEAD = 1.25
"""The best language must have this many times the function words of the second."""
MIN_SCRIPT_SHARE = 0.3
_SCRIPTS = {
    "ko": "HANGUL",
    "ja": "HIRAGANA",
    "zh": "CJK",
    "ru": "CYRILLIC",
    "ar": "ARABIC",
    "he": "HEBREW",
    "hi": "DEVANAGARI",
    "bn": "BENGALI",
    "th": "THAI",
}
MIN_KANA_SHARE = 0.1
"""Text with less than this share of kana is Chinese with a Japanese name in it."""
_LATIN = "la"
_WORD_LISTS = STOP_WORDS_OF | {code: words for code, words in FUNCTION_WORDS_OF.items() if code != _LATIN}
_WORD = re.compile(r"[^\W\d_]+")
_NO_PROSE = re.compile(r"`[^`]*`|\b\w+://\S+")


def language_of_text(text: str) -> str:
    """Return the language code of a text.

    Returns:
        An ISO 639-1 code, which need not be in text/languages.yaml; UNKNOWN if the text is long enough but has the
        function words of no known language; "" if it is too short or two languages are equally likely.
    """
    text = _NO_PROSE.sub(" ", text[:MAX_CHARS])
    if code := _by_script(text):
        return code
    words = [folded(word) for word in _WORD.findall(text)]
    if len(words) < MIN_WORDS:
        return ""
    shares = {code: sum(word in known for word in words) / len(words) for code, known in _WORD_LISTS.items()}
    (best, share), (_, second) = sorted(shares.items(), key=lambda entry: -entry[1])[:2]
    if share >= MIN_SHARE and share >= MIN_LEAD * second:
        return best
    listed = sum(word[0].isupper() for word in _WORD.findall(text)) > MAX_SHARE_CAPITALS * len(words)
    return UNKNOWN if share < MAX_SHARE_UNKNOWN and len(words) >= 2 * MIN_WORDS and not listed else ""


def function_words(code: str) -> frozenset[str]:
    """Return the function words of a language, folded, or an empty set for an unknown language."""
    return FUNCTION_WORDS_OF[code] if code == _LATIN else _WORD_LISTS.get(code, frozenset())


def _by_script(text: str) -> str:
    """Return the language of a text in a non-Latin script, UNKNOWN for an unknown script, or "" for Latin script."""
    scripts = Counter(unicodedata.name(c, "?").split(" ", 1)[0] for c in text if c.isalpha() and not c.isascii())
    total = sum(c.isalpha() for c in text)
    if not total:
        return ""
    kana = scripts["HIRAGANA"] + scripts["KATAKANA"]
    if kana >= MIN_KANA_SHARE * total and kana + scripts["CJK"] >= MIN_SCRIPT_SHARE * total:
        return "ja"
    for code, script in _SCRIPTS.items():
        if scripts[script] >= MIN_SCRIPT_SHARE * total:
            return code
    foreign = total - scripts["LATIN"] - sum(c.isascii() and c.isalpha() for c in text)
    return UNKNOWN if foreign > total / 2 and total >= 2 * MIN_WORDS else ""
