"""Read the progress that shards report, and the checkpoints of trainings.

Reads `<run>/<unit>/progress-*.json` and `<run>/<unit>/<spec10>/checkpoints/`; writes nothing.
"""

import re
from pathlib import Path
from typing import Any

from docent.artifacts.confinement import OutsideRunError, inside
from docent.artifacts.side_files import load_json
from docent.messages.plurals import duration
from docent.messages.printing import printable

MAX_NUMBER = 1e15
"""Larger numbers in a progress file are ignored."""
NAME = re.compile(r"progress-(\d{5})\.json")
CHECKPOINTS, MANIFEST = "checkpoints", "manifest.json"
_STEP = re.compile(r"step-(\d{1,9})")


def progress_by_shard(run_dir: Path, unit: str, spec: str | None = None) -> dict[int, dict[str, Any]]:
    """Return the latest progress of each shard of a unit, by index: done, total, rate_per_s, eta_s, message, spec.

    Args:
        spec: if given, include only attempts with this spec hash.
    """
    parts: dict[int, dict[str, Any]] = {}
    for path in sorted((run_dir / unit).glob("progress-*.json")):
        number = NAME.fullmatch(path.name)
        part = _usable(path)
        if number and (spec is None or part.get("spec") == spec):
            parts[int(number[1])] = part
    return parts


def read_progress(run_dir: Path, unit: str, spec: str | None = None) -> dict[str, Any]:
    """Return the combined progress of all shards of a unit; `parts` is the number of shards that reported any.

    Args:
        spec: if given, include only attempts with this spec hash.
    """
    parts = progress_by_shard(run_dir, unit, spec)
    total: dict[str, Any] = {"done": 0.0, "total": 0.0, "rate_per_s": 0.0, "eta_s": None, "message": ""}
    for part in parts.values():
        for key in ("done", "total", "rate_per_s"):
            total[key] += part.get(key, 0.0)
        if "eta_s" in part:
            total["eta_s"] = max(total["eta_s"] or 0.0, part["eta_s"])
        total["message"] = part.get("message") or total["message"]
    return {**total, "parts": len(parts)}


def progress_of(run_dir: Path, unit: str) -> dict[str, Any] | None:
    """Return done, total and eta_s over all shards, or None before any progress is reported."""
    progress = read_progress(run_dir, unit)
    return {key: progress[key] for key in ("done", "total", "eta_s")} if progress["total"] else None


def newest_checkpoint(folder: Path) -> int | None:
    """Return the step of the newest complete checkpoint in a unit's folder, or None if there is none."""
    steps = [
        int(number[1])
        for path in (folder / CHECKPOINTS).glob("step-*")
        if (number := _STEP.fullmatch(path.name)) and load_json(path / MANIFEST) is not None
    ]
    return max(steps, default=None)


def _usable(path: Path) -> dict[str, Any]:
    """Return the valid fields of a progress file, which may be torn or forged."""
    try:
        fields = load_json(inside(path.parent, path.name)) or {}
    except (OSError, OutsideRunError):
        return {}
    usable: dict[str, Any] = {}
    for key in ("done", "total", "rate_per_s", "eta_s"):
        value = fields.get(key)
        if isinstance(value, int | float) and 0 <= value < MAX_NUMBER:
            usable[key] = value
    texts = {key: printable(fields[key]) for key in ("message", "spec") if isinstance(fields.get(key), str)}
    return usable | texts


def describe(progress: dict[str, Any]) -> str:
    """Return the progress as one line: how far, how fast, and the remaining time."""
    if not progress.get("total"):
        return "starting"
    words = [f"{progress['done']:g} of {progress['total']:g}"]
    if progress.get("rate_per_s"):
        words.append(f"{progress['rate_per_s']:.3g}/s")
    if progress.get("eta_s") is not None and progress["done"] < progress["total"]:
        words.append(f"{duration(progress['eta_s'])} to go")
    return ", ".join([*words, printable(progress["message"])] if progress.get("message") else words)
