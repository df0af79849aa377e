"""Open CSV files from spreadsheets and databases: find the encoding, the `sep=` line and the delimiter.

The source kinds `csv` and `exhibits-csv` both read their files through `open_csv`.
"""

import io
import itertools
import logging
import re
from collections.abc import Collection, Iterator, Sequence

from docent.messages.printing import printable
from docent.records import Reject
from docent.stages.ingest.sources import shorten
from docent.stages.ingest.tables.csv_records import Record, RecordError, read_records
from docent.text.encodings.decode import detect, warn_if_likely, why_unknown

log = logging.getLogger("docent.ingest")

UNKNOWN_ENCODING = "text in an unknown encoding"
OTHER_NUMBER_OF_CELLS = "row has another number of cells"
OPEN_QUOTE = "quote is never closed"
NUL_BYTES = "row has NUL bytes"
NO_ROWS = "table has no rows"
DELIMITERS = ",;\t|"
_PROBE_CHARS, _PROBE_ROWS = 64 * 1024, 50
LOOKED_AT = 20
"""Number of rows with text that are searched for the header and for the column that names rows."""
# Excel always takes such a first line for a hint, never for a row: `sep=;`, also quoted or followed by empty cells.
_HINT = re.compile(r'"?sep=(\\t|[^"\r\n])"?[,;|\t ]*(?:\r\n|\r|\n|\Z)', re.IGNORECASE)


class EncodingError(Exception):
    """The encoding of a file cannot be determined; the message says why and how to fix it."""


def open_csv(data: bytes, where: str, setting: str, encoding: str = "", delimiter: str = "") -> Iterator[Record]:
    """Find a CSV's encoding and delimiter; return its rows, including empty ones, without the `sep=` hint.

    Args:
        data: the complete file.
        where: name of the file, for messages.
        setting: the setting for the encoding, for messages.
        encoding: the encoding, or "" to detect it.
        delimiter: the delimiter between cells, or "" to detect it.

    Raises:
        EncodingError: the encoding cannot be determined.
    """
    codec = detect(data, encoding)
    if codec is None:
        raise EncodingError(why_unknown(data, setting, encoding))
    if b"\x00" in data[:1024] and not codec.startswith(("utf-16", "utf-32")) and not encoding:
        raise EncodingError("it has NUL bytes, as no text has; save it as CSV UTF-8")
    if not encoding:
        warn_if_likely(codec, where)
    lines = io.TextIOWrapper(io.BytesIO(data), encoding=codec, newline="")
    beginning = lines.read(_PROBE_CHARS).removeprefix("\ufeff")
    hint = _HINT.match(beginning)
    lines.seek(0)
    first = next(lines, "").removeprefix("\ufeff")
    hinted = hint[1].replace("\\t", "\t") if hint else ""
    text = lines if hint else itertools.chain([first], lines)
    return read_records(text, delimiter or hinted or find_delimiter(beginning), 1 if hint else 0)


def find_delimiter(beginning: str) -> str:
    """Return the delimiter for which most rows are as wide as the header; among equals, the one with most columns."""
    whole = beginning if len(beginning) < _PROBE_CHARS else beginning.rpartition("\n")[0] or beginning
    scores = {}
    for delimiter in DELIMITERS:
        records = read_records(io.StringIO(whole, newline=""), delimiter)
        filled = (len(record.cells) for record in records if any(cell.strip() for cell in record.cells))
        try:
            widths = list(itertools.islice(filled, _PROBE_ROWS))
        except RecordError:
            continue
        if widths and widths[0] > 1:
            scores[delimiter] = (widths.count(widths[0]) / len(widths), widths[0])
    return max(scores, key=lambda delimiter: scores[delimiter], default=",")


def find_header(
    records: Iterator[Record], file: str, names: Collection[str] = ()
) -> tuple[Record | None, Iterator[Record]]:
    """Return the header row and the rows below it; a table without text has no header (None).

    Rows above the header with text in only one cell, as spreadsheets write a title, are skipped with a warning.

    Args:
        records: rows of the file; those without text are skipped.
        file: name of the file, for messages.
        names: column names to look for in the header, if known; if no row has them, the first row is the header.
    """
    filled = (record for record in records if any(cell.strip() for cell in record.cells))
    first = list(itertools.islice(filled, LOOKED_AT))
    position = _header_position(first, names)
    for record in first[:position]:
        title = printable(" ".join(" ".join(record.cells).split()))
        log.warning("%s line %d: skipped text above the column names: %s", printable(file), record.first_line, title)
    return first[position] if first else None, itertools.chain(first[position + 1 :], filled)


def _header_position(rows: Sequence[Record], names: Collection[str]) -> int:
    if names:
        named = ({cell.strip().lower() for cell in row.cells} for row in rows)
        return next((position for position, cells in enumerate(named) if cells.issuperset(names)), 0)
    texts = [sum(bool(cell.strip()) for cell in row.cells) for row in rows]
    position = next((position for position, count in enumerate(texts) if count > 1), 0)
    width = len(rows[position].cells) if rows else 0
    return position if all(len(row.cells) == width for row in rows[:position]) else 0


def problem_of(record: Record, cells: list[str], width: int, file: str) -> Reject | None:
    """Return the reject for an unusable row, or None if it is usable.

    Args:
        cells: the row's cells, without the empty ones beyond the last column.
        width: number of columns.
    """
    where = f"{file} line {record.first_line}"
    raw = shorten(",".join(record.cells))
    if record.is_open:
        detail = f"{where}: the quote is never closed; the row is left out, and reading goes on in the next line"
        return Reject(reason=OPEN_QUOTE, raw=raw, detail=detail)
    if len(cells) != width:
        detail = f"{where}: {len(cells)} cells under {width} columns; is a quote missing?"
        return Reject(reason=OTHER_NUMBER_OF_CELLS, raw=raw, detail=detail)
    if any("\x00" in cell for cell in cells):
        return Reject(reason=NUL_BYTES, raw=shorten(raw.replace("\x00", "\\0")), detail=f"{where}: save the file again")
    return None


def without_empty_end(cells: list[str], width: int) -> list[str]:
    """Return cells without the empty ones beyond `width`, which spreadsheets often write."""
    end = next((end for end in range(len(cells), width, -1) if cells[end - 1].strip()), width)
    return cells[:end]
