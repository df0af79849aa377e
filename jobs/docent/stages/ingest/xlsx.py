"""Loader `xlsx`: one document per row of every visible sheet of a workbook; the first row of a sheet names its columns.

Reads the file named by the source, or every `.xlsx` and `.xlsm` below its folder; macros and formulas are never run,
their last values count. Lines of spans are rows of the sheet, and its number is the page where there are several. Run
alone: `docent ingest table.xlsx`. openpyxl is imported where it is used.
"""

from __future__ import annotations

import datetime
import io
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from docent.config import Source
from docent.records import Document, Reject, Span
from docent.stages.ingest.images import FILE_TOO_LARGE, Intake
from docent.stages.ingest.row_documents import MAX_COLUMNS, TableRow, documents_of
from docent.stages.ingest.sources import Exhibit, ListedFile, list_files, shorten

SUFFIXES = frozenset((".xlsx", ".xlsm"))
CANNOT_BE_READ = "workbook cannot be read"
MAX_ENTRIES = 10_000
_DIGITS = 15
"""As many as a spreadsheet shows of a number."""


def list_workbooks(source: Source) -> list[ListedFile | Exhibit | Reject]:
    """Every workbook of a source; opens none."""
    return list_files(source, SUFFIXES)


def load(listed: ListedFile, intake: Intake) -> Iterator[Document | Reject]:
    """The documents of one workbook; a file that cannot be read, or unpacks to too much, is one reject."""
    limit = int(intake.section.rows.max_mb * 1_000_000)
    with listed.path.open("rb") as file:
        data = file.read(limit + 1)
    problem = (FILE_TOO_LARGE, f"more than {limit} bytes") if len(data) > limit else _problem_of(data, limit)
    if problem:
        yield Reject(reason=problem[0], raw=listed.name, detail=problem[1])
        return
    try:
        for page, rows in _sheets(data):
            yield from _documents(listed, rows, page, intake)
    except WorkbookError as error:
        detail = f"{shorten(str(error))}; the rows before it are kept"
        yield Reject(reason=CANNOT_BE_READ, raw=listed.name, detail=detail)


class WorkbookError(Exception):
    """A workbook is damaged."""


def _sheets(data: bytes) -> Iterator[tuple[int | None, Iterator[tuple[Any, ...]]]]:
    """The visible sheets, each with its number where there are several.

    Raises:
        WorkbookError: here, and while rows are read.
    """
    with _damage():
        from openpyxl import load_workbook

        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    for number, sheet in enumerate(sheets, 1):
        yield number if len(sheets) > 1 else None, _rows(sheet)


def _rows(sheet: Any) -> Iterator[tuple[Any, ...]]:
    with _damage():
        sheet.reset_dimensions()  # a file may claim a million columns
        yield from sheet.iter_rows()


@contextmanager
def _damage() -> Iterator[None]:
    """On damaged workbooks openpyxl raises whatever its parsers do, which is much."""
    try:
        yield
    except (OSError, ValueError, TypeError, LookupError, AttributeError, SyntaxError, EOFError, RuntimeError) as error:
        raise WorkbookError(f"{type(error).__name__}: {error}") from None
    except (zipfile.BadZipFile, zlib.error, struct.error, ArithmeticError) as error:
        raise WorkbookError(str(error)) from None


def _problem_of(data: bytes, limit: int) -> tuple[str, str] | None:
    """Why a file is not opened: no archive, protected, or more than `limit` bytes unpacked.

    The archive's own sizes can be believed: no more than they say is ever unpacked.
    """
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        return CANNOT_BE_READ, "it is an old .xls file or protected by a password: save it as .xlsx without one"
    try:
        entries = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        return CANNOT_BE_READ, f"it is no workbook: {error}"
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > limit or len(entries) > MAX_ENTRIES:
        return FILE_TOO_LARGE, f"{unpacked} bytes in {len(entries)} parts unpacked; ingest.rows.max_mb allows {limit}"
    return None


def _documents(
    listed: ListedFile, rows: Iterable[tuple[Any, ...]], page: int | None, intake: Intake
) -> Iterator[Document | Reject]:
    told = (
        (line, cells)
        for line, row in enumerate(rows, 1)
        if any(cells := [text_of(cell) for cell in row[: MAX_COLUMNS + 1]])
    )
    _, header = next(told, (0, []))
    if not header:
        return  # spreadsheets have empty sheets
    while not header[-1]:
        header.pop()
    yield from documents_of(
        listed, header, (_row(listed, line, cells, len(header), page) for line, cells in told), intake
    )


def _row(listed: ListedFile, line: int, cells: list[str], width: int, page: int | None) -> TableRow | Reject:
    """A row with a text under every column; text beyond the last column is a reject."""
    if any(cells[width:]):
        sheet = f" of sheet {page}" if page else ""
        detail = f"{listed.name} line {line}{sheet}: text beyond the {width} named columns"
        return Reject(reason="row has another number of cells", raw=shorten(",".join(cells)), detail=detail)
    source = Span(file=listed.name, first_line=line, last_line=line, page=page)
    return TableRow([*cells, *[""] * (width - len(cells))][:width], [source] * width, source)


def text_of(cell: Any) -> str:
    """A cell as a person sees it: dates as ISO text, numbers with the zeros and the percent sign of their format."""
    value, shown = cell.value, getattr(cell, "number_format", None) or ""
    if value is None or cell.data_type == "e":
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight else value.isoformat(" ", "seconds")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, int | float):
        return _number(value, str(shown))
    return str(value).strip()


def _number(value: float, shown: str) -> str:
    if re.fullmatch(r"0+", shown) and math.isfinite(value) and value == int(value) and value >= 0:
        return str(int(value)).zfill(len(shown))
    if re.fullmatch(r"0(?:\.0+)?%", shown):
        return f"{value * 100:.{_DIGITS}g}%"
    return str(value) if isinstance(value, int) else f"{value:.{_DIGITS}g}"
