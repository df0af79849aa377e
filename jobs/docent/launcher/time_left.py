"""How long a run still takes: from what the shards at work say, and from what units to come took earlier in this run.

Reads progress files and markers of the run folder; writes nothing. A unit that never ran has no estimate: then the sum
is said to be the least, and where nothing is known nothing is said.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from docent.launcher.progress import progress_by_shard
from docent.listings import SPEC_DIGITS, load_marker, load_success
from docent.pipeline import shards_of
from docent.spec import RunStates
from docent.store import SUCCESS, Shard, find_marker

MINUTE_S, HOUR_MIN = 60, 60


@dataclass(frozen=True)
class TimeLeft:
    """Seconds until everything is complete; `at_least` where a unit to come has no estimate."""

    seconds: float
    at_least: bool

    def __str__(self) -> str:
        return f"{'at least' if self.at_least else 'about'} {duration(self.seconds)} left in all"


def duration(seconds: float) -> str:
    """A time in words: `45 s`, `12 min`, `3 h 20 min`."""
    if round(seconds) < MINUTE_S:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / MINUTE_S)
    return f"{minutes} min" if minutes < HOUR_MIN else f"{minutes // HOUR_MIN} h {minutes % HOUR_MIN} min"


def time_left(states: RunStates, names: Sequence[str], slots: int) -> TimeLeft | None:
    """How long the units that are not complete take together; None where nothing is known.

    Args:
        names: the units of the launch, in pipeline order.
        slots: shards that run at the same time.
    """
    reads: dict[str, tuple[str, ...]] = {}
    shards_s: dict[str, list[float]] = {}
    at_least = False
    for name in names:
        state = states.of(name)
        if state.artifact is None:
            known = _shards_s(states, name, state.spec)
            at_least = at_least or None in known
            reads[name] = states.units[name].reads
            shards_s[name] = [seconds for seconds in known if seconds is not None]
    seconds = _finish_s(reads, shards_s, slots)
    return TimeLeft(seconds, at_least) if seconds > 0 else None


def _shards_s(states: RunStates, name: str, spec: str | None) -> list[float | None]:
    """Seconds that each shard which is not complete still takes; None where that is not known. Shards at work first."""
    count = shards_of(states.config, states.units[name])
    if spec is None:
        return [_earlier_s(states.run_dir, name, spec, count)] * count
    folder = states.run_dir / name / spec[:SPEC_DIGITS]
    waiting = [i for i in range(count) if find_marker(folder, Shard(i, count), spec) is None]
    said = {i: part["eta_s"] for i, part in progress_by_shard(states.run_dir, name, spec).items() if "eta_s" in part}
    earlier_s = _earlier_s(states.run_dir, name, spec, count)
    return [said.get(i, earlier_s) for i in sorted(waiting, key=lambda i: (i not in said, i))]


def _earlier_s(run_dir: Path, unit: str, spec: str | None, count: int) -> float | None:
    """Seconds of one shard of `count` by the last complete output of the unit, or by the shards complete so far."""
    success = load_success(run_dir, unit, SUCCESS)
    folders = [folder for folder in (spec and spec[:SPEC_DIGITS], success and success["folder"]) if folder]
    for folder in folders:
        names = sorted(path.name for path in (run_dir / unit / folder).glob("shard-*.json"))
        markers = [marker for name in names if (marker := load_marker(run_dir / unit / folder, name))]
        if markers:
            return sum(float(m["seconds"]) * int(m["count"]) for m in markers) / len(markers) / count
    return None


def _finish_s(reads: Mapping[str, Sequence[str]], shards_s: Mapping[str, Sequence[float]], slots: int) -> float:
    """When the last shard ends, each starting as soon as a slot is free and what its unit reads is complete."""
    free_s = [0.0] * max(1, slots)
    ended_s: dict[str, float] = {}
    for name, durations_s in shards_s.items():
        ready_s = max((ended_s.get(read, 0.0) for read in reads[name]), default=0.0)
        ends_s = [ready_s]
        for seconds in durations_s:
            ends_s.append(max(heapq.heappop(free_s), ready_s) + seconds)
            heapq.heappush(free_s, ends_s[-1])
        ended_s[name] = max(ends_s)
    return max(ended_s.values(), default=0.0)
