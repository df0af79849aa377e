"""Find how a text spells a name given as a slug: `image-d-epinal` is spelled `image d'Épinal` in prose.

Reads and writes no files.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence

MAX_NAME_CHARS = 200
MIN_WORD_CHARS = 4
"""Shorter words have too many meanings to be looked up by themselves."""
# Within a word an apostrophe may be missing; between words it became a hyphen.
_INSIDE, _BETWEEN = "['’]?", r"[-_'’\s]+"
# Replacements for letters that a keyboard or URL lacks, as alternatives to dropping the accent.
_TWO_LETTERS = {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae", "œ": "oe", "ß": "ss"}


def spelled_in(text: str, name: str) -> str:
    """Return the name as the text spells it, with accents, apostrophes and capitals.

    Of several spellings, the one with the fewest capitals is chosen, preferably from within a sentence. If the text
    does not contain the complete name, its single words are spelled as in the text.

    Returns:
        The name, or "" if the text contains neither the name nor any of its words.
    """
    words = re.findall(r"[^\W_]+", name)
    if not words or len(name) > MAX_NAME_CHARS:
        return ""
    text = unicodedata.normalize("NFC", text)
    if spelling := _spelling_of(text, words):
        return spelling
    single = {word: _spelling_of(text, [word]) for word in words if len(word) >= MIN_WORD_CHARS}
    return " ".join(single.get(word) or word for word in words) if any(single.values()) else ""


def _spelling_of(text: str, words: Sequence[str]) -> str:
    """Return a sequence of words as the text spells it, or "" if the text does not contain it."""
    for table in ({}, _TWO_LETTERS):
        folded, places = _folded(text, table)
        letters = (_INSIDE.join(re.escape(letter) for letter in _folded(word, table)[0]) for word in words)
        pattern = re.compile(rf"(?<!\w){_BETWEEN.join(letters)}(?!\w)")
        spellings = [text[places[at.start()] : places[at.end() - 1] + 1] for at in pattern.finditer(folded)]
        within = [one for one in dict.fromkeys(spellings) if re.search(rf"[^\s.!?…:]\s{re.escape(one)}", text)]
        if spellings:
            return " ".join(min(within or spellings, key=lambda one: sum(map(str.isupper, one))).split())
    return ""


def _folded(text: str, table: Mapping[str, str]) -> tuple[str, list[int]]:
    """Return the letters in lower case without accents, and the position of each in the text."""
    letters: list[str] = []
    places: list[int] = []
    for place, letter in enumerate(text):
        small = letter.casefold()
        parts = unicodedata.normalize("NFKD", small)
        bare = table.get(small) or "".join(part for part in parts if not unicodedata.combining(part))
        letters.extend(bare)
        places.extend([place] * len(bare))
    return "".join(letters), places
