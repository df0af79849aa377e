"""Numbered steps and summaries outside of English: what a section says, in its own sentences and in their order.

For the offline teacher. Reads and writes nothing.
"""

from __future__ import annotations

import re
from itertools import groupby

from docent.llm.offline_page import Page
from docent.llm.offline_source import Statement
from docent.llm.offline_summary import summary_of
from docent.text.terms import length_in_words

SUMMARY_WORDS, SECTION_SUMMARY_WORDS = 95, 200
MIN_STEPS, MAX_STEPS = 2, 20
MIN_SENTENCES = 3
"""A summary of fewer would be the section."""


def steps(page: Page) -> str:
    """The numbered steps of a section, one a line; "" where there is not exactly one list of them."""
    told = [s for s in page.every if s.kind == "step"]
    lines = [(label, [*parts]) for label, parts in groupby(told, key=lambda s: s.label)]
    numbers = [int(re.sub(r"\D", "", label) or 0) for label, _ in lines]
    if not MIN_STEPS <= len(lines) <= MAX_STEPS or numbers != list(range(1, len(numbers) + 1)):
        return ""
    return "\n".join(f"{number}. {_text(page, parts)}" for number, (_, parts) in zip(numbers, lines, strict=True))


def summary(page: Page) -> str:
    """The main sentences, in fewer than 100 words; "" where the section has too little, or steps that do not fit."""
    return _summed_up(page, SUMMARY_WORDS, everything=False)


def section_summary(page: Page) -> str:
    """All that the section says where that is short enough, else its main sentences."""
    return _summed_up(page, SECTION_SUMMARY_WORDS, everything=True)


def _summed_up(page: Page, max_words: int, everything: bool) -> str:
    most = min(max_words, page.material.max_answer_words)
    listed = steps(page)
    if any(s.kind == "step" for s in page.every):
        before = [s.text for s in page.alone if s.place < _first_step(page)]
        told = "\n".join([*before[:1], listed]) if listed else ""
        return told if length_in_words(told) <= most else ""
    units = _units(page)
    if len(units) < MIN_SENTENCES:
        return ""
    fits = sum(map(length_in_words, units)) <= most
    if page.rows and not fits:
        return ""  # some lines of a table are no summary of it
    if fits and (everything or page.rows):
        return page.words.joined(units)
    chosen = summary_of(units, most, page.words.stop)
    return page.words.joined([units[place] for place in chosen]) if len(chosen) > 1 else ""


def _first_step(page: Page) -> int:
    return next(s.place for s in page.every if s.kind == "step")


def _units(page: Page) -> list[str]:
    """Sentences, those that need the one before together with it, and rows."""
    units: list[str] = []
    for statement in page.every:
        if statement.kind != "sentence" or not statement.asked:
            continue
        if not statement.alone and units and statement.whole.startswith(units[-1]):
            units[-1] = statement.whole
        elif statement.alone:
            units.append(statement.text)
    return [*units, *(page.row_answer(row) for row in page.rows)]


def _text(page: Page, parts: list[Statement]) -> str:
    return page.words.joined([part.text for part in parts])
