"""Read the tables and `key: value` lines of a section in languages other than English.

A two-column table whose second column is called value lists properties of the thing that the document is about. In any
other table the first cell of a row names the thing that its other cells describe: a number or a code with its column,
`Programm 4`, a name that is in several rows together with the cell after it. Numbers get the unit of their column;
numbers without any unit are left out. Reads and writes nothing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from docent.teacher.languages.cells import BARE, Table, named_rows, read_tables, sort_of
from docent.teacher.languages.heads import (
    CODE_NAME,
    COUNTS,
    MONEY,
    PRICE_NAME,
    SIGNAL,
    has_condition,
    is_bare,
    is_code,
    is_due,
    is_measure,
    is_year,
    label_and_unit,
    with_unit,
)
from docent.teacher.languages.signals import glow_of, is_nothing, is_of_states, lamp_of, signal_sort
from docent.teacher.source.words import COLUMNS, UNSPACED, Words
from docent.text.terms import length_in_words

MAX_ROWS = 200
MAX_CELL_CHARS, MAX_COLUMN_CHARS = 200, 50
MAX_VALUE_WORDS = 8
"""A longer value after a colon is a sentence."""
_COLONS = {"fr": " : ", "ja": "：", "zh": "："}
_LINE = re.compile(r"^\s*(?:[-*+•]\s+)?\**([^\W\d_][^:：|{}*`]{0,48}?)\**\s*(?::\**\s+|：\**\s*)(\S[^|{}]*)$")
_NUMBER = re.compile(COLUMNS["numbers"])
_MAX_NUMBER_WORDS = 7


@dataclass(frozen=True)
class TableRow:
    """One statement of a table.

    Attributes:
        name: name of the thing with the value, or "" for the thing that the complete document describes.
        column: the property.
        value: the value as written, with its unit.
        sort: `value`, or the kind that the column's name implies: meaning, remedy, cause_of, due (work at intervals).
        source: the line it was taken from.
        has_unit: whether the value is a number with the unit of its column.
        is_code: whether the name is a column with a number or code: `Programm 4`.
        cause: the cause that belongs to a remedy, if its row has one.
        first: head of the column with the names.
        lamp: the lamp whose colour is the name, with its article.
        glows: the state of the lamp as part of a clause.
    """

    name: str
    column: str
    value: str
    sort: str
    source: str
    has_unit: bool = False
    is_code: bool = False
    cause: str = ""
    first: str = ""
    lamp: str = ""
    glows: str = ""

    @property
    def is_number(self) -> bool:
        """Return whether the value is a number, with or without a unit."""
        if is_year(self.column, self.value):
            return False
        if self.has_unit:
            return True
        is_short = length_in_words(self.value) <= _MAX_NUMBER_WORDS and is_measure(self.value)
        return is_short and _NUMBER.match(self.value) is not None and not CODE_NAME.search(self.column)

    @property
    def is_price(self) -> bool:
        """Return whether the value is an amount of money and the column states its purpose."""
        return self.is_number and bool(MONEY.search(self.value)) and not PRICE_NAME.search(self.column)


def is_row_of_table(text: str) -> bool:
    """Check whether a text is one row of a CSV or a workbook: `column: value` lines and little else."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    pairs = [line for line in lines if line[0] not in "|-*+•#>" and _LINE.match(line)]
    return len(lines) > 1 and len(pairs) * 2 > len(lines)


def rows_of(text: str, words: Words, name: str = "", title: str = "") -> list[TableRow]:
    """Return the rows of a section's tables and lines, in order, each once.

    Args:
        name: name of the thing that `key: value` lines describe, if the text is one row of a table.
        title: the section's title, which may name the lamp of a table.
    """
    rows: dict[tuple[str, str], TableRow] = {}
    twice: set[tuple[str, str]] = set()
    lines = text.splitlines()
    for row in (*_tables(lines, words, title), *_pairs(lines, words, name)):
        key = (row.name.casefold(), row.column.casefold())
        if key in rows and rows[key].value != row.value:
            twice.add(key)
        rows.setdefault(key, row)
        if len(rows) >= MAX_ROWS:
            break
    return [row for key, row in rows.items() if key not in twice and _is_usable(row, words)]


def _is_usable(row: TableRow, words: Words) -> bool:
    values = (row.value.casefold(), row.column.casefold())
    return (
        row.value not in ("", "-", "–", "—", "/", "?")
        and any(c.isalnum() for c in row.value)
        and any(c.isalpha() for c in row.column)
        and values[0] not in words.lists["flags"].split()
        and values[1] not in words.lists["numbered"].split()
        and "://" not in row.value
        and len(row.value) <= MAX_CELL_CHARS
        and len(row.column) <= MAX_COLUMN_CHARS
        and (not row.name or any(c.isalnum() for c in row.name))
        and not (row.sort in ("remedy", "signal_do") and is_nothing(row.value))
    )


def _pairs(lines: Sequence[str], words: Words, name: str) -> Iterator[TableRow]:
    """Yield `key: value` lines with a short value; in a row of a table, with any value."""
    max_key_words = 8 if words.code in UNSPACED else 4  # Chinese and Japanese are counted by letters
    for line in lines:
        key_value = None if line.lstrip().startswith(("|", "#", ">")) else _LINE.match(line)
        if not key_value:
            continue
        key, value = (BARE.sub("", part).strip() for part in key_value.groups())
        is_sentence = value.endswith(("!", "?", "。", "！", "？")) or (value.endswith(".") and " " in value)
        is_short = length_in_words(value) <= MAX_VALUE_WORDS and length_in_words(key) <= max_key_words
        if name or (is_short and not is_sentence):
            key, unit = label_and_unit(key)
            shown = value.rstrip(".")
            value = with_unit(shown, unit, words.code)
            yield TableRow(name, key, value, "value", line.strip(), value != shown)


def _tables(lines: Sequence[str], words: Words, title: str) -> Iterator[TableRow]:
    for table in read_tables(lines):
        if len(table.head) > 1 and table.head[0].casefold() in words.lists["numbered"].split():
            counted = all(cells[0].strip(".").isdecimal() for cells, _ in table.rows)
            table = Table(table.head[1:], [(c[1:], line) for c, line in table.rows]) if counted else table
        is_plan = any(is_due(table.head[0], head, cells[0]) for head in table.head[1:] for cells, _ in table.rows)
        if is_of_states(label_and_unit(table.head[0])[0], words.code):
            yield from _of_states(table, words, title)
        elif table.is_of_values and not is_plan:
            yield from _of_values(table, words)
        else:
            is_coded = all(is_code(cells[0]) for cells, _ in table.rows)
            is_of_models = table.is_of_models and not is_coded
            yield from _of_models(table, words) if is_of_models else _of_names(table, words)


def _of_values(table: Table, words: Words) -> Iterator[TableRow]:
    sorts = [sort_of(column) for column in table.head]
    for cells, line in table.rows:
        label, unit = label_and_unit(cells[0])
        unit = cells[sorts.index("unit")] if "unit" in sorts else unit
        value = cells[sorts.index("value", 1) if "value" in sorts[1:] else 1]
        if label:
            shown = with_unit(value, unit, words.code)
            yield TableRow("", label, shown, "value", line, shown != value and words.code in ("ko", "ja", "zh"))


def _of_states(table: Table, words: Words, title: str) -> Iterator[TableRow]:
    """Yield rows of colours together with their lamp, and rows of other states; leave out colours without a lamp."""
    lamp = lamp_of(table.head[0], title, words.code)
    others = Table(table.head, [])
    for cells, line in table.rows:
        glows = glow_of(cells[0], lamp, words.code)
        others.rows.extend([] if glows else [(cells, line)])
        for head, cell in zip(table.head[1:], cells[1:], strict=True):
            sort = signal_sort(head, sort_of(head)) if glows and lamp else ""
            if sort:
                yield TableRow(
                    cells[0], head, cell.rstrip("."), sort, line, first=table.head[0], lamp=lamp, glows=glows
                )
    yield from _of_names(others, words)


def _of_models(table: Table, words: Words) -> Iterator[TableRow]:
    """Yield rows of properties whose other columns are the things that have them."""
    sorts = [sort_of(column) for column in table.head]
    for cells, line in table.rows:
        label, unit = label_and_unit(cells[0])
        unit = cells[sorts.index("unit")] if "unit" in sorts else unit
        for place, model in enumerate(table.head[1:], 1):
            is_model = re.search(r"\d|[A-Z]{2}", model) is not None  # nobody knows which thing `standard` belongs to
            if sorts[place] != "unit" and label and is_model and _is_clear([cells[0]], 0, cells[place], unit):
                value = with_unit(cells[place], unit, words.code)
                yield TableRow(model, label, value, "value", line, value != cells[place])


def _of_names(table: Table, words: Words) -> Iterator[TableRow]:
    """Yield rows whose first cell names the thing that the other cells describe."""
    first, unit_of_names = label_and_unit(table.head[0])
    sorts = [sort_of(column) for column in table.head]
    for name, start, cells, line in named_rows(table, words.code):
        is_numbered = is_code(cells[0])
        if (is_numbered and unit_of_names) or (not is_numbered and is_bare(cells[0])):
            continue
        cause = cells[sorts.index("cause_of")] if "cause_of" in sorts[1:] else ""
        for place in range(start, len(cells)):
            label, unit = label_and_unit(table.head[place])
            unit = unit or (cells[sorts.index("unit", 1)] if "unit" in sorts[1:] and sorts[place] != "unit" else "")
            if not _is_clear(table.head, place, cells[place], unit):
                continue
            shown = cells[place].rstrip(".")
            value = with_unit(shown, unit, words.code)
            sort = sorts[place] if sorts[place] in ("meaning", "remedy", "cause_of") else "value"
            sort = "due" if is_due(first, label, name) else sort
            row = TableRow(name, label, value, sort, line, value != shown, first=first)
            row = replace(row, cause=cause) if sort == "remedy" and any(c.isalnum() for c in cause) else row
            if sort != "due" and SIGNAL.fullmatch(first.casefold().strip()) and not is_numbered:
                row = replace(row, name=f"{first}{_COLONS.get(words.code, ': ')}{name}")
            yield _with_column(row, first, words) if is_numbered and start == 1 else row


def _is_clear(head: Sequence[str], place: int, cell: str, unit: str) -> bool:
    """Check whether a cell is clear without the others: a number has a unit, and applies to any amount."""
    is_number = _NUMBER.match(cell) is not None
    others = (column for other, column in enumerate(head) if other != place)
    if is_number and not has_condition(head[place]) and any(map(has_condition, others)):
        return False
    return bool(unit) or not is_bare(cell) or COUNTS.search(head[place]) is not None


def _with_column(row: TableRow, column: str, words: Words) -> TableRow:
    """Return the row of a number or code with its column in the name; a code with an explanation does not need it."""
    if row.sort == "meaning" and not row.name.isdecimal():
        return row
    return replace(row, name=f"{column}{'' if words.code in UNSPACED else ' '}{row.name}", is_code=True)
