"""Read and finish artifact folders, which make rows and files complete, durable and verifiable.

    <run>/<unit>/_SUCCESS.json                               written last; the unit is done
    <run>/<unit>/<spec10>/part-00003-of-00008-<sha8>.jsonl   rows, in order: shard i holds the i-th block
    <run>/<unit>/<spec10>/rejects-00003-of-00008-<sha8>.jsonl
    <run>/<unit>/<spec10>/shard-00003-of-00008.json          the marker: its rename commits the shard
    <run>/<unit>/<spec10>/files/<sha16>.<suffix>             pictures and the like, named by content

Everything is written under a temporary name (with host and pid), synced and renamed (durable.py). A marker or
`_SUCCESS.json` counts only while every file it lists has the listed size and no newer mtime or ctime; the sha256 of a
newer file decides (listings.py). The digest of a unit covers its rows in order and its files, so the number of shards
does not change it.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from docent.artifacts.confinement import OutsideRunError, inside
from docent.artifacts.durable import temporary_name, write_durably
from docent.artifacts.listings import (
    RECORD,
    SCHEMA,
    SPEC_DIGITS,
    SUCCESS,
    Marker,
    OutputFile,
    RowFile,
    Success,
    intact,
    load_marker,
    read_rows,
)
from docent.errors import InputError
from docent.messages.printing import printable
from docent.records import Reject, Row, canonical_json

if TYPE_CHECKING:  # it imports this module
    from docent.pipeline import Unit

R = TypeVar("R", bound=Row)


@dataclass(frozen=True)
class Shard:
    """Part `index` of `count`; blocks are contiguous, so the parts in order hold the rows in order."""

    index: int = 0
    count: int = 1

    def block(self, length: int) -> slice:
        """Return the slice of a sequence of `length` that belongs to this shard."""
        return slice(length * self.index // self.count, length * (self.index + 1) // self.count)

    def __str__(self) -> str:
        return f"{self.index:05d}-of-{self.count:05d}"


@dataclass(frozen=True)
class Artifact:
    """A complete unit: its folder, and the content of its `_SUCCESS.json`."""

    unit: str
    folder: Path
    success: Success

    @property
    def part(self) -> str:
        """The approach or arm of the unit, or "" if its stage has a single unit."""
        return self.unit.removeprefix(self.success.stage).removeprefix("-")

    @property
    def digest(self) -> str:
        """sha256 of the rows in order and of the files; it enters the spec hash of dependent units."""
        return self.success.digest

    def rows(self, kind: type[R]) -> Iterator[R]:
        """Yield its rows, in order.

        Raises:
            InputError: a line is not a row of `kind`.
        """
        for path in self.row_files():
            yield from read_rows(path, kind)

    def row_files(self) -> Iterator[Path]:
        """Yield the JSONL files that hold its rows, in order."""
        return (inside(self.folder, part.path) for part in self.success.parts)

    def rejects(self) -> Iterator[Reject]:
        """Yield its rejects, in order."""
        for part in self.success.rejects:
            yield from read_rows(inside(self.folder, part.path), Reject)

    def file(self, name: str) -> Path:
        """Return the path of a listed file.

        Raises:
            InputError: the artifact does not list the file, or the path leads out of the artifact's folder.
        """
        if name not in self.file_names:
            raise InputError(f"{self.unit} has no file {printable(name)}", str(self.folder), "docent run --verify")
        return inside(self.folder, name)

    @cached_property
    def file_names(self) -> frozenset[str]:
        """Paths of the listed files other than rows and rejects."""
        return frozenset(output.path for output in self.success.files)

    def subfolder(self, name: str) -> Path:
        """Return the path of a folder of listed files, e.g. `model`.

        Raises:
            InputError: the artifact lists no file in it, or the path leads out of the artifact's folder.
        """
        if not any(path.startswith(f"{name}/") for path in self.file_names):
            raise InputError(f"{self.unit} has no folder {name}/", str(self.folder), "docent run --verify")
        return inside(self.folder, name)

    def markers(self) -> list[Marker]:
        """Return the markers of its shards, which record seconds, tokens, money and versions."""
        return [marker for name in self.success.markers if (marker := load_marker(self.folder, name))]

    @property
    def seconds(self) -> float:
        """Total running time of its shards in seconds."""
        return round(sum(marker.seconds for marker in self.markers()), 1)

    @property
    def usd(self) -> float | None:
        """Total cost of its shards' requests to endpoints in USD; None if they sent none or the price is unknown."""
        spent = [marker.usage["usd"] for marker in self.markers() if "usd" in marker.usage]
        return round(sum(spent), 4) if spent else None

    @property
    def rejected_because(self) -> str:
        """The reasons for rejected rows, each with its number."""
        return ", ".join(f"{number} x {reason}" for reason, number in self.success.reject_reasons.items())


def complete(run_dir: Path, unit: str, success: Success, verify: bool = False) -> Artifact | None:
    """Return the output that a success file lists, or None if any of it is missing, damaged or outside the run."""
    try:
        folder = inside(run_dir, f"{unit}/{success.folder}")
    except OutsideRunError:
        return None
    listed_in = run_dir / unit / SUCCESS
    return Artifact(unit, folder, success) if intact(folder, listed_in, success.outputs, verify) else None


def marker_path(folder: Path, shard: Shard) -> Path:
    """Return the path of a shard's marker."""
    return folder / f"shard-{shard}.json"


def find_marker(folder: Path, shard: Shard, spec: str) -> Marker | None:
    """Return the marker of a committed shard whose files are all intact, or None."""
    path = marker_path(folder, shard)
    marker = load_marker(folder, path.name)
    if marker is None or (marker.spec, marker.index, marker.count) != (spec, shard.index, shard.count):
        return None
    return marker if intact(folder, path, marker.outputs) else None


def finish(run_dir: Path, unit: Unit, spec: str, markers: Sequence[Marker], sources: str = "") -> Artifact:
    """Write `_SUCCESS.json` from the markers of all shards; any process that does so writes the same bytes.

    Args:
        sources: digest of the files outside the run that the unit read, or "" if it reads none.
    """
    unit_dir = run_dir / unit.name
    folder = unit_dir / spec[:SPEC_DIGITS]
    parts = [part for marker in markers for part in marker.parts]
    rejects = [part for marker in markers for part in marker.rejects]
    files = sorted({f.path: f for marker in markers for f in marker.files}.values(), key=lambda f: f.path)
    reasons = sum((Counter(marker.reject_reasons) for marker in markers), Counter[str]())
    success = Success(
        schema=SCHEMA,
        stage=unit.stage,
        unit=unit.name,
        spec=spec,
        folder=folder.name,
        digest=_digest(folder, parts, files),
        rows=sum(part.rows for part in parts),
        rejected=sum(part.rows for part in rejects),
        reject_reasons=dict(sorted(reasons.items())),
        failed_shards=[marker.index for marker in markers if marker.failed],
        parts=parts,
        rejects=rejects,
        files=files,
        markers=[marker_path(folder, Shard(m.index, m.count)).name for m in markers],
        sources=sources or None,
    )
    write_durably(unit_dir / SUCCESS, success.to_json(sort_keys=True))
    _point_latest(unit_dir, folder.name)
    return Artifact(unit.name, folder, success)


def _digest(folder: Path, parts: Sequence[RowFile], files: Sequence[OutputFile]) -> str:
    rows = hashlib.sha256()
    for part in parts:
        with (folder / part.path).open("rb") as file:
            while piece := file.read(1 << 20):
                rows.update(piece)
    named = [[file.path, file.sha256] for file in files if file.path != RECORD]
    return hashlib.sha256(canonical_json([rows.hexdigest(), named]).encode()).hexdigest()


def _point_latest(unit_dir: Path, name: str) -> None:
    """Point the link `latest` to the folder, for users; some network filesystems do not support links."""
    link = unit_dir / "latest"
    temporary = temporary_name(link)
    try:
        temporary.symlink_to(name)
        os.replace(temporary, link)
    except OSError:
        temporary.unlink(missing_ok=True)
