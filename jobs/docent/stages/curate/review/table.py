"""Read and write the CSV table of a review; every cell is text, even if it looks like a number.

Reads a table that people filled in, as spreadsheets save it: commas, semicolons or tabs; UTF-8, UTF-16 or a national
encoding. `review.py` writes the table; `edits.py` and `earlier_decisions.py` read it.
"""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from docent.artifacts.durable import temporary_name
from docent.config.stages import EDITS_PLACEHOLDER
from docent.errors import InputError
from docent.text.encodings.decode import is_text, read_text

COLUMNS = (
    "id", "item", "question_type", "question", "answer", "source", "file", "lines", "verdict", "reasons", "decision",
    "edited_question", "edited_answer", "note",
)  # fmt: skip
NEEDED = ("id", "decision", "edited_question", "edited_answer")
DELIMITERS = (",", ";", "\t")
MAX_FIELD_CHARS = 200_000
MAX_TABLE_BYTES = 2 << 30
NEXT_STEP = "fix the file, or move it away and generate a new one: docent review"


def read_table(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield every row with the number of its last line; missing cells are empty.

    Raises:
        InputError: the file is missing, is not a CSV, or lacks a column.
    """
    text = _text(path)
    header = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=header.count)
    table = csv.DictReader(io.StringIO(text, newline=""), restval="", restkey="", strict=True, delimiter=delimiter)
    try:
        yield from _rows(table, path)
    except csv.Error as error:
        raise InputError(f"not a valid CSV: {error}", str(path), NEXT_STEP) from None


@contextmanager
def new_table(path: Path) -> "Iterator[csv.DictWriter[str]]":
    """Open a table with a header that replaces `path` if no exception is raised."""
    temporary = temporary_name(path)
    with temporary.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        yield table
    temporary.replace(path)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_TABLE_BYTES:
            raise InputError(f"larger than {MAX_TABLE_BYTES >> 30} GiB", str(path), NEXT_STEP)
        text = read_text(path.read_bytes(), str(path))
    except FileNotFoundError:
        what, instead = "the file with the decisions does not exist", "docent review"
        if path.parts[:1] == Path(EDITS_PLACEHOLDER).parts[:1]:
            what = (
                f"{path.parts[0]} is a placeholder: replace it with the folder in which your browser saved {path.name}"
            )
            instead = f"docent review --apply ~/Downloads/{path.name}"
        raise InputError(what, str(path), instead) from None
    if text is None or not is_text(text):
        raise InputError("not a text file: save the sheet as CSV, preferably in UTF-8", str(path), NEXT_STEP)
    return text


def _rows(table: "csv.DictReader[str]", path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    csv.field_size_limit(MAX_FIELD_CHARS)
    names = [name.strip() for name in table.fieldnames or ()]
    if missing := [name for name in NEEDED if name not in names]:
        raise InputError(f"missing columns: {', '.join(missing)}", f"{path}:1", NEXT_STEP)
    table.fieldnames = names
    for row in table:
        yield table.line_num, {name: value.strip() for name, value in row.items() if isinstance(value, str)}
