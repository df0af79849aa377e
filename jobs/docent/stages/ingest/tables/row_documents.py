"""Make one document per row of a table: a line `column: value` per cell, and its pictures.

Values keep their text as written, including leading zeros; empty cells are left out; HTML becomes Markdown.
csv_loader.py and xlsx_loader.py read the tables; fetch/images.py fetches the pictures.
"""

import difflib
import itertools
import logging
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from docent.messages.printing import printable
from docent.records import Document, Fact, Reject, Section, Span
from docent.stages.ingest.fetch.images import Draft, addresses_of, with_pictures
from docent.stages.ingest.images import Intake
from docent.stages.ingest.sources import MAX_TEXT_BYTES, ListedFile, one_line_name, shorten
from docent.stages.ingest.tables.cell_html import readable_html
from docent.stages.ingest.tables.csv_files import LOOKED_AT, NO_ROWS

log = logging.getLogger("docent.ingest")

MAX_COLUMNS = 1000
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_NUMBER = re.compile(r"[\d\s.,#]*")


@dataclass(frozen=True)
class TableRow:
    """One row of a table.

    Attributes:
        cells: one text per column.
        spans: lines of each cell.
        source: lines of the row.
        shared: columns with the text of a cell merged over several rows; they cannot name a row.
    """

    cells: Sequence[str]
    spans: Sequence[Span]
    source: Span
    shared: frozenset[int] = frozenset()


def documents_of(
    listed: ListedFile, header: Sequence[str], rows: Iterable[TableRow | Reject], intake: Intake
) -> Iterator[Document | Reject]:
    """Yield the documents of a table in order, with rejects in their places."""
    if len(header) > MAX_COLUMNS:
        detail = f"{len(header)} columns; at most {MAX_COLUMNS}"
        yield Reject(reason="table has too many columns", raw=printable(listed.name), detail=detail)
        return
    settings, columns = intake.section.rows, column_names(header)
    remaining = iter(rows)
    first = list(itertools.islice(remaining, LOOKED_AT))
    if not first:
        detail = f"only the names of its columns: {shorten(', '.join(columns))}"
        yield Reject(reason=NO_ROWS, raw=printable(listed.name), detail=detail)
        return
    wanted_columns = set(map(_composed, settings.image_columns))
    images = {position for position, name in enumerate(columns) if _composed(name) in wanted_columns}
    rows_seen = [row for row in first if isinstance(row, TableRow)]
    title = title_column(columns, rows_seen, settings.title_column, images, printable(listed.name))
    for wanted in settings.image_columns:
        if _composed(wanted) not in map(_composed, columns):
            log.warning("%s has no column %r (ingest.rows.image_columns)", printable(listed.name), wanted)
    bounded = _bounded(itertools.chain(first, remaining), settings.max_rows, listed)
    drafts = (row if isinstance(row, Reject) else _draft(listed, columns, row, title, images) for row in bounded)
    yield from with_pictures(drafts, intake)


def column_names(header: Sequence[str]) -> list[str]:
    """Return a unique name for every column; a missing name becomes `column N`, a repeated one gets a number."""
    names: list[str] = []
    for number, cell in enumerate(header, 1):
        name = " ".join(readable(cell).split()) or f"column {number}"
        same = next(n for n in itertools.count(1) if (f"{name} ({n})" if n > 1 else name) not in names)
        names.append(f"{name} ({same})" if same > 1 else name)
    return names


def title_column(
    columns: Sequence[str], rows: Sequence[TableRow], configured: str, images: Collection[int], file: str
) -> int:
    """Return the index of the column that names rows: the configured one, or else the first not only of numbers."""
    composed = [_composed(name) for name in columns]
    if _composed(configured) in composed:
        return composed.index(_composed(configured))
    if configured:
        near = difflib.get_close_matches(configured, columns, 1, 0.5)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        log.warning("%s has no column %r (ingest.rows.title_column)%s", file, configured, meant)
    telling = [
        position
        for position in range(len(columns))
        if position not in images and not all(_NUMBER.fullmatch(row.cells[position]) for row in rows)
    ]
    shared = frozenset[int]().union(*(row.shared for row in rows))
    return next((position for position in telling if position not in shared), telling[0] if telling else 0)


def _composed(name: str) -> str:
    """Return a name in composed Unicode, as tables from a Mac may spell `ö` as two characters."""
    return unicodedata.normalize("NFC", name)


def readable(cell: str) -> str:
    """Return a cell's text without control characters and surrounding blanks, with line feeds as line breaks."""
    text = cell.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub("", text).strip()


def _bounded(rows: Iterable[TableRow | Reject], max_rows: int, listed: ListedFile) -> Iterator[TableRow | Reject]:
    """Yield the first `max_rows` rows, then one reject that counts the rest."""
    count = 0
    for row in rows:
        if isinstance(row, Reject) or count < max_rows:
            yield row
        count += isinstance(row, TableRow)
    if count > max_rows:
        name = printable(listed.name)
        detail = f"{name}: {count - max_rows} of {count} rows left out; ingest.rows.max_rows is {max_rows}"
        yield Reject(reason="rows beyond ingest.rows.max_rows", raw=name, detail=detail)


def _draft(listed: ListedFile, columns: list[str], row: TableRow, title: int, images: set[int]) -> Draft | Reject:
    """Return the document of a row, whose pictures are not fetched yet, or a reject if it is not usable."""
    where = f"{printable(listed.name)} line {row.source.first_line}"
    if sum(map(len, row.cells)) > MAX_TEXT_BYTES:
        detail = f"{where}: more than {MAX_TEXT_BYTES} characters"
        return Reject(reason="row too long", raw=shorten(" ".join(row.cells[:3])), detail=detail)
    facts = tuple(
        Fact(text=f"{name}: {value}", source=span)
        for position, (name, cell, span) in enumerate(zip(columns, row.cells, row.spans, strict=True))
        if position not in images and (value := _value(cell))
    )
    wanted = [address for position in sorted(images) for address in addresses_of(row.cells[position])]
    if not facts and not wanted:
        return Reject(reason="row without text", raw=shorten(",".join(row.cells)), detail=where)
    text = "\n".join(fact.text for fact in facts)
    section = Section(index=1, title="", text=text, source=row.source, facts=facts)
    name = one_line_name(_value(row.cells[title])) or where
    document = listed.document("row", name, (section,), row.source.page, row.source.first_line)
    return Draft(document, tuple(wanted), where)


def _value(cell: str) -> str:
    """Return a cell as it appears in the document's text, with text that looks like a picture token broken up."""
    text = readable(cell)
    return readable_html(text, emphasis=True).replace("{{IMAGE_", "{ {IMAGE_")
