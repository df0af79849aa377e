"""Artifact folders: how rows and files become complete, durable and verifiable.

    <run>/<unit>/_SUCCESS.json                               written last; the unit is done
    <run>/<unit>/<spec10>/part-00003-of-00008-<sha8>.jsonl   rows, in order: shard i holds the i-th block
    <run>/<unit>/<spec10>/rejects-00003-of-00008-<sha8>.jsonl
    <run>/<unit>/<spec10>/shard-00003-of-00008.json          the marker: its rename commits the shard
    <run>/<unit>/<spec10>/files/<sha16>.<suffix>             pictures and the like, named by content

Everything is written under a temporary name (host and pid in it), synced and renamed (durable.py). A marker or
`_SUCCESS.json` counts only while every file it lists has its size and neither mtime nor ctime is newer; the sha256 of a
newer file decides (listings.py). The digest of a unit covers its rows in order and its files, so one shard or sixteen
give the same digest.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from docent.artifacts.confinement import OutsideRunError, inside
from docent.artifacts.durable import listing, sha256_of, sync_folder, temporary_name, write_durably
from docent.artifacts.listings import (
    RECORD,
    SCHEMA,
    SPEC_DIGITS,
    intact,
    load_json,
    load_marker,
    load_success,
    read_rows,
)
from docent.errors import InputError
from docent.messages.printing import printable
from docent.records import Reject, Row, canonical_json
from docent.source_files.digests import digest_of_paths

__all__ = [
    "SCHEMA",
    "SUCCESS",
    "Artifact",
    "Shard",
    "complete",
    "digest_of_paths",
    "find_artifact",
    "find_marker",
    "finish",
    "intact",
    "listing",
    "load_json",
    "marker_path",
    "read_rows",
    "sha256_of",
    "sync_folder",
    "temporary_name",
    "write_durably",
]

SUCCESS = "_SUCCESS.json"
R = TypeVar("R", bound=Row)


@dataclass(frozen=True)
class Shard:
    """Part `index` of `count`; blocks are contiguous so that parts in order are the rows in order."""

    index: int = 0
    count: int = 1

    def block(self, length: int) -> slice:
        """The slice of a sequence of `length` that belongs to this shard."""
        return slice(length * self.index // self.count, length * (self.index + 1) // self.count)

    def __str__(self) -> str:
        return f"{self.index:05d}-of-{self.count:05d}"


@dataclass(frozen=True)
class Artifact:
    """A complete unit: where it lies, its digest, and the files it lists."""

    unit: str
    folder: Path
    success: dict[str, Any]

    @property
    def digest(self) -> str:
        """sha256 of the rows in order and of the files: what dependents hash."""
        return str(self.success["digest"])

    def rows(self, kind: type[R]) -> Iterator[R]:
        """Its rows, in order.

        Raises:
            InputError: a line is not a row of `kind`.
        """
        for path in self.row_files():
            yield from read_rows(path, kind)

    def row_files(self) -> Iterator[Path]:
        """The JSONL files that hold its rows, in order."""
        return (inside(self.folder, part["path"]) for part in self.success["parts"])

    def rejects(self) -> Iterator[Reject]:
        """Its rejects, in order."""
        for part in self.success["rejects"]:
            yield from read_rows(inside(self.folder, part["path"]), Reject)

    def file(self, name: str) -> Path:
        """Path of a listed file.

        Raises:
            InputError: the artifact does not list it, or it leads out of the artifact's folder.
        """
        if name not in self._listed:
            raise InputError(f"{self.unit} has no file {printable(name)}", str(self.folder), "docent run --verify")
        return inside(self.folder, name)

    @cached_property
    def _listed(self) -> frozenset[str]:
        return frozenset(output["path"] for output in self.success["files"])

    def subfolder(self, name: str) -> Path:
        """Path of a folder of listed files, e.g. `model`.

        Raises:
            InputError: the artifact lists no file in it, or it leads out of the artifact's folder.
        """
        if not any(output["path"].startswith(f"{name}/") for output in self.success["files"]):
            raise InputError(f"{self.unit} has no folder {name}/", str(self.folder), "docent run --verify")
        return inside(self.folder, name)

    def markers(self) -> list[dict[str, Any]]:
        """What each shard noted beside its rows: seconds, tokens, money, versions."""
        found = (load_marker(self.folder, name) for name in self.success["markers"])
        return [marker for marker in found if marker is not None]

    @property
    def seconds(self) -> float:
        """Seconds that its shards took together."""
        return round(sum(float(marker["seconds"]) for marker in self.markers()), 1)

    @property
    def usd(self) -> float | None:
        """Money that its shards spent on endpoints; None where they asked none, or at a price that nobody knows."""
        told = [float(marker["usage"]["usd"]) for marker in self.markers() if "usd" in marker["usage"]]
        return round(sum(told), 4) if told else None

    @property
    def rejected_because(self) -> str:
        """Why rows were rejected, and how many for each reason."""
        return ", ".join(f"{number} x {reason}" for reason, number in self.success["reject_reasons"].items())


def find_artifact(run_dir: Path, unit: str, spec: str, verify: bool = False) -> Artifact | None:
    """The complete output of `unit` for `spec`, or None when it must run (again)."""
    success = load_success(run_dir, unit, SUCCESS)
    return complete(run_dir, unit, success, verify) if success and success["spec"] == spec else None


def complete(run_dir: Path, unit: str, success: dict[str, Any], verify: bool = False) -> Artifact | None:
    """The output that a checked success file lists, or None when any of it is missing, damaged or outside the run."""
    outputs = [*success["parts"], *success["rejects"], *success["files"]]
    try:
        folder = inside(run_dir, f"{unit}/{success['folder']}")
    except OutsideRunError:
        return None
    listed_in = run_dir / unit / SUCCESS
    return Artifact(unit, folder, success) if intact(folder, listed_in, outputs, verify) else None


def marker_path(folder: Path, shard: Shard) -> Path:
    """Where the marker of a shard lies."""
    return folder / f"shard-{shard}.json"


def find_marker(folder: Path, shard: Shard, spec: str) -> dict[str, Any] | None:
    """The marker of a committed shard whose files are all as they were, or None."""
    path = marker_path(folder, shard)
    marker = load_marker(folder, path.name)
    if marker is None or (marker["spec"], marker["index"], marker["count"]) != (spec, shard.index, shard.count):
        return None
    outputs = [*marker["parts"], *marker["rejects"], *marker["files"]]
    return marker if intact(folder, path, outputs) else None


def finish(run_dir: Path, unit: str, stage: str, spec: str, markers: list[dict[str, Any]]) -> Artifact:
    """Write `_SUCCESS.json` from the markers of all shards; whoever does it writes the same bytes."""
    unit_dir = run_dir / unit
    folder = unit_dir / spec[:SPEC_DIGITS]
    parts = [part for marker in markers for part in marker["parts"]]
    files = sorted({f["path"]: f for marker in markers for f in marker["files"]}.values(), key=lambda f: f["path"])
    success = {
        "schema": SCHEMA,
        "stage": stage,
        "unit": unit,
        "spec": spec,
        "folder": folder.name,
        "digest": _digest(folder, parts, files),
        "rows": sum(part["rows"] for part in parts),
        "rejected": sum(part["rows"] for marker in markers for part in marker["rejects"]),
        "reject_reasons": _merged(marker["reject_reasons"] for marker in markers),
        "failed_shards": [marker["index"] for marker in markers if marker["failed"]],
        "parts": parts,
        "rejects": [part for marker in markers for part in marker["rejects"]],
        "files": files,
        "markers": [marker_path(folder, Shard(m["index"], m["count"])).name for m in markers],
    }
    write_durably(unit_dir / SUCCESS, (json.dumps(success, indent=1, sort_keys=True) + "\n").encode())
    _point_latest(unit_dir, folder.name)
    return Artifact(unit, folder, success)


def _digest(folder: Path, parts: list[dict[str, Any]], files: list[dict[str, Any]]) -> str:
    rows = hashlib.sha256()
    for part in parts:
        with (folder / part["path"]).open("rb") as file:
            while piece := file.read(1 << 20):
                rows.update(piece)
    named = [[file["path"], file["sha256"]] for file in files if file["path"] != RECORD]
    return hashlib.sha256(canonical_json([rows.hexdigest(), named]).encode()).hexdigest()


def _merged(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for count in counts:
        for reason, number in count.items():
            total[reason] = total.get(reason, 0) + number
    return dict(sorted(total.items()))


def _point_latest(unit_dir: Path, name: str) -> None:
    """Let `latest` lead to the folder, for people; some network filesystems have no links."""
    link = unit_dir / "latest"
    temporary = temporary_name(link)
    try:
        temporary.symlink_to(name)
        os.replace(temporary, link)
    except OSError:
        temporary.unlink(missing_ok=True)
