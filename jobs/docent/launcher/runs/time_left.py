"""Estimate the remaining time of a run: from the progress of running shards, and from earlier times of later units.

Reads progress files and markers of the run folder; writes nothing. A unit that never ran has no estimate and is listed
as not included; there is no estimate at all until every running unit has reported its time.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from docent.artifacts.attempt import is_at_work
from docent.artifacts.listings import SPEC_DIGITS, load_marker, load_success
from docent.launcher.runs.folder import chosen_units, in_words
from docent.launcher.runs.progress import progress_by_shard
from docent.launcher.runs.settings import is_locked
from docent.messages.plurals import duration
from docent.pipeline import shards_of
from docent.spec import RunStates
from docent.store import Shard, find_marker


@dataclass(frozen=True)
class TimeLeft:
    """The remaining time of a launch.

    Attributes:
        seconds: time until all units with an estimate are complete.
        without: the remaining units without an estimate, in words; "" if there are none.
    """

    seconds: float
    without: str = ""

    def __str__(self) -> str:
        rest = f", not including {self.without}, whose duration is unknown" if self.without else " in total"
        return f"about {duration(self.seconds)} left{rest}"


def time_left(states: RunStates, names: Sequence[str], slots: int) -> TimeLeft | None:
    """Return how long the incomplete units take together, or None until every running unit has reported a time.

    Args:
        names: the units of the launch, in pipeline order.
        slots: number of shards that run at the same time.
    """
    reads: dict[str, tuple[str, ...]] = {}
    shards_s: dict[str, list[float]] = {}
    unknown: list[str] = []
    for name in names:
        state = states.of(name)
        if state.artifact is None:
            known = _shards_s(states, name, state.spec)
            if None in known:
                unknown.append(name)
            reads[name] = states.units[name].reads
            shards_s[name] = [seconds for seconds in known if seconds is not None]
    seconds = _finish_s(reads, shards_s, slots)
    if seconds <= 0 or any(is_at_work(states.run_dir, name) for name in unknown):
        return None
    return TimeLeft(seconds, in_words(states, unknown))


def left(states: RunStates, slots: int) -> TimeLeft | None:
    """Return the remaining time of the current launch, or None if none is running or nothing is known.

    Args:
        slots: number of shards that run at the same time.
    """
    return time_left(states, chosen_units(states), slots) if is_locked(states.run_dir) else None


def _shards_s(states: RunStates, name: str, spec: str | None) -> list[float | None]:
    """Return the remaining seconds of each incomplete shard (None if unknown); running shards come first."""
    count = shards_of(states.config, states.units[name])
    if spec is None:
        return [_earlier_s(states.run_dir, name, spec, count)] * count
    folder = states.run_dir / name / spec[:SPEC_DIGITS]
    waiting = [i for i in range(count) if find_marker(folder, Shard(i, count), spec) is None]
    parts = progress_by_shard(states.run_dir, name, spec)
    reported = {i: part["eta_s"] for i, part in parts.items() if "eta_s" in part}
    others_s = _earlier_s(states.run_dir, name, spec, count)
    if not others_s:  # estimate a full shard from the rate of running ones; None until one has a rate
        rated = (part for part in parts.values() if part.get("rate_per_s") and "total" in part)
        others_s = max((part["total"] / part["rate_per_s"] for part in rated), default=None)
    return [reported.get(i, others_s) for i in sorted(waiting, key=lambda i: (i not in reported, i))]


def _earlier_s(run_dir: Path, unit: str, spec: str | None, count: int) -> float | None:
    """Estimate the seconds of one shard out of `count`, from complete shards of this spec or the last output."""
    success = load_success(run_dir, unit)
    folders = [folder for folder in (spec and spec[:SPEC_DIGITS], success and success.folder) if folder]
    for folder in folders:
        names = sorted(path.name for path in (run_dir / unit / folder).glob("shard-*.json"))
        markers = [marker for name in names if (marker := load_marker(run_dir / unit / folder, name))]
        if markers:
            return sum(m.seconds * m.count for m in markers) / len(markers) / count
    return None


def _finish_s(reads: Mapping[str, Sequence[str]], shards_s: Mapping[str, Sequence[float]], slots: int) -> float:
    """Return when the last shard ends; each starts once a slot is free and its unit's inputs are complete."""
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
