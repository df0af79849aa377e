"""Means, intervals and paired differences, and what follows from them about two models or methods.

Two of them are *apart*, statistically distinguishable, when the 95 % interval of their paired difference excludes zero
and its Holm-corrected p is below 0.05 (evaluation.md §2.2); where the pair was not tested, when their intervals do not
overlap. Reads nothing, writes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from docent.artifacts.summaries import LeakAudit, Mean, ScoreSummary
from docent.stages.report.inputs.subject import Subject
from docent.stages.report.sentences.wording import ACCURACY

Standing = Literal["ahead", "tied", "behind"]
SIGNIFICANT_P = 0.05


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval over n answers; an interval that nobody could compute has infinite ends.

    Attributes:
        exhibits: that the answers are about; None: not counted.
    """

    mean: float
    low: float
    high: float
    n: int
    exhibits: int | None = None


@dataclass(frozen=True)
class Comparison:
    """A paired difference, a − b; a p of None was not computed."""

    a: str
    b: str
    metric: str
    difference: float
    low: float
    high: float
    p: float | None = None
    p_holm: float | None = None

    @property
    def apart(self) -> bool:
        """Whether the difference is more than noise."""
        return (self.low > 0 or self.high < 0) and (self.p_holm is None or self.p_holm < SIGNIFICANT_P)


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


@dataclass(frozen=True)
class Blind:
    """How many of the answers of a fine-tuned model are the same without the photo."""

    model: str
    same: int
    compared: int


@dataclass(frozen=True)
class Evidence:
    """The numbers that a verdict rests on.

    Attributes:
        arms: arm -> metric -> estimate, in the order of the page.
        tuned: names of the fine-tuned arms.
        chance: exhibit accuracy of guessing.
        exhibits: that scores are of; 0 where nothing was scored.
        examples: test questions.
        subject: what the run is about.
        audit: what the test shares with training; None: not counted.
        test_photos: photos of the test; None: not counted.
        teachers: who wrote the answers.
        failed_shards: parts of the run that are missing.
        data_set: in words; empty where none was built.
        training_photos: the photos that training saw, in words; empty where nothing was trained on photos.
        blind: of the first fine-tuned model; None where it was not asked without the photo.
        reviewed: pairs that a person approved or edited.
        requests, fruitless: to the teacher, and those that gave no pair.
    """

    arms: dict[str, dict[str, Estimate]]
    comparisons: Sequence[Comparison] = ()
    tuned: Sequence[str] = ()
    chance: float | None = None
    exhibits: int = 0
    examples: int = 0
    subject: Subject = Subject()
    audit: LeakAudit | None = None
    test_photos: int | None = None
    teachers: Sequence[str] = ()
    failed_shards: int = 0
    data_set: str = ""
    training_photos: str = ""
    blind: Blind | None = None
    reviewed: int = 0
    requests: int = 0
    fruitless: int = 0

    def of(self, metric: str) -> dict[str, Estimate]:
        """Return the estimates of one metric by arm, in the order of the page."""
        return {arm: metrics[metric] for arm, metrics in self.arms.items() if metric in metrics}


def standing(evidence: Evidence, metric: str, arm: str, other: str) -> Standing:
    """Compare `arm` with `other` on a metric of which more is better: by what both answered, where that is known."""
    if not apart(evidence, metric, arm, other):
        return "tied"
    paired = comparison(evidence.comparisons, metric, arm, other)
    means = evidence.arms[arm][metric].mean - evidence.arms[other][metric].mean
    return "ahead" if (paired.difference if paired else means) > 0 else "behind"


def apart(evidence: Evidence, metric: str, arm: str, other: str) -> bool:
    """Tell whether two arms differ by more than noise: by their paired difference, else by their intervals."""
    paired = comparison(evidence.comparisons, metric, arm, other)
    if paired:
        return paired.apart
    mine, theirs = evidence.arms[arm][metric], evidence.arms[other][metric]
    return mine.low > theirs.high or mine.high < theirs.low


def too_small(evidence: Evidence, metric: str) -> bool:
    """Tell whether no difference could ever be called more than noise, however large it is.

    A sign-flip test over n exhibits gives no p below 2 / 2^n, and Holm multiplies the smallest by the number of pairs.
    """
    return 0 < evidence.exhibits < exhibits_needed(evidence, metric)


def exhibits_needed(evidence: Evidence, metric: str) -> int:
    """Return the smallest number of exhibits with which a difference could be called more than noise; at least 2."""
    pairs = sum(c.metric == metric and c.p_holm is not None for c in evidence.comparisons)
    if evidence.exhibits == 1:  # with one there is no p: as many pairs as there will be with more
        tuned, others = len(evidence.tuned), len(evidence.arms) - len(evidence.tuned)
        pairs = tuned * others + tuned * (tuned - 1) // 2
    needed = 2
    while pairs * 2.0 ** (1 - needed) >= SIGNIFICANT_P:
        needed += 1
    return needed


def comparable(evidence: Evidence, estimate: Estimate) -> bool:
    """Tell whether a mean is of enough exhibits to be called better than another, or indistinguishable from it.

    So few that a test of as many would be too small say nothing about either.
    """
    if estimate.exhibits is None:
        return True
    known = math.isfinite(estimate.low + estimate.high)
    return known and estimate.exhibits >= exhibits_needed(evidence, ACCURACY)


def comparison(comparisons: Sequence[Comparison], metric: str, arm: str, other: str) -> Comparison | None:
    """Return the paired difference `arm` − `other`, whichever way round it was computed; None where it was not."""
    for c in comparisons:
        if c.metric == metric and (c.a, c.b) == (arm, other):
            return c
        if c.metric == metric and (c.a, c.b) == (other, arm):
            return Comparison(arm, other, metric, -c.difference, -c.high, -c.low, c.p, c.p_holm)
    return None
