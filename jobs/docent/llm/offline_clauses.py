"""Where an English clause has its verb, as far as its neighbours tell: `the belt wears on one side`, `and leaves it`.

For the offline teacher's topics, which are things and not what things do. Reads and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from docent.llm.offline_verbs import BASES as BASE_FORMS
from docent.llm.offline_verbs import THIRD as THIRD_FORMS

DETERMINERS = frozenset(
    "the a an this that these those its their his her our your my every each no any some all both one two three four "
    "five six seven eight nine ten several many few most other another".split()
)
_ARTICLES = frozenset("the a an its their each every".split())
_PREPOSITIONS = frozenset(
    "of for in on at by with from to under over into onto through against along across between behind beside below "
    "above near off out up down past per without within inside outside during after before until since as like than "
    "about around away towards toward upwards downwards back".split()
)
_PARTICLES = frozenset("out off away apart upwards downwards".split())
_OBJECTS = frozenset("everything anything nothing everyone somebody it them him us you everybody anyone".split())
_OPENS_CLAUSE = frozenset("if when while because that which who where until once unless whenever before after".split())
_JOINS = frozenset("and or which that who but then to it he she".split())
_FINITE = frozenset(
    "is are was were be been has have had do does did must should can may will would could might cannot makes make "
    "gives give shows show takes take goes go gets get means mean needs need uses use sees see says say "
    "comes come".split()
)
_CLAUSE = re.compile(r"[,;:.]\s|\b(?:and|but|or)\b")
_WORD = re.compile(r"[\w'’/-]+")


def before_verb(text: str, run: Sequence[re.Match[str]]) -> int:
    """How many words of a run stand before a verb in it: all of them where there is none.

    A word is taken for the verb when it ends in -s behind a noun without that ending, and its clause has no other one.
    """
    for place, token in enumerate(run[1:], 1):
        if _looks_finite(token[0]) and not _is_plural(run[place - 1][0]) and _is_verb(text, run, token):
            return place
    return len(run)


def _is_plural(word: str) -> bool:
    return word.endswith("s") and not word.endswith("ss")


def _looks_finite(word: str) -> bool:
    return re.fullmatch(r"[a-z]{2,}[a-hj-rtv-z]s|[a-z]+(?:ss|sh|ch|x)es", word) is not None


def _is_verb(text: str, run: Sequence[re.Match[str]], token: re.Match[str]) -> bool:
    following = _WORD.match(text, token.end() + 1) if text[token.end() : token.end() + 1] == " " else None
    after = following[0].lower() if following else ""
    if after in (DETERMINERS | _OBJECTS | _PARTICLES) - {"that"}:
        return True
    begin, end = _clause(text, run[0].start(), token.end())
    clause = [word[0] for word in _WORD.finditer(text, begin, token.end())]
    openers = [place for place, word in enumerate(clause) if word.lower() in _OPENS_CLAUSE]
    is_led = bool(openers)
    clause = clause[openers[-1] + 1 :] if is_led else clause
    # The next word is no verb: two do not follow each other.
    clause += [word[0] for word in _WORD.finditer(text, token.end(), end)][1:]
    starts = len(clause) > 0 and clause[0].lower() in DETERMINERS | {run[0][0].lower()}
    if _has_verb(clause) or not starts or after == "of":
        return False
    return is_led or after in _PREPOSITIONS or after.endswith("ly") or (begin == 0 and bool(after))


def _clause(text: str, start: int, stop: int) -> tuple[int, int]:
    """Where the clause begins and ends that has the given part of a sentence."""
    begin = max((mark.end() for mark in _CLAUSE.finditer(text, 0, start)), default=0)
    following = _CLAUSE.search(text, stop)
    return begin, following.start() if following else len(text)


def _has_verb(clause: Sequence[str]) -> bool:
    """Whether a clause has a verb for certain; base forms are one only behind a plural."""
    for before, word in zip(("", *clause), clause, strict=False):
        low = word.lower()
        if low in _FINITE or low in THIRD_FORMS or (low in BASE_FORMS and before.endswith("s")):
            return True
    return False


def is_no_noun(text: str, token: re.Match[str]) -> bool:
    """Whether a word is rather a verb or an adjective than a noun: `and leaves everything`, `too tight`."""
    before = (_WORD.findall(text[: token.start()]) or [""])[-1]
    after = (_WORD.findall(text[token.end() :]) or [""])[0].lower()
    if before in ("too", "very", "so", "quite", "is", "are", "was", "were"):
        return True  # `too tight`, `were loose`
    if not _looks_finite(token[0]) or before.lower() in DETERMINERS - {"that"}:
        return False
    return (before.lower() in _JOINS or before[:1].isupper()) and after in DETERMINERS | _OBJECTS | _PREPOSITIONS - {
        "of"
    }


def stands_as_noun(text: str, start: int) -> bool:
    """Whether what begins there follows a determiner or a preposition, as nouns do."""
    before = (_WORD.findall(text[:start]) or [""])[-1].lower()
    return before in DETERMINERS | _PREPOSITIONS or before.isdigit()


def names_a_thing(text: str, token: re.Match[str], run: Sequence[re.Match[str]]) -> bool:
    """Whether a word that may be a verb is a noun here: behind an article, with nothing or one noun between."""
    if token[0] not in BASE_FORMS:
        return False
    after = (_WORD.findall(text[token.end() : token.end() + 40]) or [""])[0].lower()
    if after in DETERMINERS | _OBJECTS or len(run) > 1 or (run and _is_plural(run[0][0])):
        return False
    start = run[0].start() if run else token.start()
    return (_WORD.findall(text[max(0, start - 40) : start]) or [""])[-1].lower() in _ARTICLES
