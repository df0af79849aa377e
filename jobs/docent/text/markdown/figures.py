"""Replace figure references in a text by descriptions, or remove them.

A section keeps its text as written, including references, so that its lines match the source. These functions prepare
the text for a teacher, or for checking an answer against it.
"""

import re
from collections.abc import Iterable, Mapping

from docent.records import Figure


def with_descriptions(text: str, figures: Iterable[Figure]) -> str:
    """Return the text with every reference replaced by its caption and description, in brackets."""
    words: dict[str, str] = {}
    for figure in figures:
        description = " ".join(part for part in (figure.caption, figure.description) if part)
        words.setdefault(figure.token, f"[Figure: {description}]" if description else "")
    return _replaced(text, words)


def without_figures(text: str, figures: Iterable[Figure]) -> str:
    """Return the text without references, and without the blank lines that they would leave."""
    remaining = _replaced(text, {figure.token: "" for figure in figures})
    return re.sub(r"\n\s*\n\s*\n", "\n\n", remaining).strip()


def _replaced(text: str, words: Mapping[str, str]) -> str:
    """Return the text with each token replaced by its words, in one pass.

    If two tokens match at one place, the longer one counts, as `FIGURE_1.2` begins with `FIGURE_1`; descriptions are
    not searched for further tokens. Each token is searched separately, which is fast in long texts.
    """
    matches = ((token, match) for token in words if token for match in re.finditer(re.escape(token), text))
    pieces, end = [], 0
    for start, _, token in sorted((match.start(), -len(token), token) for token, match in matches):
        if start >= end:
            pieces += [text[end:start], words[token]]
            end = start + len(token)
    return "".join([*pieces, text[end:]])
