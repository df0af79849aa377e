"""Choose the wording of data/questions.yaml for a row of a table, in languages other than English.

Reads and writes nothing.
"""

from __future__ import annotations

import re

from docent.teacher.languages.articles import is_property, with_article
from docent.teacher.languages.heads import question_kind
from docent.teacher.languages.tables import Row
from docent.teacher.source.words import table

UNARTICLED = ("ko", "ja", "zh")
"""Languages without articles and genders, in which any column can be asked for."""
_ASKED_FOR: dict[str, list[list[str]]] = table("asked_for")


def wording_of(row: Row, code: str) -> str:
    """Return the name of the wording for a row: of its question, and with `_answer` of its answer."""
    if row.sort in ("meaning", "remedy", "cause_of", "due", "signal_state", "signal_do"):
        return row.sort
    if row.is_price and not row.name:
        return "price"
    end = "number" if row.is_number else "text"
    if not row.name:
        return f"{'thing' if is_known(row, code) else 'column'}_{end}"
    if code in UNARTICLED:
        return "cell_thing_number" if row.is_number else "cell"
    kind = "" if row.is_number else question_kind(row.column, row.first)
    if kind:
        return f"cell_{kind}"
    return f"cell_thing_{end}" if is_known(row, code) else "cell"


def is_articled(row: Row, code: str) -> bool:
    """Check whether a row is named with an article: `le programme 4`."""
    return row.is_code and row.sort == "value" and code in ("fr", "es")


def is_known(row: Row, code: str) -> bool:
    """Check whether the article of a column is known, and a question for it is natural."""
    if code in UNARTICLED:
        return True
    is_asked = row.is_number or is_property(row.column, code)
    return is_asked and with_article(row.column, code) != ""


def place_or_time(question: str, column: str, code: str) -> str:
    """Return the question with `where` or `when` in the place of `what`, where the column is one of places or times."""
    for pattern, what, asked in _ASKED_FOR.get(code, ()):
        if re.search(pattern, column):
            return question.replace(what, asked)
    return question
