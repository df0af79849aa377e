"""Write questions about the parts and the actions of the subject of an English sentence: how many, how often, how long.

Reads and writes nothing.
"""

import re
from collections.abc import Iterator

from docent.teacher.english.grammar.adverbials import (
    CUT,
    HOW_TAIL,
    NEXT_STATEMENT,
    TAIL,
    WHEN_TAIL,
    WITHIN,
    cut,
    is_frequency,
)
from docent.teacher.english.grammar.amounts import ABOUT, AMOUNT, COUNTED, NUMERAL, RANGE, TIMES, UNIT, quantity_of
from docent.teacher.english.grammar.clauses import DETERMINERS, Clause, is_plural
from docent.teacher.english.grammar.question import Question, short_of
from docent.teacher.english.grammar.verbs import is_measure

_TWO_OBJECTS = frozenset("tell let remind inform warn notify teach force help".split())
"""Verbs that also need a person: `How many rules does the guide teach?` leaves out whom."""
_DISTANCE = re.compile(r"\b(?:m|km|mm|cm|metres|kilometres|miles|feet)$")


def having(clause: Clause) -> Iterator[Question]:
    """Yield the question for the number of parts of the subject, or for the value of a property."""
    does = {"singular": "does", "plural": "do", "past": "did"}[clause.tense]
    if parts := re.match(rf"{NUMERAL} ((?:[a-z-]+ ){{0,2}}[a-z]{{2,}}s)\b", clause.rest):
        yield Question(f"How many {parts[2]} {does} {clause.subject} have?", f"{parts[1]} {parts[2]}", kind="value")
    elif size := re.match(rf"an? ((?:[a-z-]+ ){{0,2}}[a-z]+) of ({UNIT})\b", clause.rest):
        if is_measure(size[1]):
            was = "was" if clause.tense == "past" else "is"
            yield Question(f"What {was} the {size[1]} of {clause.subject}?", short_of(size[2]), kind="value")


def acting(clause: Clause) -> Iterator[Question]:
    """Yield the question how long, how often, how many or at what value the subject does something."""
    base, rest = clause.base, clause.rest
    does = {"singular": "does", "plural": "do", "past": "did"}[clause.tense]
    asks = f"{does} {clause.subject} {base}"
    if clause.lead.startswith("In case of") and clause.tense != "past":
        return
    if base in ("last", "take") and re.match(rf"{ABOUT}{COUNTED}\b|{RANGE}$", rest):
        work = re.match(rf"({ABOUT}{COUNTED}|{RANGE}) (to [a-z]+.*)$", cut(rest))  # `takes 50 minutes to heat up`
        asks, short = (f"{asks} {work[2]}", work[1]) if work else (asks, cut(rest))
        yield Question(f"How long {asks}?", short_of(short), kind="value")
    elif base in ("last", "take") and re.match(ABOUT + NUMERAL, rest):
        return
    elif amount := re.match(rf"({AMOUNT})(?:$|[ ,])", rest):
        yield from amount_of(asks, amount[1], rest[amount.end(1) :])
    elif (value := re.match(rf"(at|to) ({UNIT})(?:$|[ ,])", rest)) and quantity_of(value[2]):
        yield Question(f"{value[1].title()} what {quantity_of(value[2])} {asks}?", short_of(value[2]), kind="value")
    elif rest.startswith("every "):
        if is_frequency(rest):
            yield Question(f"How often {asks}?", short_of(rest), kind="when")
    elif _is_object(rest) and base not in _TWO_OBJECTS:
        yield from _with_object(asks, rest)


def _with_object(asks: str, rest: str) -> Iterator[Question]:
    """Yield the questions how many things the subject acts on, and how often or within what time."""
    if things := re.match(rf"{NUMERAL} ((?:[a-z-]+ ){{0,1}}[a-z]{{2,}}s)\b", rest):
        if things[2].split()[-1] not in ("times", "minutes", "hours", "days", "seconds", "weeks", "months", "years"):
            yield Question(f"How many {things[2]} {asks}?", f"{things[1]} {things[2]}", kind="value")
    how = HOW_TAIL.search(cut(rest))
    if WHEN_TAIL.search(rest) or (how and how.start() > 0):
        return
    tail = TAIL.search(rest)
    if tail and tail["link"] == "every" and is_frequency(tail["tail"]) and not CUT.search(rest[: tail.start()]):
        yield Question(f"How often {asks} {rest[: tail.start()]}?", short_of(tail["tail"]), kind="when")
    elif within := WITHIN.match(rest):
        yield Question(f"Within what time {asks} {within[1]}{within[3] or ''}?", short_of(within[2]), kind="value")


def amount_of(asks: str, amount: str, behind: str) -> Iterator[Question]:
    """Yield the question for the quantity that the unit of an amount measures, or for the number of units.

    Args:
        behind: the text after the amount; the question includes it up to the next statement.
    """
    named = quantity_of(amount)
    # `What temperature does it lose?`: the loss is a difference, not a temperature.
    if named and re.search(r" (?:lose|gain|drop|fall|rise|vary|differ|add|save|shift|deviate)$", asks):
        return
    more = NEXT_STATEMENT.split(behind, maxsplit=1)[0].strip()
    is_speed = more.startswith("per ") and _DISTANCE.search(amount)
    is_bound = amount.startswith("up to ")  # each of several may weigh less
    is_part = amount.endswith((" square", " cubic")) or re.search(r"(?:%|per ?cent)$", amount)
    if is_speed or is_bound or is_part or more.startswith("of "):
        return  # `2 kg of dust`, `70 metres per second`, `99 %`
    if not re.search(r"[A-Za-z%$€£]", re.sub(ABOUT, "", amount, count=1)):
        return  # a bare number may count anything
    asks = f"{asks} {more}".strip()
    unit = re.split(r"\d", amount)[-1].removeprefix(" ")
    if re.match(rf"{TIMES}$", unit):
        if asks.endswith(" last"):
            yield Question(f"How long {asks}?", short_of(amount), kind="value")
    elif unit.endswith("s") and len(unit) > 3 and not re.match(r"(?:litres|metres|grams|percent|tonnes)", unit):
        yield Question(f"How many {unit} {asks}?", short_of(amount), kind="value")
    elif named and named not in ("power", "current"):
        yield Question(f"What {named} {asks}?", short_of(amount), kind="value")


def _is_object(rest: str) -> bool:
    """Check that only an object follows the verb."""
    first = rest.split(" ", 1)[0].strip(",").lower()
    is_noun_phrase = first in DETERMINERS - {"this", "these", "its", "their", "his", "her", "our"} or first.isdigit()
    return (is_noun_phrase or is_plural(first)) and first not in ("as", "always", "perhaps") and len(rest.split()) > 1
