"""Workbooks for tests: made by openpyxl, read by the loader `xlsx`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from openpyxl import Workbook

from tests.loading import Loaded, loaded


def load(folder: Path, book: Workbook | bytes, **rows: Any) -> Loaded:
    """What `ingest` reads of a workbook, with settings of `ingest.rows`."""
    path = folder / "loans.xlsx"
    if isinstance(book, bytes):
        path.write_bytes(book)
    else:
        book.save(path)
    return loaded("xlsx", path, rows=rows)


def book_of(*rows: list[Any]) -> Workbook:
    """A workbook of one sheet with these rows."""
    book = Workbook()
    for row in rows:
        book.active.append(row)
    return book
