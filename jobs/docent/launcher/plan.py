"""What a run would do, before it does it: one line per unit. Reads the run folder; writes nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from docent.config import PipelineConfig
from docent.errors import LauncherError
from docent.listings import load_success
from docent.pipeline import Unit, shards_of, units
from docent.spec import RunStates
from docent.store import SUCCESS, Shard, find_marker


@dataclass(frozen=True)
class PlanLine:
    """One unit of the plan table.

    Attributes:
        action: `done` (nothing to do), `run`, or `after` (depends on what a unit before it writes).
        why: the reason in a few words.
    """

    unit: str
    shards: int
    action: str
    why: str
    plan_hash: str


def plan(states: RunStates, chosen: list[str] | None = None) -> list[PlanLine]:
    """The plan of a run.

    Args:
        states: the run as it lies on disk.
        chosen: units to consider; all when None.
    """
    lines = []
    for name in states.units if chosen is None else chosen:
        unit = states.units[name]
        state = states.of(name)
        shards = shards_of(states.config, unit)
        if state.artifact:
            action, why = "done", f"{state.artifact.success['rows']} rows"
        elif state.spec is None:
            waits_for = next(read for read in unit.reads if states.of(read).artifact is None)
            action, why = "after", f"after {waits_for}"
        else:
            action, why = "run", _reason(states.run_dir, name, state.spec, shards)
        lines.append(PlanLine(name, shards, action, why, states.plans[name][:10]))
    return lines


def as_json(lines: list[PlanLine]) -> list[dict[str, Any]]:
    """The plan as plain values."""
    return [asdict(line) for line in lines]


def _reason(run_dir: Path, unit: str, spec: str, shards: int) -> str:
    folder = run_dir / unit / spec[:10]
    done = sum(find_marker(folder, Shard(i, shards), spec) is not None for i in range(shards))
    if done:
        return f"{done} of {shards} shards are there"
    success = load_success(run_dir, unit, SUCCESS)
    if success is None:
        return "its _SUCCESS.json is damaged" if (run_dir / unit / SUCCESS).exists() else "not there yet"
    return "an output was damaged" if success["spec"] == spec else "configuration or inputs changed"


def choose(config: PipelineConfig, first: str | None, last: str | None, only: str | None) -> list[str]:
    """Names of the units that `--from`, `--to` and `--only` leave, in order.

    `--from U` keeps U and what depends on it, `--to U` keeps U and what it depends on.

    Raises:
        LauncherError: (102) there is no such unit.
    """
    known = units(config)
    for name in filter(None, (first, last, only)):
        if name not in known:
            raise LauncherError(102, f"no unit {name!r}", "--from, --to, --only", f"one of: {', '.join(known)}")
    if only:
        return [only]
    after = _dependents(known, first) if first else set(known)
    before = _ancestors(known, last) if last else set(known)
    chosen = [name for name in known if name in after and name in before]
    if not chosen:
        raise LauncherError(2, "no unit is left to do", "the pipeline file, --from, --to", "docent plan")
    return chosen


def _ancestors(known: dict[str, Unit], name: str) -> set[str]:
    return {name}.union(*(_ancestors(known, read) for read in known[name].reads))


def _dependents(known: dict[str, Unit], name: str) -> set[str]:
    found = {name}
    for other in known.values():
        if found & set(other.reads):
            found.add(other.name)
    return found
