"""Rows of a CSV with the physical lines they stand on, cell by cell: what an editor shows. Opens no file itself."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from docent.records import Span
from docent.stages.ingest.sources import line_breaks

MAX_CSV_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Record:
    """One row of a CSV and the physical line where it begins."""

    cells: list[str]
    first_line: int

    @property
    def last_line(self) -> int:
        """Physical line where it ends: cells in quotes may hold line breaks."""
        return self.first_line + sum(line_breaks(cell) for cell in self.cells)


class RecordError(Exception):
    """The lines are no CSV, or not in the encoding they were opened with.

    Attributes:
        what: the problem, without the place.
        line: the last line that was read.
        byte: the one that cannot be decoded, as `0xfc`; "" where the quotes are at fault.
    """

    def __init__(self, what: str, line: int, byte: str = "") -> None:
        super().__init__(what)
        self.what, self.line, self.byte = what, line, byte


def read_records(lines: Iterable[str], delimiter: str = ",") -> Iterator[Record]:
    """The rows of a CSV in order, empty ones included.

    Args:
        lines: opened with `newline=""`, so that line breaks are those of the file.
        delimiter: one character.

    Raises:
        RecordError: a quote or a byte cannot be read.
    """
    csv.field_size_limit(MAX_CSV_BYTES)  # a long cell is rejected by itself, not with the whole file
    reader = csv.reader(lines, delimiter=delimiter)
    before = 0
    try:
        for cells in reader:
            yield Record(cells, before + 1)
            before = reader.line_num
    except UnicodeDecodeError as error:
        byte = f"0x{error.object[error.start]:02x}"
        raise RecordError(f"byte {byte} cannot be decoded", reader.line_num, byte) from None
    except csv.Error as error:
        raise RecordError(str(error), reader.line_num) from None


def cell_line(record: Record, column: int) -> int:
    """Physical line on which a cell begins."""
    return record.first_line + sum(line_breaks(cell) for cell in record.cells[:column])


def cell_span(file: str, record: Record, column: int) -> Span:
    """Lines of a cell's text, blank lines around it left out."""
    return _span(file, record.cells[column], cell_line(record, column))


def cell_spans(file: str, record: Record) -> list[Span]:
    """The same for every cell of a row; cells of one line share a value."""
    line, found = record.first_line, []
    whole = Span(file=file, first_line=line, last_line=line)
    for cell in record.cells:
        breaks = line_breaks(cell)
        if breaks or line != whole.first_line:
            whole = _span(file, cell, line)
        found.append(whole)
        line += breaks
    return found


def _span(file: str, cell: str, line: int) -> Span:
    """Lines of the text of a cell that begins on a line."""
    first_line = line + line_breaks(cell[: len(cell) - len(cell.lstrip())])
    return Span(file=file, first_line=first_line, last_line=first_line + line_breaks(cell.strip()))
