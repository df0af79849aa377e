"""How a run stands: one line per unit, read from the run folder alone. Writes nothing."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from docent.config import PipelineConfig, load_config
from docent.errors import ConfigError, LauncherError
from docent.launcher.plan import plan
from docent.launcher.view import describe, read_progress
from docent.spec import RunStates


@dataclass(frozen=True)
class StatusLine:
    """One unit of the status table."""

    unit: str
    phase: str
    rows: int | None
    rejected: int | None
    seconds: float | None
    usd: float | None
    note: str


def resolved_config(run_dir: Path) -> PipelineConfig:
    """The configuration that a run was last started with.

    Raises:
        LauncherError: (102) there is no such run; (105) its configuration is damaged or of another version.
    """
    path = run_dir / "pipeline.resolved.yaml"
    if not path.is_file():
        raise LauncherError(102, f"there is no run {run_dir.name!r}", str(run_dir), f"docent run --run {run_dir.name}")
    try:
        return load_config(path, environ={})
    except ConfigError as error:
        raise LauncherError(
            105,
            f"the configuration of run {run_dir.name!r} cannot be read: {error.what}",
            str(path),
            f"to write it again from a pipeline file: docent run pipeline.yaml --run {run_dir.name}",
        ) from None


def is_locked(run_dir: Path) -> bool:
    """Whether a launcher works on this run now."""
    try:
        handle = os.open(run_dir / ".lock", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # there is none, or something that no launcher made
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def status(states: RunStates) -> list[StatusLine]:
    """The status table of a run."""
    run_dir = states.run_dir
    working = is_locked(run_dir)
    lines = []
    for line in plan(states):
        artifact = states.of(line.unit).artifact
        if artifact:
            success = artifact.success
            lines.append(
                StatusLine(
                    line.unit,
                    "done",
                    success["rows"],
                    success["rejected"],
                    artifact.seconds,
                    artifact.usd,
                    artifact.rejected_because,
                )
            )
        else:
            begun = line.action == "run" and any((run_dir / line.unit).glob("progress-*.json"))
            phase = "running" if working and begun else "waiting" if working else "to do"
            note = describe(read_progress(run_dir, line.unit)) if phase == "running" else line.why
            lines.append(StatusLine(line.unit, phase, None, None, None, None, note))
    return lines
