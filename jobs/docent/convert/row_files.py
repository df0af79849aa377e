"""Read the rows of data set files one by one: CSV, JSONL, Parquet, or a JSON array."""

import codecs
import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from docent.errors import ConfigError

METADATA = "metadata.csv"
PARQUET = "metadata.parquet"
MAX_OBJECT_CHARS = 64 << 20
CHUNK_CHARS = 1 << 16
MAX_CELL_CHARS = 64 << 20


def rows_of(file: Path) -> Iterator[Any]:
    """Yield the rows of a data set file, whose suffix determines its format.

    Raises:
        ValueError: the file does not have the format of its suffix, or ends early.
        csv.Error: a table is not valid CSV.
        RecursionError: JSON is nested too deeply.
    """
    if file.suffix == ".parquet":
        yield from parquet_rows(file)
        return
    with file.open(encoding="utf-8-sig", newline="" if file.name == METADATA else None) as text:
        if file.name == METADATA or file.suffix == ".csv":
            csv.field_size_limit(MAX_CELL_CHARS)
            yield from csv.DictReader(text)
        elif file.suffix == ".jsonl" or _holds_lines(text):
            yield from _lines(text)
        else:
            yield from array_values(text)


def why_unreadable(file: Path, error: Exception) -> str:
    """Return the message for an error that `rows_of` raised."""
    if isinstance(error, UnicodeDecodeError):
        return _why_not_utf8(file)
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno} is not JSON: {error.msg[:1].lower()}{error.msg[1:]}"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _why_not_utf8(file: Path) -> str:
    """Return a message that names the first line that is not UTF-8."""
    with file.open("rb") as lines:
        if lines.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "the file is UTF-16: save it as UTF-8"
        lines.seek(0)
        for number, line in enumerate(lines, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                what = f"line {number} is not UTF-8 (byte 0x{line[error.start]:02x})"
                return f"{what}: save the file as UTF-8"
    return "the file is not UTF-8: save it as UTF-8"


def _lines(text: TextIO) -> Iterator[Any]:
    """Yield the values of JSON lines.

    Raises:
        json.JSONDecodeError: a line is not JSON; the error has its line number in the file.
    """
    for number, line in enumerate(text, 1):
        if line.strip():
            with _counted_from(number - 1):
                yield json.loads(line)


@contextmanager
def _counted_from(lines_before: int) -> Iterator[None]:
    """Correct the line number of a JSON error to that in the complete file."""
    try:
        yield
    except json.JSONDecodeError as error:
        error.lineno += lines_before
        raise


def _holds_lines(text: TextIO) -> bool:
    """Return whether a `.json` file is JSON lines: its first line is an object, and another line follows."""
    start = text.tell()
    is_object = text.read(CHUNK_CHARS).lstrip().startswith("{")
    text.seek(start)
    if not is_object:  # a list on a single line may be large
        return False
    first, following = text.readline(MAX_OBJECT_CHARS), text.readline(CHUNK_CHARS)
    text.seek(start)
    try:
        return bool(following.strip()) and isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def import_parquet(file: Path, purpose: str = "read") -> Any:
    """Return the module `pyarrow.parquet`.

    Raises:
        ConfigError: pyarrow is not installed.
    """
    try:
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        what = f"Parquet files cannot be {purpose}: the module {error.name} is not installed"
        raise ConfigError(what, str(file), "pip install 'docent[build-dataset]'") from None
    return parquet


def parquet_rows(file: Path, batch_rows: int = 1 << 16) -> Iterator[Any]:
    """Yield the rows of a Parquet file.

    Args:
        batch_rows: number of rows that are in memory at a time.

    Raises:
        ValueError: the file cannot be read.
        ConfigError: pyarrow is not installed.
    """
    parquet = import_parquet(file)
    from pyarrow import ArrowException

    try:
        for batch in parquet.ParquetFile(file).iter_batches(batch_size=batch_rows):
            yield from batch.to_pylist()
    except (ArrowException, OSError) as error:
        raise ValueError(str(error).splitlines()[0]) from None


def array_values(text: TextIO) -> Iterator[Any]:
    """Yield the values of a JSON array, or nothing if the text is not an array.

    Raises:
        json.JSONDecodeError: the text is not JSON or ends early; the error's line refers to the complete text.
    """
    decoder = json.JSONDecoder()
    ahead = text.read(CHUNK_CHARS)
    if not ahead.lstrip().startswith("["):
        return
    ahead, lines_before = _without(ahead, ahead.index("[") + 1, 0)
    while True:
        ahead, lines_before = _without(ahead, len(ahead) - len(ahead.lstrip()), lines_before)
        if ahead.startswith("]"):
            with _counted_from(lines_before):
                _refuse_more(ahead[1:], text)
            return
        try:
            value, end = decoder.raw_decode(ahead)
            rest = ahead[end:].lstrip()
            if not rest.startswith((",", "]")):
                raise json.JSONDecodeError("a comma or the end of the array is missing", ahead, end)
        except json.JSONDecodeError as error:
            more = text.read(max(CHUNK_CHARS, len(ahead)))  # doubled each time: else long values take quadratic time
            if not more or len(ahead) > MAX_OBJECT_CHARS:
                error.lineno += lines_before
                if not more and not ahead[error.pos :].strip():
                    error.msg = "unexpected end of the file"
                raise
            ahead += more
            continue
        yield value
        used = len(ahead) - len(rest)
        ahead, lines_before = _without(ahead, used + rest.startswith(","), lines_before)


def _without(text: str, used: int, lines_before: int) -> tuple[str, int]:
    """Return the text after `used` characters, and how many lines end before it."""
    return text[used:], lines_before + text.count("\n", 0, used)


def _refuse_more(ahead: str, text: TextIO) -> None:
    """Raise JSONDecodeError if anything but white space follows the array: its rows would be skipped."""
    passed = ""
    while not ahead.strip():
        passed += "\n" * ahead.count("\n")
        ahead = text.read(CHUNK_CHARS)
        if not ahead:
            return
    shown = passed + ahead
    at = len(shown) - len(shown.lstrip())
    raise json.JSONDecodeError("extra data after the end of the array", shown, at)
