"""Find and delete what no complete unit needs any more: old folders, torn files, checkpoints.

A trained model, or the checkpoints of an unfinished training, is listed as such: it took hours to make.

Reads and deletes below the run folder alone: links are never followed, and nothing of a unit is touched whose
`_SUCCESS.json` is damaged, names paths outside the run, or lists what is not there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docent.artifacts.confinement import OutsideRunError
from docent.artifacts.listings import load_success
from docent.launcher.runs.trained import MODEL, describe_model, is_folder
from docent.store import SUCCESS, Artifact, complete


@dataclass(frozen=True)
class Garbage:
    """A path that can be deleted.

    Attributes:
        why: what makes it garbage.
        model: description of the trained model in it; "" where there is none.
    """

    path: Path
    size_bytes: int
    why: str
    model: str = ""


def find_garbage(run_dir: Path) -> list[Garbage]:
    """Return everything in the run that no `_SUCCESS.json` leads to; nothing of an incomplete unit.

    A folder that was written to since belongs to a newer configuration that is not complete: its checkpoints stay.
    """
    unneeded: list[Garbage] = []
    for unit_dir in sorted(run_dir.iterdir()):
        success = load_success(run_dir, unit_dir.name) if is_folder(unit_dir) else None
        artifact = complete(run_dir, unit_dir.name, success) if success else None
        if artifact is None or not is_folder(artifact.folder):
            continue
        complete_ns = (unit_dir / SUCCESS).stat().st_mtime_ns
        for path in sorted(unit_dir.iterdir()):
            if is_folder(path) and path.name != artifact.folder.name and _last_written_ns(path) <= complete_ns:
                unneeded.append(Garbage(path, _size(path), "an older configuration or input", describe_model(path)))
            elif path.name.startswith(".") and path.name.endswith(".tmp") and not path.is_dir():
                unneeded.append(Garbage(path, _size(path), "left by an attempt that was killed"))
        unneeded += _leftovers(artifact)
    return unneeded


def _leftovers(artifact: Artifact) -> Iterator[Garbage]:
    success = artifact.success
    listed = {output.path for output in success.outputs}
    listed |= set(success.markers)
    folders = {name.split("/")[0] for name in listed if "/" in name}
    for path in sorted(artifact.folder.iterdir()):
        if path.name == "checkpoints":
            yield Garbage(path, _size(path), "checkpoints of a finished training")
        elif path.name not in listed and path.name not in folders:
            model = describe_model(artifact.folder) if path.name == MODEL else ""
            yield Garbage(path, _size(path), "left by an attempt that was killed", model)


def delete(run_dir: Path, unneeded: list[Garbage]) -> None:
    """Delete unneeded paths of the run; of a link only the link.

    Raises:
        OutsideRunError: a path does not lie below the run folder, or no longer does; it and what follows stay.
    """
    root = Path(os.path.realpath(run_dir))
    for garbage in unneeded:
        parent = Path(os.path.realpath(garbage.path.parent))
        if garbage.path.name in ("", "..") or root not in (parent, *parent.parents):
            raise OutsideRunError("gc deletes only below the run folder", str(garbage.path), "docent gc")
        if is_folder(garbage.path):
            shutil.rmtree(garbage.path)  # it does not follow links either
        else:
            garbage.path.unlink(missing_ok=True)


def _last_written_ns(path: Path) -> int:
    """Return when anything was last added to a folder or one below it: checkpoints are written further down."""
    return max([path.lstat().st_mtime_ns, *(os.lstat(folder).st_mtime_ns for folder, _, _ in os.walk(path))])


def _size(path: Path) -> int:
    """Return the bytes of a file, or of the files below a folder; links count nothing."""
    if not is_folder(path):
        return path.lstat().st_size
    return sum(os.lstat(os.path.join(folder, name)).st_size for folder, _, names in os.walk(path) for name in names)
