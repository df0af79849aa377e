"""Name the rows of an English table inside of a sentence: things, codes, units, what a sign means.

Reads and writes nothing.
"""

from __future__ import annotations

import re

from docent.teacher.english.grammar.clauses import as_inside, read_clause
from docent.teacher.english.grammar.question import short_of
from docent.teacher.english.tables.columns import TablePair, sentence, table_pair
from docent.teacher.english.tables.labels import named
from docent.teacher.english.tables.table import Table
from docent.teacher.source.words import ENGLISH

HANDLED = re.compile(ENGLISH["handled"])
# A first cell that only numbers its row, and headings that say by themselves what such a cell is.
_CODE = re.compile(r"[A-Za-z]{0,2}-?\d{1,3}[a-z]?")
_CODED = re.compile(r"(?:year|month|quarter|season|product|article|name|code)s?")
_MODEL = re.compile(r"(?:models?|types?|versions?|sizes?|variants?|series)", re.IGNORECASE)


def thing_of(cell: str, heading: str, text: str) -> str:
    """Return what a row is about: `model A12`, `the START key`, `the brass pantograph`."""
    kind = heading.strip().rstrip(".").lower()
    if cell.isdigit() and HANDLED.fullmatch(kind):
        return ""  # `the length of the 3 key` is that of what the key starts
    if _CODE.fullmatch(cell) and not HANDLED.fullmatch(kind):
        if kind.startswith("no") or not re.fullmatch(r"[a-z]+(?: [a-z]+)?", kind):
            return ""
        return f"{re.sub(r'(?<![sui])s$', '', kind)} {cell}" if _CODED.fullmatch(kind) is None else cell
    if _MODEL.fullmatch(heading.strip()) and re.search(r"\d", cell) and " " not in cell and f"the {cell}" not in text:
        return f"model {cell}"
    if HANDLED.fullmatch(heading.strip()) and heading.strip().lower() not in cell.lower() and len(cell.split()) < 3:
        return f"the {cell} {heading.strip() if heading.strip().isupper() else heading.strip().lower()}"
    return named(cell, text)


def is_explained(name: str, text: str) -> bool:
    """Check whether the name of a column can be understood: not `B`, nor a bare `Pip` that no sentence has."""
    prose = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("|"))
    if len(name) == 1:
        return False  # the column `B`
    return re.fullmatch(r"[A-Z][a-z]+", name) is None or re.search(rf"\b{name}\b", prose, re.IGNORECASE) is not None


def unit_of(table: Table, row: tuple[str, ...]) -> str:
    """Return the unit of a row; `%` is one although it is no word."""
    unit = "" if table.unit_column is None else row[table.unit_column].strip()
    return "" if re.fullmatch(r"[-–—./]*|n/a|none", unit, re.IGNORECASE) else unit


def meaning_of(heading: str, sign: str, cell: str, source: str) -> TablePair | None:
    """Return what a code, a lamp or a word means."""
    kind = heading.rstrip("s") if not heading.endswith("ss") else heading
    kind = "LED" if kind == "led" else kind
    is_named = re.fullmatch(r"[A-Z]{2,}", sign) and HANDLED.fullmatch(kind)
    written = sign if re.search(r"\d|^[A-Z]{2,}", sign) else f"“{sign}”"
    shown = f"the {sign} {kind}" if is_named else f"the {kind} {written}"
    clause = read_clause(f"{sentence(cell).rstrip('.')} now")
    means = (
        f"means that {as_inside(cell, '')}" if clause and clause.verb in cell.split() else f"means “{cell.rstrip('.')}”"
    )
    return table_pair(f"What does {shown} mean?", f"{shown} {means}", source, short_of(cell.rstrip(".")), "definition")


def lowered(cell: str) -> str:
    """Return a cell as it is written inside of a sentence."""
    first = cell.split(" ", 1)[0]
    is_word = first[1:] == first[1:].lower() and (len(first) > 1 or (first == "A" and " " in cell))
    return cell[0].lower() + cell[1:] if is_word else cell


def enumerated(parts: list[str]) -> str:
    """Join parts as an enumeration: `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
