"""The rows of data set files one by one: CSV, JSONL, Parquet, or a JSON array; writes nothing."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from docent.errors import ConfigError

METADATA = "metadata.csv"
PARQUET = "metadata.parquet"
MAX_OBJECT_CHARS = 64 << 20
CHUNK_CHARS = 1 << 16
MAX_CELL_CHARS = 64 << 20


def rows_of(file: Path) -> Iterator[Any]:
    """The rows of a data set file, by its suffix.

    Raises:
        ValueError: the file is not what its suffix says, or ends early.
        csv.Error: a table that is no CSV.
        RecursionError: JSON nested too deep.
    """
    if file.suffix == ".parquet":
        yield from _parquet_rows(file)
        return
    with file.open(encoding="utf-8-sig", newline="" if file.name == METADATA else None) as text:
        if file.name == METADATA or file.suffix == ".csv":
            csv.field_size_limit(MAX_CELL_CHARS)
            yield from csv.DictReader(text)
        elif file.suffix == ".jsonl":
            yield from (json.loads(line) for line in text if line.strip())
        elif _holds_lines(text):
            yield from (json.loads(line) for line in text if line.strip())
        else:
            yield from array_values(text)


def _holds_lines(text: TextIO) -> bool:
    """Whether a `.json` file is JSON lines: its first line is an object, and there is another one."""
    start = text.tell()
    is_object = text.read(CHUNK_CHARS).lstrip().startswith("{")
    text.seek(start)
    if not is_object:  # a list of a single line may be large
        return False
    first, following = text.readline(MAX_OBJECT_CHARS), text.readline(CHUNK_CHARS)
    text.seek(start)
    try:
        return bool(following.strip()) and isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def _parquet_rows(file: Path) -> Iterator[Any]:
    """The rows of a Parquet file.

    Raises:
        ValueError: it cannot be read.
        ConfigError: pyarrow is not installed.
    """
    try:
        from pyarrow import ArrowException, parquet
    except ModuleNotFoundError as error:
        what = f"Parquet cannot be read: no module {error.name}"
        raise ConfigError(what, str(file), "pip install 'docent[build-dataset]'") from None
    try:
        for batch in parquet.ParquetFile(file).iter_batches():
            yield from batch.to_pylist()
    except (ArrowException, OSError) as error:
        raise ValueError(str(error).splitlines()[0]) from None


def array_values(text: TextIO) -> Iterator[Any]:
    """The values of a JSON array one by one; nothing where the text is no array.

    Raises:
        json.JSONDecodeError: the text is not JSON, or ends early.
    """
    decoder = json.JSONDecoder()
    ahead = text.read(CHUNK_CHARS).lstrip()
    if not ahead.startswith("["):
        return
    ahead = ahead[1:]
    while True:
        ahead = ahead.lstrip()
        try:
            if ahead.startswith("]"):
                _refuse_more(ahead[1:], text)
                return
            value, end = decoder.raw_decode(ahead)
            rest = ahead[end:].lstrip()
            if not rest.startswith((",", "]")):
                raise json.JSONDecodeError("a comma or the end of the array is missing", ahead[:40], 0)
        except json.JSONDecodeError:
            more = text.read(max(CHUNK_CHARS, len(ahead)))  # doubled each time, so that a long value costs no square
            if not more or len(ahead) > MAX_OBJECT_CHARS:
                raise
            ahead += more
            continue
        yield value
        ahead = rest.removeprefix(",")


def _refuse_more(ahead: str, text: TextIO) -> None:
    """Raise JSONDecodeError where anything but white space follows the array: its rows would be left out."""
    while not ahead.strip():
        ahead = text.read(CHUNK_CHARS)
        if not ahead:
            return
    raise json.JSONDecodeError("something follows the end of the array", ahead.strip()[:40], 0)
