"""Find and delete files that no complete unit needs any more: old folders, torn files, checkpoints.

Trained models, and checkpoints of an unfinished training, are marked as such in the list, since they took hours.

Reads and deletes only below the run folder: links are never followed, and a unit is left alone if its `_SUCCESS.json`
is damaged, names paths outside the run, or lists files that are missing.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docent.artifacts.confinement import OutsideRunError, inside
from docent.artifacts.listings import SUCCESS, load_success
from docent.artifacts.side_files import load_json
from docent.launcher.runs.progress import CHECKPOINTS, MANIFEST, newest_checkpoint
from docent.store import Artifact, complete

MODEL = "model"
MAX_ROW_BYTES = 65_536


@dataclass(frozen=True)
class Garbage:
    """A path that can be deleted.

    Attributes:
        why: why it is not needed.
        model: description of the trained model in it, or "" if there is none.
    """

    path: Path
    size_bytes: int
    why: str
    model: str = ""


def find_garbage(run_dir: Path) -> list[Garbage]:
    """Return all paths in complete units that no `_SUCCESS.json` refers to; skip incomplete units.

    A folder written to after `_SUCCESS.json` belongs to a newer, incomplete configuration: its checkpoints are kept.
    """
    unneeded: list[Garbage] = []
    for unit_dir in sorted(run_dir.iterdir()):
        success = load_success(run_dir, unit_dir.name) if _is_folder(unit_dir) else None
        artifact = complete(run_dir, unit_dir.name, success) if success else None
        if artifact is None or not _is_folder(artifact.folder):
            continue
        complete_ns = (unit_dir / SUCCESS).stat().st_mtime_ns
        for path in sorted(unit_dir.iterdir()):
            if _is_folder(path) and path.name != artifact.folder.name and _last_written_ns(path) <= complete_ns:
                unneeded.append(Garbage(path, _size(path), "an older configuration or input", _describe_model(path)))
            elif path.name.startswith(".") and path.name.endswith(".tmp") and not path.is_dir():
                unneeded.append(Garbage(path, _size(path), "left over from a killed attempt"))
        unneeded += _leftovers(artifact)
    return unneeded


def _leftovers(artifact: Artifact) -> Iterator[Garbage]:
    success = artifact.success
    listed = {output.path for output in success.outputs}
    listed |= set(success.markers)
    folders = {name.split("/")[0] for name in listed if "/" in name}
    for path in sorted(artifact.folder.iterdir()):
        if path.name == CHECKPOINTS:
            yield Garbage(path, _size(path), "checkpoints of a finished training")
        elif path.name not in listed and path.name not in folders:
            model = _describe_model(artifact.folder) if path.name == MODEL else ""
            yield Garbage(path, _size(path), "left over from a killed attempt", model)


def delete(run_dir: Path, unneeded: list[Garbage]) -> None:
    """Delete unneeded paths of the run; for a link, delete only the link.

    Raises:
        OutsideRunError: a path is not, or is no longer, below the run folder; it and all later paths are kept.
    """
    root = Path(os.path.realpath(run_dir))
    for garbage in unneeded:
        parent = Path(os.path.realpath(garbage.path.parent))
        if garbage.path.name in ("", "..") or root not in (parent, *parent.parents):
            raise OutsideRunError("refused to delete a path outside the run folder", str(garbage.path), "docent gc")
        if _is_folder(garbage.path):
            shutil.rmtree(garbage.path)  # rmtree does not follow links either
        else:
            garbage.path.unlink(missing_ok=True)


def _last_written_ns(path: Path) -> int:
    """Return when something was last added to a folder or its subfolders; checkpoints are written further down."""
    return max([path.lstat().st_mtime_ns, *(os.lstat(folder).st_mtime_ns for folder, _, _ in os.walk(path))])


def _size(path: Path) -> int:
    """Return the size in bytes of a file, or of all files in a folder; links in it count only their own size."""
    if not _is_folder(path):
        return path.lstat().st_size
    return sum(os.lstat(os.path.join(folder, name)).st_size for folder, _, names in os.walk(path) for name in names)


def _describe_model(folder: Path) -> str:
    """Describe the model in a unit's folder `<unit>/<spec10>` by unit, date and loss; return "" if there is none.

    The date is that of the last write there, in UTC.
    """
    unit = folder.parent.name
    if _is_folder(folder / MODEL):
        row = _checkpoint_row(folder)
        step, loss = row.get("step"), _loss(row.get("validation_loss"))
        best = f", best at step {step}" if isinstance(step, int) else ""
        return f"trained model of {unit}, {_date(folder / MODEL)}{best}{loss}"
    if not _is_folder(folder / CHECKPOINTS):
        return ""
    step = newest_checkpoint(folder)
    reached = f" at step {step}" if step is not None else ""
    manifest = load_json(folder / CHECKPOINTS / f"step-{step or 0:06d}" / MANIFEST) or {}
    return f"unfinished training of {unit}{reached}, {_date(folder / CHECKPOINTS)}{_loss(manifest.get('best_loss'))}"


def _checkpoint_row(folder: Path) -> dict[str, Any]:
    """Return the single row that a training writes next to its model, or {} if it is missing or too long."""
    for path in sorted(folder.glob("part-*.jsonl")):
        try:
            if inside(folder, path.name).stat().st_size <= MAX_ROW_BYTES:
                return load_json(path) or {}
        except (OSError, OutsideRunError):
            continue
    return {}


def _loss(value: Any) -> str:
    return f", validation loss {value:.3f}" if isinstance(value, float) else ""


def _date(folder: Path) -> str:
    newest_s = max(os.lstat(place).st_mtime for place, _, _ in os.walk(folder))
    return datetime.fromtimestamp(newest_s, UTC).strftime("%Y-%m-%d")


def _is_folder(path: Path) -> bool:
    """Return whether the path is a folder and not a link to one."""
    return path.is_dir() and not path.is_symlink()
