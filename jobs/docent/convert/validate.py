"""Implement `docent validate`: check that every picture of a data set exists, decodes, and is shown in a text.

Reads conversation JSON, chat JSONL and metadata files (CSV, JSONL, Parquet), a single file or all files below a folder;
writes nothing. Paths are relative to the file that names them. Files are streamed, so memory does not grow with them.
"""

import csv
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from docent.convert.files import is_file
from docent.convert.row_files import METADATA, PARQUET, rows_of, why_unreadable
from docent.convert.validate_rows import Shown, shown_by
from docent.errors import ConfigError, InputError
from docent.messages.plurals import counted

SHOWN_CHARS = 100
INSTALL = "pip install 'docent[build-dataset]'"
DATA_SET_NAMES = ("chat-", "conversations-", "train-", "eval-")
_REMOTE = re.compile(r"data:|[a-z][a-z0-9+.-]{1,20}://", re.IGNORECASE)


@dataclass(frozen=True)
class Missing:
    """A picture that does not exist.

    Attributes:
        where: the row's 1-based position in the file.
        answer: the beginning of the answer that the picture belongs to.
    """

    file: str
    where: int
    path: str
    answer: str


@dataclass(frozen=True)
class Problem:
    """A problem of a row, other than a missing picture.

    Attributes:
        where: the row's 1-based position in the file.
        path: the picture it concerns, or "" for the row.
    """

    file: str
    where: int
    path: str
    problem: str


@dataclass
class Result:
    """Counts of checked files, rows and pictures, and the problems.

    Attributes:
        remote: pictures at a URL or inside the file, which are not checked.
        broken: files that cannot be read to their end, with the reason.
    """

    files: int = 0
    rows: int = 0
    pictures: int = 0
    remote: int = 0
    missing: list[Missing] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Return whether there are no missing pictures, no broken files and no other problems."""
        return not self.missing and not self.problems and not self.broken


def validate(path: Path) -> Result:
    """Check every picture that is named in the file or in the files below the folder.

    Raises:
        InputError: the path does not exist, or there are no files or rows to check.
        ConfigError: a package that reads pictures or Parquet is not installed.
    """
    if not path.exists():
        raise InputError("no such file or folder", str(path), "pass a data set file or its folder")
    checks = _FileChecks(path)
    result = checks.result
    for file in _files(path) if path.is_dir() else [path]:
        checks.check(file, named=not path.is_dir())
    if not result.rows and not result.broken:
        what = "no row has a supported format: expected `messages` (JSON array or JSONL) or a table with `file_name`"
        if not result.files:
            what = "the folder contains no conversation JSON, chat JSONL or metadata file"
        raise InputError(what, str(path), "see docs/formats.md for the supported formats")
    return result


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if name in (METADATA, PARQUET) or (name.endswith((".json", ".jsonl")) and not name.startswith(".")):
                yield Path(parent) / name


class _FileChecks:
    """Checks files one by one; each picture is decoded only once."""

    def __init__(self, path: Path) -> None:
        self.result = Result()
        self._root = _root_of(path) if path.is_dir() else None
        self._why_not_decoded = cache(_why_not_decoded)

    def check(self, file: Path, named: bool) -> None:
        """Check every row of a file; a file without conversations counts only if the user named it."""
        result, before = self.result, self.result.rows
        unlisted: list[Problem] = []
        lists = False
        try:
            for number, row in enumerate(rows_of(file), 1):
                shown = shown_by(row)
                if shown is None:
                    continue
                result.rows += 1
                self._row(file, number, shown)
                lists = lists or (isinstance(row, dict) and row.get("images", row.get("image")) is not None)
                if shown.unlisted_marks:
                    problem = (
                        f"{counted(shown.unlisted_marks, '<image> mark')} in the texts, but the row lists no pictures"
                    )
                    unlisted.append(Problem(str(file), number, "", problem))
        except (ValueError, csv.Error, RecursionError) as error:
            # A file with one of these names is part of a data set, not just any JSON file in the folder.
            is_part = (
                file.name in (METADATA, PARQUET) or file.suffix == ".jsonl" or file.name.startswith(DATA_SET_NAMES)
            )
            if named or result.rows > before or is_part:
                result.broken.append(f"{file}: {why_unreadable(file, error)}")
        if lists:  # elsewhere it is a text about markup
            result.problems += unlisted
        if named or result.rows > before:
            result.files += 1

    def _row(self, file: Path, number: int, shown: Shown) -> None:
        result = self.result
        if shown.problem:
            result.problems.append(Problem(str(file), number, "", shown.problem))
        for picture in shown.pictures:
            result.pictures += 1
            name = unquote(picture[7:]) if picture.startswith("file://") else picture
            if _REMOTE.match(name):
                result.remote += 1
            elif not is_file(file.parent / name):
                answer = " ".join(shown.answer.split())[:SHOWN_CHARS]
                result.missing.append(Missing(str(file), number, picture, answer))
            elif problem := self._problem(file.parent / name):
                result.problems.append(Problem(str(file), number, picture, problem))

    def _problem(self, path: Path) -> str:
        """Return the problem with an existing picture, or "" if there is none."""
        if self._root is not None and not Path(os.path.abspath(path)).is_relative_to(self._root):
            return "is outside the data set's folder"
        return self._why_not_decoded(path)


def _root_of(folder: Path) -> Path:
    """Return the folder of the complete data set: docent's `documents/` is next to its `images/`."""
    folder = Path(os.path.abspath(folder))
    is_part = folder.name == "documents" and (folder.parent / "images").is_dir()
    return folder.parent if is_part else folder


def _why_not_decoded(path: Path) -> str:
    try:
        from docent.convert.trainers.picture_rules import why_undecodable
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"pictures cannot be decoded: the module {error.name} is not installed", str(path), INSTALL
        ) from None
    try:
        return why_undecodable(path)
    except OSError as error:
        return error.strerror or str(error)
