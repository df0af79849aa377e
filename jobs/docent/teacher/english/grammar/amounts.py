"""Define regular expressions for amounts in English (numbers with units, ranges, times) and the quantities of units.

Reads and writes nothing.
"""

import re

from docent.teacher.source.words import ENGLISH

ABOUT = ENGLISH["about"]
NUMBER = r"[$€£]?\d[\d.,]*"
_NO_UNIT = r"(?!(?:and|at|before|by|for|from|in|of|on|or|per|than|to|until|with)\b)"
UNIT = rf"{ABOUT}{NUMBER}(?:\s?(?:%|°\s?[CF]?|{_NO_UNIT}[A-Za-zµΩ²³/]{{1,12}}))?"
RANGE = rf"(?:between {UNIT} and {UNIT}|(?:from )?{UNIT}(?: to | ?– ?| ?- ?){UNIT}|{UNIT})"
AMOUNT = rf"(?:{UNIT}(?: to | ?– ?| ?- ?){UNIT}|{UNIT})"
NUMERAL = r"(\d+|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty)"
TIMES = r"(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|s|min|h|ms)"
COUNTED = rf"(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|{NUMBER}) {TIMES}"
_QUANTITIES: dict[str, str] = ENGLISH["quantities"]


def quantity_of(amount: str) -> str:
    """Return the quantity that the unit of an amount measures, `pressure` for `2 bar`, or "" for an unknown unit."""
    unit = re.search(r"(?<=[\d\s])(°\s?[CF]?|[A-Za-z/]+)$", amount)
    return _QUANTITIES.get(unit[1].lower().replace(" ", ""), "") if unit else ""
