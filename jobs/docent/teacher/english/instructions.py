"""Questions about English instructions, conditions and reasons: what to do if, what happens when, how to, why.

For the offline teacher, beside offline_english.py. A pattern that is not sure of what it sees gives nothing. Reads and
writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from docent.teacher.english.adverbials import is_frequency, is_told_when
from docent.teacher.english.asked import Asked, finished, is_sound, short_of
from docent.teacher.english.grammar import DETERMINERS, PREPOSITIONS, as_inside, is_subject, read_clause
from docent.teacher.english.verbs import BASES, FORMS, THIRD, is_participle, third_of

_LED = re.compile(r"(If|When|Once|Before|After|Whenever|As soon as|Until|Unless) ([^,]{5,110}), (?:then )?(.+)")
_PRONOUN = re.compile(r"\b(?:it|its|they|them|their|this|these|those|he|she|his|her|we|our|us|I|my)\b")
# `Pump 1 starts` begins with a thing, `Wait 30 minutes` with an order.
_NUMBERED_THING = re.compile(
    r"(?:Pump|Step|Valve|Lamp|Key|Switch|Gate|Program(?:me)?|Zone|Room|Tank|Motor|Fan|Level|Stage) \d"
)
# Conditions that only what stands before them explains: `if in doubt`, `if one is out`, `if there is no answer`.
_CONTEXT = re.compile(
    r"(?:in doubt|necessary|possible|required|needed|applicable|so|not|there (?:is|are) no|one (?!of\b|or\b)[a-z]+s?)\b"
)
_IN_WHICH_WAY = re.compile(
    r"\b(?:lines? up|faces?|points?|sits?|lies?|rests?|hangs?|touch(?:es)?|overlaps?|shows?|fits?|"
    r"(?:is|are) (?:level|flush|centred|centered|upright|parallel|visible|facing|pointing|in line|aligned|just))\b"
)
# `The most common cause is a blunt blade` has no verb `cause`.
_CAUSES = re.compile(
    r"([^,]{3,90}?) (causes?|leads? to|results? in) (?!(?:of|is|are|was|were|may|might|could|can|for)\b)"
    r"([^,;:]{3,80}?)(?:$|,)"
)
_BECAUSE = re.compile(
    r"(?:, (?=since |as (?:the|an?|it|they|its|their) )|,? (?=because |since (?:the|an?) |due to |"
    r"owing to |so that |in order to |to (?:avoid|prevent) ))"
    r"(because|since|as|due to|owing to|so that|in order to|to avoid|to prevent) "
)
_TWO_VERBS = re.compile(r" and (?:then )?([a-z]+)\b")

# `Cover to the reinforcement was measured`: what looks like an order is a noun.
_NOUN_FIRST = re.compile(
    r"\w+ to (?:(?!that\b|which\b|what\b|if\b|when\b|until\b)[\w-]+ ){1,6}(?:is|are|was|were|must|should)\b"
)
_STATES = frozenset("needed required allowed permitted recommended located stored used called made".split())
_TIME = re.compile(
    r"^for (?:at least |about |up to )?(?:an?|one|two|three|\d[\d.,]*) ?(?:seconds?|minutes?|hours?|"
    r"days?|weeks?|months?|s|min|h)$"
)


def instructions_of(sentence: str, text: str) -> list[Asked]:
    """Questions that an instruction, a condition or a reason answers, the surest first."""
    said = re.sub(r"^(?:Please|Note that) ", "", sentence.strip().rstrip(".!"))
    said = said[:1].upper() + said[1:]
    if len(said) > 400 or said.endswith("?") or re.search(r"[\"“”;]", said) or said.count(":"):
        return []
    found = [*_reasons(said, text), *_conditions(said), *_orders(said)]
    return [done for asked in found if is_sound((done := finished(asked)).question)]


def is_order(said: str) -> bool:
    """Whether a sentence begins with a verb that tells somebody to do something."""
    first, _, after = said.partition(" ")
    low, following = first.lower(), after.partition(" ")[0].lower()
    if low not in BASES or not first[:1].isupper() or first[1:] != first[1:].lower():
        return False
    if _NOUN_FIRST.match(said) or _NUMBERED_THING.match(said):
        return False
    # `Display units are ...` begins with a noun; a noun has a verb of its own behind it.
    clause = read_clause(said)
    if clause is not None and clause.tense in ("be", "modal", "singular", "plural"):
        return following in DETERMINERS
    return following != "of"


def _conditions(said: str) -> Iterator[Asked]:
    """`If the lamp flashes, replace it.` answers `What should you do if the lamp flashes?`."""
    found = _LED.match(said)
    if not found:
        yield from _condition_behind(said)
        return
    link, condition, main = found[1].lower(), found[2], found[3]
    if _PRONOUN.search(condition) or link in ("until", "unless"):
        return
    if _CONTEXT.match(condition):
        return
    order = re.sub(r"^(?:please|always|first|immediately|carefully) ", "", main)
    if is_order(order[:1].upper() + order[1:]) or re.match(
        r"(?:do not|never|make sure|you (?:should|must|need)) ", main
    ):
        yield Asked(f"What should you do {link} {condition}?", kind="do")
    elif re.match(r"\w+ing\b", condition) or re.search(r"\b(?:was|were|had|did)\b", condition):
        return
    elif main.startswith("you can "):
        yield Asked(f"What can you do {link} {condition}?", kind="do")
    elif re.search(r"^(?:[^,]{2,60}?) (?:must|should|needs? to|has to|have to) ", main) and link not in (
        "before",
        "after",
    ):
        yield Asked(f"What must be done {link} {condition}?", kind="do")
    elif link != "before" and not main.startswith(("you ", "we ", "I ", "there ")) and _is_told(main):
        yield Asked(f"What happens {link} {condition}?", kind="then")


def _is_told(main: str) -> bool:
    """Whether a clause says that something happens, and not only that something is so."""
    clause = read_clause(main[:1].upper() + main[1:])
    pronoun = re.match(r"(?:it|they) (\w+)", main)
    if pronoun:
        return pronoun[1] in THIRD or pronoun[1] in BASES or pronoun[1] in ("will", "is", "are", "must", "can")
    if clause is None:
        return False
    first = clause.rest.split()[0]
    if clause.base == "have" and is_participle(first):
        return False  # `the camera has seen you`
    is_done = clause.verb in ("is", "are") and is_participle(first) and first not in _STATES
    return clause.tense in ("singular", "plural") or clause.verb in ("will", "must", "can", "may") or is_done


def _condition_behind(said: str) -> Iterator[Asked]:
    """`The motor stops if the lid is opened.` answers `What happens if the lid is opened?`."""
    found = re.match(r"([^,]{8,120}?),? (if|when|whenever|as soon as) ((?:the|an?|no|two|more|less) [^,]{5,90})$", said)
    if not found or _PRONOUN.search(found[3]) or re.search(r"\b(?:was|were|had)\b", found[3]):
        return
    clause = read_clause(found[1] + " now")
    is_event = clause is not None and (clause.tense in ("singular", "plural") or clause.verb == "will")
    if is_event and clause is not None and clause.base not in ("have", "need", "contain") and "not" not in said.split():
        yield Asked(f"What happens {found[2]} {found[3]}?", kind="then")
    elif is_order(found[1]) and found[2] == "if":
        yield Asked(f"What should you do {found[2]} {found[3]}?", kind="do")


def _orders(said: str) -> Iterator[Asked]:
    """Instructions with a purpose, a time or a means."""
    if (found := re.match(r"To ([a-z]+ [^,]{3,90}), (\w+ [^ ]+)", said)) and not _PRONOUN.search(found[1]):
        follows = found[2][0].upper() + found[2][1:]
        if found[1].split()[0] in BASES and (is_order(follows + " now") or re.match(r"(?:You|Please) ", follows)):
            yield Asked(f"How do you {found[1]}?", kind="how")
        return
    if not is_order(said) or re.match(r"\w+ (?:it|them|this|these|those|one)\b", said):
        return
    order = said[0].lower() + said[1:]
    verb = order.split(" ", 1)[0]
    if found := re.match(r"use ((?:an?|the|only) [^,]{2,60}?) (to [a-z]+ [^,]{3,80}|for [^,]{3,80})$", order):
        if not _PRONOUN.search(found[2]):
            yield Asked(f"What should you use {found[2]}?", short_of(found[1]))
    elif found := re.match(
        r"([^,]{8,100}?) to ((?:open|close|start|stop|reset|release|remove|switch|turn|adjust|set|select|"
        r"confirm|save|change|drain|fill|lock|unlock|raise|lower|return|enter|leave|calibrate|activate|"
        r"increase|decrease|cancel|view|display|show|move|loosen|tighten) [^,]{3,60})$",
        order,
    ):
        is_one = not any(follows in BASES for follows in re.findall(r"\band (\w+)", found[2]))
        if is_one and not _PRONOUN.search(found[2]) and verb not in ("allow", "refer", "go", "continue", "try", "wait"):
            yield Asked(f"How do you {found[2]}?", kind="how")
    else:
        yield from _timed_orders(order)


def _timed_orders(order: str) -> Iterator[Asked]:
    """Instructions that say how often, when, how long or with what."""
    if (found := re.match(r"([^,]{8,90}?) (every .{3,40})$", order)) and not re.search(
        r" (?:after|before|at|in|on|for|of|with|to)$", found[1]
    ):
        if not is_frequency(found[2]):
            return
        yield Asked(f"How often should you {found[1]}?", short_of(found[2]), kind="when")
    elif found := re.match(r"([^,]{6,90}?) ((?:before|after|once|when|as soon as|if|whenever) [^,]{3,70})$", order):
        dangles = re.search(r"\b(?:it|them)\b", found[2]) and not re.match(r"\w+ (?:as )?(?:it|they) ", found[2])
        leads = re.search(r" (?:before|after|if|until|and)\b", found[1])
        is_whole = not leads and found[1].split()[-1] not in PREPOSITIONS  # not `Stop at once`
        if is_whole and is_told_when(found[2]) and not _PRONOUN.search(found[1]) and not dangles:
            yield Asked(f"When should you {found[1]}?", short_of(found[2]), kind="when")
    elif found := re.match(r"([^,]{4,90}?) (for [^,]{3,30})(?:$|,| and)", order):
        if _TIME.match(found[2]) and " " in found[1] and not re.search(r" (?:and|until)\b", found[1]):
            yield Asked(f"How long should you {found[1]}?", short_of(found[2][4:]), kind="value")
    elif found := re.match(
        r"((?:clean|wipe|dry|cover|fill|fasten|secure|lubricate|grease|tighten|seal|wash|rinse|mark|polish|"
        r"remove|treat) [^,]{3,60}?) with ((?:an?|the|only) [^,]{3,60})$",
        order,
    ):
        if not _PRONOUN.search(found[1]) and " and " not in found[1]:
            yield Asked(f"What should you {found[1]} with?", short_of(found[2]))


def _reasons(said: str, text: str) -> Iterator[Asked]:
    """`The road is closed because it is flooded.` answers `Why is the road closed?`."""
    if found := re.match(r"Because ([^,]{8,120}), (.{8,})", said):
        if not _PRONOUN.search(found[1]):
            yield from why_questions(found[2][0].upper() + found[2][1:], text)
        return
    because = _BECAUSE.search(said)
    if because and because.start() > 8 and not re.match(r"(?:If|When|To|While|Although|Unless|Until) ", said):
        effect = said[: because.start()]
        if because[1] == "so that" and because[0].startswith(",") and not is_order(said):
            return  # `A does B, so that C` tells what follows, not why
        if because[1] == "so that" and _IN_WHICH_WAY.search(said[because.end() :]):
            return  # `Fit the lid so that the arrow points to the mark` tells how
        if because[1] in ("so that", "in order to") or because[1].startswith("to ") or "," not in effect:
            yield from why_questions(effect, text)
    yield from _causes(said)


def _causes(said: str) -> Iterator[Asked]:
    """`A worn seal causes leaks.` answers `What causes leaks?`."""
    if found := re.match(r"([^,]{3,90}?) (is|are) (the (?:[a-z]+ ){0,2}cause) of ([^,;:]{3,80})$", said):
        if is_subject(found[1]) and not _PRONOUN.search(found[4]):
            yield Asked(f"What {found[2]} {found[3]} of {found[4]}?", short_of(found[1]), kind="reason")
    elif found := _CAUSES.match(said):
        is_plain = not found[3].endswith("ly")  # `Steam causes burns very quickly` is no news about burns
        if is_plain and is_subject(found[1]) and not _PRONOUN.search(found[3]) and " or " not in found[1]:
            verb, space, preposition = found[2].partition(" ")
            singular = verb if verb.endswith("s") else third_of(verb)
            yield Asked(f"What {singular}{space}{preposition} {found[3]}?", short_of(found[1]), kind="reason")


def _has_two_clauses(effect: str) -> bool:
    """Whether it is two statements, of which the reason may be that of one."""
    is_second = any(verb in FORMS for verb in _TWO_VERBS.findall(effect)) and not is_order(effect)
    parts = effect.split(" and ")[1:]
    return is_second or any(read_clause(f"{part[:1].upper()}{part[1:]} now") is not None for part in parts)


def why_questions(effect: str, text: str) -> Iterator[Asked]:
    """The question for the reason of a statement or an instruction."""
    if _has_two_clauses(effect):
        return
    loose = r"\b(?:only|just|either|more|less|often|mostly|mainly|partly|usually)$|;"
    if effect.count(",") or re.search(loose, effect):
        return
    if never := re.match(r"(?:Do not|Never) ([a-z]+ .+)", effect):
        yield Asked(f"Why should you not {never[1]}?", kind="reason")
        return
    if is_order(effect):
        if not re.match(r"\w+ (?:it|them|this|these)\b|(?:Wait|Take care|Note|See|Make sure)\b", effect):
            yield Asked(f"Why should you {effect[0].lower()}{effect[1:]}?", kind="reason")
        return
    clause = read_clause(f"{effect} now")
    if clause is None or clause.lead:
        return
    subject = as_inside(clause.subject, text)
    rest = clause.rest.removesuffix("now").strip()
    verb = clause.verb
    if not rest and clause.tense in ("be", "modal"):
        return
    if clause.verb == "cannot" or (clause.tense in ("be", "modal") and rest.startswith("not ")):
        verb = "can" if clause.verb == "cannot" else clause.verb
        yield Asked(f"Why {verb} {subject} not {rest.removeprefix('not ')}?", kind="reason")
    elif clause.tense in ("be", "modal"):
        yield Asked(f"Why {verb} {subject} {rest}?", kind="reason")
    else:
        does = {"singular": "does", "plural": "do", "past": "did"}[clause.tense]
        yield Asked(f"Why {does} {subject} {clause.base} {rest}?".replace(" ?", "?"), kind="reason")
