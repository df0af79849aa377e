"""Read Markdown tables as cells, and classify their column heads, in languages other than English.

Reads and writes nothing.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from docent.teacher.languages.heads import is_bare
from docent.teacher.source.blocks import tables_in
from docent.teacher.source.words import COLUMNS, UNSPACED

BARE = re.compile(r"\*\*|__|`|<br\s*/?>|\\(?=\|)")
_MEANINGS: dict[str, str] = COLUMNS["meanings"]

_PROPERTY = re.compile(COLUMNS["property"])
"""Heads of a first column that lists properties."""


@dataclass(frozen=True)
class Table:
    """A Markdown table: its head and its rows, each row as cells with its line."""

    head: list[str]
    rows: list[tuple[list[str], str]]

    @property
    def is_of_values(self) -> bool:
        """Return whether it lists properties of one thing: names, values and perhaps units."""
        sorts = [sort_of(column) for column in self.head]
        if self.head[1:] == [""]:
            return True
        return len(sorts) in (2, 3) and "value" in sorts[1:] and all(sort in ("value", "unit") for sort in sorts[1:])

    @property
    def is_of_models(self) -> bool:
        """Return whether the other columns are things that are compared, and the rows are their properties."""
        others = [sort_of(column) for column in self.head[1:]]
        is_first = _PROPERTY.fullmatch(self.head[0].lower().strip()) is not None
        return is_first and len(others) - others.count("unit") > 1 and set(others) <= {"", "unit"}


def read_tables(lines: Sequence[str]) -> list[Table]:
    """Return the tables in the lines of a section; rows that do not fit their head are left out."""
    tables = tables_in(lines, BARE)
    return [Table(head, [row for row in rows if len(row[0]) == len(head)]) for head, rows in tables]


def sort_of(column: str) -> str:
    """Return the kind of a column: value, unit, meaning, remedy or cause_of, or "" for any other."""
    folded = column.lower().strip()
    return next((sort for sort, pattern in _MEANINGS.items() if re.fullmatch(pattern, folded)), "")


def named_rows(table: Table, code: str) -> Iterator[tuple[str, int, list[str], str]]:
    """Yield unique names of rows, each with the index of the first column of values, the cells and their line.

    An empty first cell continues the one above; a name in several rows also needs the cell after it.
    """
    filled: list[tuple[list[str], str]] = []
    for cells, line in table.rows:
        name = cells[0] or (filled[-1][0][0] if filled else "")
        filled.append(([name, *cells[1:]], line))
    counted = Counter(cells[0] for cells, _ in filled)
    pairs = Counter(tuple(cells[:2]) for cells, _ in filled)
    for cells, line in filled:
        name, second = cells[0], cells[1] if len(cells) > 1 else ""
        if not name:
            continue
        if counted[name] == 1:
            yield name, 1, cells, line
        elif second and len(cells) > 2 and not sort_of(table.head[1]) and not is_bare(second):
            both = f"{name}（{second}）" if code in UNSPACED else f"{name} ({second})"
            if pairs[name, second] == 1:
                yield both, 2, cells, line
