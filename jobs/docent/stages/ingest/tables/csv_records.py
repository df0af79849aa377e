"""Read the rows of a CSV, with the physical lines of every cell as an editor shows them. Opens no file itself."""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from docent.records import Span
from docent.stages.ingest.sources import line_breaks

MAX_CSV_BYTES = 256 * 1024 * 1024
_MAX_OPEN_QUOTES = 10_000


@dataclass(frozen=True)
class Record:
    """One row of a CSV and the physical line where it begins.

    Attributes:
        is_open: whether a quote on its line is never closed, or is closed in the middle of another cell; the next row
            then begins on the next line.
    """

    cells: list[str]
    first_line: int
    is_open: bool = False

    @property
    def last_line(self) -> int:
        """Return the physical line where it ends, as quoted cells may contain line breaks."""
        return self.first_line + sum(line_breaks(cell) for cell in self.cells)


class RecordError(Exception):
    """The text cannot be parsed as CSV.

    Attributes:
        what: the problem, without the place.
        line: the last line that was read.
    """

    def __init__(self, what: str, line: int) -> None:
        super().__init__(what)
        self.what, self.line = what, line


def read_records(lines: Iterable[str], delimiter: str = ",", lines_before: int = 0) -> Iterator[Record]:
    """Yield the rows of a CSV in order, including empty ones; an unclosed quote affects only its own line.

    Args:
        lines: lines of the file, opened with `newline=""` to keep its line breaks.
        delimiter: one character.
        lines_before: number of lines of the file before `lines`.

    Raises:
        RecordError: a cell is too long, or too many quotes are open.
    """
    csv.field_size_limit(MAX_CSV_BYTES)  # a long cell costs only its row, not the complete file
    source = iter(lines)
    taken: list[str] = []  # physical lines of the current row, so that the reader can go back
    again: deque[str] = deque()

    def numbered() -> Iterator[str]:
        while (line := again.popleft() if again else next(source, None)) is not None:
            taken.append(line)
            yield line

    reader = csv.reader(numbered(), delimiter=delimiter)
    read, open_quotes = lines_before, 0
    try:
        while (cells := next(reader, None)) is not None:
            if _is_open(taken, delimiter):
                open_quotes += 1
                if open_quotes > _MAX_OPEN_QUOTES:
                    raise RecordError("too many quotes are never closed", read)
                yield Record(taken[0].rstrip("\r\n").split(delimiter), read + 1, is_open=True)
                read += 1
                again.extendleft(reversed(taken[1:]))
                reader = csv.reader(numbered(), delimiter=delimiter)
            else:
                yield Record(cells, read + 1)
                read += len(taken)
            taken.clear()
    except csv.Error as error:
        raise RecordError(str(error), read + len(taken)) from None


def _is_open(taken: list[str], delimiter: str) -> bool:
    """Return whether a row's lines were joined only because of a quote that is not properly closed."""
    if len(taken) == 1 and taken[0].count('"') % 2 == 0:
        return False
    # Blanks between a closing quote and the delimiter are common, and do not make a quote unclosed.
    cleaned = (re.sub(rf'"[ \t]+(?={re.escape(delimiter)}|[\r\n]|$)', '"', line) for line in taken)
    try:
        list(csv.reader(cleaned, delimiter=delimiter, strict=True))
    except csv.Error as error:
        return len(taken) > 1 or "end of data" in str(error)
    return False


def cell_line(record: Record, column: int) -> int:
    """Return the physical line on which a cell begins."""
    return record.first_line + sum(line_breaks(cell) for cell in record.cells[:column])


def cell_spans(file: str, record: Record) -> list[Span]:
    """Return a span for the text of every cell, without its blank lines; cells on one line share one span."""
    line, spans = record.first_line, []
    whole = Span(file=file, first_line=line, last_line=line)
    for cell in record.cells:
        breaks = line_breaks(cell)
        if breaks or line != whole.first_line:
            first_line = line + line_breaks(cell[: len(cell) - len(cell.lstrip())])
            whole = Span(file=file, first_line=first_line, last_line=first_line + line_breaks(cell.strip()))
        spans.append(whole)
        line += breaks
    return spans
