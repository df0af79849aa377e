"""Write questions about English instructions and conditions: what to do if, how often, for how long, with what.

A pattern that does not match with certainty yields nothing. Reads and writes nothing.
"""

import re
from collections.abc import Iterator

from docent.teacher.english.grammar.adverbials import is_frequency
from docent.teacher.english.grammar.clauses import DETERMINERS, is_subject, read_clause
from docent.teacher.english.grammar.question import PRONOUN, Question, finished, is_sound, short_of
from docent.teacher.english.grammar.verbs import BASES
from docent.teacher.source.words import ENGLISH

_LED = re.compile(r"(If|When|Once|Before|After|Whenever|As soon as|Until|Unless) ([^,]{5,110}), (?:then )?(.+)")
# `Pump 1 starts` begins with a thing, `Wait 30 minutes` with an order.
_NUMBERED_THING = re.compile(ENGLISH["numbered_things"])
# Conditions that only the text before them explains: `if in doubt`, `if one is out`, `if there is no answer`.
_CONTEXT = re.compile(ENGLISH["context_conditions"])
# `Cover to the reinforcement was measured`: the apparent order is a noun.
_NOUN_FIRST = re.compile(ENGLISH["noun_first"])
# An order with its purpose: the rest of it does not answer a question of its own.
_WITH_PURPOSE = re.compile(ENGLISH["orders_with_purpose"])
_TIME = re.compile(ENGLISH["for_a_time"])
_DONE_WITH, _TOLD = re.compile(ENGLISH["done_with"]), re.compile(ENGLISH["told_after_condition"])
_CAUSE = re.compile(r"([^,]{3,90}?) (is|are) (the (?:[a-z]+ ){0,2}cause) of ([^,;:]{3,80})$")


def instructions_of(sentence: str) -> list[Question]:
    """Return the questions that an instruction, a condition or a cause answers, the most certain first."""
    text = re.sub(r"^(?:Please|Note that) ", "", sentence.strip().rstrip(".!"))
    text = text[:1].upper() + text[1:]
    if len(text) > 400 or text.endswith("?") or re.search(r"[\"“”;:]", text):
        return []
    questions = [finished(asked) for asked in (*_causes(text), *_conditions(text), *_orders(text))]
    return [asked for asked in questions if is_sound(asked.question)]


def is_order(sentence: str) -> bool:
    """Check that a sentence begins with a verb that gives an instruction."""
    first, _, after = sentence.partition(" ")
    low, following = first.lower(), after.partition(" ")[0].lower()
    if low not in BASES or not first[:1].isupper() or first[1:] != first[1:].lower():
        return False
    if _NOUN_FIRST.match(sentence) or _NUMBERED_THING.match(sentence):
        return False
    # `Display units are ...` begins with a noun; a noun is followed by a verb of its own.
    clause = read_clause(sentence)
    if clause is not None and clause.tense in ("be", "modal", "singular", "plural"):
        return following in DETERMINERS
    return following != "of"


def _conditions(sentence: str) -> Iterator[Question]:
    """Yield questions: `If the lamp flashes, replace it.` answers `What should you do if the lamp flashes?`."""
    led = _LED.match(sentence)
    if not led:
        yield from _condition_behind(sentence)
        return
    link, condition = led[1].lower(), led[2]
    if PRONOUN.search(condition) or link in ("until", "unless") or _CONTEXT.match(condition):
        return
    order = re.sub(r"^(?:please|always|first|immediately|carefully) ", "", led[3])
    if is_order(order[:1].upper() + order[1:]) or _TOLD.match(led[3]):
        yield Question(f"What should you do {link} {condition}?", kind="do")


def _condition_behind(sentence: str) -> Iterator[Question]:
    """Yield questions: `Stop the motor if the lid is open.` answers `What should you do if the lid is open?`."""
    parts = re.match(
        r"([^,]{8,120}?),? (if|when|whenever|as soon as) ((?:the|an?|no|two|more|less) [^,]{5,90})$", sentence
    )
    if not parts or PRONOUN.search(parts[3]) or re.search(r"\b(?:was|were|had)\b", parts[3]):
        return
    if is_order(parts[1]) and parts[2] == "if":
        yield Question(f"What should you do if {parts[3]}?", kind="do")


def _orders(sentence: str) -> Iterator[Question]:
    """Yield the question how often, how long or with what something has to be done."""
    if not is_order(sentence) or re.match(r"\w+ (?:it|them|this|these|those|one)\b", sentence):
        return
    order = sentence[0].lower() + sentence[1:]
    tool = re.match(r"use ((?:an?|the|only) [^,]{2,60}?) (to [a-z]+ [^,]{3,80}|for [^,]{3,80})$", order)
    if tool and not PRONOUN.search(tool[2]):
        yield Question(f"What should you use {tool[2]}?", short_of(tool[1]))
    elif not tool and not _WITH_PURPOSE.match(order):
        yield from _timed_orders(order)


def _timed_orders(order: str) -> Iterator[Question]:
    """Yield the question how often, how long or with what, if the instruction ends with that information."""
    if (often := re.match(r"([^,]{8,90}?) (every .{3,40})$", order)) and not re.search(
        r" (?:after|before|at|in|on|for|of|with|to)$", often[1]
    ):
        if is_frequency(often[2]):
            yield Question(f"How often should you {often[1]}?", short_of(often[2]), kind="when")
    elif re.match(r"[^,]{6,90}? (?:before|after|once|when|as soon as|if|whenever) [^,]{3,70}$", order):
        return
    elif long := re.match(r"([^,]{4,90}?) (for [^,]{3,30})(?:$|,| and)", order):
        if _TIME.match(long[2]) and " " in long[1] and not re.search(r" (?:and|until)\b", long[1]):
            yield Question(f"How long should you {long[1]}?", short_of(long[2][4:]), kind="value")
    elif means := _DONE_WITH.match(order):
        if not PRONOUN.search(means[1]) and " and " not in means[1]:
            yield Question(f"What should you {means[1]} with?", short_of(means[2]))


def _causes(sentence: str) -> Iterator[Question]:
    """Yield the question for a cause: `A worn seal is the cause of leaks.` answers `What is the cause of leaks?`."""
    cause = _CAUSE.match(sentence)
    if cause and is_subject(cause[1]) and not PRONOUN.search(cause[4]):
        yield Question(f"What {cause[2]} {cause[3]} of {cause[4]}?", short_of(cause[1]), kind="reason")
