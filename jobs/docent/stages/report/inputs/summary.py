"""Turn the numbers of score's `summary.json` into estimates and comparisons."""

from __future__ import annotations

import math

from docent.artifacts.summaries import Mean, ScoreSummary
from docent.stages.report.sentences.findings import Comparison, Estimate


class Summary(ScoreSummary):
    """`summary.json` of score."""

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


def _estimates(metrics: dict[str, Mean]) -> dict[str, Estimate]:
    """Return estimates of the metrics that have a mean; nothing is apart from one without an interval."""
    return {
        name: Estimate(value.mean, *_ends(value.ci), value.n, value.items)
        for name, value in metrics.items()
        if value.mean is not None
    }


def _ends(ci: tuple[float | None, float | None] | None) -> tuple[float, float]:
    low, high = ci or (None, None)
    return (-math.inf, math.inf) if low is None or high is None else (low, high)
