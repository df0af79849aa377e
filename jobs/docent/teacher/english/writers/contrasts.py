"""Write the question how two things compare if one English sentence compares them.

Reads and writes nothing.
"""

import re

from docent.teacher.english.grammar.clauses import as_inside, is_plural, read_clause
from docent.teacher.english.grammar.question import Question, finished, is_sound
from docent.teacher.source.words import ENGLISH

_THAN = re.compile(ENGLISH["than"])
_ANY = re.compile(r"(?:every|each|all|any|no)\b", re.IGNORECASE)


def compared_in(sentence: str, text: str) -> Question | None:
    """Return the question how X and Y compare: `Unlike X, Y ...`, `Y is larger than X`, `X ..., while Y ...`."""
    return _unlike(sentence) or _larger(sentence, text) or _while(sentence, text)


def _unlike(sentence: str) -> Question | None:
    parts = re.match(r"Unlike ([^,]{3,50}), (.+)", sentence)
    clause = read_clause(parts[2][0].upper() + parts[2][1:]) if parts else None
    if not parts or not clause:
        return None
    is_many = clause.tense == "plural" or clause.verb in ("are", "were") or is_plural(clause.subject.split()[-1])
    return Question(f"How {'do' if is_many else 'does'} {parts[2][: len(clause.subject)]} differ from {parts[1]}?")


def _larger(sentence: str, text: str) -> Question | None:
    clause = read_clause(sentence)
    than = _THAN.match(clause.rest) if clause is not None and clause.tense == "be" else None
    if clause is None or than is None or re.search(r"\d|\b(?:that|those|before|usual|average|ever)\b", than[1]):
        return None
    does = "do" if clause.verb in ("are", "were") else "does"
    return Question(f"How {does} {as_inside(clause.subject, text)} compare with {than[1]}?")


def _while(sentence: str, text: str) -> Question | None:
    parts = re.match(r"(.{10,150}?), (?:while|whereas) (.{10,150})[.!]?$", sentence)
    one = read_clause(parts[1]) if parts else None
    other = read_clause(parts[2][0].upper() + parts[2][1:]) if parts else None
    if not parts or not one or not other or other.subject.lower() == one.subject.lower():
        return None
    is_open = re.match(r"(?:the )?(?:one|ones|rest|two)\b", other.subject.lower())
    if is_open or _ANY.match(other.subject) or _ANY.match(one.subject):
        return None
    first = one.subject if re.search(r"[A-Z]", one.subject[1:2]) else as_inside(one.subject, text)
    question = f"How do {first} and {parts[2][: len(other.subject)]} differ?"
    return finished(Question(question)) if is_sound(question) else None
