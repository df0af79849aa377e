"""Keep spreadsheets from evaluating texts in a CSV as formulas, reversibly. Reads and writes no files.

A spreadsheet takes a cell for a formula if it begins with one of FORMULA. Programs that use another separator, such as
the semicolon in many countries, ignore the quotes around a cell, so that text after a semicolon, a tab or a line break
begins a new cell. An apostrophe is put before each such character
(https://owasp.org/www-community/attacks/CSV_Injection); if apostrophes are there already, one more is added, so that
`unguarded` restores every text exactly.
"""

import re

FORMULA = "=+@\t\r-＝＋－＠"
"""Characters that begin a formula; the full-width ones do so in East Asian versions."""
_CELL = r"(\A\"*|[;\t\r\n]\"*)"
_BEGINS = rf"'*[{re.escape(FORMULA)}]"
_UNGUARDED = re.compile(rf"{_CELL}(?={_BEGINS})")
_GUARD = re.compile(rf"{_CELL}'(?={_BEGINS})")


def guarded(text: str) -> str:
    """Return the text with an apostrophe before everything that a spreadsheet would evaluate."""
    return _UNGUARDED.sub(r"\1'", text)


def unguarded(text: str) -> str:
    """Return the text without the apostrophes of `guarded`; a text never guarded loses only such apostrophes."""
    return _GUARD.sub(r"\1", text)
