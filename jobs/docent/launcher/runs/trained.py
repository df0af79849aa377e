"""Describe a trained model in a run folder: its unit, date and validation loss, and how far a training got.

Reads `<run>/<unit>/<spec10>/`, also one of an older configuration, of which no `_SUCCESS.json` tells any more.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docent.artifacts.confinement import OutsideRunError, inside
from docent.artifacts.side_files import load_json

MODEL, CHECKPOINTS = "model", "checkpoints"
MANIFEST = "manifest.json"
MAX_ROW_BYTES = 65_536
_STEP = re.compile(r"step-(\d{1,9})")


def describe_model(folder: Path) -> str:
    """Describe the model in a unit's folder `<unit>/<spec10>` by its unit, date and loss; "" where there is none.

    A date is of the last time that something was written there, in UTC.
    """
    unit = folder.parent.name
    if is_folder(folder / MODEL):
        return f"trained model of {unit}, {_date(folder / MODEL)}{_score(_checkpoint_row(folder))}"
    if not is_folder(folder / CHECKPOINTS):
        return ""
    step = newest_checkpoint(folder)
    reached = f" at step {step}" if step is not None else ""
    manifest = load_json(folder / CHECKPOINTS / f"step-{step or 0:06d}" / MANIFEST) or {}
    return f"unfinished training of {unit}{reached}, {_date(folder / CHECKPOINTS)}{_loss(manifest.get('best_loss'))}"


def newest_checkpoint(folder: Path) -> int | None:
    """Return the step of the newest complete checkpoint in a unit's folder; None where there is none."""
    steps = [
        int(number[1])
        for path in (folder / CHECKPOINTS).glob("step-*")
        if (number := _STEP.fullmatch(path.name)) and load_json(path / MANIFEST) is not None
    ]
    return max(steps, default=None)


def _checkpoint_row(folder: Path) -> dict[str, Any]:
    """Return the one row that a training writes beside its model; {} where it is missing or too long to be one."""
    for path in sorted(folder.glob("part-*.jsonl")):
        try:
            if inside(folder, path.name).stat().st_size <= MAX_ROW_BYTES:
                return load_json(path) or {}
        except (OSError, OutsideRunError):
            continue
    return {}


def _score(row: dict[str, Any]) -> str:
    step = row.get("step")
    best = f", best at step {step}" if isinstance(step, int) else ""
    return best + _loss(row.get("validation_loss"))


def _loss(value: Any) -> str:
    return f", validation loss {value:.3f}" if isinstance(value, float) else ""


def _date(folder: Path) -> str:
    newest_s = max(os.lstat(place).st_mtime for place, _, _ in os.walk(folder))
    return datetime.fromtimestamp(newest_s, UTC).strftime("%Y-%m-%d")


def is_folder(path: Path) -> bool:
    """Return whether there is a folder, and no link to one."""
    return path.is_dir() and not path.is_symlink()
