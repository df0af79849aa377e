"""`docent validate --for NAME FILE`: all rules of a trainer at once, each problem with its line.

Reads the trainer's file, the pictures in it or beside it, and what lies beside it; writes nothing. One row is in
memory at a time. Problems of the file as a whole have the line 0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docent.convert.conversations import parts_of, picture_of
from docent.convert.files import BOM
from docent.convert.row_files import array_values, why_unreadable
from docent.convert.trainers import TRAINERS
from docent.convert.trainers.picture_rules import Looked
from docent.convert.validate import Problem, Result
from docent.errors import ConfigError, InputError

_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
BATCH_ROWS = 16
MAX_LINE_BYTES = 256 << 20
"""Ten pictures of 10 MB each in base64 are 134 MB."""


def validate(path: Path, name: str) -> Result:
    """Check a file by the rules of a trainer.

    Args:
        name: one of TRAINERS.

    Raises:
        InputError: there is no such file, or nothing in it.
        ConfigError: it is Parquet, and pyarrow is not installed.
    """
    if not path.is_file():
        raise InputError("there is no such file", str(path), f"name a file that {name} reads")
    trainer, result, looked = TRAINERS[name], Result(files=1), Looked()
    with_pictures = 0
    for number, value, problem in _rows(path):
        result.rows += number > 0
        if problem:
            result.problems.append(Problem(str(path), number, "", problem))
            continue
        shown = _pictures_of(value)
        result.pictures += len(shown)
        result.remote += sum(_ADDRESS.match(picture) is not None for picture in shown)
        with_pictures += bool(shown)
        for picture, problem in trainer.problems(value, path, looked):
            result.problems.append(Problem(str(path), number, picture, problem))
    if not result.rows:
        raise InputError("the file has no row", str(path), f"docent convert chat IN {path} --for {name}")
    found = [Problem(str(path), 0, "", problem) for problem in trainer.file_problems(path, result.rows, with_pictures)]
    result.problems = [*found, *result.problems]
    return result


def _rows(path: Path) -> Iterator[tuple[int, Any, str]]:
    """Every row with its number and why it cannot be read, if so: lines of JSONL, else places in the file from 1.

    What is wrong with the file itself has the number 0.
    """
    if path.suffix == ".parquet":
        yield from _parquet_rows(path)
    elif path.suffix == ".json":
        yield from _values(path)
    else:
        yield from _lines(path)


def _parquet_rows(path: Path) -> Iterator[tuple[int, Any, str]]:
    """Few rows at a time: each may hold pictures of megabytes."""
    try:
        from pyarrow import ArrowException, parquet
    except ModuleNotFoundError as error:
        what = f"Parquet cannot be read: no module {error.name}"
        raise ConfigError(what, str(path), "pip install 'docent[build-dataset]'") from None
    number = 0
    try:
        batches = parquet.ParquetFile(path).iter_batches(batch_size=BATCH_ROWS)
        for number, value in enumerate((row for batch in batches for row in batch.to_pylist()), 1):
            yield number, value, ""
    except (ArrowException, OSError) as error:
        yield number + 1, None, str(error).splitlines()[0]


def _values(path: Path) -> Iterator[tuple[int, Any, str]]:
    number = 0
    with path.open(encoding="utf-8") as text:
        try:
            for number, value in enumerate(array_values(text), 1):
                yield number, value, ""
        except (ValueError, RecursionError) as error:
            yield number + 1, None, why_unreadable(path, error)


def _lines(path: Path) -> Iterator[tuple[int, Any, str]]:
    with path.open("rb") as file:
        number = 0
        while data := file.readline(MAX_LINE_BYTES):
            number += 1
            if number == 1 and data.startswith(BOM):
                data = data.removeprefix(BOM)
                yield 0, None, "the file begins with a byte order mark"
            if not data.strip():
                yield number, None, "an empty line"
                continue
            if len(data) == MAX_LINE_BYTES and not data.endswith(b"\n"):
                yield number, None, f"longer than {MAX_LINE_BYTES >> 20} MiB"
                return
            try:
                yield number, json.loads(data.decode("utf-8")), ""
            except UnicodeDecodeError:
                yield number, None, "not UTF-8"
            except (ValueError, RecursionError):
                yield number, None, "not JSON"


def _pictures_of(row: Any) -> list[str]:
    """The pictures that a row shows, in its list or in its messages, by their paths and addresses."""
    if not isinstance(row, dict):
        return []
    listed = row.get("images") or []
    if listed:
        return [picture_of(entry) for entry in (listed if isinstance(listed, list) else [listed])]
    messages = row.get("messages")
    contents = [m.get("content") for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []
    parts = [part for content in contents for part in parts_of(content)]
    return [picture_of(part) for part in parts if part.get("type") in ("image", "image_url")]
