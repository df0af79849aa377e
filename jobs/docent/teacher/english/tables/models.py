"""Find the model that the technical data of an English section belong to, where the document covers several.

`What is the rated output?` has three answers in a document about three models. Reads and writes nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from docent.teacher.source.words import ENGLISH

# A word with a capital and a number behind it: `Rondo 40`, `TX-200`.
_MODEL = re.compile(r"(?<![\w“])([A-Z][A-Za-z]+)(?: |-)?(\d{1,4}[A-Za-z]?)(?![\w.,]*\d|\w)")
_NO_MODELS = frozenset(ENGLISH["no_models"].split())
_YEAR = re.compile(r"1[5-9]\d\d|20\d\d")
_BARE_HEADING = re.compile(r"^#*\s*(?:\d+(?:\.\d+)*\.?|[A-Z]\.)\s")
_PREPOSITION = re.compile(r" (?:in|at|during|with|without|per|on|under|to|from|above|below|between|behind|before|for) ")
_JOINED = re.compile(r"\s{0,3}(?:,|and|or|to|/)\s{0,3}(?:[A-Z][A-Za-z]{0,20} )?\d")


def owner_of(title: str, text: str, others: Sequence[str]) -> str | None:
    """Return the model that the values of a section belong to, `the Rondo 40`.

    Args:
        title: of the section.
        others: texts of other sections of the document.

    Returns:
        "" where only one thing can be meant, None where several models can and the heading does not tell which.
    """
    heading = _BARE_HEADING.sub("", title)
    named = _models_in(heading)
    if len(named) == 1 and not _JOINED.search(heading):
        place = re.search(rf"\b(the )?{re.escape(named[0])}", heading)
        article = "the " if place and (place[1] or re.search(rf"\b[Tt]he {re.escape(named[0])}", text)) else ""
        return f"{article}{named[0]}"
    numbers: dict[str, set[str]] = defaultdict(set)
    for part in (heading, text, *others):
        for model in _models_in(part):
            numbers[re.split(r"[ -]?(?=\d)", model, maxsplit=1)[0]].add(model)
    return None if any(len(models) > 1 for models in numbers.values()) else ""


def _models_in(text: str) -> list[str]:
    models = (m[0] for m in _MODEL.finditer(text) if m[1].lower() not in _NO_MODELS and not _YEAR.fullmatch(m[2]))
    return list(dict.fromkeys(models))


def belonging(label: str, owner: str) -> str:
    """Return what follows a property to say whose it is: ` of the Rondo 40`; "" where that is known."""
    if not owner:
        return ""
    return f" {'for' if _PREPOSITION.search(label) else 'of'} {owner}"
