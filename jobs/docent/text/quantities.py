"""Numbers with what belongs to them: units, list numbering, the large numbers of East Asian languages.

`numbers.py` knows which numbers a text states; here stands what keeps that from being unfair or blind: `1. Open the
lid` claims no number, `3만` is 30000, and `5 m` is not what a source says that has `5 cm`.
"""

from __future__ import annotations

import re
import unicodedata

from docent.text.numbers import CARDINALS, numbers_of

_UNITS = {
    "mm": "millimetre millimetres millimeter millimeters",
    "cm": "centimetre centimetres centimeter centimeters",
    "m": "metre metres meter meters",
    "km": "kilometre kilometres kilometer kilometers",
    "inch": "inches",
    "ft": "foot feet",
    "yd": "yard yards",
    "mi": "mile miles",
    "mg": "milligram milligrams",
    "g": "gram grams gramme grammes",
    "kg": "kilogram kilograms kilo kilos",
    "t": "tonne tonnes ton tons",
    "lb": "pound pounds lbs",
    "oz": "ounce ounces",
    "ml": "millilitre millilitres milliliter milliliters",
    "l": "litre litres liter liters",
    "ms": "millisecond milliseconds",
    "s": "second seconds sec secs",
    "min": "minute minutes mins",
    "h": "hour hours hrs hr",
    "day": "days",
    "week": "weeks",
    "month": "months",
    "year": "years",
    "century": "centuries",
    "hz": "hertz",
    "khz": "kilohertz",
    "mhz": "megahertz",
    "ghz": "gigahertz",
    "kb": "kilobyte kilobytes",
    "mb": "megabyte megabytes",
    "gb": "gigabyte gigabytes",
    "tb": "terabyte terabytes",
    "w": "watt watts",
    "kw": "kilowatt kilowatts",
    "mw": "megawatt megawatts",
    "v": "volt volts",
    "ma": "milliampere milliamperes",
    "kpa": "kilopascal kilopascals",
    "bar": "bars",
    "km/h": "kph",
    "mph": "",
    "m/s": "",
    "%": "percent pct",
    "°c": "celsius",
    "°f": "fahrenheit",
    "°": "degree degrees",
    "€": "euro euros eur",
    "$": "dollar dollars usd",
}
UNITS: dict[str, str] = {name: unit for unit, names in _UNITS.items() for name in (unit, *names.split())}
_WORDS = "|".join(sorted(CARDINALS, key=len, reverse=True))
_NAMES = "|".join(re.escape(name) for name in sorted(UNITS, key=len, reverse=True))
_DIGITS = r"\d{1,3}(?:[, \u00a0\u2009\u202f]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_QUANTITY = re.compile(
    rf"(?<![\w.])(?P<number>{_DIGITS}|(?:{_WORDS})(?:[ -](?:{_WORDS}))?)"
    rf"(?:[ \u00a0\u202f-]?(?P<unit>degrees? celsius|degrees? fahrenheit|{_NAMES})(?![\w/]))?",
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
_LARGE_NUMBER = re.compile(rf"(\d+)(?:\.(\d+))?\s?([{''.join(_LARGE)}])")


def claimed_text(answer: str) -> str:
    """An answer without the numbers that only count its own parts: `1.`, `Step 2`, `three reasons`."""
    text = _COUNTED.sub(" ", _STEP.sub(" ", _LIST_NUMBER.sub(" ", answer)))
    listed: list[re.Match[str]] = []
    for found in _INLINE_NUMBER.finditer(text):
        if int(found[1]) == len(listed) + 1:
            listed.append(found)
    for found in reversed(listed if len(listed) > 1 else []):
        text = f"{text[: found.start()]} {text[found.end() :]}"
    return text


def written_out(text: str) -> str:
    """The text with full-width digits as plain ones and `3만`, `1.5億` written with digits only."""
    return text if text.isascii() else _LARGE_NUMBER.sub(_digits, unicodedata.normalize("NFKC", text))


def _digits(found: re.Match[str]) -> str:
    power, fraction = _LARGE[found[3]], found[2] or ""
    return f"{found[1]}{fraction.ljust(power, '0')}" if len(fraction) <= power else found[0]


def quantities_of(text: str) -> list[tuple[str, str]]:
    """Every number with the unit behind it, `("5", "cm")`; the unit is "" where none follows."""
    found = []
    for quantity in _QUANTITY.finditer(text):
        number = re.sub(r"(?<=\d)\s(?=\d)", "", quantity["number"])
        found += [(value, _unit(quantity["unit"])) for value in numbers_of(number)[-1:]]
    return found


def _unit(name: str | None) -> str:
    words = (name or "").lower().split()
    return UNITS[words[-1]] if words else ""


def changed_units(answer: str, source: dict[str, set[str]]) -> list[str]:
    """Quantities of `answer` whose number the source has, but only with other units: `["5 m"]`.

    Args:
        source: the units of every number, as `units_by_number` gives them.
    """
    changed = [
        f"{number} {unit}"
        for number, unit in quantities_of(answer)
        if unit and (known := source.get(number)) and unit not in known and "" not in known
    ]
    return list(dict.fromkeys(changed))


def units_by_number(text: str) -> dict[str, set[str]]:
    """For every number of a text the units that it has there, "" among them where it stands alone."""
    found: dict[str, set[str]] = {}
    for number, unit in quantities_of(text):
        found.setdefault(number, set()).add(unit)
    return found
