"""Questions about what an English sentence says of its subject with `is`: sizes, places, names, what is done with it.

For the offline teacher. Reads and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from docent.teacher.english.adverbials import CUT, HOW_TAIL, LONG_TAIL, TAIL, WHEN_TAIL, WITHIN, cut, is_told_when
from docent.teacher.english.asked import Asked, short_of, who_or_what
from docent.teacher.english.grammar import BE, DETERMINERS, PREPOSITIONS
from docent.teacher.english.verbs import is_measure, is_participle
from docent.teacher.source.amounts import ABOUT, NUMBER, NUMERAL, RANGE, TIMES, UNIT, quantity_of

_SIZES = "high|tall|long|wide|deep|thick|old|heavy"
# `Soot is a sign of too little air.` does not say what soot is.
_NO_DEFINITION = re.compile(
    r"(?:an?|the) (?:[a-z]+ )?(?:sign|symptom|indication|cause|result|consequence|effect|reason|matter|question|danger|"
    r"fault|reason|part|risk|problem|mistake|help|must|choice|idea|exception|case|advantage|disadvantage)\b|"
    r"the (?:best|worst|most|least|[a-z]{3,}est)\b"
)
_PLACED = frozenset(
    "located stored mounted installed placed kept situated housed found displayed fitted printed".split()
)
_WITH = (
    "connected to|attached to|fixed to|fitted with|equipped with|filled with|covered with|divided into|"
    "based on|composed of|"
    "made of|made from|made up of|protected against|protected by|supplied with|sealed with|followed by|controlled by|"
    "operated by|powered by|driven by|supplied by|monitored by|cooled by|heated by|lined with|bolted to|linked to|"
    "held in place by|held by|coated with|insulated with|suitable for|intended for|designed for|"
    "limited to|compatible with"
)


def being(subject: str, be: str, rest: str) -> Iterator[Asked]:
    """Questions about a size, a value or a state; `be` is the verb of the sentence, `rest` follows it."""
    first, _, after = rest.partition(" ")
    if _NO_DEFINITION.match(rest) or re.match(
        rf"(?:the )?(?:most|(?!(?:for|harv|requ|inter|prot)est)\w{{3,}}est) |{NUMERAL} ", subject, re.IGNORECASE
    ):
        return
    if size := re.match(rf"({UNIT}) ({_SIZES})\b", rest):
        yield Asked(f"How {size[2]} {be} {subject}?", short_of(size[1]), kind="value")
    elif found := re.match(rf"({UNIT}) across\b", rest):
        yield Asked(f"How far across {be} {subject}?", short_of(found[1]), kind="value")
    elif re.match(rf"{RANGE}(?:$| (?:at|for|per|in|with)\b|,| and\b)", rest) or (is_measure(subject) and after == ""):
        if re.match(rf"{ABOUT}[$€£]", rest) or re.match(rf"{ABOUT}\d[\d.,]* (?:euros?|pounds?|dollars?)\b", rest):
            yield Asked(f"How much {be} {subject}?", short_of(cut(rest)), kind="value")
        elif is_measure(subject):
            yield Asked(f"What {be} {subject}?", short_of(cut(rest)), kind="value")
    elif is_measure(subject) and not is_participle(first) and first.lower() in DETERMINERS:
        yield Asked(f"What {be} {subject}?", short_of(cut(rest)), kind="value")
    else:
        yield from _state(subject, be, rest)


def _state(subject: str, be: str, rest: str) -> Iterator[Asked]:
    """What the subject is called, when it is open, what is done with it, what it is."""
    first, _, after = rest.partition(" ")
    if found := re.match(r"(called|named|known as) (.+)", rest):
        yield Asked(f"What {be} {subject} {found[1]}?", short_of(found[2]), kind="value")
    elif found := re.match(r"(?:open|closed) (?:from|on|until|at|between|daily|every|to)\b", rest):
        yield Asked(f"When {be} {subject} {first}?", short_of(after), kind="when")
    elif re.match(r"(?:required|needed|necessary|responsible) (?:for|to|when|by|in) ", rest):
        yield Asked(f"{who_or_what(subject)} {_singular(be)} {cut(rest)}?", short_of(subject))
    elif is_participle(first) or re.match(rf"(?:{_WITH}) ", rest):
        yield from done(subject, be, rest)
    elif re.match(r"(?:an?|one of|part of) (?:[\w-]+ ){3}", rest.partition(",")[0]) or (
        re.match(r"the \w+ (?:\w+ ){2}", rest)
    ):
        yield Asked(f"{who_or_what(subject, rest)} {be} {subject}?", kind="definition")


def done(subject: str, be: str, rest: str) -> Iterator[Asked]:
    """What is done with the subject: where, when, how, of what. `be` is `is`, or `must` with `be` in the rest."""
    bare = rest.removeprefix("be ")
    first, _, after = bare.partition(" ")
    if first in _PLACED and re.match(r"(?:in|at|on|near|under|inside|behind|next to|above|below|between) ", after):
        yield Asked(f"Where {be} {subject} {rest[: len(rest) - len(bare)]}{first}?", short_of(cut(after)), kind="where")
    elif (when := WHEN_TAIL.search(rest)) and not CUT.search(rest[: when.start()]):
        short = re.sub(r"^(?:in|on) (?:the year )?", "", when[1])
        yield Asked(f"When {be} {subject} {rest[: when.start()]}?", short_of(short), kind="when")
    elif within := WITHIN.match(rest):
        tail = f" {within[3]}" if within[3] else ""
        yield Asked(f"Within what time {be} {subject} {within[1]}{tail}?", short_of(within[2]), kind="value")
    elif re.match(r"used (?:to|for) ", bare):
        yield Asked(f"What {be} {subject} {rest[: len(rest) - len(bare)]}used for?", kind="purpose")
    elif found := re.match(rf"((?:be )?(?:{_WITH})) (?!every |each |all )([^,]+)$", rest):
        yield Asked(f"What {be} {subject} {found[1]}?", short_of(found[2]))
    else:
        yield from _done_how(subject, be, rest)


def _done_how(subject: str, be: str, rest: str) -> Iterator[Asked]:
    """How often, how long, at what temperature, by whom something is done with the subject."""
    whole = cut(rest)
    tail = TAIL.search(rest)
    if tail and not is_told_when(tail["tail"]):
        return
    if tail and not CUT.search(rest[: tail.start()]) and rest[: tail.start()].split()[-1] not in PREPOSITIONS:
        ask = {"every": "How often", "until": "How long"}.get(tail["link"], "When")
        told = rest[: tail.start()].removesuffix(" only").removesuffix(" automatically")
        told, ahead = _without_time(told) if tail["link"] in ("before", "after") else (told, "")
        yield Asked(f"{ask} {be} {subject} {told}?", short_of(f"{ahead}{tail['tail']}"), kind="when")
    elif (how := HOW_TAIL.search(whole)) and len(whole.split()) > 2:
        yield Asked(f"How {be} {subject} {whole[: how.start()]}?", kind="how")
    elif long := LONG_TAIL.search(rest):
        yield Asked(f"How long {be} {subject} {rest[: long.start()]}?", short_of(long[1][4:]), kind="value")
    elif found := re.match(rf"(.+?) (?<!up )(at|to) ({UNIT})$", rest):
        if named := quantity_of(found[3]):
            yield Asked(f"{found[2].title()} what {named} {be} {subject} {found[1]}?", short_of(found[3]), kind="value")
    elif "," not in rest and (found := re.match(r"(.+?) by ((?:the |an? )?[^,]+)$", whole)):
        asks = "By whom" if who_or_what(found[2]) == "Who" else "By what"
        yield Asked(f"{asks} {be} {subject} {found[1]}?", short_of(found[2]), kind="who")


def _without_time(told: str) -> tuple[str, str]:
    """A predicate without the time that stands before `before` or `after`: `are unpacked 24 hours`."""
    found = re.search(rf" ((?:{NUMBER}|an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve) {TIMES})$", told)
    is_own = found is None or re.search(r"(?:for|of|within|in)$", told[: found.start()])
    return (told, "") if found is None or is_own else (told[: found.start()], f"{found[1]} ")


def _singular(be: str) -> str:
    return "was" if be in ("was", "were") else "is" if be in BE else be
