"""Implement `docent validate --for NAME FILE`: report all violations of a trainer's rules, each with its line.

Reads the file, its pictures and files next to it; writes nothing. One row is in memory at a time. Problems of the file
as a whole have line number 0.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from docent.convert.conversations import as_list, parts_of, picture_of
from docent.convert.files import BOM, parsed
from docent.convert.row_files import array_values, parquet_rows, why_unreadable
from docent.convert.trainers import TRAINERS
from docent.convert.trainers.picture_rules import PictureChecks
from docent.convert.trainers.row_rules import messages_in
from docent.convert.validate import Problem, Result
from docent.errors import InputError

_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
BATCH_ROWS = 16
MAX_LINE_BYTES = 256 << 20
"""Ten pictures of 10 MB each in base64 are 134 MB."""


def validate(path: Path, name: str) -> Result:
    """Check a file against the rules of a trainer.

    Args:
        name: one of TRAINERS.

    Raises:
        InputError: the file does not exist, or is empty.
        ConfigError: the file is Parquet, and pyarrow is not installed.
    """
    if not path.is_file():
        raise InputError("no such file", str(path), f"pass a file that {name} reads")
    trainer, result, checks = TRAINERS[name], Result(files=1), PictureChecks()
    with_pictures = 0
    for number, value, problem in _rows(path):
        result.rows += number > 0
        if problem:
            result.problems.append(Problem(str(path), number, "", problem))
            continue
        pictures = _pictures_of(value)
        result.pictures += len(pictures)
        result.remote += sum(_ADDRESS.match(picture) is not None for picture in pictures)
        with_pictures += bool(pictures)
        messages, problem = messages_in(value, trainer.messages_key(path))
        row_problems = [("", problem)] if problem else trainer.problems(messages, value, path, checks)
        for picture, problem in row_problems:
            result.problems.append(Problem(str(path), number, picture, problem))
    if not result.rows:
        raise InputError("the file has no rows", str(path), f"docent convert chat IN {path} --for {name}")
    of_file = trainer.file_problems(path, result.rows, with_pictures)
    result.problems = [*(Problem(str(path), 0, "", problem) for problem in of_file), *result.problems]
    return result


def _rows(path: Path) -> Iterator[tuple[int, Any, str]]:
    """Yield each row with its number from 1 and why it cannot be read; problems of the file have the number 0."""
    if path.suffix not in (".parquet", ".json"):
        yield from _lines(path)
        return
    number = 0
    # Few rows at a time: each may hold pictures of megabytes.
    values = parquet_rows(path, BATCH_ROWS) if path.suffix == ".parquet" else _array(path)
    try:
        for number, value in enumerate(values, 1):
            yield number, value, ""
    except (ValueError, RecursionError) as error:
        yield number + 1, None, why_unreadable(path, error)


def _array(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8") as text:
        yield from array_values(text)


def _lines(path: Path) -> Iterator[tuple[int, Any, str]]:
    with path.open("rb") as file:
        lines = iter(partial(file.readline, MAX_LINE_BYTES), b"")
        for number, data in enumerate(lines, 1):
            if number == 1 and data.startswith(BOM):
                data = data.removeprefix(BOM)
                yield 0, None, "the file begins with a byte order mark"
            if len(data) == MAX_LINE_BYTES and not data.endswith(b"\n"):
                yield number, None, f"longer than {MAX_LINE_BYTES >> 20} MiB"
                return
            yield number, *(parsed(data) if data.strip() else (None, "an empty line"))


def _pictures_of(row: Any) -> list[str]:
    """Return the paths and URLs in the row's list of pictures or, if it has none, in its messages."""
    if not isinstance(row, dict):
        return []
    messages = [message for message in as_list(row.get("messages")) if isinstance(message, dict)]
    parts = [part for message in messages for part in parts_of(message.get("content"))]
    inline = [part for part in parts if part.get("type") in ("image", "image_url")]
    return list(map(picture_of, as_list(row.get("images")) or inline))
