"""Write the questions that an English table answers: about a single cell, or about a complete row.

Cells become sentences, `The greatest load of the Rondo 40 is 12 kg.`; cells without a plain wording yield nothing.
Reads and writes nothing.
"""

from collections.abc import Iterator

from docent.teacher.english.tables.cells import of_entities, of_models, of_tasks, of_values
from docent.teacher.english.tables.columns import APART, GROUPS, RowPairs, TablePair, is_count, table_pair
from docent.teacher.english.tables.faults import rows_of_faults
from docent.teacher.english.tables.labels import PRICE, is_list_of_numbers, label_of, named, of, value_of
from docent.teacher.english.tables.names import enumerated, is_explained, thing_of, unit_of
from docent.teacher.english.tables.table import DATED, Table, tables_of

MAX_TOLD_ROWS = 8


def rows_of_tables(text: str, owner: str | None = "") -> list[RowPairs]:
    """Return the questions about every row of every table of a section.

    Args:
        owner: the model whose properties the section lists, "" if that is known, None if it cannot be determined.
    """
    tables = [table for table in tables_of(text) if owner is not None or table.kind != "values"]
    return [pairs for table in tables for pairs in _rows(table, text, owner or "")]


def sentences_of_values(text: str) -> list[str]:
    """Return a short table of quantities as sentences, one per row; [] for other tables or if a row yields none."""
    sentences: list[str] = []
    for table in tables_of(text):
        is_plain = table.kind == "values" and len(table.value_columns) == 1 and len(table.rows) <= MAX_TOLD_ROWS
        columns = 2 + (table.unit_column is not None)
        rows = list(_rows(table, text)) if is_plain and len(table.columns) == columns else []
        if len(rows) != len(table.rows) or any(row.whole is None for row in rows):
            return []
        sentences += [row.whole.answer for row in rows if row.whole is not None]
    return sentences


def _rows(table: Table, text: str, owner: str = "") -> Iterator[RowPairs]:
    if table.kind == "faults":
        yield from rows_of_faults(table, text)
        return
    write = {"models": of_models, "entities": of_entities, "tasks": of_tasks}.get(table.kind)
    for row in table.rows:
        if not table.at(row, 0):
            continue
        pairs_of_row = write(table, row, text) if write else of_values(table, row, text, owner)
        cells = tuple(pair for pair in pairs_of_row if pair is not None)
        yield RowPairs(cells, _whole(table, row, cells, text))


def _whole(table: Table, row: tuple[str, ...], cells: tuple[TablePair, ...], text: str) -> TablePair | None:
    """Return the question for all values of a row."""
    if len(cells) < 2:
        return cells[0] if cells else None
    if any(is_list_of_numbers(cell) for cell in row):
        return None
    if table.kind == "models":
        label = label_of(row[0])
        clear = [p for p in table.value_columns if is_explained(table.columns[p], text)]
        values = [(named(table.columns[p], text), value_of(table.at(row, p), label.unit)) for p in clear]
        values = [(name, value) for name, value in values if value]
        if any(", " in value for _, value in values):
            return None
        if not label.is_measure or APART.search(label.words) or len(values) < 2 or is_count(label, values[0][1]):
            return None
        listed = enumerated([f"{value} for {name}" for name, value in values])
        properties = enumerated([of(name) for name, _ in values])
        return table_pair(
            f"What {label.be} the {label.words} {properties}?",
            f"the {label.words} {label.be} {listed}",
            table.fact(row),
        )
    labels = [label_of(table.columns[place]) for place in table.value_columns if table.at(row, place)]
    if any(GROUPS.fullmatch(label.words) or PRICE.fullmatch(label.words) for label in labels):
        return None
    if DATED.fullmatch(table.columns[0].strip()) or any(label.words == "name" for label in labels):
        return None
    is_plain = all(label.is_measure and not APART.search(label.words) for label in labels)
    if table.kind != "entities" or not is_plain or len(labels) > 4:
        return None
    parts = [
        f"the {label.words} {label.be} {value_of(table.at(row, place), label.unit or unit_of(table, row))}"
        for label, place in zip(labels, [p for p in table.value_columns if table.at(row, p)], strict=True)
    ]
    name = thing_of(row[0], table.columns[0], text)
    if not name:
        return None
    properties = enumerated([f"the {label.words}" for label in labels])
    return table_pair(f"What are {properties} {of(name)}?", f"for {name}, {enumerated(parts)}", table.fact(row))
