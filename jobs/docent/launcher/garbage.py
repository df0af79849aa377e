"""`docent gc`: what no complete unit needs any more: old folders, torn files, checkpoints. Deletes when told."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docent.store import SUCCESS, load_json


@dataclass(frozen=True)
class Garbage:
    """One path that can go."""

    path: Path
    size_bytes: int
    why: str


def find_garbage(run_dir: Path) -> list[Garbage]:
    """Everything in the run that no `_SUCCESS.json` leads to; nothing of a unit that is not complete.

    A folder that was written to since is of a newer configuration that did not get to its end: its checkpoints stay.
    """
    found: list[Garbage] = []
    for unit_dir in sorted(path for path in run_dir.iterdir() if path.is_dir()):
        success = load_json(unit_dir / SUCCESS)
        if success is None:
            continue
        complete_ns = (unit_dir / SUCCESS).stat().st_mtime_ns
        others = (p for p in unit_dir.iterdir() if p.is_dir() and not p.is_symlink() and p.name != success["folder"])
        for path in sorted(others):
            if path.stat().st_mtime_ns <= complete_ns:
                found.append(Garbage(path, _size(path), "an older configuration or input"))
        found += _leftovers(unit_dir / success["folder"], success)
    return found


def _leftovers(folder: Path, success: dict[str, Any]) -> list[Garbage]:
    if not folder.is_dir():
        return []
    listed = {entry["path"] for key in ("parts", "rejects", "files") for entry in success[key]}
    listed |= set(success["markers"])
    folders = {name.split("/")[0] for name in listed if "/" in name}
    found = []
    for path in sorted(folder.iterdir()):
        if path.name == "checkpoints":
            found.append(Garbage(path, _size(path), "checkpoints of a finished training"))
        elif path.name not in listed and path.name not in folders:
            found.append(Garbage(path, _size(path), "left by an attempt that was killed"))
    return found


def delete(found: list[Garbage]) -> None:
    """Remove what was found."""
    for garbage in found:
        if garbage.path.is_dir():
            shutil.rmtree(garbage.path)
        else:
            garbage.path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
