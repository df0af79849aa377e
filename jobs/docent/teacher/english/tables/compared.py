"""Write questions that compare two columns or two neighbouring rows of an English table.

Reads and writes nothing.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from docent.teacher.english.tables.columns import TablePair, is_count, table_pair
from docent.teacher.english.tables.labels import (
    PRICE,
    Label,
    basis_of,
    is_empty,
    is_list_of_numbers,
    label_of,
    named,
    value_of,
)
from docent.teacher.english.tables.names import is_explained, thing_of, unit_of
from docent.teacher.english.tables.table import Table, tables_of

MAX_COMPARED = 3


def comparisons_of_tables(text: str) -> list[TablePair]:
    """Return the questions that compare two columns or two neighbouring rows."""
    pairs = (pair for table in tables_of(text) for pair in _compared(table, text))
    return [pair for pair in pairs if pair is not None]


def _compared(table: Table, text: str) -> Iterator[TablePair | None]:
    """Yield comparisons of two columns of models in one property, or of two neighbouring rows in one column."""
    if table.kind == "models":
        for row in table.rows:
            label = label_of(row[0])
            unit = label.unit or unit_of(table, row)
            shown = [p for p in table.value_columns if table.at(row, p) and is_explained(table.columns[p], text)]
            for columns in list(pairwise(shown))[:MAX_COMPARED]:
                both = [(named(table.columns[p], text), value_of(table.at(row, p), unit)) for p in columns]
                yield _two(label, both, table.fact(row))
    elif table.kind == "entities":
        bases = {basis_of(zip(table.columns, row, strict=True)) for row in table.rows}
        for place in table.value_columns:
            label = label_of(table.columns[place])
            if PRICE.fullmatch(label.words) and bases != {""}:
                continue
            for two_rows in list(pairwise(table.rows))[:MAX_COMPARED]:
                rows = [r for r in two_rows if table.at(r, 0) and table.at(r, place)]
                names = [thing_of(r[0], table.columns[0], text) for r in rows]
                values = [value_of(table.at(r, place), label.unit or unit_of(table, r)) for r in rows]
                yield _two(label, list(zip(names, values, strict=True)), table.fact(two_rows[0]))


def _two(label: Label, both: list[tuple[str, str]], source: str) -> TablePair | None:
    """Return the question how two things compare in one property."""
    is_number = re.search(r"\b(?:number|code|name|phone|address|date|version|extension|zip|year)$", label.words)
    are_named = len(both) == 2 and all(name for name, _ in both) and both[0][0] != both[1][0]
    if not are_named or not label.is_measure or is_number:
        return None
    if not all(re.search(r"\d", value) and not is_empty(value) and not is_list_of_numbers(value) for _, value in both):
        return None
    (one, first), (other, second) = both
    if is_count(label, first):
        return None  # `compare in heating zones`
    if "," in one + other or " and " in one + other or ", " in first + second:
        return None
    question = f"How do {one} and {other} compare in {label.words}?"
    if first == second:
        answer = f"the {label.words} {label.be} {first} for both {one} and {other}"
    else:
        answer = f"the {label.words} {label.be} {first} for {one} and {second} for {other}"
    return table_pair(question, answer, source)
