"""Load `_SUCCESS.json` and the markers of shards, and check their entries before anything relies on them.

Reads these files and the files they list; writes nothing. A file that is truncated, lacks keys or has values of
the wrong type is ignored with a warning: the cause may be a power cut, an editor, another version, or an attacker.
"""

import functools
import logging
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from docent.artifacts.confinement import OutsideRunError, inside, is_plain, statuses
from docent.artifacts.durable import sha256_of
from docent.artifacts.side_files import StrictSideFile, first_problem, load_json
from docent.errors import InputError
from docent.messages.printing import printable

log = logging.getLogger("docent.store")

SCHEMA = 1
SUCCESS = "_SUCCESS.json"
SPEC_DIGITS = 10
RECORD = "splits.jsonl"
"""The record of splits (recorded_splits.py). Only the unit's own next run reads it, so the unit's digest omits it."""


def _plain_path(name: str) -> str:
    if not is_plain(name):
        raise ValueError("must be a path inside the folder")
    return name


def _file_name(name: str) -> str:
    if "/" in _plain_path(name):
        raise ValueError("must be a path inside the folder")
    return name


_Path = Annotated[str, AfterValidator(_plain_path)]
_Name = Annotated[str, AfterValidator(_file_name)]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Count = Annotated[int, Field(ge=0)]
_Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class OutputFile(StrictSideFile):
    """A file that a unit wrote: its path inside the unit's folder, its size and the hash of its content."""

    path: _Path
    size: _Count
    sha256: _Sha256

    @classmethod
    def of(cls, folder: Path, path: Path) -> "OutputFile":
        """Return the entry for a file below `folder`."""
        return cls(path=path.relative_to(folder).as_posix(), size=path.stat().st_size, sha256=sha256_of(path))


class RowFile(OutputFile):
    """A JSONL file of rows or rejects."""

    path: _Name
    rows: _Count


class _Outputs(StrictSideFile):
    schema_: int = Field(alias="schema")
    spec: _Sha256
    parts: list[RowFile]
    rejects: list[RowFile]
    files: list[OutputFile]
    reject_reasons: dict[str, _Count]

    @property
    def outputs(self) -> list[OutputFile]:
        """All files: rows, rejects, and others."""
        return [*self.parts, *self.rejects, *self.files]


class Success(_Outputs):
    """`_SUCCESS.json`: the list of all files of a complete unit."""

    stage: str
    unit: str
    folder: _Name
    digest: _Sha256
    rows: _Count
    rejected: _Count
    failed_shards: list[_Count]
    markers: list[_Name]
    sources: _Sha256 | None = Field(None, exclude_if=lambda digest: digest is None)
    """Digest of the files outside the run that the unit read; left out if it read none."""


class Marker(_Outputs):
    """The marker of a shard, whose rename commits it."""

    index: _Count
    count: _Count
    failed: str
    seconds: _Amount
    cpu_seconds: _Amount = 0.0
    usage: dict[str, _Amount]
    versions: dict[str, str] = {}


K = TypeVar("K", Success, Marker)
M = TypeVar("M", bound=BaseModel)


def load_success(run_dir: Path, unit: str) -> Success | None:
    """Return the `_SUCCESS.json` of a unit, or None, with a warning if the file is invalid or of another unit."""
    success = _load(run_dir, f"{unit}/{SUCCESS}", Success)
    if success and (success.unit != unit or success.folder != success.spec[:SPEC_DIGITS]):
        _warn(str(run_dir / unit / SUCCESS), "it belongs to another unit or folder")
        return None
    return success


def load_marker(folder: Path, name: str) -> Marker | None:
    """Return a marker, or None, with a warning if the file is not a valid marker."""
    return _load(folder, name, Marker)


def _load(folder: Path, name: str, kind: type[K]) -> K | None:
    try:
        path = inside(folder, name)
    except OutsideRunError as error:
        _warn(str(folder / name), error.what)
        return None
    value = load_json(path)
    if value is None:
        if path.exists():
            _warn(str(path), "it is not a JSON object")
        return None
    try:
        listed = kind.model_validate(value)
    except ValidationError as error:
        _warn(str(path), first_problem(error))
        return None
    if listed.schema_ != SCHEMA:
        _warn(str(path), f"its schema version is {listed.schema_}; this version of docent reads {SCHEMA}")
        return None
    return listed


def intact(folder: Path, listed_in: Path, outputs: Iterable[OutputFile], verify: bool = False) -> bool:
    """Return whether every listed output is unchanged since `listed_in` was written.

    An output of the listed size is trusted if its mtime is not newer, and its ctime older, than that of `listed_in`;
    otherwise its sha256 decides. The mtime alone can be set back (`cp -p`, `rsync -t`); the ctime cannot, and a file
    that replaced another, with another inode, has the ctime of the replacement.

    Args:
        folder: the folder that the outputs' paths are relative to; nothing outside it is opened.
        listed_in: the marker or success file.
        verify: hash every output, whatever its time stamps.
    """
    try:
        written = listed_in.stat()
        listed = list(outputs)
        for output, (path, status) in zip(listed, statuses(folder, (one.path for one in listed)), strict=True):
            if not stat.S_ISREG(status.st_mode) or status.st_size != output.size:
                return False
            # The ctime ticks every few milliseconds: a change within the same tick must be detected by hash.
            doubtful = status.st_mtime_ns > written.st_mtime_ns or status.st_ctime_ns >= written.st_ctime_ns
            if (verify or doubtful) and sha256_of(path) != output.sha256:
                return False
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OutsideRunError as error:
        _warn(str(listed_in), error.what)
        return False
    return True


def read_rows(path: Path, kind: type[M]) -> Iterator[M]:
    """Yield the rows of a JSONL file, validated.

    Raises:
        InputError: a line is not a valid row of `kind`; the error gives file and line.
    """
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield kind.model_validate_json(line)
            except ValidationError as error:
                raise InputError(
                    f"invalid {kind.__name__} row: {first_problem(error)}", f"{path}:{number}", "docent run --verify"
                ) from None


@functools.cache
def _warn(path: str, why: str) -> None:
    """Warn once per process that a file is ignored; the launcher reads the same file many times."""
    log.warning("ignoring %s: %s", printable(path), printable(why))
