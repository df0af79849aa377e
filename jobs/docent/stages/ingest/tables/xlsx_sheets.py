"""Read the sheets of a workbook as rows of cells with their displayed text; keep one row and the strings in memory.

Shared strings, cells, rows and columns are counted while they are read. Formulas are never run: stored values are used,
and a formula without one is reported. openpyxl is imported only if needed, for its tables of formats and dates.
"""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from docent.stages.ingest.tables.date_formats import is_elapsed, shown_date, shown_duration
from docent.stages.ingest.tables.number_formats import shown_number
from docent.stages.ingest.tables.xlsx_package import Package, TooLargeError, WorkbookError, damage
from docent.stages.ingest.tables.xlsx_parts import Merge, Merges, RawCell, Rows, Strings, Styles, Workbook, unescaped

MAX_CELLS = 20_000_000


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell.

    Attributes:
        text: text as displayed, or "" if a formula has no stored value or the value is an error.
        is_text: whether it was entered as text.
        formula: the formula, if it has no stored value.
        error: the error value, such as `#REF!`.
        is_copy: whether it is covered by a merged cell that begins elsewhere, and repeats its text.
        rows_below: number of further rows that a merged cell covers.
    """

    text: str
    is_text: bool = False
    formula: str = ""
    error: str = ""
    is_copy: bool = False
    rows_below: int = 0


@dataclass
class Sheet:
    """A sheet that is not read yet; `part` is its file in the archive."""

    name: str
    part: str
    is_visible: bool


Row = tuple[int, dict[int, Cell]]
"""A row's number, and its cells by column; both count from 1."""


class Book:
    """A workbook with its shared strings and formats."""

    def __init__(self, package: Package) -> None:
        """Read everything except the sheets.

        Raises:
            WorkbookError: the workbook is damaged.
            TooLargeError: it has too many strings.
        """
        self._package = package
        start = next((path for kind, path in package.related("").values() if kind == "officeDocument"), "")
        related = package.related(start or "xl/workbook.xml")
        listed = Workbook()
        package.read_whole(start or "xl/workbook.xml", listed)
        for name, key, _ in listed.sheets:
            if key not in related:
                raise WorkbookError(f"sheet {name[:40]!r} has no part")
        self.sheets = [
            Sheet(name, related[key][1], state == "visible")
            for name, key, state in listed.sheets
            if related[key][0] == "worksheet"
        ]
        parts = {kind: path for kind, path in related.values()}
        self._strings, self._formats = Strings(), Styles()
        if "sharedStrings" in parts:
            package.read_whole(parts["sharedStrings"], self._strings)
        if "styles" in parts:
            package.read_whole(parts["styles"], self._formats)
        self._epoch_1904 = listed.epoch_1904
        self._cells = 0

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        """Yield the rows of a sheet that have a cell, in order.

        Raises:
            WorkbookError: the sheet is damaged, or exceeds the rows or columns of the format.
            TooLargeError: the workbook has too many cells.
        """
        reader = Rows()
        for _ in self._package.read(sheet.part, reader):
            for number, raw in reader.rows:
                self._cells += len(raw)
                if self._cells > MAX_CELLS:
                    raise TooLargeError(f"more than {MAX_CELLS} cells")
                with damage():
                    shown = ((column, self._cell(cell)) for column, cell in raw.items())
                    cells = {column: cell for column, cell in shown if cell is not None}
                if cells:
                    yield number, cells
            reader.rows.clear()

    def merges(self, sheet: Sheet) -> list[Merge]:
        """Return the merged cells of a sheet, ordered by their first rows."""
        handler = Merges()
        if _mentions_merges(self._package, sheet.part):
            self._package.read_whole(sheet.part, handler)
        return sorted(handler.merges, key=lambda merge: (merge.first_row, merge.first_column))

    def _cell(self, raw: RawCell) -> Cell | None:
        """Return a cell with its displayed text, or None for an empty one."""
        if raw.kind == "inlineStr":
            return Cell(unescaped(raw.inline).strip(), True)
        if not raw.value and raw.kind == "str":
            return None  # a formula whose result is an empty string
        if not raw.value:
            return Cell("", formula=f"={raw.formula}" if raw.formula else "=") if raw.has_formula else None
        if raw.kind == "e":
            return Cell("", error=raw.value)
        if raw.kind == "s":
            texts, number = self._strings.texts, int(raw.value)
            if not 0 <= number < len(texts):
                raise WorkbookError(f"there is no text {raw.value[:40]} among the {len(texts)} shared ones")
            return Cell(texts[number], True)
        if raw.kind == "str":
            return Cell(unescaped(raw.value).strip(), True)
        if raw.kind == "b":
            return Cell("TRUE" if raw.value.strip() in ("1", "true") else "FALSE")
        if raw.kind == "d":
            return Cell(raw.value.strip().replace("T00:00:00", "").replace("T", " "))
        return Cell(self._number(raw.value, self._formats.code_of(raw.style)))

    def _number(self, written: str, code: str) -> str:
        value = float(written)
        number = int(value) if value.is_integer() and abs(value) < 1e15 else value
        if is_elapsed(code):
            return shown_duration(number, code)
        if not _is_date(code):
            return shown_number(number, code)
        date = self._date(number)
        return shown_date(date, code) if date else shown_number(number, "General")

    def _date(self, days: float) -> datetime.datetime | None:
        """Return the date for a day number, or None if it is outside the supported range."""
        from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel

        try:
            moment = from_excel(days, MAC_EPOCH if self._epoch_1904 else WINDOWS_EPOCH)
        except (ValueError, OverflowError):
            return None
        if isinstance(moment, datetime.time):
            return datetime.datetime.combine(datetime.date(1900, 1, 1), moment)
        return moment if isinstance(moment, datetime.datetime) else None


@lru_cache(maxsize=4096)
def _is_date(code: str) -> bool:
    from openpyxl.styles.numbers import is_date_format

    return bool(is_date_format(code))


def _mentions_merges(package: Package, part: str) -> bool:
    """Return whether a part has merged cells, found by searching its bytes, which is faster than parsing."""
    end = b""
    for piece in package.pieces(part):
        if b"mergeCell" in end + piece or b"m\x00e\x00r\x00g\x00e" in end + piece:
            return True
        end = piece[-32:]
    return False
