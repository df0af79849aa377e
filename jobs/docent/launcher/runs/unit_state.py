"""Define the state of one unit, for a run folder on this machine and for the state ConfigMap of a cluster.

Pure functions format it: the notes and rows of `docent status`, `docent plan` and the display of a launch.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from docent.launcher.runs.progress import describe
from docent.messages.plurals import counted


class Phase(StrEnum):
    """The phase of a unit.

    A `waiting` unit is part of a launch that has not started it. A `queued` unit was submitted but does not run yet. A
    `stopped` unit was started but no longer runs. A unit `to do` is not part of any launch.
    """

    WAITING = "waiting"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    TO_DO = "to do"


@dataclass
class UnitState:
    """The state of a unit.

    Attributes:
        phase: phase of the unit.
        job: name of its workload on a cluster, or "" if there is none yet.
        spec: its spec hash on disk.
        digest: digest of its output.
        rows: number of rows written.
        rejected: number of rows rejected with a reason.
        seconds: running time, summed over shards.
        usd: cost of requests to endpoints.
        retries: number of failed attempts that were repeated.
        progress: progress of all shards together: done, total, eta_s, and if known rate_per_s and message.
        cause: one line: why it waits, stopped or failed, or why rows were rejected.
        log: the last 4 KiB of its log.
        exit_code: exit code of the failure.
        next_step: next step that the error message suggests.
        continuation: the point that the next attempt continues from, or "" if it starts from the beginning.
        shards: number of its shards.
        failed_shards: number of shards missing in a complete unit whose settings allow failures.
        wall_s: seconds from start to end, if this launch observed both.
    """

    phase: Phase = Phase.WAITING
    job: str = ""
    spec: str | None = None
    digest: str | None = None
    rows: int | None = None
    rejected: int | None = None
    seconds: float | None = None
    usd: float | None = None
    retries: int = 0
    progress: dict[str, Any] | None = None
    cause: str = ""
    log: str = ""
    exit_code: int | None = None
    next_step: str = ""
    continuation: str = ""
    shards: int = 1
    failed_shards: int = 0
    wall_s: float | None = None


@dataclass(frozen=True)
class StatusLine:
    """One unit of the status table; `-o json` prints every field.

    Attributes:
        note: cause of a failure, progress, why rows were rejected, or what the unit waits for.
        done: how much of `total` the unit's shards have completed.
    """

    unit: str
    phase: Phase
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
    retries: int = 0


TABLE = ("unit", "phase", "rows", "rejected", "seconds", "usd", "note")
"""The columns of the status table."""


def status_line(name: str, unit: UnitState) -> StatusLine:
    """Return the row of a unit in the status table."""
    counts = (unit.rows, unit.rejected, unit.seconds, unit.usd) if unit.phase is Phase.DONE else (None,) * 4
    reached = unit.progress if unit.phase is not Phase.DONE and unit.progress and unit.progress.get("total") else {}
    return StatusLine(
        name,
        unit.phase,
        *counts,
        note=note(unit),
        exit_code=unit.exit_code,
        next_step=unit.next_step,
        done=reached.get("done"),
        total=reached.get("total"),
        eta_s=reached.get("eta_s") if unit.phase is Phase.RUNNING else None,
        retries=unit.retries,
    )


def note(unit: UnitState) -> str:
    """Return the note on a unit in the status table."""
    if unit.phase is Phase.DONE:
        rejected = f"{unit.rejected} rejected: {unit.cause}" if unit.rejected else ""
        lacking = f"{unit.failed_shards} of {unit.shards} shards failed" if unit.failed_shards else ""
        return "; ".join(filter(None, [rejected, lacking]))
    if unit.phase is Phase.RUNNING:
        return "; ".join(filter(None, [describe(unit.progress) if unit.progress else "", unit.cause]))
    if unit.phase is Phase.FAILED:
        return "; ".join(filter(None, [unit.cause, unit.continuation]))
    return unit.cause


def output(unit: UnitState) -> str:
    """Return the number of rows of a complete unit, and the number of rejected ones, in words."""
    return counted(unit.rows or 0, "row") + (f", {unit.rejected} rejected" if unit.rejected else "")


def after_launch(unit: UnitState) -> UnitState:
    """Return the state of a unit after its launch has ended: a unit that had begun and is not complete has stopped."""
    if unit.phase in (Phase.DONE, Phase.FAILED):
        return unit
    if unit.progress and unit.progress["total"]:
        reached = f"stopped at {unit.progress['done']:g} of {unit.progress['total']:g}"
    elif unit.phase is Phase.RUNNING:
        reached = "stopped before its first row"
    else:
        return unit
    return replace(unit, phase=Phase.STOPPED, cause=f"{reached}; {unit.cause}" if unit.cause else reached)
