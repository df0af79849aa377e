"""Write questions about the predicate of `is` in an English sentence: sizes, values, names, passive verbs.

Reads and writes nothing.
"""

import re
from collections.abc import Iterator

from docent.teacher.english.grammar.adverbials import (
    CUT,
    HOW_TAIL,
    LONG_TAIL,
    TAIL,
    WHEN_TAIL,
    WITHIN,
    cut,
    is_clear_time,
)
from docent.teacher.english.grammar.amounts import ABOUT, NUMERAL, RANGE, UNIT, quantity_of
from docent.teacher.english.grammar.clauses import DETERMINERS, PREPOSITIONS
from docent.teacher.english.grammar.question import Question, short_of, who_or_what
from docent.teacher.english.grammar.verbs import is_measure, is_participle
from docent.teacher.source.words import ENGLISH

_SIZES = "high|tall|long|wide|deep|thick|old|heavy"
# `Soot is a sign of too little air.` does not define soot.
_NO_DEFINITION = re.compile(ENGLISH["no_definition"])
_PLACED = frozenset(ENGLISH["placed"].split())
_WITH = ENGLISH["states_with"]
_PRICE = re.compile(rf"{ABOUT}(?:[$€£]|\d[\d.,]* (?:euros?|pounds?|dollars?)\b)")


def being(subject: str, be: str, rest: str) -> Iterator[Question]:
    """Yield the question for a size, a value or a state; `be` is the verb of the sentence, `rest` follows it."""
    first, _, after = rest.partition(" ")
    if _NO_DEFINITION.match(rest) or re.match(
        rf"(?:the )?(?:most|(?!(?:for|harv|requ|inter|prot)est)\w{{3,}}est) |{NUMERAL} ", subject, re.IGNORECASE
    ):
        return
    is_quantity = is_measure(subject)
    if size := re.match(rf"({UNIT}) ({_SIZES}|across)\b", rest):
        far = "far across" if size[2] == "across" else size[2]
        yield Question(f"How {far} {be} {subject}?", short_of(size[1]), kind="value")
    elif re.match(rf"{RANGE}(?:$| (?:at|for|per|in|with)\b|,| and\b)", rest) or (is_quantity and after == ""):
        if is_quantity and not _PRICE.match(rest):
            yield Question(f"What {be} {subject}?", short_of(cut(rest)), kind="value")
    elif is_quantity and not is_participle(first) and first.lower() in DETERMINERS:
        yield Question(f"What {be} {subject}?", short_of(cut(rest)), kind="value")
    else:
        yield from _state(subject, be, rest)


def _state(subject: str, be: str, rest: str) -> Iterator[Question]:
    """Yield the question for the subject's name, purpose or definition, or about a passive verb."""
    first = rest.partition(" ")[0]
    if name := re.match(r"(called|named|known as) (.+)", rest):
        yield Question(f"What {be} {subject} {name[1]}?", short_of(name[2]), kind="value")
    elif re.match(r"closed (?:from|on|until|at|between|daily|every|to)\b", rest):
        return
    elif re.match(r"(?:required|needed|necessary|responsible) (?:for|to|when|by|in) ", rest):
        if who_or_what(subject) == "What":
            verb = "is" if be == "are" else "was" if be == "were" else be
            yield Question(f"What {verb} {cut(rest)}?", short_of(subject))
    elif is_participle(first) or re.match(rf"(?:{_WITH}) ", rest):
        yield from done(subject, be, rest)
    elif re.match(r"(?:an?|one of|part of) (?:[\w-]+ ){3}", rest.partition(",")[0]) or (
        re.match(r"the \w+ (?:\w+ ){2}", rest)
    ):
        if who_or_what(subject, rest) == "What":
            yield Question(f"What {be} {subject}?", kind="definition")


def done(subject: str, be: str, rest: str) -> Iterator[Question]:
    """Yield the question about a passive verb: `be` is `is`, or a modal verb like `must` with `be` in the rest."""
    first, _, after = rest.removeprefix("be ").partition(" ")
    is_modal = rest.startswith("be ")
    if first in _PLACED and re.match(r"(?:in|at|on|near|under|inside|behind|next to|above|below|between) ", after):
        return
    when = WHEN_TAIL.search(rest)
    if when and not CUT.search(rest[: when.start()]):
        return
    if within := WITHIN.match(rest):
        during = f"{within[1]}{within[3] or ''}"
        yield Question(f"Within what time {be} {subject} {during}?", short_of(within[2]), kind="value")
    elif first == "used" and after.startswith(("to ", "for ")):
        if not is_modal:
            yield Question(f"What {be} {subject} used for?", kind="purpose")
    elif state := re.match(rf"(?:be )?((?:{_WITH})) (?!every |each |all )([^,]+)$", rest):
        if not is_modal:
            yield Question(f"What {be} {subject} {state[1]}?", short_of(state[2]))
    else:
        yield from _done_how(subject, be, rest)


def _done_how(subject: str, be: str, rest: str) -> Iterator[Question]:
    """Yield the question how often, how long or at what value, for a sentence with a passive verb."""
    whole = cut(rest)
    tail = TAIL.search(rest)
    if tail and not is_clear_time(tail["tail"]):
        return
    if tail and not CUT.search(rest[: tail.start()]) and rest[: tail.start()].split()[-1] not in PREPOSITIONS:
        if ask := {"every": "How often", "until": "How long"}.get(tail["link"]):
            ahead = rest[: tail.start()].removesuffix(" only").removesuffix(" automatically")
            yield Question(f"{ask} {be} {subject} {ahead}?", short_of(tail["tail"]), kind="when")
    elif HOW_TAIL.search(whole) and len(whole.split()) > 2:
        return
    elif long := LONG_TAIL.search(rest):
        yield Question(f"How long {be} {subject} {rest[: long.start()]}?", short_of(long[1][4:]), kind="value")
    elif value := re.match(rf"(.+?) (?<!up )(at|to) ({UNIT})$", rest):
        if named := quantity_of(value[3]):
            asks = f"{value[2].title()} what {named}"
            yield Question(f"{asks} {be} {subject} {value[1]}?", short_of(value[3]), kind="value")
