"""Numbered steps outside of English: those of a section, in its own sentences and in their order.

For the offline teacher. Reads and writes nothing.
"""

from __future__ import annotations

import re
from itertools import groupby

from docent.llm.offline_page import Page
from docent.llm.offline_source import Statement

MIN_STEPS, MAX_STEPS = 2, 20


def steps(page: Page) -> str:
    """The numbered steps of a section, one a line; "" where there is not exactly one list of them."""
    told = [s for s in page.every if s.kind == "step"]
    lines = [(label, [*parts]) for label, parts in groupby(told, key=lambda s: s.label)]
    numbers = [int(re.sub(r"\D", "", label) or 0) for label, _ in lines]
    if not MIN_STEPS <= len(lines) <= MAX_STEPS or numbers != list(range(1, len(numbers) + 1)):
        return ""
    return "\n".join(f"{number}. {_text(page, parts)}" for number, (_, parts) in zip(numbers, lines, strict=True))


def _text(page: Page, parts: list[Statement]) -> str:
    return page.words.joined([part.text for part in parts])
