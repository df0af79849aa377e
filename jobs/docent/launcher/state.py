"""How a run stands: one line per unit, read from the run folder alone. Writes nothing."""

from __future__ import annotations

import fcntl
from dataclasses import dataclass
from pathlib import Path

from docent.config import PipelineConfig, load_config
from docent.errors import LauncherError
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
        LauncherError: (102) there is no such run.
    """
    path = run_dir / "pipeline.resolved.yaml"
    if not path.is_file():
        raise LauncherError(
            102, f"there is no run {run_dir.name!r}", str(run_dir), "docent run, or name it: --run NAME"
        )
    return load_config(path, environ={})


def is_locked(run_dir: Path) -> bool:
    """Whether a launcher works on this run now."""
    try:
        with (run_dir / ".lock").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
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
