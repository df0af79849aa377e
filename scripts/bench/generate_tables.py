"""Write Markdown tables of the measurements of `generate.py`, with two figures about a run's course over time.

Reads and writes no files; used by `generate.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import linear_regression, median
from typing import Any

from generate_rows import Counted


@dataclass
class Run:
    """One measured run of one system. MB are 10^6 bytes; times in seconds.

    Attributes:
        span_s: time from the first request received to the last answer sent, measured by the endpoint.
        rss_mb: resident memory of the process tree.
        largest_mb: resident memory of its largest process.
        paid: number of requests answered with 200.
        refused: number of requests answered with 429.
        faults: fault -> number of answers with it.
        ended: why the run failed, or "".
        samples: (s, MB, paid so far) over the run, if the case records them.
    """

    case: str
    system: str
    n: int
    ideal_s: float
    wall_s: float
    span_s: float
    cpu_s: float
    rss_mb: float
    largest_mb: float
    requests: int
    paid: int
    refused: int
    in_flight_max: int
    faults: dict[str, int]
    counted: Counted
    ended: str = ""
    samples: list[tuple[float, float, float]] = field(default_factory=list)
    base_s: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the run as JSON for the result file."""
        return {**asdict(self), "slope_mb_per_100k": slope_mb(self), "drift": drift(self)}


def slope_mb(run: Run) -> float | None:
    """Return MB per 100,000 records: the slope of memory over records, without the first tenth."""
    points = [(paid, mb) for _, mb, paid in run.samples if 0.1 * run.n <= paid < run.n]
    if len({paid for paid, _ in points}) < 3:
        return None
    return 100_000 * linear_regression(*zip(*points, strict=True)).slope


def drift(run: Run) -> float | None:
    """Return the relative change of the rate from the first quarter of the records to the last one."""
    first_s, third_s = reached_s(run, run.n / 4), reached_s(run, 3 * run.n / 4)
    begun_s, end = reached_s(run, 0), next((one for one in run.samples if one[2] >= run.n), (run.samples or [None])[-1])
    if first_s is None or third_s is None or begun_s is None or end is None:
        return None
    if first_s == begun_s or end[0] == third_s:
        return None
    # The run may end before a sample has seen its last record.
    before, after = run.n / 4 / (first_s - begun_s), (min(end[2], run.n) - 3 * run.n / 4) / (end[0] - third_s)
    return after / before - 1


def reached_s(run: Run, paid: float) -> float | None:
    """Return when `paid` records had been paid, interpolated between the two samples around that moment."""
    before: tuple[float, float] | None = None
    for at_s, _, done in run.samples:
        if done >= paid and (done > 0 or paid > 0):
            if before is None or done == before[1]:
                return at_s
            return before[0] + (at_s - before[0]) * max(paid - before[1], 0) / (done - before[1])
        before = (at_s, done)
    return None


def whole(value: Callable[[Run], float | None]) -> Callable[[Run], float | None]:
    """Wrap `value` to return None if the run failed: a partial run has no share of the ideal."""
    return lambda run: None if run.ended else value(run)


def per(value: float, of: float) -> float | None:
    """Return a quotient, or None without a divisor."""
    return value / of if of else None


COLUMNS: dict[str, tuple[Callable[[Run], float | None], str]] = {
    "records/s": (whole(lambda r: per(r.counted.valid, r.span_s)), "{:,.0f}"),
    "of ideal": (whole(lambda r: per(r.ideal_s, r.span_s)), "{:.0%}"),
    "x ideal": (whole(lambda r: per(r.span_s, r.ideal_s)), "{:.2f}"),
    "x no faults": (whole(lambda r: per(r.span_s, r.base_s or 0)), "{:.2f}"),
    "span s": (whole(lambda r: r.span_s), "{:.1f}"),
    "wall s": (lambda r: r.wall_s, "{:.1f}"),
    "CPU ms/record": (whole(lambda r: per(1000 * r.cpu_s, r.counted.valid)), "{:.2f}"),
    "peak MB": (lambda r: r.rss_mb, "{:,.0f}"),
    "largest process MB": (lambda r: r.largest_mb, "{:,.0f}"),
    "in flight": (lambda r: r.in_flight_max, "{:.0f}"),
    "requests": (lambda r: r.requests, "{:,.0f}"),
    "429": (lambda r: r.refused, "{:,.0f}"),
    "429 of requests": (lambda r: per(r.refused, r.requests), "{:.1%}"),
    "valid": (lambda r: r.counted.valid, "{:,.0f}"),
    "doubled": (lambda r: r.counted.rows - r.counted.unique, "{:.0f}"),
    "valid per paid": (lambda r: per(r.counted.valid, r.paid), "{:.3f}"),
    "whole answers per paid": (lambda r: per(r.paid - r.faults.get("truncated", 0), r.paid), "{:.3f}"),
    "cut but kept": (lambda r: r.counted.cut, "{:.0f}"),
    "MB per 100k": (whole(slope_mb), "{:.1f}"),
    "rate drift": (whole(drift), "{:+.1%}"),
}
_LOAD = ["span s", "wall s", "CPU ms/record", "peak MB"]
_KEPT = ["requests", "valid", "doubled"]
SHOWN: dict[str, list[str]] = {
    "W1": ["of ideal", "records/s", *_LOAD, *_KEPT],
    "W2": ["records/s", "CPU ms/record", "span s", "wall s", "peak MB", *_KEPT],
    "W3": ["valid per paid", "whole answers per paid", "cut but kept", *_KEPT, "span s", "CPU ms/record"],
    "W4": ["x ideal", "429", "429 of requests", "span s", "wall s", *_KEPT],
    "W4b": ["x no faults", "429", "of ideal", *_LOAD, *_KEPT],
    "W6": ["peak MB", "largest process MB", "of ideal", "in flight", "span s", "wall s", "CPU ms/record", *_KEPT],
    "W7": ["MB per 100k", "rate drift", "records/s", "CPU ms/record", "peak MB", "span s", *_KEPT],
}


def cell(name: str, runs: Sequence[Run]) -> str:
    """Return median (min-max) of a column, one figure if they are equal, "-" if there is none."""
    value, form = COLUMNS[name]
    values = [one for run in runs if (one := value(run)) is not None]
    if not values:
        return "-"
    low, middle, high = (form.format(one) for one in (min(values), median(values), max(values)))
    return middle if low == high else f"{middle} ({low} to {high})"


def endings(runs: Sequence[Run]) -> str:
    """Describe the runs that failed."""
    bad = [f"{run.ended}, {run.paid:,} answered" for run in runs if run.ended]
    several = f" ({len(bad)} of {len(runs)} runs)" if len(bad) not in (0, len(runs)) else ""
    return f"{bad[0]}{several}" if bad else ""


def table(workload: str, runs: Sequence[Run]) -> str:
    """Return the table of one case: a line per system, in order of appearance."""
    names = SHOWN[workload]
    lines = [f"| system | records | {' | '.join(names)} | ended |", f"| --- |{' --- |' * (len(names) + 2)}"]
    for system in dict.fromkeys(run.system for run in runs):
        own = [run for run in runs if run.system == system]
        cells = " | ".join(cell(name, own) for name in names)
        lines.append(f"| {system} | {own[0].n:,} | {cells} | {endings(own)} |")
    return "\n".join(lines)
