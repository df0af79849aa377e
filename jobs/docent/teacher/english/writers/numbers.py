"""Find numbers with their units, and words with opposites, which can be left out or replaced in English sentences.

A replacement is a number from elsewhere in the text, or the opposite word. Reads and writes nothing.
"""

import math
import re
from collections.abc import Sequence

from docent.teacher.english.grammar.clauses import DETERMINERS, PREPOSITIONS, is_plural, read_clause
from docent.teacher.source.statements import Statement
from docent.teacher.source.words import ENGLISH

UNIT_WORDS = frozenset(ENGLISH["units"].split())
BLANK = "____"
YEAR = re.compile(r"1\d{3}|20\d\d")
MAX_FACTOR = 5
"""A number that is larger or smaller by this factor does not look like the true one."""
_UNIT_CJK = ENGLISH["cjk_units"]
# A number of its own, not part of a name (`p3.16xlarge`), and the unit attached to it.
NUMBER = re.compile(
    r"(?<![A-Za-z0-9_./:#-])(?P<money>[$€£¥]\s?)?(?P<digits>\d{1,3}(?:[, ]\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?)(?![.,]?\d)"
    rf"(?P<unit>%|°\s?[CF]?|[A-Za-zµμ]{{1,4}}[²³]?(?![A-Za-z0-9])|\s?(?:{_UNIT_CJK}))?(?![A-Za-z0-9_]|-\w)"
)
_UNIT_WORD = re.compile(r"\s([^\W\d_]+|%)(?!\w)")
# Numbers that name a thing rather than measure one.
_NAMES = re.compile(ENGLISH["named_by_number"])

_AFTER_CAPITAL = re.compile(r"(?:^|[\s“(])(?P<word>[A-Z][\w.-]*)\s$")
_UNIT_SIGN = re.compile(r"\s?(?:%|°)|[A-Za-zµμ]|\s(?:[A-Z]|[A-Z]?[a-zµμ]+)(?:[²³]|/[a-z]+)?(?!\w)")
_MORE_UNITS = frozenset("n nm newton newtons bar mbar lux lx rpm db euro euros eur usd gbp chf dollar dollars".split())
_NO_UNIT = frozenset(("a", "in"))
_NOT_COUNTED = PREPOSITIONS | DETERMINERS | frozenset("and or is are has was were does".split())
_LEADS = frozenset("some about only over nearly almost up exactly".split())
_OPPOSITES: dict[str, str] = ENGLISH["opposites"]
"""Pairs of words; exchanging one for the other makes a true sentence false."""
_BEFORE_YEAR = re.compile(r"\b(?:in|since|until|by|from|before|after|between|of)\s$")


def is_measured(text: str, start: int, end: int) -> bool:
    """Check whether a number in an English sentence measures or counts something and is not part of a name: `Folio 40`.

    Args:
        start: start of its digits.
        end: end of its digits, before the unit.
    """
    before, behind = text[:start], text[end:]
    clause = read_clause(text)
    capital = _AFTER_CAPITAL.search(before)
    if capital and not (capital.start("word") == 0 and capital["word"].lower() in DETERMINERS | PREPOSITIONS | _LEADS):
        return False
    if clause is not None and f"{text[:end]} ".endswith(f"{clause.subject} "):
        return False  # `Plan 3 stores times`
    if YEAR.fullmatch(text[start:end]) and _BEFORE_YEAR.search(before):
        return True
    return re.search(r"[$€£¥]\s?$", before) is not None or _has_unit(behind) or _counts(behind)


def _has_unit(behind: str) -> bool:
    sign = _UNIT_SIGN.match(behind)
    word = sign[0].strip() if sign else ""
    if not sign or not sign[0][0].isspace() or word[:1] in ("%", "°"):
        return sign is not None
    if word in _NO_UNIT:
        return False
    return word.partition("/")[0].rstrip("²³").lower() in UNIT_WORDS | _MORE_UNITS


def _counts(behind: str) -> bool:
    """Check whether a plural follows, with at most two words before it: `8 load switches`."""
    for word in re.match(r"(?: [a-z][a-z-]*){0,3}", behind)[0].split():  # type: ignore[index]
        if word in _NOT_COUNTED:
            return False
        if is_plural(word):
            return True
    return False


def spans_of(text: str) -> list[tuple[int, int]]:
    """Return the positions of numbers, each with its unit."""
    numbers = [m for m in NUMBER.finditer(text) if not _is_name(m, text)]
    return [(m.start(), m.end() + (len(word[0]) if (word := _unit_word(text, m)) else 0)) for m in numbers]


def _is_name(number: re.Match[str], text: str) -> bool:
    """Check whether a number names a thing: `step 2`, `program 2 is ...`, `04817`."""
    is_subject = not number["unit"] and re.match(r"\s(?:is|are|was|were|has|have|costs)\b", text[number.end() :])
    is_code = re.match(r"0\d", number["digits"]) is not None
    return is_code or bool(is_subject) or _NAMES.search(text[: number.start()]) is not None


def _unit_word(text: str, number: re.Match[str]) -> re.Match[str] | None:
    """Return the unit word after a number that has no unit attached."""
    word = _UNIT_WORD.match(text[number.end() :]) if not number["unit"] else None
    return word if word and word[1].lower() in UNIT_WORDS else None


def with_other_number(statement: Statement, every: Sequence[Statement]) -> str | None:
    """Replace the last number of a sentence by one of the same shape from elsewhere in the text."""
    text = statement.text
    own = {m["digits"] for m in NUMBER.finditer(text)}
    others = [
        (m, other.text)
        for other in every
        if other is not statement
        for m in NUMBER.finditer(other.text)
        if not _is_name(m, other.text) and is_measured(other.text, *m.span("digits"))
    ]
    for number in reversed(list(NUMBER.finditer(text))):
        if _is_name(number, text) or not is_measured(text, *number.span("digits")):
            continue
        fitting = [m for m, where in others if m["digits"] not in own and _fits(m, where, number, text)]
        if fitting:
            near = min(fitting, key=lambda m: (m["unit"] != number["unit"], ratio(m["digits"], number["digits"])))  # noqa: B023
            return text[: number.start("digits")] + near["digits"] + text[number.end("digits") :]
    return None


def _fits(one: re.Match[str], one_text: str, other: re.Match[str], other_text: str) -> bool:
    """Check whether a number can replace another without being obvious by its size."""
    shape = _shape(one, one_text)
    if shape != _shape(other, other_text):
        return False
    return shape[0] == "year" or ratio(one["digits"], other["digits"]) <= MAX_FACTOR


def ratio(one: str, other: str) -> float:
    """Return the ratio of the larger number to the smaller one; commas are read as decimal points."""
    a, b = (float(re.sub(r"[ ]|,(?=\d{3})", "", digits).replace(",", ".")) for digits in (one, other))
    return max(a / b, b / a) if a and b else math.inf


def _shape(number: re.Match[str], text: str) -> tuple[str, bool, bool]:
    """Return the class of a number, which can be replaced only by one of the same class: years, fractions, units."""
    digits = number["digits"]
    has_unit = bool(number["unit"]) or _unit_word(text, number) is not None
    if not has_unit and YEAR.fullmatch(digits):
        return "year", False, False
    return "fraction" if re.search(r"[.,]\d{1,2}$", digits) else "number", bool(number["money"]), has_unit


def opposite_of(text: str) -> str | None:
    """Replace a word of a sentence by its opposite, if it contains one of the two and not both.

    If both are in it, as in `the upper line ..., the lower line ...`, replacing one of them would give a sentence that
    nobody would write.
    """
    for one, other in _OPPOSITES.items():
        place = re.search(rf"\b{one}\b", text)
        if place and not re.search(rf"\b{other.removesuffix(' the')}\b", text, re.IGNORECASE):
            return text[: place.start()] + other + text[place.end() :]
    return None
