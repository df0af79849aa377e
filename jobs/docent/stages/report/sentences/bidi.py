"""Names written from right to left inside English sentences. Reads and writes nothing.

A number or a bracket beside such a name would be drawn on its other side: `כד (3 photos)` with the 3 before the name.
HTML's `bdi` keeps the name to itself (Unicode Bidirectional Algorithm, UAX 9).
"""

from __future__ import annotations

import re

from markupsafe import Markup, escape

# Hebrew, Arabic, Syriac, Thaana, NKo and the presentation forms of the first two; joined over spaces and hyphens.
_LETTERS = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc"
_RUN = re.compile(rf"[{_LETTERS}]+(?:[ ’״׳-][{_LETTERS}]+)*")


def isolated(text: str) -> Markup:
    """The text escaped, each run of words that are written from right to left in an element of its own."""
    return Markup(_RUN.sub(lambda run: f"<bdi>{run[0]}</bdi>", str(escape(text))))
