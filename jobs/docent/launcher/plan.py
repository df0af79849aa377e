"""Show what a run would do, one line per unit. Reads the run folder; writes nothing."""

from dataclasses import dataclass

from docent.artifacts.listings import SPEC_DIGITS
from docent.artifacts.pushed import is_open
from docent.config import PipelineConfig
from docent.errors import LauncherError
from docent.launcher.runs.folder import unit_states
from docent.launcher.runs.unit_state import Phase, UnitState, note, output
from docent.pipeline import Unit, units
from docent.spec import RunStates


@dataclass(frozen=True)
class PlanLine:
    """One unit of the plan table.

    Attributes:
        action: `done` (nothing to do), `run`, `running` (now), or `after` (depends on output of an earlier unit).
        why: the reason in a few words: how the last attempt failed, or where it stopped.
        folder: name of its output folder inside the unit's folder; "" if that depends on output of an earlier unit.
        plan_hash: hash of the stage, its settings and the plans of its inputs; used in names on a cluster.
    """

    unit: str
    shards: int
    action: str
    why: str
    folder: str
    plan_hash: str


TABLE = ("unit", "shards", "action", "why", "folder")
"""The columns of the plan table; `-o json` prints every field."""
ACTIONS = {Phase.DONE: "done", Phase.RUNNING: "running", Phase.WAITING: "after"}


def plan(states: RunStates, chosen: list[str] | None = None) -> list[PlanLine]:
    """Return one plan line for each unit.

    Args:
        states: state of the run on disk.
        chosen: names of the units to include; None means all.
    """
    lines = []
    seen = unit_states(states)
    for name in states.units if chosen is None else chosen:
        unit = seen[name]
        action = ACTIONS.get(unit.phase, "run")
        folder = "" if unit.phase is Phase.WAITING else (states.of(name).spec or "")[:SPEC_DIGITS]
        left = ", to be pushed" if is_open(states.config, states.run_dir, states.of(name).artifact) else ""
        lines.append(PlanLine(name, unit.shards, action, _why(unit) + left, folder, states.plans[name][:SPEC_DIGITS]))
    return lines


def _why(unit: UnitState) -> str:
    if unit.phase is Phase.DONE:
        return output(unit)
    return f"failed: {note(unit)}" if unit.phase is Phase.FAILED else note(unit)


def choose(config: PipelineConfig, first: str | None, last: str | None, only: str | None) -> list[str]:
    """Return the names of the units that remain after `--from`, `--to` and `--only`, in order.

    `--from U` keeps U and what depends on it, `--to U` keeps U and what it depends on.

    Raises:
        LauncherError: (102) there is no such unit; (2) no unit remains.
    """
    known = units(config)
    for name in filter(None, (first, last, only)):
        if name not in known:
            raise LauncherError(
                102, f"unit {name!r} does not exist", "--from, --to, --only", f"use one of: {', '.join(known)}"
            )
    if only:
        return [only]
    after = _dependents(known, first) if first else set(known)
    before = _ancestors(known, last) if last else set(known)
    chosen = [name for name in known if name in after and name in before]
    if not chosen:
        raise LauncherError(
            2, "no unit matches both --from and --to", "--from, --to", "choose a --from that comes before --to"
        )
    return chosen


def _ancestors(known: dict[str, Unit], name: str) -> set[str]:
    return {name}.union(*(_ancestors(known, read) for read in known[name].reads))


def _dependents(known: dict[str, Unit], name: str) -> set[str]:
    dependents = {name}
    for other in known.values():
        if dependents & set(other.reads):
            dependents.add(other.name)
    return dependents
