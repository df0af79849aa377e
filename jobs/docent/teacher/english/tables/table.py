"""Read the Markdown tables of an English section: columns, rows and the kind of each table.

The facts of a row are worded as in text/facts.py, so that a fact can be matched to its row. Writes nothing.
"""

import re
from dataclasses import dataclass
from typing import Literal

from docent.teacher.english.tables.labels import is_empty, label_of
from docent.teacher.source.blocks import tables_in
from docent.teacher.source.statements import cleaned
from docent.teacher.source.words import ENGLISH

# Limits the time for one section; no quota needs more rows.
MAX_COLUMNS, MAX_ROWS = 12, 100
_MARKS = re.compile(r"\*\*|`|__|</?[A-Za-z][^<>]{0,100}>|\\(?=\|)")
TableKind = Literal["values", "models", "entities", "faults", "tasks", ""]
_QUANTITY = re.compile(ENGLISH["quantity_heads"])
_VALUE = re.compile(ENGLISH["value_heads"])
_UNIT = re.compile(r"units?(?: of measure(?:ment)?)?", re.IGNORECASE)
LIMITS: dict[str, str] = ENGLISH["limits"]
_NOTES = re.compile(r"(?:note|remark|comment|condition|source|reference|see)s?", re.IGNORECASE)
SYMPTOM = re.compile(ENGLISH["symptom_heads"])
CAUSE = re.compile(r"\b(?:cause|reason)s?\b", re.IGNORECASE)
REMEDY = re.compile(ENGLISH["remedy_heads"])
SIGN = re.compile(ENGLISH["sign_heads"])
DATED = re.compile(r"(?:financial |school |calendar )?(?:year|month|quarter|season|decade|century)s?", re.IGNORECASE)
MEANING = re.compile(r"(?:meaning|description|explanation|what it means|indication|status|definition)s?", re.IGNORECASE)
FUNCTION = re.compile(r"(?:function|purpose|use|task|role|what it does|effect|action)s?", re.IGNORECASE)
INTERVAL = re.compile(r"\b(?:interval|frequency|how often|when|period|schedule)s?\b", re.IGNORECASE)
TASK = re.compile(r"\b(?:task|work|action|activity|job|maintenance|check|inspection|what)s?\b", re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        rows: cells without markup, as many as there are columns.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def fact(self, row: tuple[str, ...]) -> str:
        """Return a row as worded in its fact."""
        pairs = zip(self.columns, row, strict=True)
        return "; ".join(f"{column}: {cell}" if column else cell for column, cell in pairs if cell)

    def at(self, row: tuple[str, ...], place: int | None) -> str:
        """Return a cell, or "" if it has no content."""
        return "" if place is None or is_empty(row[place]) else row[place]

    def column(self, pattern: re.Pattern[str]) -> int | None:
        """Return the first column whose heading matches a pattern."""
        return next((place for place, column in enumerate(self.columns) if pattern.search(column)), None)

    @property
    def unit_column(self) -> int | None:
        """Return the column of units, if any."""
        return next((place for place, column in enumerate(self.columns) if _UNIT.fullmatch(column.strip())), None)

    @property
    def value_columns(self) -> list[int]:
        """Return the columns of values: all but the first one and those of units and remarks."""
        return [
            place
            for place, column in enumerate(self.columns)
            if place and not _UNIT.fullmatch(column.strip()) and not _NOTES.fullmatch(column.strip())
        ]

    @property
    def kind(self) -> TableKind:
        """Return the kind of the table."""
        cause, remedy = self.column(CAUSE), self.column(REMEDY)
        symptom = self.column(SYMPTOM)
        if symptom is not None and any(place not in (None, symptom) for place in (cause, remedy)):
            return "faults"
        if remedy and SIGN.fullmatch(label_of(self.columns[0]).words):
            return "faults"
        interval = self.column(INTERVAL)
        tasks = {place for place, column in enumerate(self.columns) if TASK.search(column)}
        if interval is not None and tasks - {interval}:
            return "tasks"
        is_explained = any(MEANING.fullmatch(c.strip()) or FUNCTION.fullmatch(c.strip()) for c in self.columns[1:])
        if is_explained and not _QUANTITY.fullmatch(self.columns[0]):
            return "entities"
        if not self.columns[0].strip() and len(self.value_columns) > 1:
            over = [label_of(self.columns[place]).is_measure for place in self.value_columns]
            return "entities" if all(over) else "models"
        labels = [label_of(row[0]) for row in self.rows if row[0]]
        measured = sum(label.is_measure for label in labels) * 2 >= len(labels) > 0
        if measured or _QUANTITY.fullmatch(self.columns[0].strip()):
            return "values" if all(self.is_value(place) for place in self.value_columns) else "models"
        return "entities"

    def is_value(self, place: int) -> bool:
        """Check whether the heading of a column names values rather than the thing that has them."""
        heading = self.columns[place].strip()
        return not heading or _VALUE.fullmatch(heading) is not None or heading.lower().rstrip(".") in LIMITS


def tables_of(text: str) -> list[Table]:
    """Return the Markdown tables of a section, in order; a table needs column headings and a row."""
    tables = []
    for columns, rows in tables_in(cleaned(text).splitlines(), _MARKS):
        padded = ([*cells, *[""] * len(columns)][: len(columns)] for cells, _ in rows[:MAX_ROWS])
        filled = tuple(tuple(cells) for cells in padded if any(cells))
        if filled and 2 <= len(columns) <= MAX_COLUMNS:
            tables.append(Table(tuple(columns), filled))
    return tables
