"""Keeps spreadsheets from computing the texts of a CSV, in a way that can be undone; reads and writes nothing.

A spreadsheet takes a cell for a formula when it begins with one of FORMULA. Cells also begin where a program splits a
line in another way than the file means: with a semicolon for a comma, as in many countries, the quotes around a cell
no longer hold it together, and what follows a semicolon, a tab or a line break in a text is a cell of its own. An
apostrophe goes before each such character (https://owasp.org/www-community/attacks/CSV_Injection); where the text has
apostrophes there already it is one more, so that `unguarded` gives back every text as it was.
"""

from __future__ import annotations

import re

FORMULA = "=+@\t\r-＝＋－＠"
"""Characters that begin a formula; the wide ones do in East Asian versions."""
_CELL = r"(\A\"*|[;\t\r\n]\"*)"
_BEGINS = rf"'*[{re.escape(FORMULA)}]"
_UNGUARDED = re.compile(rf"{_CELL}(?={_BEGINS})")
_GUARD = re.compile(rf"{_CELL}'(?={_BEGINS})")


def guarded(text: str) -> str:
    """Return the text with an apostrophe before everything that a spreadsheet would compute."""
    return _UNGUARDED.sub(r"\1'", text)


def unguarded(text: str) -> str:
    """Undo `guarded`; a text that was never guarded loses only apostrophes in such places."""
    return _GUARD.sub(r"\1", text)
