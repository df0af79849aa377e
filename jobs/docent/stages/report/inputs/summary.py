"""Read what score counted: its `summary.json`."""

from __future__ import annotations

import math
from typing import Any

from docent.context import Context
from docent.records import Score
from docent.stages.report.inputs.side_files import SideFile, read_side_file
from docent.stages.report.sentences.findings import Comparison, Estimate

_Interval = tuple[float | None, float | None] | None


class _Mean(SideFile):
    mean: float | None
    ci: _Interval = None
    n: int = 0
    items: int | None = None


class _Pair(SideFile):
    a: str
    b: str
    metric: str
    difference: float | None
    ci: _Interval = None
    p: float | None = None
    p_holm: float | None = None


class Summary(SideFile):
    """score's `summary.json`."""

    arms: dict[str, dict[str, _Mean]] = {}
    ceiling: dict[str, _Mean] = {}
    comparisons: tuple[_Pair, ...] = ()
    items: int = 0
    test_examples: int = 0
    encoder: dict[str, Any] = {}
    chance: float | None = None

    def estimates(self) -> dict[str, dict[str, Estimate]]:
        """Return arm -> metric -> estimate; a metric without a value is left out."""
        return {arm: _estimates(metrics) for arm, metrics in self.arms.items()}

    def at_best(self) -> dict[str, Estimate]:
        """Return what the references themselves would get, by metric."""
        return _estimates(self.ceiling)

    def pairs(self) -> tuple[Comparison, ...]:
        """Return every paired comparison; none where there is one exhibit, which tells nothing about others."""
        return tuple(
            Comparison(p.a, p.b, p.metric, p.difference, *_ends(p.ci), p.p, p.p_holm)
            for p in self.comparisons
            if p.difference is not None and self.items != 1
        )


def read_summary(ctx: Context) -> Summary:
    """Read score's summary; an empty one where score is skipped.

    Raises:
        InputError: the file is not what score writes.
    """
    return read_side_file(ctx.artifact(Score), "summary.json", Summary) or Summary()


def _estimates(metrics: dict[str, _Mean]) -> dict[str, Estimate]:
    """Return estimates of the metrics that have a mean; nothing is apart from one without an interval."""
    return {
        name: Estimate(value.mean, *_ends(value.ci), value.n, value.items)
        for name, value in metrics.items()
        if value.mean is not None
    }


def _ends(ci: _Interval) -> tuple[float, float]:
    low, high = ci or (None, None)
    return (-math.inf, math.inf) if low is None or high is None else (low, high)
