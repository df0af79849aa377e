"""`docent validate`: every picture that a data set file names is there.

Reads conversation JSON, chat JSONL and `metadata.csv`, one file or all below a folder; writes nothing. Paths are
relative to the file that names them. Files are read as streams, so that a large one needs no memory.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from docent.errors import InputError

SHOWN_CHARS = 100
MAX_OBJECT_CHARS = 64 << 20
CHUNK_CHARS = 1 << 16
MAX_CELL_CHARS = 64 << 20
METADATA = "metadata.csv"
DATA_SET_NAMES = ("chat-", "conversations-", "train-", "eval-")


@dataclass(frozen=True)
class Missing:
    """A picture that is not there.

    Attributes:
        where: the row, 1-based, inside the file.
        answer: the beginning of the answer it belongs to.
    """

    file: str
    where: int
    path: str
    answer: str


@dataclass
class Result:
    """What was looked at and what was found.

    Attributes:
        remote: pictures at an address or inside the file, which are not looked for.
        broken: files that cannot be read to their end, and why.
    """

    files: int = 0
    rows: int = 0
    pictures: int = 0
    remote: int = 0
    missing: list[Missing] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing is missing or broken."""
        return not self.missing and not self.broken


def validate(path: Path) -> Result:
    """Look for every picture that the file, or the files below the folder, name.

    Raises:
        InputError: there is nothing to look at, or no row in it.
    """
    if not path.exists():
        raise InputError("there is no such file or folder", str(path), "docent validate FILE_OR_FOLDER")
    result = Result()
    for file in _files(path) if path.is_dir() else [path]:
        _validate_file(file, result, named=not path.is_dir())
    if not result.files and not result.broken:
        what = "no file here names pictures: no conversation JSON, chat JSONL or metadata.csv"
        raise InputError(what, str(path), "docent validate FILE_OR_FOLDER")
    if not result.rows and not result.broken:
        what = "no row names pictures: expected rows with `messages` (JSON list or JSONL) or a table with `file_name`"
        raise InputError(what, str(path), "docs/formats.md shows the forms")
    return result


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if name == METADATA or (name.endswith((".json", ".jsonl")) and not name.startswith(".")):
                yield Path(parent) / name


def _validate_file(file: Path, result: Result, named: bool) -> None:
    """Every row of a file; one without conversations counts only where it was named itself."""
    before = result.rows
    try:
        for number, row in enumerate(_rows(file), 1):
            pictures, answer = _pictures(row)
            if pictures is None:
                continue
            result.rows += 1
            for picture in pictures:
                result.pictures += 1
                _look_for(file, number, picture, answer, result)
    except (ValueError, csv.Error, RecursionError) as error:
        if named or result.rows > before or _is_data_set(file):
            result.broken.append(f"{file}: {error or 'nested too deep'}")
    if named or result.rows > before:
        result.files += 1


def _is_data_set(file: Path) -> bool:
    """Whether a file is part of a data set by its name, so that one which cannot be read is no other's JSON."""
    return file.name == METADATA or file.suffix == ".jsonl" or file.name.startswith(DATA_SET_NAMES)


def _look_for(file: Path, number: int, picture: str, answer: str, result: Result) -> None:
    if picture.partition(":")[0].lower() in ("data", "http", "https"):
        result.remote += 1
    elif not _exists(file.parent / picture):
        result.missing.append(Missing(str(file), number, picture, " ".join(answer.split())[:SHOWN_CHARS]))


def _exists(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, or has a zero byte
        return False


def _rows(file: Path) -> Iterator[Any]:
    with file.open(encoding="utf-8-sig", newline="" if file.name == METADATA else None) as text:
        if file.name == METADATA or file.suffix == ".csv":
            csv.field_size_limit(MAX_CELL_CHARS)
            yield from csv.DictReader(text)
        elif file.suffix == ".jsonl":
            yield from (json.loads(line) for line in text if line.strip())
        else:
            yield from array_values(text)


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


def _pictures(row: Any) -> tuple[list[str] | None, str]:
    """The pictures that a row names, None where it is no row of a data set; and its answer."""
    if not isinstance(row, dict):
        return None, ""
    if "messages" not in row:
        name = row.get("file_name")
        return ([name], str(row.get("dialog") or "")) if isinstance(name, str) else (None, "")
    if not isinstance(row["messages"], list):
        return None, ""
    messages = [message for message in row["messages"] if isinstance(message, dict)]
    said = [message.get("content") for message in messages if message.get("role") == "assistant"]
    answer = next((part for part in said if isinstance(part, str)), "")
    parts = [message.get("content") for message in messages]
    return [p for content in parts if isinstance(content, list) for part in content if (p := _path(part))], answer


def _path(part: Any) -> str:
    """The picture of one part of a message, "" where it has none or only stands for one."""
    if not isinstance(part, dict):
        return ""
    value = part.get("image_url", part.get("image", part.get("path")))
    if isinstance(value, dict):
        value = value.get("url")
    return value if isinstance(value, str) else ""
