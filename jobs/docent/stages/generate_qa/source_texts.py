"""Read the beginnings of source texts before a run, as far as possible, to detect their language.

Reads text files, Markdown and CSV of the sources: at most MAX_FILES files, and MAX_BYTES of each. PDFs and workbooks
are not opened; the stage itself checks their texts. Files that cannot be read are skipped; stage ingest reports them.
Writes nothing.
"""

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from docent.config.sources import Source
from docent.errors import PipelineError
from docent.source_files.walk import walk
from docent.text.encodings.decode import detect

MAX_FILES, MAX_ENTRIES = 200, 5_000
MAX_BYTES = 64 * 1024
MAX_ROWS = 200
MIN_CELL_WORDS = 6
"""Cells with fewer words are names, numbers or file names."""
_SUFFIXES = {
    "exhibits-folder": (".txt", ".md"),
    "exhibits-csv": (".csv",),
    "csv": (".csv",),
    "markdown": (".md", ".markdown"),
    "txt": (".txt",),
}


def texts_of(source: Source) -> dict[str, str]:
    """Return the beginnings of a source's texts, by file, or by row of a table; {} if only its loader can read it."""
    found: dict[str, str] = {}
    for path in _files(source):
        text = _beginning(path, source.encoding)
        if path.suffix.lower() == ".csv":
            found |= {f"{path}:{number}": cells for number, cells in enumerate(_rows(text))}
        elif text.strip():
            found[str(path)] = text
    return found


def _files(source: Source) -> Iterator[Path]:
    suffixes = _SUFFIXES.get(source.kind, ())
    try:
        if source.path.is_file():
            yield from [source.path] if source.path.suffix.lower() in suffixes else []
            return
        entries = islice(walk(source.path), MAX_ENTRIES) if suffixes and source.path.is_dir() else ()
        files = (entry.path for entry in entries if entry.kind == "file" and not entry.path.name.startswith("."))
        yield from islice((path for path in files if path.suffix.lower() in suffixes), MAX_FILES)
    except (OSError, PipelineError):
        return  # stage ingest reports what is wrong with the source


def _beginning(path: Path, encoding: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES)
    except OSError:
        return ""
    if len(data) == MAX_BYTES:
        data = data[: data.rfind(b"\n") + 1] or data
    try:
        found = detect(data, encoding)
    except (LookupError, PipelineError):
        return ""
    return data.decode(found, errors="ignore").removeprefix("\ufeff") if found else ""


def _rows(text: str) -> Iterator[str]:
    """Yield the long cells of each row of a CSV."""
    first = text.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    try:
        for row in islice(csv.reader(text.splitlines(keepends=True), delimiter=delimiter), MAX_ROWS):
            if cells := [cell for cell in row if len(cell.split()) >= MIN_CELL_WORDS or not cell.isascii()]:
                yield "\n".join(cells)
    except csv.Error:
        return
