"""Load source kind `csv`: one document per row, in any common encoding and with any common delimiter.

Reads the file named by the source, or every `.csv`, `.tsv` and `.tab` below its folder. The first row names the
columns, apart from titles above it and Excel's `sep=` line. To run only this: `docent ingest table.csv`.
"""

from collections.abc import Iterator

from docent.messages.printing import printable
from docent.records import Document, Reject, Span
from docent.stages.ingest.images import FILE_TOO_LARGE, Intake
from docent.stages.ingest.sources import ListedFile, read_at_most
from docent.stages.ingest.tables.csv_files import (
    UNKNOWN_ENCODING,
    EncodingError,
    find_header,
    open_csv,
    problem_of,
    without_empty_end,
)
from docent.stages.ingest.tables.csv_records import MAX_CSV_BYTES, Record, RecordError, cell_spans
from docent.stages.ingest.tables.row_documents import TableRow, documents_of

SUFFIXES = frozenset((".csv", ".tsv", ".tab"))
SETTING = "ingest.rows.encoding, or encoding of the source"


def load(listed: ListedFile, intake: Intake) -> Iterator[Document | Reject]:
    """Yield the documents of one CSV, and rejects; a file that cannot be opened is one reject."""
    settings = intake.section.rows
    limit = min(int(settings.max_mb * 1_000_000), MAX_CSV_BYTES)
    name = printable(listed.name)
    if (data := read_at_most(listed.path, limit)) is None:
        yield Reject(reason=FILE_TOO_LARGE, raw=name, detail=f"more than {limit} bytes")
        return
    encoding = listed.source.encoding or settings.encoding
    try:
        records = open_csv(data, listed.name, SETTING, encoding, settings.delimiter)
    except EncodingError as error:
        yield Reject(reason=UNKNOWN_ENCODING, raw=name, detail=f"{name}: {error}")
        return
    try:
        header, below = find_header(records, listed.name)
        if header is None:
            yield Reject(reason="table is empty", raw=name, detail="its first row must name the columns")
            return
        names = without_empty_end(header.cells, 1)
        yield from documents_of(listed, names, (_row(listed, record, len(names)) for record in below), intake)
    except RecordError as error:
        detail = f"{name} line {error.line}: {error.what}; the rows before it are kept"
        yield Reject(reason="CSV cannot be read", raw=name, detail=detail)


def _row(listed: ListedFile, record: Record, width: int) -> TableRow | Reject:
    """Return a row with one cell per column, or a reject if it has another number; empty cells at its end are cut."""
    cells = without_empty_end(record.cells, width)
    if problem := problem_of(record, cells, width, printable(listed.name)):
        return problem
    spans = cell_spans(listed.name, record)[:width]
    source = Span(file=listed.name, first_line=record.first_line, last_line=record.last_line)
    return TableRow(cells, spans, source)
