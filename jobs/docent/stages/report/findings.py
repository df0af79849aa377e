"""Means, intervals and paired differences, and what follows from them about two arms. Reads nothing, writes nothing.

An arm is *apart* from another when the 95 % interval of their paired difference leaves zero and its Holm-corrected
p is below 0.05 (evaluation.md §2.2); where the pair was not tested, when their intervals do not overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Standing = Literal["ahead", "tied", "behind"]
SIGNIFICANT_P = 0.05


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval over n answers; an interval that nobody could compute has infinite ends."""

    mean: float
    low: float
    high: float
    n: int


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


@dataclass(frozen=True)
class Evidence:
    """The numbers that a verdict rests on.

    Attributes:
        arms: arm -> metric -> estimate, in the order of the page.
        tuned: names of the fine-tuned arms.
        chance: exhibit accuracy of guessing.
        leaks, test_photos: test photos that share a photograph with another split, of how many; None: not counted.
        leaks_from: where their relatives are.
        repeated_answers: test answers that stand in training word for word.
        teachers: who wrote the answers.
        failed_shards: parts of the run that are missing.
    """

    arms: dict[str, dict[str, Estimate]]
    comparisons: Sequence[Comparison] = ()
    tuned: Sequence[str] = ()
    chance: float | None = None
    exhibits: int = 0
    examples: int = 0
    leaks: int | None = None
    test_photos: int | None = None
    leaks_from: str = "training"
    repeated_answers: int = 0
    teachers: Sequence[str] = ()
    failed_shards: int = 0


def standing(evidence: Evidence, metric: str, arm: str, other: str) -> Standing:
    """Where `arm` stands against `other` on a metric of which more is better."""
    if not apart(evidence, metric, arm, other):
        return "tied"
    return "ahead" if evidence.arms[arm][metric].mean > evidence.arms[other][metric].mean else "behind"


def apart(evidence: Evidence, metric: str, arm: str, other: str) -> bool:
    """Whether two arms differ by more than noise: by their paired difference, else by their intervals."""
    found = comparison(evidence.comparisons, metric, arm, other)
    if found:
        return found.apart
    mine, theirs = evidence.arms[arm][metric], evidence.arms[other][metric]
    return mine.low > theirs.high or mine.high < theirs.low


def comparison(comparisons: Sequence[Comparison], metric: str, arm: str, other: str) -> Comparison | None:
    """The paired difference `arm` − `other`, whichever way round it was computed; None where it was not."""
    for c in comparisons:
        if c.metric == metric and (c.a, c.b) == (arm, other):
            return c
        if c.metric == metric and (c.a, c.b) == (other, arm):
            return Comparison(arm, other, metric, -c.difference, -c.high, -c.low, c.p, c.p_holm)
    return None
