"""Find questions that an English sentence answers by its grammar: `The tower is 36 m high.` states a height.

A pattern that does not match with certainty yields nothing. Reads and writes nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from docent.teacher.english.grammar.actions import acting, amount_of, having
from docent.teacher.english.grammar.adverbials import CUT, TAIL, is_clear_time, with_adverbials
from docent.teacher.english.grammar.amounts import AMOUNT
from docent.teacher.english.grammar.clauses import Clause, as_inside, is_plural, read_clause
from docent.teacher.english.grammar.question import Question, finished, is_sound, short_of
from docent.teacher.english.grammar.states import being, done
from docent.teacher.english.grammar.verbs import BASES, THIRD, is_participle

_PARTICLE_ORDER = re.compile(r"[A-Z][a-z]+ (?:out|off|up|down|away|back) (?:the|an?|all|both) ")


def questions_of(sentence: str, text: str) -> list[Question]:
    """Return the questions that a statement of subject and verb answers, the most certain first."""
    bare = sentence.strip().rstrip(".!")
    if re.match(r"(?!(?:Dr|Mr|Mrs|Ms|Prof|St|No)\.)[^.]{2,30}\. [A-Z]", bare):
        return []  # a run-in heading: `KD 110. The smallest machine is ...`
    if len(bare) > 400 or bare.endswith("?") or re.search(r"[\"“”;:]", bare):
        return []
    clause = read_clause(bare)
    if clause is None or re.match(r"(?:not|never|no longer|rather)\b", clause.rest) or clause.verb == "cannot":
        return []
    if _PARTICLE_ORDER.match(bare):
        return []  # `Pull out the plug before ...` has no subject
    subject = as_inside(clause.subject, text)
    is_bare_name = re.fullmatch(r"[A-Z][a-z]+", subject) and not re.search(rf"[a-z,;] {subject}\b", text)
    if clause.tense != "past" and is_bare_name:
        return []  # a name or a substance: how it is written inside a sentence is unknown
    if re.match(r"(?:one|an? single) ", subject, re.IGNORECASE):
        return []  # `What does a single pump serve?` asks about any of them
    rest = re.sub(r"^(?:normally|usually|always|automatically) ", "", clause.rest)
    clause = replace(clause, subject=subject, rest=rest)
    questions = [
        finished(asked, one.lead)
        for one in _predicates(clause)
        for bare in _by_verb(one)
        if (asked := with_adverbials(bare, one.rest)) is not None
    ]
    is_any = re.match(r"an? ", subject) is not None
    return [asked for asked in questions if is_sound(asked.question) and not (is_any and asked.kind == "what")]


def _predicates(clause: Clause) -> Iterator[Clause]:
    """Yield the clause, or one for each of two predicates joined by `and`: `is 1.6 m high and weighs 85 kg`."""
    joined = re.match(r"([^,;]{3,60}?) and (is|has|[a-z]+s) ([^,;]{3,80})$", clause.rest)
    if joined is None or clause.tense not in ("be", "singular") or CUT.search(joined[1]):
        yield clause
        return
    again = read_clause(f"{clause.subject} {joined[2]} {joined[3]}")
    is_verb = again is not None and again.verb == joined[2] and joined[2] not in ("is", "has") and joined[2] in THIRD
    if again is None or not (is_verb or joined[2] in ("is", "has")):
        yield clause
        return
    yield replace(clause, rest=joined[1])
    yield replace(again, subject=clause.subject, lead=clause.lead)


def _by_verb(clause: Clause) -> Iterator[Question]:
    if clause.tense == "be":
        yield from being(clause.subject, clause.verb, clause.rest)
    elif clause.tense == "modal":
        yield from _modal(clause.subject, clause.verb, clause.rest)
    elif clause.verb in ("has", "have", "had"):
        yield from having(clause)
    elif not _is_misread(clause):
        yield from acting(clause)


def _is_misread(clause: Clause) -> bool:
    """Check whether subject and verb disagree: `steps` is not the verb of `Buyers of the Duetto S skip steps`."""
    head = re.match(r"(?:[Tt]he )?(\w+) of ", clause.subject)
    return clause.tense == "singular" and head is not None and is_plural(head[1])


def _modal(subject: str, modal: str, rest: str) -> Iterator[Question]:
    """Yield the question how much, how often or how long, for a sentence with a modal verb."""
    first, _, after = rest.partition(" ")
    if first == "be" and is_participle(after.partition(" ")[0]):
        yield from done(subject, modal, rest)
    elif first in BASES:
        tail = TAIL.search(rest)
        if amount := re.match(rf"({AMOUNT})(?:$|[ ,])", after):
            yield from amount_of(f"{modal} {subject} {first}", amount[1], after[amount.end(1) :])
        elif tail and not CUT.search(rest[: tail.start()]) and is_clear_time(tail["tail"]):
            if ask := {"every": "How often", "until": "How long"}.get(tail["link"]):
                yield Question(f"{ask} {modal} {subject} {rest[: tail.start()]}?", short_of(tail["tail"]), kind="when")
