"""Load source kind `xlsx`: one document per row of every visible sheet; one row of the sheet names its columns.

Reads the file named by the source, or every `.xlsx` and `.xlsm` below its folder. Macros and formulas are never run;
stored values are used. The lines in spans are rows of the sheet; if there are several sheets, the page is the sheet's
number. To run only this: `docent ingest table.xlsx`.
"""

import itertools
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from docent.messages.printing import printable
from docent.records import Document, Reject, Span
from docent.stages.ingest.images import FILE_TOO_LARGE, Intake
from docent.stages.ingest.sources import ListedFile, read_at_most, shorten
from docent.stages.ingest.tables.row_documents import TableRow, documents_of
from docent.stages.ingest.tables.xlsx_package import Package, TooLargeError, WorkbookError
from docent.stages.ingest.tables.xlsx_sheets import Book, Cell, Row, Sheet
from docent.stages.ingest.tables.xlsx_tables import find_header, with_merged_cells

log = logging.getLogger("docent.ingest")

SUFFIXES = frozenset((".xlsx", ".xlsm"))
NO_VALUE = "formula without a stored value"
ERROR_VALUE = "cell with an error"
_WAYS_OUT = {
    NO_VALUE: "open the file in a spreadsheet program and save it, which stores the results",
    ERROR_VALUE: "correct its formula",
}


def load(listed: ListedFile, intake: Intake) -> Iterator[Document | Reject]:
    """Yield the documents of one workbook, and rejects; damage or too large a size ends it with a reject."""
    limit = int(intake.section.rows.max_mb * 1_000_000)
    name = printable(listed.name)
    try:
        if (data := read_at_most(listed.path, limit)) is None:
            raise TooLargeError(f"more than {limit} bytes; see ingest.rows.max_mb")
        if data.startswith(b"\xd0\xcf\x11\xe0"):
            raise WorkbookError("it is an old .xls file or protected by a password: save it as .xlsx without one")
        yield from _workbook(listed, Book(Package(data, limit)), intake, limit)
    except TooLargeError as error:
        yield Reject(reason=FILE_TOO_LARGE, raw=name, detail=f"{name}: {error}; the rows before it are kept")
    except WorkbookError as error:
        detail = f"{name}: {shorten(str(error))}; the rows before it are kept"
        yield Reject(reason="workbook cannot be read", raw=name, detail=detail)


def _workbook(listed: ListedFile, book: Book, intake: Intake, limit_chars: int) -> Iterator[Document | Reject]:
    visible = [sheet for sheet in book.sheets if sheet.is_visible]
    for sheet in book.sheets:
        if not sheet.is_visible:
            log.warning("%s: skipped the hidden sheet %s", printable(listed.name), printable(sheet.name))
    left = [limit_chars]
    is_empty = True
    for number, sheet in enumerate(visible, 1):
        reader = _SheetReader(listed, sheet, number if len(visible) > 1 else None)
        rows = with_merged_cells(book.rows(sheet), book.merges(sheet))
        for row in itertools.chain(reader.documents(_bounded(rows, left), intake), reader.lost()):
            is_empty = False
            yield row
    if is_empty:
        detail = f"{printable(listed.name)}: no visible sheet has text"
        yield Reject(reason="table is empty", raw=printable(listed.name), detail=detail)


def _bounded(rows: Iterable[Row], left: list[int]) -> Iterator[Row]:
    """Yield the rows; raise an error if their text exceeds the limit, as many cells may share one long string."""
    for number, cells in rows:
        left[0] -= sum(len(cell.text) for cell in cells.values())
        if left[0] < 0:
            raise TooLargeError("its cells hold more characters than ingest.rows.max_mb allows bytes")
        yield number, cells


@dataclass
class _SheetReader:
    """Reads the rows of one sheet.

    Attributes:
        page: number of the sheet, or None if there is only one.
        counts: number of cells without a value, by reason.
        first: the first of these cells, by reason.
    """

    listed: ListedFile
    sheet: Sheet
    page: int | None
    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Return the names of the file and, if there are several, of the sheet, for messages."""
        name = printable(self.listed.name)
        return f"{name} sheet {printable(self.sheet.name)}" if self.page else name

    def documents(self, rows: Iterator[Row], intake: Intake) -> Iterator[Document | Reject]:
        """Yield the documents of the rows below the column names."""
        table = find_header(rows)
        if table is None:
            return  # empty sheets are normal, and not worth a reject
        titles, names, below = table
        for number, title in titles:
            log.warning("%s row %d: skipped text above the column names: %s", self.place, number, printable(title))
        rows_read = (self._row(number, cells, len(names)) for number, cells in below)
        with_text = (row for row in rows_read if row is not None)
        yield from documents_of(self.listed, names, with_text, intake)

    def _row(self, number: int, cells: dict[int, Cell], width: int) -> TableRow | Reject | None:
        """Return a row with one text per column, a reject if there is text beyond the last, or None if it is empty."""
        for column, cell in cells.items():
            self._count(number, column, cell)
        if not any(cell.text for cell in cells.values()):
            return None
        if any(cell.text and not cell.is_copy for column, cell in cells.items() if column > width):
            sheet = f" of sheet {self.page}" if self.page else ""
            detail = f"{printable(self.listed.name)} line {number}{sheet}: text beyond the {width} named columns"
            raw = shorten(",".join(cells[column].text for column in sorted(cells)))
            return Reject(reason="row has another number of cells", raw=raw, detail=detail)
        source = Span(file=self.listed.name, first_line=number, last_line=number, page=self.page)
        texts = [cells[column].text if column in cells else "" for column in range(1, width + 1)]
        shared = frozenset(column - 1 for column, cell in cells.items() if cell.is_copy and column <= width)
        return TableRow(texts, [source] * width, source, shared)

    def _count(self, row: int, column: int, cell: Cell) -> None:
        """Count a cell that has no value, and keep the first one."""
        from openpyxl.utils import get_column_letter

        if cell.is_copy or not (cell.formula or cell.error):
            return
        reason = NO_VALUE if cell.formula else ERROR_VALUE
        self.counts[reason] += 1
        self.first.setdefault(reason, f"{get_column_letter(column)}{row}: {printable(cell.formula or cell.error, 80)}")

    def lost(self) -> Iterator[Reject]:
        """Yield one reject per reason for cells without a value."""
        for reason, first in self.first.items():
            detail = f"{self.place}: {self.counts[reason]} in all, the first in {first}; {_WAYS_OUT[reason]}"
            yield Reject(reason=reason, raw=first, detail=detail)
