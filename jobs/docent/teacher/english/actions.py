"""Questions about what the subject of an English sentence has and does: how much, how often, what.

For the offline teacher. Reads and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from docent.teacher.english.adverbials import (
    CUT,
    HOW_TAIL,
    NEXT_STATEMENT,
    TAIL,
    WHEN_TAIL,
    WITHIN,
    cut,
    is_frequency,
    is_told_when,
)
from docent.teacher.english.asked import PRONOUN, Asked, Kind, short_of, who_or_what
from docent.teacher.english.grammar import DETERMINERS, Clause, is_plural
from docent.teacher.english.verbs import is_measure, third_of
from docent.teacher.source.amounts import ABOUT, AMOUNT, COUNTED, DAY, NUMERAL, RANGE, TIMES, UNIT, quantity_of

_FIXED = {
    **{"consist": "of", "depend": "on", "belong": "to", "refer": "to", "result": "in", "lead": "to", "rely": "on"},
    **{"correspond": "to", "contribute": "to", "apply": "to", "differ": "from", "serve": "as", "act": "as"},
}
TWO_OBJECTS = frozenset("tell let remind inform warn notify teach force help".split())
"""Verbs that say little with `what`: `What does calibration tell?` leaves out whom."""


def having(clause: Clause) -> Iterator[Asked]:
    """Questions about how many parts the subject has, and about a property with its value."""
    does = {"singular": "does", "plural": "do", "past": "did"}[clause.tense]
    if found := re.match(rf"{NUMERAL} ((?:[a-z-]+ ){{0,2}}[a-z]{{2,}}s)\b", clause.rest):
        yield Asked(f"How many {found[2]} {does} {clause.subject} have?", f"{found[1]} {found[2]}", kind="value")
    elif found := re.match(rf"an? ((?:[a-z-]+ ){{0,2}}[a-z]+) of ({UNIT})\b", clause.rest):
        if is_measure(found[1]):
            was = "was" if clause.tense == "past" else "is"
            yield Asked(f"What {was} the {found[1]} of {clause.subject}?", short_of(found[2]), kind="value")


_DISTANCE = re.compile(r"\b(?:m|km|mm|cm|metres|kilometres|miles|feet)$")


def acting(clause: Clause) -> Iterator[Asked]:
    """Questions about what the subject does: for how long, how much of it, when, where, to what."""
    does = {"singular": "does", "plural": "do", "past": "did"}[clause.tense]
    subject, base, rest = clause.subject, clause.base, clause.rest
    asks = f"{does} {subject} {base}"
    whole = cut(rest)
    if clause.lead.startswith("In case of") and clause.tense != "past":
        yield Asked(f"What {does} {subject} do?", kind="do")
    elif base in ("last", "take") and re.match(rf"{ABOUT}{COUNTED}\b|{RANGE}$", rest):
        work = re.match(rf"({ABOUT}{COUNTED}|{RANGE}) (to [a-z]+.*)$", whole)  # `takes 50 minutes to heat up`
        asks, short = (f"{asks} {work[2]}", work[1]) if work else (asks, whole)
        yield Asked(f"How long {asks}?", short_of(short), kind="value")
    elif base in ("last", "take") and re.match(ABOUT + NUMERAL, rest):
        return
    elif found := re.match(rf"({AMOUNT})(?:$|[ ,])", rest):
        yield from amount_of(asks, found[1], rest[found.end(1) :])
    elif (found := re.match(rf"(at|to) ({UNIT})(?:$|[ ,])", rest)) and quantity_of(found[2]):
        yield Asked(f"{found[1].title()} what {quantity_of(found[2])} {asks}?", short_of(found[2]), kind="value")
    elif (preposition := _FIXED.get(base)) and rest.startswith(f"{preposition} "):
        kind: Kind = "definition" if base == "consist" else "what"
        yield Asked(f"What {asks} {preposition}?", short_of(rest[len(preposition) + 1 :]), kind=kind)
    elif re.match(rf"(?:at \d|on {DAY}|when|once|if|after|before|as soon as|every|whenever)\b", rest, re.IGNORECASE):
        yield from _timed(asks, rest)
    elif base in ("sit", "stand", "lie", "hang") and re.match(
        r"(?:in|on|behind|under|above|beside|at) (?:the|an?) ", rest
    ):
        yield Asked(f"Where {asks}?", short_of(whole), kind="where")
    elif is_object(rest) and base not in TWO_OBJECTS:
        yield from _with_object(clause, asks, whole)


def _timed(asks: str, rest: str) -> Iterator[Asked]:
    if is_told_when(rest):
        yield Asked(f"{'How often' if rest.startswith('every') else 'When'} {asks}?", short_of(rest), kind="when")


def _with_object(clause: Clause, asks: str, whole: str) -> Iterator[Asked]:
    """What the subject does to something: how, when, how often, what."""
    subject, rest = clause.subject, clause.rest
    if found := re.match(rf"{NUMERAL} ((?:[a-z-]+ ){{0,1}}[a-z]{{2,}}s)\b", rest):
        if found[2].split()[-1] not in ("times", "minutes", "hours", "days", "seconds", "weeks", "months", "years"):
            yield Asked(f"How many {found[2]} {asks}?", f"{found[1]} {found[2]}", kind="value")
    if when := WHEN_TAIL.search(rest):
        short = re.sub(r"^(?:in|on) (?:the year )?", "", when[1])
        yield Asked(f"When {asks} {rest[: when.start()]}?", short_of(short), kind="when")
    elif (how := HOW_TAIL.search(whole)) and how.start() > 0:
        yield Asked(f"How {asks} {whole[: how.start()]}?", kind="how")
    elif (
        (tail := TAIL.search(rest))
        and not CUT.search(rest[: tail.start()])
        and tail["link"] in ("every", "when", "once")
        and is_frequency(tail["tail"])
    ):
        ask = "How often" if tail["link"] == "every" else "When"
        yield Asked(f"{ask} {asks} {rest[: tail.start()]}?", short_of(tail["tail"]), kind="when")
    elif within := WITHIN.match(rest):
        then = f" {within[3]}" if within[3] else ""
        yield Asked(f"Within what time {asks} {within[1]}{then}?", short_of(within[2]), kind="value")
    elif (
        clause.tense == "past"
        and len(whole.split()) > 3
        and who_or_what(subject) == "Who"
        and not re.match(r"(?:Every|Each|All|Some|Most|The (?:work|project))\b", subject, re.I)
    ):
        yield Asked(f"{who_or_what(subject)} {clause.verb} {whole}?", short_of(subject), kind="who")
        return
    yield from _what(clause, asks, whole)


def _what(clause: Clause, asks: str, whole: str) -> Iterator[Asked]:
    """What the subject does to something, or who does it."""
    subject, rest = clause.subject, clause.rest
    if re.search(r", (?:while|whereas)\b", rest) or re.match(r"(?:every|each|all|some|most|no|many)\b", subject):
        yield Asked(f"What {asks}?")
    elif (
        clause.tense != "past"
        and who_or_what(subject) == "Who"
        and len(whole.split()) > 3
        and not PRONOUN.search(whole)
        and len(subject.split()) < 6
    ):
        yield Asked(f"{who_or_what(subject)} {third_of(clause.base)} {whole}?", short_of(subject))
    elif not re.match(rf"{NUMERAL} [a-z]+(?:$|[ ,])", rest):  # `offers four modes` does not say which
        yield Asked(f"What {asks}?", kind="definition" if clause.base == "comprise" else "what")


def amount_of(asks: str, amount: str, behind: str) -> Iterator[Asked]:
    """How much of what its unit measures; nothing where a bare number may count anything.

    Args:
        behind: what follows the amount; the question has it up to the next statement.
    """
    named = quantity_of(amount)
    # `What temperature does it lose?`: what is lost is a difference.
    if named and re.search(r" (?:lose|gain|drop|fall|rise|vary|differ|add|save|shift|deviate)$", asks):
        return
    more = NEXT_STATEMENT.split(behind, maxsplit=1)[0].strip()
    is_speed = more.startswith("per ") and _DISTANCE.search(amount)
    is_bound = amount.startswith("up to ")  # each of several may weigh less
    is_part = amount.endswith((" square", " cubic")) or re.search(r"(?:%|per ?cent)$", amount)
    if is_speed or is_bound or is_part or more.startswith("of "):
        return  # `2 kg of dust`, `70 metres per second`, `99 %`
    asks = f"{asks} {more}".strip()
    if re.search(r"[A-Za-z%$€£]", re.sub(ABOUT, "", amount, count=1)):
        unit = re.split(r"\d", amount)[-1].removeprefix(" ")
        if re.match(rf"{TIMES}$", unit):
            ask = "How long" if asks.endswith(" last") else "How much time"
            yield Asked(f"{ask} {asks}?", short_of(amount), kind="value")
            return
        counted = unit.endswith("s") and len(unit) > 3 and not re.match(r"(?:litres|metres|grams|percent|tonnes)", unit)
        if not counted:
            ask = f"{'How much' if named in ('power', 'current') else 'What'} {named}" if named else "How much"
            yield Asked(f"{ask} {asks}?", short_of(amount), kind="value")
        else:
            yield Asked(f"How many {unit} {asks}?", short_of(amount), kind="value")


def is_object(rest: str) -> bool:
    """Whether an object follows the verb, and nothing that the verb may need as well."""
    first = rest.split(" ", 1)[0].strip(",").lower()
    is_noun_phrase = first in DETERMINERS - {"this", "these", "its", "their", "his", "her", "our"} or first.isdigit()
    return (is_noun_phrase or is_plural(first)) and first not in ("as", "always", "perhaps") and len(rest.split()) > 1
