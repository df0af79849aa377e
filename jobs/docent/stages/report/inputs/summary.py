"""What score and build-dataset counted, read into plain values.

Reads score's `summary.json` and build-dataset's `audit.json` and `statistics.json`; writes nothing. Unknown keys are
ignored, so that score may say more than the page shows.
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

from docent.artifacts.summaries import LeakAudit, Mean, ScoreSummary, Statistics, read_summary
from docent.context import Context
from docent.records import Example
from docent.stages.report.sentences.findings import Comparison, Estimate
from docent.store import Artifact


class Summary(ScoreSummary):
    """score's `summary.json`."""

    def estimates(self) -> dict[str, dict[str, Estimate]]:
        """Arm -> metric -> estimate; a metric without a value is left out."""
        return {
            arm: {name: found for name, value in metrics.items() if (found := _estimate(value))}
            for arm, metrics in self.arms.items()
        }

    def at_best(self) -> dict[str, Estimate]:
        """What the references themselves would get, by metric."""
        return {name: found for name, value in self.ceiling.items() if (found := _estimate(value))}

    def pairs(self) -> tuple[Comparison, ...]:
        """Every paired comparison; none where there is one exhibit, which tells nothing about others."""
        return tuple(
            Comparison(p.a, p.b, p.metric, p.difference, *_ends(p.ci), p.p, p.p_holm)
            for p in self.comparisons
            if p.difference is not None and self.items != 1
        )


class Audit(LeakAudit):
    """build-dataset's `audit.json`: test photos that descend from, or are, photos of another split."""

    def names(self) -> tuple[str, ...]:
        """The leaked photos as text, one each."""
        return tuple(f"{leak.image} ({leak.item}), also in {leak.split}" for leak in self.leaked)

    def seen_in(self) -> str:
        """Where their relatives are: `training`, `validation` or both."""
        names = {"train": "training"}
        return " or ".join(sorted({names.get(leak.split, leak.split) for leak in self.leaked})) or "training"


def read_unwritten(ctx: Context) -> Counter[str]:
    """Pairs that the teacher was asked for and did not write, by question type; none where no data set was built."""
    statistics = read_summary(ctx.artifact(Example), Statistics)
    return statistics.missing_by_type if statistics else Counter()


def file_of(artifact: Artifact | None, name: str) -> Path | None:
    """Path of a file that the artifact lists; None where it lists none of that name."""
    if artifact is None or name not in artifact.file_names:
        return None
    return artifact.file(name)


def _estimate(value: Mean) -> Estimate | None:
    """A mean without an interval has one without ends: nothing is apart from it."""
    if value.mean is None:
        return None
    return Estimate(value.mean, *_ends(value.ci), value.n, value.items)


def _ends(ci: tuple[float | None, float | None] | None) -> tuple[float, float]:
    low, high = ci or (None, None)
    return (-math.inf, math.inf) if low is None or high is None else (low, high)
