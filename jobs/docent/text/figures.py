"""Figure references inside a text: shown as what they stand for, or left out.

A section keeps its text as it was written, references included, so that its lines stay those of the source. Who shows
the text to a teacher, or checks an answer against it, takes it from here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from docent.records import Figure


def with_descriptions(text: str, figures: Iterable[Figure]) -> str:
    """The text with every reference replaced by its caption and description, in brackets at the same place."""
    for figure in figures:
        said = " ".join(part for part in (figure.caption, figure.description) if part)
        text = text.replace(figure.token, f"[Figure: {said}]" if said else "")
    return text


def without_figures(text: str, figures: Iterable[Figure]) -> str:
    """The text without references, and without the blank lines that they would leave."""
    for figure in figures:
        text = text.replace(figure.token, "")
    return re.sub(r"\n\s*\n\s*\n", "\n\n", text).strip()
