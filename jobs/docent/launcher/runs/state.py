"""How a run stands: one line per unit, read from the run folder alone. Writes nothing."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from docent.artifacts.attempt import is_held
from docent.config import PipelineConfig, load_config
from docent.errors import ConfigError, InputError, LauncherError
from docent.launcher.local.shards import slots
from docent.launcher.runs.settings import attempt_not_stored, file_in_force, units_of_launch
from docent.launcher.runs.standing import NOT_STARTED, Standing, in_words, note, standing, standings
from docent.launcher.runs.time_left import TimeLeft, time_left
from docent.spec import RunStates

TABLE = ("unit", "phase", "rows", "rejected", "seconds", "usd", "note")
"""The columns of the status table; -o json has every field."""


@dataclass(frozen=True)
class StatusLine:
    """One unit of the status table.

    Attributes:
        phase: `done`, `running`, `failed`, `stopped` (begun, and nothing works on it any more), `waiting` (a launcher
            will come to it) or `to do`.
        note: what there is to say: the cause of a failure, how far it is, why rows were rejected, what it waits for.
        exit_code: of the failure.
        next_step: what the message of the failure told to do.
        done: how much of `total` the unit's shards say they have done.
    """

    unit: str
    phase: str
    rows: int | None
    rejected: int | None
    seconds: float | None
    usd: float | None
    note: str
    exit_code: int | None = None
    next_step: str = ""
    done: float | None = None
    total: float | None = None
    eta_s: float | None = None


def resolved_config(run_dir: Path) -> PipelineConfig:
    """The configuration to look at a run with: of the launch under way, else the one stored with the run.

    Raises:
        LauncherError: (102) there is no such run; (105) its configuration is damaged or of another version.
    """
    path = file_in_force(run_dir, is_locked(run_dir))
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
    return is_held(run_dir / ".lock")


def status(states: RunStates) -> list[StatusLine]:
    """The status table of a run."""
    chosen = _chosen(states) if is_locked(states.run_dir) else []
    seen = standings(states, tolerant=True)
    failed = in_words(states, [name for name, unit in seen.items() if unit.phase == "failed"])
    return [_line(name, unit, name in chosen, failed) for name, unit in seen.items()]


def _chosen(states: RunStates) -> list[str]:
    """Names of the units that the launch under way is about, in pipeline order; all where that is not known."""
    chosen = units_of_launch(states.run_dir)
    return [name for name in states.units if chosen is None or name in chosen]


def _line(name: str, unit: Standing, chosen: bool, failed: str) -> StatusLine:
    """The line of a unit.

    Args:
        chosen: whether the launch under way is about it.
        failed: the units that failed, after which a launch may begin no other.
    """
    if unit.artifact:
        success = unit.artifact.success
        counts = (success.rows, success.rejected, unit.artifact.seconds, unit.artifact.usd)
        return StatusLine(name, "done", *counts, note(unit))
    idle = unit.phase in ("to do", "after", "stopped")
    phase = "waiting" if idle and chosen else "to do" if unit.phase == "after" else unit.phase
    first = unit.failures[0] if unit.failures else None
    far = {key: unit.progress[key] for key in ("done", "total", "eta_s")} if unit.progress.get("total") else {}
    if unit.phase != "running":
        far.pop("eta_s", None)
    said = note(unit)
    if phase == "waiting" and unit.phase == "to do" and unit.reason == NOT_STARTED:
        said = f"not started, as {failed} failed" if failed else "ready, waits for a free worker"
    code, next_step = (first.exit_code, first.next_step) if first else (None, "")
    return StatusLine(name, phase, None, None, None, None, said, code, next_step, **far)


def left(states: RunStates) -> TimeLeft | None:
    """How long the launch under way still takes; None where none works on the run, or nothing is known."""
    if not is_locked(states.run_dir):
        return None
    return time_left(states, _chosen(states), slots(states.config.run.workers))


def unstored_attempt(states: RunStates) -> dict[str, Standing]:
    """The units that the last launch failed at or was stopped at, where its settings are not stored with the run."""
    path = attempt_not_stored(states.run_dir)
    if path is None:
        return {}
    found: dict[str, Standing] = {}
    with suppress(ConfigError, InputError):  # damaged, or its sources are gone: then there is nothing to go on with
        others = RunStates(load_config(path, environ={}), states.run_dir, as_left=True)
        for name in others.units:
            unit = standing(others, name)
            if unit.phase in ("failed", "stopped") and others.plans[name] != states.plans.get(name):
                found[name] = unit
    return found
