"""Loader `csv`: one document per row of a CSV, in any usual encoding and with any usual delimiter.

Reads the file named by the source, or every `.csv` and `.tsv` below its folder. The first row names the columns. Run
alone: `docent ingest table.csv`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

from docent.config import Source
from docent.records import Document, Reject, Span
from docent.stages.ingest.csv_records import MAX_CSV_BYTES, Record, RecordError, cell_spans, read_records
from docent.stages.ingest.images import FILE_TOO_LARGE, Intake
from docent.stages.ingest.row_documents import TableRow, documents_of
from docent.stages.ingest.sources import Exhibit, ListedFile, list_files, shorten
from docent.text.encoding import detect

SUFFIXES = frozenset((".csv", ".tsv", ".tab"))
UNKNOWN_ENCODING = "text in an unknown encoding"
OTHER_NUMBER_OF_CELLS = "row has another number of cells"
DELIMITERS = ",;\t|"
_PROBE_CHARS, _PROBE_ROWS = 64 * 1024, 50


def list_tables(source: Source) -> list[ListedFile | Exhibit | Reject]:
    """Every CSV of a source; opens none."""
    return list_files(source, SUFFIXES)


def load(listed: ListedFile, intake: Intake) -> Iterator[Document | Reject]:
    """The documents of one CSV; a file that cannot be read is one reject."""
    settings = intake.section.rows
    limit = min(int(settings.max_mb * 1_000_000), MAX_CSV_BYTES)
    with listed.path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        yield Reject(reason=FILE_TOO_LARGE, raw=listed.name, detail=f"more than {limit} bytes")
        return
    encoding = detect(data, settings.encoding)
    if encoding is None or (b"\x00" in data[:1024] and not encoding.startswith("utf-16") and encoding != "utf-32"):
        detail = "save it as UTF-8, or name its encoding: ingest.rows.encoding"
        yield Reject(reason=UNKNOWN_ENCODING, raw=listed.name, detail=detail)
        return
    lines = io.TextIOWrapper(io.BytesIO(data), encoding=encoding, errors="replace", newline="")
    delimiter = settings.delimiter or find_delimiter(lines.read(_PROBE_CHARS))
    lines.seek(0)
    try:
        yield from _documents(listed, read_records(lines, delimiter), intake)
    except RecordError as error:
        detail = f"{listed.name} line {error.line}: {error.what}; the rows before it are kept"
        yield Reject(reason="CSV cannot be read", raw=listed.name, detail=detail)


def find_delimiter(beginning: str) -> str:
    """The delimiter that gives most rows as many cells as the header, and of several the one with most cells."""
    whole = beginning if len(beginning) < _PROBE_CHARS else beginning.rpartition("\n")[0] or beginning
    scores = {}
    for delimiter in DELIMITERS:
        widths = []
        try:
            for record in read_records(io.StringIO(whole, newline=""), delimiter):
                if any(cell.strip() for cell in record.cells):
                    widths.append(len(record.cells))
                if len(widths) == _PROBE_ROWS:
                    break
        except RecordError:
            continue
        if widths and widths[0] > 1:
            scores[delimiter] = (widths.count(widths[0]) / len(widths), widths[0])
    return max(scores, key=lambda delimiter: scores[delimiter], default=",")


def _documents(listed: ListedFile, records: Iterator[Record], intake: Intake) -> Iterator[Document | Reject]:
    filled = (record for record in records if any(cell.strip() for cell in record.cells))
    header = next(filled, None)
    if header is None:
        yield Reject(reason="table is empty", raw=listed.name, detail="its first row must name the columns")
        return
    names = _without_empty_end(header.cells, 1)
    yield from documents_of(listed, names, (_row(listed, record, len(names)) for record in filled), intake)


def _row(listed: ListedFile, record: Record, width: int) -> TableRow | Reject:
    """A row with a text under every column; a row of another length is a reject, empty cells at its end aside."""
    cells = _without_empty_end(record.cells, width)
    if len(cells) != width:
        detail = (
            f"{listed.name} line {record.first_line}: {len(cells)} cells under {width} columns; is a quote missing?"
        )
        return Reject(reason=OTHER_NUMBER_OF_CELLS, raw=shorten(",".join(cells)), detail=detail)
    spans = cell_spans(listed.name, record)[:width]
    source = Span(file=listed.name, first_line=record.first_line, last_line=record.last_line)
    return TableRow(cells, spans, source)


def _without_empty_end(cells: list[str], width: int) -> list[str]:
    """Cells without the empty ones beyond `width`, which spreadsheets write."""
    end = len(cells)
    while end > width and not cells[end - 1].strip():
        end -= 1
    return cells[:end]
