"""What `_SUCCESS.json` and the markers of shards list, checked before anything acts on it.

Reads them and the files they list; writes nothing. A listing that is torn, lacks keys or holds values of other types
counts as absent, and a warning names the file: it may come from a power cut, an editor, another version, or anyone.
"""

from __future__ import annotations

import functools
import json
import logging
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from docent.artifacts.confinement import OutsideRunError, inside, is_plain
from docent.artifacts.durable import sha256_of
from docent.config.validation_messages import words
from docent.errors import InputError
from docent.messages.printing import printable

log = logging.getLogger("docent.store")

SCHEMA = 1
SPEC_DIGITS = 10
RECORD = "splits.jsonl"
"""The record of splits (recorded_splits.py): only the unit's own next run reads it, so it is no part of its digest."""


def _plain_path(name: str) -> str:
    if not is_plain(name):
        raise ValueError("the path leads outside of its folder")
    return name


def _file_name(name: str) -> str:
    if "/" in _plain_path(name):
        raise ValueError("the path leads outside of its folder")
    return name


_Path = Annotated[str, AfterValidator(_plain_path)]
_Name = Annotated[str, AfterValidator(_file_name)]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Count = Annotated[int, Field(ge=0)]
_Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Checked(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class _File(_Checked):
    path: _Path
    size: _Count
    sha256: _Sha256


class _Rows(_File):
    path: _Name
    rows: _Count


class Success(_Checked):
    """The keys of `_SUCCESS.json`."""

    schema_: int = Field(alias="schema")
    unit: str
    spec: _Sha256
    folder: _Name
    digest: _Sha256
    rows: _Count
    rejected: _Count
    reject_reasons: dict[str, _Count]
    failed_shards: list[_Count]
    parts: list[_Rows]
    rejects: list[_Rows]
    files: list[_File]
    markers: list[_Name]


class Marker(_Checked):
    """The keys of a shard's marker."""

    schema_: int = Field(alias="schema")
    spec: _Sha256
    index: _Count
    count: _Count
    parts: list[_Rows]
    rejects: list[_Rows]
    files: list[_File]
    reject_reasons: dict[str, _Count]
    failed: str
    seconds: _Amount
    cpu_seconds: _Amount = 0.0
    usage: dict[str, _Amount]
    versions: dict[str, str] = {}


K = TypeVar("K", Success, Marker)
M = TypeVar("M", bound=BaseModel)


def load_json(path: Path) -> dict[str, Any] | None:
    """A JSON object, or None where the file is absent, is no regular file, or was torn."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would keep the reader for ever
            return None
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def load_success(run_dir: Path, unit: str, name: str) -> dict[str, Any] | None:
    """What the success file `name` of a unit says; None, with a warning, where it is not one of this unit."""
    found = _load(run_dir, f"{unit}/{name}", Success)
    if found is None:
        return None
    if found["unit"] != unit or found["folder"] != found["spec"][:SPEC_DIGITS]:
        _warn(str(run_dir / unit / name), "it is of another unit or folder")
        return None
    return found


def load_marker(folder: Path, name: str) -> dict[str, Any] | None:
    """What a marker says; None, with a warning, where it is none."""
    found = _load(folder, name, Marker)
    return None if found is None else {"cpu_seconds": 0.0, "versions": {}, **found}


def _load(folder: Path, name: str, kind: type[K]) -> dict[str, Any] | None:
    try:
        path = inside(folder, name)
    except OutsideRunError as error:
        _warn(str(folder / name), error.what)
        return None
    found = load_json(path)
    if found is None:
        if path.exists():
            _warn(str(path), "it is not a JSON object")
        return None
    try:
        kind.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        _warn(str(path), f"{'.'.join(map(str, first['loc']))} {words(first)}")
        return None
    if found["schema"] != SCHEMA:
        _warn(str(path), f"its schema is {found['schema']}, this version of docent reads {SCHEMA}")
        return None
    return found


def intact(folder: Path, listed_in: Path, outputs: Iterable[dict[str, Any]], verify: bool = False) -> bool:
    """Whether every listed output is as it was when `listed_in` was written.

    An output is trusted by its size while neither its mtime nor its ctime is newer than that of `listed_in`; otherwise
    its sha256 decides. The mtime alone can be set back (`cp -p`, `rsync -t`); the ctime cannot, and a file that was
    swapped for another, with another inode, has the ctime of the swap.

    Args:
        folder: what the outputs' paths are relative to; nothing outside it is opened.
        listed_in: the marker or success file.
        outputs: entries with path, size and sha256.
        verify: hash everything, trust no time stamp.
    """
    try:
        written = listed_in.stat()
        for output in outputs:
            path = inside(folder, output["path"])
            found = path.stat()
            if not stat.S_ISREG(found.st_mode) or found.st_size != output["size"]:
                return False
            # The ctime ticks every few milliseconds: what changed in the same tick must be hashed too.
            doubtful = found.st_mtime_ns > written.st_mtime_ns or found.st_ctime_ns >= written.st_ctime_ns
            if (verify or doubtful) and sha256_of(path) != output["sha256"]:
                return False
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OutsideRunError as error:
        _warn(str(listed_in), error.what)
        return False
    return True


def read_rows(path: Path, kind: type[M]) -> Iterator[M]:
    """Rows of a JSONL file.

    Raises:
        InputError: a line does not hold a row of `kind`; names file and line.
    """
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield kind.model_validate_json(line)
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                where = ".".join(str(part) for part in first["loc"])
                raise InputError(
                    f"not a {kind.__name__}: {where} {words(first)}", f"{path}:{number}", "docent run --verify"
                ) from None


@functools.cache
def _warn(path: str, why: str) -> None:
    """Say once per process that a file counts as absent; the launcher looks at the same file many times."""
    log.warning("%s counts as absent: %s", printable(path), printable(why))
