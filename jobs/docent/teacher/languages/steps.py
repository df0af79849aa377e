"""Quote the numbered steps of a section in languages other than English, in their order.

Reads and writes nothing.
"""

from __future__ import annotations

import re
from itertools import groupby

from docent.teacher.languages.section import NonEnglishSection
from docent.teacher.source.words import regexes

MIN_STEPS, MAX_STEPS = 2, 20
_STATES = regexes("no_step")
"""Numbered sentences that say how something is rather than what to do."""


def is_procedure(told: str, code: str) -> bool:
    """Check whether most of the lines are steps, not numbered rules or facts."""
    lines = [line.partition(". ")[2] for line in told.splitlines()]
    return sum(_STATES[code].match(line) is not None for line in lines) * 2 < len(lines)


def steps(section: NonEnglishSection) -> str:
    """Return the numbered steps of a section, one a line; "" where there is not exactly one list of them."""
    parts_of_steps = [s for s in section.every if s.kind == "step"]
    lines = [(label, [*parts]) for label, parts in groupby(parts_of_steps, key=lambda s: s.label)]
    numbers = [int(re.sub(r"\D", "", label) or 0) for label, _ in lines]
    if not MIN_STEPS <= len(lines) <= MAX_STEPS or numbers != list(range(1, len(numbers) + 1)):
        return ""
    texts = (section.words.joined([part.text for part in parts]) for _, parts in lines)
    return "\n".join(f"{number}. {text}" for number, text in enumerate(texts, 1))
