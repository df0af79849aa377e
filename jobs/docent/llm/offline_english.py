"""Questions that an English sentence answers by its grammar: `The tower is 36 m high.` tells how high the tower is.

For the offline teacher, which asks nothing about a sentence that fits no pattern here or in offline_instructions.py. A
pattern that is not sure of what it sees gives nothing. Reads and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from docent.llm.offline_grammar import BE, DETERMINERS, PREPOSITIONS, Clause, as_inside, is_plural, read_clause
from docent.llm.offline_verbs import BASES, THIRD, is_measure, is_participle, third_of

Kind = Literal["value", "what", "when", "where", "who", "how", "definition", "purpose", "reason", "do", "then"]
MAX_QUESTION_WORDS, MIN_QUESTION_WORDS = 26, 4
MAX_SHORT_WORDS, MAX_ADVERBIAL_WORDS = 5, 8
_ABOUT = (
    r"(?:about |around |approximately |roughly |at least |at most |up to |only |nearly |almost |more than |less than |"
    r"over |under |no more than |not more than |exactly )?"
)
_NUMBER = r"[$€£]?\d[\d.,]*"
_NO_UNIT = r"(?!(?:and|at|before|by|for|from|in|of|on|or|per|than|to|until|with)\b)"
UNIT = rf"{_ABOUT}{_NUMBER}(?:\s?(?:%|°\s?[CF]?|{_NO_UNIT}[A-Za-zµΩ²³/]{{1,12}}))?"
_RANGE = rf"(?:between {UNIT} and {UNIT}|(?:from )?{UNIT}(?: to | ?– ?| ?- ?){UNIT}|{UNIT})"
_AMOUNT = rf"(?:{UNIT}(?: to | ?– ?| ?- ?){UNIT}|{UNIT})"
_NUMERAL = r"(\d+|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty)"
_SIZES = "high|tall|long|wide|deep|thick|old|heavy"
_TIMES = r"(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|s|min|h|ms)"
_COUNTED = rf"(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|{_NUMBER}) {_TIMES}"
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
_WHEN_TAIL = re.compile(
    r" ((?:in (?:the year )?(?:early |late |spring |summer |autumn )?(?:[A-Z][a-z]+ )?(?:1[5-9]|20)\d\d)|"
    r"on \d{1,2} [A-Z][a-z]+(?: \d{4})?|on [A-Z][a-z]+ \d{1,2}(?:, \d{4})?)$"
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
_FIXED = {
    **{"consist": "of", "depend": "on", "belong": "to", "refer": "to", "result": "in", "lead": "to", "rely": "on"},
    **{"correspond": "to", "contribute": "to", "apply": "to", "differ": "from", "serve": "as", "act": "as"},
}
_QUANTITIES = {
    **dict.fromkeys(("°c", "°f", "° c", "°"), "temperature"),
    **dict.fromkeys(("bar", "mbar", "pa", "kpa", "psi"), "pressure"),
    **dict.fromkeys(("v", "kv", "volts"), "voltage"),
    **dict.fromkeys(("rpm", "km/h", "m/s", "mph"), "speed"),
    **dict.fromkeys(("w", "kw", "watts"), "power"),
    **dict.fromkeys(("a", "ma", "amperes"), "current"),
    **dict.fromkeys(("hz", "khz", "mhz", "ghz"), "frequency"),
}
_PERSONS = re.compile(
    r"\b(?:technician|curator|operator|engineer|electrician|conservator|attendant|manager|supervisor|architect|artist|"
    r"founder|director|keeper|visitor|painter|craftsman|craftsmen|people|person|staff|team|volunteers?|secretary|treasurer|"
    r"chair|office|officer|department|desk|company|society|council|committee|board|agency|ministry|association|union|museum|"
    r"carpenters?|workers?|masons?|farmers?|gardeners?|students?|teachers?|pupils?|guests?|guides?|drivers?|employees?|employers?|"
    r"manufacturer|supplier|county|guards?|couriers?|registrars?|brigade|nurses?|doctors?|chefs?|baristas?|millers?|captain|crew|"
    r"police|trainer|instructor|cleaner|caretaker|janitor|buyer|seller|beekeeper|pilot|sailor|warden|ranger|librarian|author|inspector|trustees?|members?|driver|user|customer)s?$",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?:(?:Dr|Prof|Mr|Mrs|Ms)\.? )?[A-Z][a-zÀ-ÿ]+(?: (?:[A-Z]\.|[A-Z][a-zÀ-ÿ-]+|van|von|de)){1,3}$")
_NO_PERSON = re.compile(
    r"\b(?:Museum|Institute|Hall|House|Company|Council|Committee|Trust|Society|Room|Gallery|Station|Bridge|Street|Road|Park|"
    r"Tower|School|University|Works|Workshop|Board|Centre|Center|Library|Archive|Market|Line|River|Valley|Garden|Fund)s?$"
)
_PRONOUN = re.compile(r"\b(?:it|its|they|them|their|this|these|those|he|she|his|her|we|our|us|I|my)\b")
_CUT = re.compile(
    r",(?!\d)|[;:]|\b(?:which|that|because|so that|so|while|when|whenever|if|unless|although|whereas|but|"
    r"since|where|who|as)\b| and "
    r"(?=(?:the|a|an|it|then|is|are|has|must|should|can|will|may)\b)"
)
# Where something else is said, and not more of the same.
_NEXT_STATEMENT = re.compile(
    r",(?!\d)|[;:]|\b(?:and|or|but|which|that|because|so|since|as|whereas|while|although|who)\b"
)
_CONDITION = re.compile(
    r"\b(?:if|when|whenever|unless|until|once|only|as long as|before|after|during|in case of|provided)\b.*"
)
_TAIL = re.compile(r" (?P<tail>(?P<link>every|before|after|when|if|once|until|as soon as|whenever) [^,]{3,80})$")
_HOW_TAIL = re.compile(r" (?:by (?:[a-z]+ing|means of|hand)\b|using|with the help of|through (?:a|an|the) )")
_WITHIN = re.compile(
    rf"((?:(?! (?:if|when|unless|not|only)\b)[^,]){{3,60}}?) within ((?:{_NUMBER}|an?|one|two|three|four|"
    rf"five|six|ten) (?:\w+ )?{_TIMES})(?: ((?:after|of|before) [^,]+))?$"
)
_LONG_TAIL = re.compile(rf" (for {UNIT}(?: {_TIMES})?|for (?:a|one|two|three|four|five|six|seven|ten) {_TIMES})$")


@dataclass(frozen=True)
class Asked:
    """A question, and the words of the sentence that answer it; "" where only all of it does.

    Attributes:
        general: whether only the document says what is meant: then its title has to stand in the question.
    """

    question: str
    short: str = ""
    general: bool = True
    kind: Kind = "what"


def questions_of(sentence: str, text: str) -> list[Asked]:
    """Questions that a statement of subject and verb answers, the surest first; `text` is where it stands."""
    said = sentence.strip().rstrip(".!")
    if len(said) > 400 or said.endswith("?") or re.search(r"[\"“”;:]", said):
        return []
    clause = read_clause(said)
    if clause is None or re.match(r"(?:not|never|no longer|rather)\b", clause.rest) or clause.verb == "cannot":
        return []
    subject = as_inside(clause.subject, text)
    if (
        clause.tense != "past"
        and re.fullmatch(r"[A-Z][a-z]+", subject)
        and not re.search(rf"[a-z,;] {subject}\b", text)
    ):
        return []  # a name or a substance: nothing tells how it is written inside of a sentence
    clause = replace(
        clause, subject=subject, rest=re.sub(r"^(?:normally|usually|always|automatically) ", "", clause.rest)
    )
    found = [
        finished(asked, one.lead)
        for one in _predicates(clause)
        for said in _by_verb(one)
        if (asked := _complete(said, one.rest)) is not None
    ]
    return [asked for asked in found if is_sound(asked.question)]


def _complete(asked: Asked, rest: str) -> Asked | None:
    """A question with every adverbial of its sentence that its short answer leaves out, None where it has no room.

    Args:
        rest: of the clause, behind its verb.
    """
    if not asked.short:
        return asked
    begin = rest.find(asked.short)
    left = rest[begin + len(asked.short) :] if begin >= 0 else rest
    behind = _NEXT_STATEMENT.split(left, maxsplit=1)[0].strip(" ,") if begin >= 0 else ""
    while behind and behind.split()[0] in asked.question.rstrip("?").split():
        behind = behind.partition(" ")[2]
    question = asked.question
    if behind:
        is_adverbial = behind.split()[0] in PREPOSITIONS - {"of", "per"} and len(behind.split()) <= MAX_ADVERBIAL_WORDS
        is_adverbial |= behind.startswith("of ") and asked.question.startswith("How many")
        if not is_adverbial or asked.kind != "value" or _PRONOUN.search(behind):
            return None
        question = f"{question.rstrip('?')} {behind}?"
    condition = _CONDITION.search(left)
    return None if condition and condition[0].rstrip() not in question else replace(asked, question=question)


def _predicates(clause: Clause) -> Iterator[Clause]:
    """The clause, and what is said of the same subject behind `and`: `is 1.6 m high and weighs 85 kg`."""
    joined = re.match(r"([^,;]{3,60}?) and (is|has|[a-z]+s) ([^,;]{3,80})$", clause.rest)
    if joined is None or clause.tense not in ("be", "singular") or _CUT.search(joined[1]):
        yield clause
        return
    again = read_clause(f"{clause.subject} {joined[2]} {joined[3]}")
    is_verb = again is not None and again.verb == joined[2] and joined[2] not in ("is", "has") and joined[2] in THIRD
    if again is None or not (is_verb or joined[2] in ("is", "has")):
        yield clause
        return
    yield replace(clause, rest=joined[1])
    yield replace(again, subject=clause.subject, lead=clause.lead)


def finished(asked: Asked, lead: str = "") -> Asked:
    """A question with the adverbial that the sentence begins with, and whether it names what it is about."""
    question = asked.question
    if lead:
        question = f"{question.rstrip('?')} {lead[0].lower()}{lead[1:]}?"
    return replace(asked, question=question)


def is_sound(question: str) -> bool:
    """Whether a question is complete: no pronoun, no loose end, of a usual length."""
    words = question.rstrip("?").split()
    loose = re.search(r"\b(?:and|or|than|the|a|an|which|that|both|when|if|,)\?$", question)
    return MIN_QUESTION_WORDS <= len(words) <= MAX_QUESTION_WORDS and not loose and not _PRONOUN.search(question)


def short_of(words: str) -> str:
    """Words as a short answer, where they are few."""
    words = words.strip(" ,.")
    return words if 1 <= len(words.split()) <= MAX_SHORT_WORDS and not _PRONOUN.search(words) else ""


def _by_verb(clause: Clause) -> Iterator[Asked]:
    if clause.tense == "be":
        yield from _being(clause.subject, clause.verb, clause.rest)
    elif clause.tense == "modal":
        yield from _modal(clause.subject, clause.verb, clause.rest)
    elif clause.verb in ("has", "have", "had"):
        yield from _having(clause)
    else:
        yield from _acting(clause)


def _being(subject: str, be: str, rest: str) -> Iterator[Asked]:
    first, _, after = rest.partition(" ")
    if size := re.match(rf"({UNIT}) ({_SIZES})\b", rest):
        yield Asked(f"How {size[2]} {be} {subject}?", short_of(size[1]), kind="value")
    elif found := re.match(rf"({UNIT}) across\b", rest):
        yield Asked(f"How far across {be} {subject}?", short_of(found[1]), kind="value")
    elif re.match(rf"{_RANGE}(?:$| (?:at|for|per|in|with)\b|,| and\b)", rest) or (is_measure(subject) and after == ""):
        if re.match(rf"{_ABOUT}[$€£]", rest) or re.match(rf"{_ABOUT}\d[\d.,]* (?:euros?|pounds?|dollars?)\b", rest):
            yield Asked(f"How much {be} {subject}?", short_of(_cut(rest)), kind="value")
        elif is_measure(subject):
            yield Asked(f"What {be} {subject}?", short_of(_cut(rest)), kind="value")
    elif is_measure(subject) and not is_participle(first) and first.lower() in DETERMINERS:
        yield Asked(f"What {be} {subject}?", short_of(_cut(rest)), kind="value")
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
        yield Asked(f"{who_or_what(subject)} {_singular(be)} {_cut(rest)}?", short_of(subject))
    elif is_participle(first) or re.match(rf"(?:{_WITH}) ", rest):
        yield from _done(subject, be, rest)
    elif re.match(r"(?:an?|one of|part of) [\w-]+ [\w-]+", rest) or (re.match(r"the \w+ (?:\w+ ){2}", rest)):
        yield Asked(f"{who_or_what(subject, rest)} {be} {subject}?", kind="definition")


def _done(subject: str, be: str, rest: str) -> Iterator[Asked]:
    """What is done with the subject: where, when, how, of what. `be` is `is`, or `must` with `be` in the rest."""
    bare = rest.removeprefix("be ")
    first, _, after = bare.partition(" ")
    if first in _PLACED and re.match(r"(?:in|at|on|near|under|inside|behind|next to|above|below|between) ", after):
        yield Asked(
            f"Where {be} {subject} {rest[: len(rest) - len(bare)]}{first}?", short_of(_cut(after)), kind="where"
        )
    elif (when := _WHEN_TAIL.search(rest)) and not _CUT.search(rest[: when.start()]):
        short = re.sub(r"^(?:in|on) (?:the year )?", "", when[1])
        yield Asked(f"When {be} {subject} {rest[: when.start()]}?", short_of(short), kind="when")
    elif within := _WITHIN.match(rest):
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
    whole = _cut(rest)
    tail = _TAIL.search(rest)
    if tail and not _CUT.search(rest[: tail.start()]) and rest[: tail.start()].split()[-1] not in PREPOSITIONS:
        ask = {"every": "How often", "until": "How long"}.get(tail["link"], "When")
        told = rest[: tail.start()].removesuffix(" only").removesuffix(" automatically")
        told, ahead = _without_time(told) if tail["link"] in ("before", "after") else (told, "")
        yield Asked(f"{ask} {be} {subject} {told}?", short_of(f"{ahead}{tail['tail']}"), kind="when")
    elif (how := _HOW_TAIL.search(whole)) and len(whole.split()) > 2:
        yield Asked(f"How {be} {subject} {whole[: how.start()]}?", kind="how")
    elif long := _LONG_TAIL.search(rest):
        yield Asked(f"How long {be} {subject} {rest[: long.start()]}?", short_of(long[1][4:]), kind="value")
    elif found := re.match(rf"(.+?) (at|to) ({UNIT})$", rest):
        if named := _quantity(found[3]):
            yield Asked(f"{found[2].title()} what {named} {be} {subject} {found[1]}?", short_of(found[3]), kind="value")
    elif found := re.match(r"(.+?) by ((?:the |an? )?[^,]+)$", whole):
        asks = "By whom" if who_or_what(found[2]) == "Who" else "By what"
        yield Asked(f"{asks} {be} {subject} {found[1]}?", short_of(found[2]), kind="who")


def _without_time(told: str) -> tuple[str, str]:
    """A predicate without the time that stands before `before` or `after`: `are unpacked 24 hours`."""
    found = re.search(rf" ((?:{_NUMBER}|an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve) {_TIMES})$", told)
    is_own = found is None or re.search(r"(?:for|of|within|in)$", told[: found.start()])
    return (told, "") if found is None or is_own else (told[: found.start()], f"{found[1]} ")


def _modal(subject: str, modal: str, rest: str) -> Iterator[Asked]:
    first, _, after = rest.partition(" ")
    if first == "be":
        if found := re.match(rf"({_RANGE})(?:$|,| (?:at|for|per|in)\b)", after):
            if is_measure(subject):
                yield Asked(f"What {modal} {subject} be?", short_of(found[1]), kind="value")
        elif is_participle(after.partition(" ")[0]):
            yield from _done(subject, modal, rest)
    elif first in BASES:
        if found := re.match(rf"({_AMOUNT})(?:$|[ ,])", after):
            yield from _amount(f"{modal} {subject} {first}", found[1], after[found.end(1) :])
        elif (tail := _TAIL.search(rest)) and not _CUT.search(rest[: tail.start()]) and tail["link"] != "if":
            ask = {"every": "How often", "until": "How long"}.get(tail["link"], "When")
            yield Asked(f"{ask} {modal} {subject} {rest[: tail.start()]}?", short_of(tail["tail"]), kind="when")
        elif _is_object(after):
            yield Asked(f"What {modal} {subject} {first}?")


def _having(clause: Clause) -> Iterator[Asked]:
    does = {"singular": "does", "plural": "do", "past": "did"}[clause.tense]
    if found := re.match(rf"{_NUMERAL} ((?:[a-z-]+ ){{0,2}}[a-z]{{2,}}s)\b", clause.rest):
        yield Asked(f"How many {found[2]} {does} {clause.subject} have?", f"{found[1]} {found[2]}", kind="value")
    elif found := re.match(rf"an? ((?:[a-z-]+ ){{0,2}}[a-z]+) of ({UNIT})\b", clause.rest):
        if is_measure(found[1]):
            was = "was" if clause.tense == "past" else "is"
            yield Asked(f"What {was} the {found[1]} of {clause.subject}?", short_of(found[2]), kind="value")


def _acting(clause: Clause) -> Iterator[Asked]:
    does = {"singular": "does", "plural": "do", "past": "did"}[clause.tense]
    subject, base, rest = clause.subject, clause.base, clause.rest
    asks = f"{does} {subject} {base}"
    whole = _cut(rest)
    if clause.lead.startswith("In case of") and clause.tense != "past":
        yield Asked(f"What {does} {subject} do?", kind="do")
    elif base in ("last", "take") and re.match(rf"{_ABOUT}{_COUNTED}\b|{_RANGE}$", rest):
        yield Asked(f"How long {asks}?", short_of(whole), kind="value")
    elif base in ("last", "take") and re.match(_ABOUT + _NUMERAL, rest):
        return
    elif found := re.match(rf"({_AMOUNT})(?:$|[ ,])", rest):
        yield from _amount(asks, found[1], rest[found.end(1) :])
    elif (found := re.match(rf"(at|to) ({UNIT})(?:$|[ ,])", rest)) and _quantity(found[2]):
        yield Asked(f"{found[1].title()} what {_quantity(found[2])} {asks}?", short_of(found[2]), kind="value")
    elif (preposition := _FIXED.get(base)) and rest.startswith(f"{preposition} "):
        kind: Kind = "definition" if base == "consist" else "what"
        yield Asked(f"What {asks} {preposition}?", short_of(rest[len(preposition) + 1 :]), kind=kind)
    elif re.match(rf"(?:at \d|on {_DAY}|when|once|if|after|before|as soon as|every|whenever)\b", rest, re.IGNORECASE):
        yield Asked(f"{'How often' if rest.startswith('every') else 'When'} {asks}?", short_of(rest), kind="when")
    elif base in ("sit", "stand", "lie", "hang") and re.match(
        r"(?:in|on|behind|under|above|beside|at) (?:the|an?) ", rest
    ):
        yield Asked(f"Where {asks}?", short_of(whole), kind="where")
    elif _is_object(rest):
        yield from _with_object(clause, asks, whole)


def _with_object(clause: Clause, asks: str, whole: str) -> Iterator[Asked]:
    """What the subject does to something: how, when, how often, what."""
    subject, rest = clause.subject, clause.rest
    if found := re.match(rf"{_NUMERAL} ((?:[a-z-]+ ){{0,1}}[a-z]{{2,}}s)\b", rest):
        if found[2].split()[-1] not in ("times", "minutes", "hours", "days", "seconds", "weeks", "months", "years"):
            yield Asked(f"How many {found[2]} {asks}?", f"{found[1]} {found[2]}", kind="value")
    if when := _WHEN_TAIL.search(rest):
        short = re.sub(r"^(?:in|on) (?:the year )?", "", when[1])
        yield Asked(f"When {asks} {rest[: when.start()]}?", short_of(short), kind="when")
    elif (how := _HOW_TAIL.search(whole)) and how.start() > 0:
        yield Asked(f"How {asks} {whole[: how.start()]}?", kind="how")
    elif (
        (tail := _TAIL.search(rest))
        and not _CUT.search(rest[: tail.start()])
        and tail["link"] in ("every", "when", "once")
    ):
        ask = "How often" if tail["link"] == "every" else "When"
        yield Asked(f"{ask} {asks} {rest[: tail.start()]}?", short_of(tail["tail"]), kind="when")
    elif within := _WITHIN.match(rest):
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
    if re.search(r", (?:while|whereas)\b", rest) or re.match(r"(?:every|each|all|some|most|no|many)\b", subject):
        yield Asked(f"What {asks}?")
    elif (
        clause.tense != "past"
        and who_or_what(subject) == "Who"
        and len(whole.split()) > 3
        and not _PRONOUN.search(whole)
        and len(subject.split()) < 6
    ):
        yield Asked(f"{who_or_what(subject)} {third_of(clause.base)} {whole}?", short_of(subject))
    else:
        yield Asked(f"What {asks}?", kind="definition" if clause.base == "comprise" else "what")


def _amount(asks: str, amount: str, behind: str) -> Iterator[Asked]:
    """How much of what its unit measures; nothing where a bare number may count anything.

    Args:
        behind: what follows the amount; the question has it up to the next statement.
    """
    named = _quantity(amount)
    # `What temperature does it lose?`: what is lost is a difference.
    if named and re.search(r" (?:lose|gain|drop|fall|rise|vary|differ|add|save|shift|deviate)$", asks):
        return
    more = _NEXT_STATEMENT.split(behind, maxsplit=1)[0].strip()
    if more.startswith("of ") or re.search(r"(?:%|per ?cent)$", amount):
        return  # `2 kg of dust`, `99 %`: of what belongs to how much
    asks = f"{asks} {more}".strip()
    if re.search(r"[A-Za-z%$€£]", re.sub(_ABOUT, "", amount, count=1)):
        unit = re.split(r"\d", amount)[-1].removeprefix(" ")
        if re.match(rf"{_TIMES}$", unit):
            ask = "How long" if asks.endswith(" last") else "How much time"
            yield Asked(f"{ask} {asks}?", short_of(amount), kind="value")
            return
        counted = unit.endswith("s") and len(unit) > 3 and not re.match(r"(?:litres|metres|grams|percent|tonnes)", unit)
        if not counted:
            ask = f"{'How much' if named in ('power', 'current') else 'What'} {named}" if named else "How much"
            yield Asked(f"{ask} {asks}?", short_of(amount), kind="value")
        else:
            yield Asked(f"How many {unit} {asks}?", short_of(amount), kind="value")


def _quantity(amount: str) -> str:
    unit = re.search(r"(?<=[\d\s])(°\s?[CF]?|[A-Za-z/]+)$", amount)
    return _QUANTITIES.get(unit[1].lower().replace(" ", ""), "") if unit else ""


def _is_object(rest: str) -> bool:
    """Whether an object follows the verb, and nothing that the verb may need as well."""
    first = rest.split(" ", 1)[0].strip(",").lower()
    is_noun_phrase = first in DETERMINERS - {"this", "these", "its", "their", "his", "her", "our"} or first.isdigit()
    return (is_noun_phrase or is_plural(first)) and first not in ("as", "always", "perhaps") and len(rest.split()) > 1


def _cut(rest: str) -> str:
    """The rest of a clause up to the next clause."""
    found = _CUT.search(rest)
    return (rest[: found.start()] if found else rest).strip(" ,")


def _singular(be: str) -> str:
    return "was" if be in ("was", "were") else "is" if be in BE else be


def who_or_what(subject: str, predicate: str = "") -> str:
    """The word that asks for a subject: `Who` for people."""
    bare = re.sub(r"^(?:the|an?|two|three|four|all|every|each) ", "", subject, flags=re.IGNORECASE)
    is_person = bare == subject and re.match(
        r"an? (?:\w+ ){0,2}\w+(?:ist|ician|maker|painter|engineer|architect)\b", predicate
    )
    is_named = _NO_PERSON.search(subject) is None and (
        (bare == subject and _NAME.fullmatch(subject) is not None)
        or re.search(r"[a-z]{4} [A-Z][a-z]+ [A-Z][a-z]+$", bare) is not None
    )
    return "Who" if is_person or is_named or _PERSONS.search(bare) else "What"
