"""Compare numbers with their context: units, list numbering, large numbers of East Asian languages.

`numbers.py` extracts the numbers of a text; this module reduces false alarms and misses: `1. Open the lid` states no
number, `3만` is 30000, and `5 m` is not supported by a source with `5 cm`. Reads units.yaml in this folder.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import lru_cache

from docent.resources import read_yaml
from docent.text.numbers.marks import plain_marks
from docent.text.numbers.numbers import CARDINALS, numbers_of
from docent.text.terms import STOP_WORDS, folded, stem

COUNTED_WORDS = 4
"""Number of words after a number that may name what it counts."""
_BEHIND = re.compile(rf"(?:[ \u00a0\n-][^\W\d_]{{3,}}){{0,{COUNTED_WORDS}}}")
_YEAR = re.compile(r"1\d{3}|20\d{2}")

_KINDS: dict[str, dict[str, str]] = read_yaml(__package__, "units.yaml")
# Units that can be confused with one another by mistake.
_SAME_KIND = [set(units) for kind, units in _KINDS.items() if kind != "other"]
UNITS: dict[str, str] = {
    name: unit for units in _KINDS.values() for unit, names in units.items() for name in (unit, *names.split())
}
_WORDS = "|".join(sorted(CARDINALS, key=len, reverse=True))
_NAMES = "|".join(re.escape(name) for name in sorted(UNITS, key=len, reverse=True))
_DIGITS = r"\d{1,3}(?:[, \u00a0\u2009\u202f]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_QUANTITY = re.compile(
    rf"(?<![\w.])(?P<number>{_DIGITS}|(?:{_WORDS})(?:[ -](?:{_WORDS}))?)"
    rf"(?:(?:[ \u00a0\u202f-]|[ \t]*\n[ \t]*)?"  # a line may end between a number and its unit
    rf"(?P<unit>degrees?\s+celsius|degrees?\s+fahrenheit|{_NAMES})(?![\w/]))?",
    re.IGNORECASE,
)

_LIST_NUMBER = re.compile(
    r"^[ \t>*-]*(?:(?:step|stage|phase)[ \t]+)?\(?\d{1,2}[.):](?=\s)", re.IGNORECASE | re.MULTILINE
)
_STEP = re.compile(r"\b(?:step|stage|phase)s?\s+\d{1,2}\b", re.IGNORECASE)
_INLINE_NUMBER = re.compile(r"(?<![\w.])\(?(\d{1,2})[.)](?=\s)")
_COUNTED = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|[2-9]|10)\s+"
    r"(?:(?:main|key|major|different|distinct|important|further|other|following|simple|separate)\s+)*"
    r"(?:steps|stages|phases|ways|reasons|factors|points|things|aspects|options|elements|facts|sections|topics)\b",
    re.IGNORECASE,
)
_LARGE = {"백": 2, "百": 2, "천": 3, "千": 3, "만": 4, "万": 4, "萬": 4, "억": 8, "億": 8, "亿": 8}
_LARGE_NUMBER = re.compile(rf"(?<!\d)(\d++)(?:\.(\d++))?+\s?([{''.join(_LARGE)}])")


def claimed_text(answer: str) -> str:
    """Return an answer without numbers that only count its own parts: `1.`, `Step 2`, `three reasons`."""
    text = _COUNTED.sub(" ", _STEP.sub(" ", _LIST_NUMBER.sub(" ", answer)))
    listed: list[re.Match[str]] = []
    for number in _INLINE_NUMBER.finditer(text):
        if int(number[1]) == len(listed) + 1:
            listed.append(number)
    for number in reversed(listed if len(listed) > 1 else []):
        text = f"{text[: number.start()]} {text[number.end() :]}"
    return text


def written_out(text: str) -> str:
    """Return the text with digits and number marks in English notation, and with `3만` and `1.5억` as digits."""
    text = plain_marks(text)
    return text if text.isascii() else _LARGE_NUMBER.sub(_digits, unicodedata.normalize("NFKC", text))


def _digits(match: re.Match[str]) -> str:
    power, fraction = _LARGE[match[3]], match[2] or ""
    return f"{match[1]}{fraction.ljust(power, '0')}" if len(fraction) <= power else match[0]


def quantities_of(text: str) -> list[tuple[str, str]]:
    """Return every number with its unit, such as `("5", "cm")`; the unit is "" if there is none."""
    return [(number, unit) for number, unit, _ in _quantities(text)]


@lru_cache(maxsize=16)
def _quantities(text: str) -> tuple[tuple[str, str, int], ...]:
    """Return every number, its unit, and the offset where the number ends."""
    quantities = ((_number(q["number"]), q["unit"], q.end("number")) for q in _QUANTITY.finditer(text))
    return tuple((number, _unit(unit), end) for number, unit, end in quantities if number)


@lru_cache(maxsize=4096)
def _number(written: str) -> str:
    """Return the value of a number, or "" for words that state none."""
    return next(iter(numbers_of(re.sub(r"(?<=\d)\s(?=\d)", "", written))[-1:]), "")


def _unit(name: str | None) -> str:
    words = (name or "").lower().split()
    return UNITS[words[-1]] if words else ""


def changed_units(answer: str, source: dict[str, set[str]]) -> list[str]:
    """Return the quantities in `answer` whose number the source has only with other units: `["5 m"]`.

    A number that also appears without a unit in the source, as in a table, conflicts only with a unit of the same kind.

    Args:
        source: the units of every number, as returned by `units_by_number`.
    """
    changed: dict[str, None] = {}
    for number, unit in quantities_of(answer):
        known = source.get(number)
        if unit and known and unit not in known:
            same_kind = next((kind for kind in _SAME_KIND if unit in kind), set())
            if "" not in known or same_kind & known:
                changed.setdefault(f"{number} {unit}")
    return list(changed)


def changed_counts(answer: str, source: "dict[str, Counts]") -> list[str]:
    """Return numbers of `answer`, each with the next word, if the source counts that word with other numbers only.

    Args:
        source: the numbers of every counted word, as returned by `numbers_by_word`.
    """
    changed = []
    for number, words in _counted(answer):
        known = source.get(stem(words[0])) if words else None
        if known and known.directly and number not in known.numbers:
            changed.append(f"{number} {words[0]}")
    return list(dict.fromkeys(changed))


@dataclass
class Counts:
    """The numbers before a word.

    Attributes:
        numbers: all numbers up to COUNTED_WORDS before it.
        directly: whether one of them is directly before it.
    """

    numbers: set[str] = field(default_factory=set)
    directly: bool = False


def numbers_by_word(text: str) -> dict[str, Counts]:
    """Return the numbers before every counted word, by the word's stem."""
    by_word: dict[str, Counts] = {}
    for number, words in _counted(text):
        for place, word in enumerate(words):
            counts = by_word.setdefault(stem(word), Counts())
            counts.numbers.add(number)
            counts.directly |= place == 0
    return by_word


def _counted(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield every number except years, with the words after it up to a mark or number; none if a stop word is first."""
    for number, _, end in _quantities(text):
        if _YEAR.fullmatch(number):
            continue
        behind = _BEHIND.match(text, end, end + 80)
        words = folded(behind.group() if behind else "").replace("-", " ").split()
        yield number, [] if words and words[0] in STOP_WORDS else [w for w in words if w not in CARDINALS]


def is_rounded(number: str, known: Iterable[str]) -> bool:
    """Return whether a number is one of `known`, rounded; to an integer only if that has three or more digits."""
    places = len(number.partition(".")[2])
    for exact in known:
        whole, _, decimals = exact.partition(".")
        if len(decimals) > places and (places or len(whole) > 2):
            with localcontext() as wide:
                wide.prec = len(exact) + places + 1
                rounded = Decimal(exact).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
            if rounded == Decimal(number):
                return True
    return False


def units_by_number(text: str) -> dict[str, set[str]]:
    """Return the units of every number in a text, including "" if the number also appears without one."""
    units: dict[str, set[str]] = {}
    for number, unit in quantities_of(text):
        units.setdefault(number, set()).add(unit)
    return units
