"""Ask how two things compare of which one English sentence tells it.

Reads and writes nothing.
"""

from __future__ import annotations

import re

from docent.teacher.english.grammar.asked import Asked
from docent.teacher.english.grammar.clauses import as_inside, is_plural, read_clause

_THAN = re.compile(
    r"(?:(?!better\b)[a-z]+er|more [a-z]+|less [a-z]+) than ((?:the |an? )?[A-Za-z][\w -]{2,40}?)(?:$|"
    r"[,.;]| (?:because|since|and|but|in|at)\b)"
)


def compared_in(said: str, text: str) -> Asked | None:
    """Ask how X and Y compare where a sentence says `Unlike X, Y ...` or `Y is larger than X`."""
    if found := re.match(r"Unlike ([^,]{3,50}), (.+)", said):
        clause = read_clause(found[2][0].upper() + found[2][1:])
        if clause is None:
            return None
        does = (
            "do"
            if clause.tense == "plural" or clause.verb in ("are", "were") or is_plural(clause.subject.split()[-1])
            else "does"
        )
        return Asked(f"How {does} {found[2][: len(clause.subject)]} differ from {found[1]}?")
    clause = read_clause(said)
    than = _THAN.match(clause.rest) if clause is not None and clause.tense == "be" else None
    if clause is None or than is None or re.search(r"\d|\b(?:that|those|before|usual|average|ever)\b", than[1]):
        return None
    does = "do" if clause.verb in ("are", "were") else "does"
    return Asked(f"How {does} {as_inside(clause.subject, text)} compare with {than[1]}?")
