"""Regular expressions for amounts in English: numbers with units, ranges, times, and what a unit measures.

Reads and writes nothing.
"""

from __future__ import annotations

import re

ABOUT = (
    r"(?:about |around |approximately |roughly |at least |at most |up to |only |nearly |almost |more than |less than |"
    r"over |under |no more than |not more than |exactly )?"
)
NUMBER = r"[$€£]?\d[\d.,]*"
_NO_UNIT = r"(?!(?:and|at|before|by|for|from|in|of|on|or|per|than|to|until|with)\b)"
UNIT = rf"{ABOUT}{NUMBER}(?:\s?(?:%|°\s?[CF]?|{_NO_UNIT}[A-Za-zµΩ²³/]{{1,12}}))?"
RANGE = rf"(?:between {UNIT} and {UNIT}|(?:from )?{UNIT}(?: to | ?– ?| ?- ?){UNIT}|{UNIT})"
AMOUNT = rf"(?:{UNIT}(?: to | ?– ?| ?- ?){UNIT}|{UNIT})"
NUMERAL = r"(\d+|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty)"
TIMES = r"(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|s|min|h|ms)"
COUNTED = rf"(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|{NUMBER}) {TIMES}"
DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
_QUANTITIES = {
    **dict.fromkeys(("°c", "°f", "° c", "°"), "temperature"),
    **dict.fromkeys(("bar", "mbar", "pa", "kpa", "psi"), "pressure"),
    **dict.fromkeys(("v", "kv", "volts"), "voltage"),
    **dict.fromkeys(("rpm", "km/h", "m/s", "mph"), "speed"),
    **dict.fromkeys(("w", "kw", "watts"), "power"),
    **dict.fromkeys(("a", "ma", "amperes"), "current"),
    **dict.fromkeys(("hz", "khz", "mhz", "ghz"), "frequency"),
}


def quantity_of(amount: str) -> str:
    """Return what the unit of an amount measures, `pressure` for `2 bar`; "" for an unknown one."""
    unit = re.search(r"(?<=[\d\s])(°\s?[CF]?|[A-Za-z/]+)$", amount)
    return _QUANTITIES.get(unit[1].lower().replace(" ", ""), "") if unit else ""
