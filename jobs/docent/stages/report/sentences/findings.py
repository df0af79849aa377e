"""Compare two models or methods by their means, intervals and paired differences.

Two of them are *apart* (statistically distinguishable) if the 95 % interval of their paired difference excludes zero
and its Holm-corrected p is below 0.05 (evaluation.md §2.2). If the pair was not tested, they are apart if their
intervals do not overlap.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from docent.artifacts.summaries import SIGNIFICANT_P, Difference, LeakAudit, Mean
from docent.stages.report.inputs.subject import Subject
from docent.stages.report.sentences.wording import ACCURACY

Standing = Literal["ahead", "tied", "behind"]


@dataclass(frozen=True)
class Blind:
    """How many answers of a fine-tuned model are the same without the photo.

    Attributes:
        same: answers that do not change without the photo.
        compared: answers that were given both with and without it.
    """

    model: str
    same: int
    compared: int


@dataclass(frozen=True)
class Evidence:
    """The numbers that a verdict is based on.

    Attributes:
        arms: arm -> metric -> mean, in the order of the page.
        comparisons: paired differences between arms.
        tuned: names of the fine-tuned arms.
        chance: exhibit accuracy of guessing.
        exhibits: number of exhibits with scores; 0 if nothing was scored.
        examples: number of test questions.
        subject: what the run is about.
        audit: what the test shares with training; None if not counted.
        test_photos: number of photos in the test; None if not counted.
        teachers: names of the teachers that wrote the answers.
        failed_shards: number of failed shards, whose rows are missing from the run.
        data_set: the size of the data set in words, or "" if none was built.
        training_photos: the training photos in words, or "" if no model was trained on photos.
        blind: comparison of the first fine-tuned model's answers with and without the photo; None if it has no
            answers without the photo.
        reviewed: number of pairs that a person approved or edited.
        requests: number of requests to the teacher.
        fruitless: number of requests that gave no pair.
    """

    arms: dict[str, dict[str, Mean]]
    comparisons: Sequence[Difference] = ()
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

    def of(self, metric: str) -> dict[str, Mean]:
        """Return the means of one metric by arm, in the order of the page."""
        return {arm: metrics[metric] for arm, metrics in self.arms.items() if metric in metrics}


def standing(evidence: Evidence, metric: str, arm: str, other: str) -> Standing:
    """Compare `arm` with `other` on a metric where higher is better, by their paired difference if there is one."""
    if not apart(evidence, metric, arm, other):
        return "tied"
    paired = comparison(evidence.comparisons, metric, arm, other)
    means = evidence.arms[arm][metric].mean - evidence.arms[other][metric].mean
    return "ahead" if (paired.difference if paired else means) > 0 else "behind"


def apart(evidence: Evidence, metric: str, arm: str, other: str) -> bool:
    """Return whether two arms differ by more than noise, by their paired difference or else by their intervals."""
    paired = comparison(evidence.comparisons, metric, arm, other)
    if paired:
        return paired.is_significant
    mine, theirs = evidence.arms[arm][metric], evidence.arms[other][metric]
    return mine.low > theirs.high or mine.high < theirs.low


def too_small(evidence: Evidence, metric: str) -> bool:
    """Return whether the test has too few exhibits for any difference, however large, to be significant.

    The smallest p of a sign-flip test over n exhibits is 2 / 2^n, and Holm multiplies it by the number of pairs.
    """
    return 0 < evidence.exhibits < exhibits_needed(evidence, metric)


def exhibits_needed(evidence: Evidence, metric: str) -> int:
    """Return the smallest number of exhibits with which a difference can be significant; at least 2."""
    pairs = sum(c.metric == metric and c.p_holm is not None for c in evidence.comparisons)
    if evidence.exhibits == 1:  # no pair was tested: count the pairs that would be tested with more exhibits
        tuned, others = len(evidence.tuned), len(evidence.arms) - len(evidence.tuned)
        pairs = tuned * others + tuned * (tuned - 1) // 2
    needed = 2
    while pairs * 2.0 ** (1 - needed) >= SIGNIFICANT_P:
        needed += 1
    return needed


def comparable(evidence: Evidence, estimate: Mean) -> bool:
    """Return whether a mean covers enough exhibits to be compared with others.

    Return False if it has no interval, or if a test of as many exhibits would be too small (see `exhibits_needed`).
    """
    if estimate.items is None:
        return True
    known = math.isfinite(estimate.low + estimate.high)
    return known and estimate.items >= exhibits_needed(evidence, ACCURACY)


def comparison(comparisons: Sequence[Difference], metric: str, arm: str, other: str) -> Difference | None:
    """Return the paired difference `arm` − `other`, reversed if computed the other way round, or None if untested."""
    for c in comparisons:
        if c.metric == metric and (c.a, c.b) == (arm, other):
            return c
        if c.metric == metric and (c.a, c.b) == (other, arm):
            ci = (-c.high, -c.low) if c.ci else None
            return c.model_copy(update={"a": arm, "b": other, "difference": -c.difference, "ci": ci})
    return None
