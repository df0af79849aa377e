"""The terms of a text in any script: words, and pairs of letters where a script writes no spaces.

Used to compare texts by what they say: support in a source, retrieval, repeats. Lower case without Latin accents; a
possessive ending is left out. Stems are cut, not looked up, so that `rotated` and `rotation` meet in any European
language. No dictionary beyond short lists of words that carry no content.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

STEM_LETTERS = 5
HANGUL_STEM_LETTERS = 2
"""Korean adds particles to its nouns: the first two syllables are what it is about."""
LETTERS_PER_WORD, LETTERS_PER_LONG_WORD = 2.0, 4.0
"""For lengths in words: of Chinese and Japanese; of Thai, Lao, Burmese and Khmer, whose letters are sounds."""

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

# Words that say nothing of what a text is about, the asking words included.
_STOP = {
    "en": "a about after all also an and any are as at be because been before being between both but by can could "
    "did do does doing down during each few for from had has have having he her here hers him his how i if in "
    "into is it its itself just like many may me might more most much must my near no nor not of off on once "
    "one only or other our out over own per same shall she should so some such than that the their them then "
    "there these they this those through thus to too under until up upon us very was we were what when where "
    "whether which while who whom whose why will with within without would yes you your yours called does "
    "exactly explain describe tell name give according text section document description please state true "
    "false statement following",
    "de": "aber als am an auch auf aus bei bis da damit dann das dass dem den der des die dies diese dieser dieses "
    "durch ein eine einem einen einer eines er es für hat haben hier ich ihr ihre im in ist ja kann kein "
    "keine man mehr mit nach nein nicht noch nur ob oder sein seine sich sie sind so über um und uns unter "
    "vom von vor war waren was welche welcher welches wenn wer werden wie wird wo wurde wurden zu zum zur",
    "fr": "à au aux avec ce ces cette comme dans de des du elle elles en est et être il ils je la le les leur leurs "
    "lui mais ne non nous on ou où oui par pas plus pour qu que quel quelle quelles quels qui quoi sa se ses "
    "si son sont sur un une vous été était c d l n s t y a ont",
    "es": "a al como con cuál cuáles cuándo cuánto de del desde dónde el ella ellos en entre era es esta este esto "
    "está fue ha han hay la las le lo los más no o para pero por porque qué quién se ser si sí sin sobre son "
    "su sus también un una y ya cómo",
    "it": "a al alla anche che chi ci come con cosa da dal dalla dei del della delle di dove e è gli ha hanno i il "
    "in la le lo ma nel nella non o per perché più quale quali quando quanto questa questo se si sono su sul "
    "un una uno",
    "pt": "a ao aos as como com da das de do dos e é ela ele em entre era essa esse esta este está foi há isso isto "
    "mais mas na nas no nos não o onde os ou para pela pelo por porque qual quais quando que quem se sem ser "
    "seu sua são também um uma",
    "nl": "aan al als bij dat de der deze die dit door een en er het hij hoe ik in is je kan maar met naar niet nog "
    "of om ook op over te tot uit van voor waar wanneer was wat we welke werd wie wordt worden zijn zo",
}


def folded(text: str) -> str:
    """Lower case, full-width forms as plain ones, Latin letters without accents."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKC", text).casefold()
    pieces = (unicodedata.normalize("NFD", c)[0] if "\u00c0" <= c <= "\u024f" else c for c in text)
    return "".join(pieces)


STOP_WORDS_OF = {code: frozenset(folded(word) for word in words.split()) for code, words in _STOP.items()}
STOP_WORDS = frozenset[str]().union(*STOP_WORDS_OF.values())


@lru_cache(maxsize=16)  # several gates look at the same question and answer, one after the other
def terms_of(text: str) -> tuple[str, ...]:
    """Words in order; a run of letters without spaces becomes its overlapping pairs."""
    found: list[str] = []
    for term in _TERM.findall(folded(text)):
        if not term.isascii() and _RUN.match(term):
            found += [term[i : i + 2] for i in range(len(term) - 1)] or [term]
        else:
            found.append(term if term.isalnum() else _POSSESSIVE.sub("", term))
    return tuple(found)


@lru_cache(maxsize=1 << 16)
def stem(term: str) -> str:
    """What is left of a word when endings are cut: `edges` and `edge`, `rotation` and `rotated` become the same."""
    if any(c.isdigit() for c in term):
        return term
    if _HANGUL.match(term):
        return term[:HANGUL_STEM_LETTERS]
    if term.isascii() and len(term) > 3 and term.endswith("s") and not term.endswith("ss"):
        term = term[:-1]
    return term[:STEM_LETTERS]


def stems_of(text: str) -> frozenset[str]:
    """Stems of all words of a text."""
    terms = set(terms_of(text))
    parts = {part for term in terms if "-" in term for part in term.split("-") if part}
    return frozenset(map(stem, terms | parts))


@lru_cache(maxsize=16)
def content_stems(text: str) -> tuple[str, ...]:
    """Distinct stems of the words that carry content, in order; numbers are left to those who check numbers."""
    kept = (term for term in terms_of(text) if term not in STOP_WORDS and not term[:1].isdigit() and len(term) > 1)
    return tuple(dict.fromkeys(stem(term) for term in kept))


def support(stems: Iterable[str], known: frozenset[str]) -> float:
    """Share of `stems` that are known; 1.0 when there are none. A compound counts when all its parts are known."""
    wanted = list(stems)
    return sum(s in known for s in wanted) / len(wanted) if wanted else 1.0


def length_in_words(text: str) -> int:
    """Words as a word processor counts them; where a script writes no spaces, a number that its letters stand for."""
    if text.isascii():
        return sum(any(map(str.isalnum, piece)) for piece in text.split())
    ideographs, letters = len(_OF_TWO.findall(text)), len(_OF_FOUR.findall(text))
    spaced = sum(any(map(str.isalnum, piece)) for piece in _RUN.sub(" ", text).split())
    unspaced = ideographs / LETTERS_PER_WORD + letters / LETTERS_PER_LONG_WORD
    return spaced + (max(1, round(unspaced)) if unspaced else 0)
