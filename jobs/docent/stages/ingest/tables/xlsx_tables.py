"""Turn a sheet into a table: find the row with the column names, and repeat the text of merged cells.

Reads and writes no files.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from docent.stages.ingest.tables.csv_files import LOOKED_AT
from docent.stages.ingest.tables.row_documents import MAX_COLUMNS
from docent.stages.ingest.tables.xlsx_package import TooLargeError, WorkbookError
from docent.stages.ingest.tables.xlsx_parts import Merge
from docent.stages.ingest.tables.xlsx_sheets import MAX_CELLS, Cell, Row

MAX_HEADER_ROWS = 5


def find_header(rows: Iterator[Row]) -> tuple[list[tuple[int, str]], list[str], Iterator[Row]] | None:
    """Return the number and text of each row above the header, the column names, and the rows below it.

    The header is the first row about as wide as most rows. For a sheet without text, the result is None.

    Rows above it are titles, such as `List of loans, 2024` in a single cell. A header with vertically merged cells has
    several rows, whose texts are joined to one name per column.
    """
    filled = (row for row in rows if any(_is_filled(cell) and not cell.is_copy for cell in row[1].values()))
    first = list(itertools.islice(filled, LOOKED_AT))
    if not any(cell.text for _, cells in first for cell in cells.values()):
        return None
    position = _header_position(first)
    number, cells = first[position]
    depth = max((cell.rows_below for cell in cells.values()), default=0)
    deeper = [row for row in first[position + 1 :] if row[0] <= number + min(depth, MAX_HEADER_ROWS - 1)]
    names = _names([cells, *(row[1] for row in deeper)])
    titles = [(row, " ".join(_own_texts(title_cells))) for row, title_cells in first[:position]]
    return titles, names, itertools.chain(first[position + 1 + len(deeper) :], filled)


def _header_position(rows: Sequence[Row]) -> int:
    """Return the index of the first row at least half as wide as most rows below it and mostly text, or else 0."""
    widths = [len(_own_texts(cells)) for _, cells in rows]
    for position, (_, cells) in enumerate(rows[:-1]):
        usual, _ = max(Counter(widths[position + 1 :]).items(), key=lambda item: (item[1], item[0]))
        if position == 0 and (usual < 2 or widths[0] > 1):
            return 0
        texts = sum(cell.is_text for cell in cells.values() if cell.text and not cell.is_copy)
        if widths[position] >= max(2, usual / 2) and 2 * texts >= widths[position]:
            return position
    return 0


def _names(rows: Sequence[dict[int, Cell]]) -> list[str]:
    width = max((column for cells in rows for column, cell in cells.items() if cell.text), default=0)
    columns = ([cells[at].text for cells in rows if at in cells and cells[at].text] for at in range(1, width + 1))
    return [" ".join(dict.fromkeys(texts)) for texts in columns]


def _own_texts(cells: dict[int, Cell]) -> list[str]:
    """Return the texts of a row, each merged one only once."""
    return [cell.text for _, cell in sorted(cells.items()) if cell.text and not cell.is_copy]


def _is_filled(cell: Cell) -> bool:
    return bool(cell.text or cell.formula or cell.error)


def with_merged_cells(rows: Iterable[Row], merges: Sequence[Merge]) -> Iterator[Row]:
    """Yield the rows with the text of merged cells in every cell that they cover, up to MAX_COLUMNS.

    Args:
        rows: rows of the sheet, in order.
        merges: merged ranges, ordered by their first rows.

    Raises:
        WorkbookError: more merged cells cover one row than a table may have columns.
        TooLargeError: merged cells cover too many cells.
    """
    waiting = [merge for merge in reversed(merges) if merge.first_column <= MAX_COLUMNS]
    active: list[tuple[Merge, Cell]] = []
    covered = 0
    for number, cells in rows:
        while waiting and waiting[-1].first_row <= number:
            merge = waiting.pop()
            if merge.first_row == number and (cell := cells.get(merge.first_column)) is not None:
                active.append((merge, replace(cell, is_copy=True)))
                cells[merge.first_column] = replace(cell, rows_below=merge.last_row - number)
        active = [one for one in active if one[0].last_row >= number]
        if len(active) > MAX_COLUMNS:
            raise WorkbookError(f"more than {MAX_COLUMNS} merged cells cover row {number}")
        for merge, copy in active:
            columns = range(merge.first_column, min(merge.last_column, MAX_COLUMNS) + 1)
            covered += len(columns)
            if covered > MAX_CELLS:
                raise TooLargeError(f"merged cells cover more than {MAX_CELLS} cells")
            for column in columns:
                if column not in cells or not _is_filled(cells[column]):
                    cells[column] = copy
        yield number, cells
