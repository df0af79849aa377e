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


@dataclass(frozen=True)
class Evidence:
    """The numbers that a verdict rests on.

    Attributes:
        arms: arm -> metric -> estimate, in the order of the page.
        tuned: names of the fine-tuned arms.
        chance: exhibit accuracy of guessing.
        exhibits: that scores are of; 0 where nothing was scored.
        examples: test questions.
        leaks, test_photos: test photos that descend from, or are the same file as, a photo of another split, of how
            many; None: not counted.
        leaks_from: where their relatives are.
        repeated_answers: test answers that stand in training word for word.
        recombined_answers: test answers all of whose sentences stand in training answers about the same exhibit.
        partly_known_answers: test answers with at least one such sentence, those above among them.
        teachers: who wrote the answers.
        failed_shards: parts of the run that are missing.
        item, items: what a question is about, in the singular and in the plural.
        figures, shared_figures: figures of documents, and those that stand in several splits.
        made: the data set in words; empty where none was built.
        seen: the photos that training saw, in words; empty where nothing was trained on photos.
        blind, unseeing, compared: a fine-tuned model, and how many of how many of its answers are the same without the
            photo.
        reviewed: pairs that a person approved or edited.
        requests, fruitless: to the teacher, and those that gave no pair.
        unasked: sections without a row in the data set, of how many.
        sections: of documents; parted: those of them that are read in several parts.
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
    recombined_answers: int = 0
    partly_known_answers: int = 0
    teachers: Sequence[str] = ()
    failed_shards: int = 0
    item: str = "exhibit"
    items: str = "exhibits"
    figures: int = 0
    shared_figures: int = 0
    made: str = ""
    seen: str = ""
    blind: str = ""
    unseeing: int = 0
    compared: int = 0
    reviewed: int = 0
    requests: int = 0
    fruitless: int = 0
    unasked: int = 0
    sections: int = 0
    parted: int = 0

    @property
    def unit(self) -> str:
        """What scores are of, in the singular: a part, where sections are read in several."""
        return self.item.replace("section", "part of a section") if self.parted else self.item

    @property
    def units(self) -> str:
        """The same in the plural."""
        return self.items.replace("sections", "parts of sections") if self.parted else self.items


def standing(evidence: Evidence, metric: str, arm: str, other: str) -> Standing:
    """Where `arm` stands against `other` on a metric of which more is better: by what they both answered, if known."""
    if not apart(evidence, metric, arm, other):
        return "tied"
    found = comparison(evidence.comparisons, metric, arm, other)
    means = evidence.arms[arm][metric].mean - evidence.arms[other][metric].mean
    return "ahead" if (found.difference if found else means) > 0 else "behind"


def apart(evidence: Evidence, metric: str, arm: str, other: str) -> bool:
    """Whether two models or methods differ by more than noise: by their paired difference, else by their intervals."""
    found = comparison(evidence.comparisons, metric, arm, other)
    if found:
        return found.apart
    mine, theirs = evidence.arms[arm][metric], evidence.arms[other][metric]
    return mine.low > theirs.high or mine.high < theirs.low


def too_small(evidence: Evidence, metric: str) -> bool:
    """Whether no difference could ever be called more than noise, however large it is.

    A sign-flip test over n exhibits gives no p below 2 / 2^n, and Holm multiplies the smallest by the number of pairs.
    """
    return 0 < evidence.exhibits < exhibits_needed(evidence, metric)


def exhibits_needed(evidence: Evidence, metric: str) -> int:
    """The smallest number of exhibits with which a difference could be called more than noise; at least 2."""
    pairs = sum(c.metric == metric and c.p_holm is not None for c in evidence.comparisons)
    if evidence.exhibits == 1:  # with one there is no p: as many pairs as there will be with more
        tuned, others = len(evidence.tuned), len(evidence.arms) - len(evidence.tuned)
        pairs = tuned * others + tuned * (tuned - 1) // 2
    needed = 2
    while pairs * 2.0 ** (1 - needed) >= SIGNIFICANT_P:
        needed += 1
    return needed


def comparable(evidence: Evidence, estimate: Estimate) -> bool:
    """Whether a mean is of enough exhibits to be called better than another, or indistinguishable from it.

    So few that a test of as many would be too small say nothing about either.
    """
    if estimate.exhibits is None:
        return True
    known = math.isfinite(estimate.low + estimate.high)
    return known and estimate.exhibits >= exhibits_needed(evidence, ACCURACY)


def comparison(comparisons: Sequence[Comparison], metric: str, arm: str, other: str) -> Comparison | None:
    """The paired difference `arm` − `other`, whichever way round it was computed; None where it was not."""
    for c in comparisons:
        if c.metric == metric and (c.a, c.b) == (arm, other):
            return c
        if c.metric == metric and (c.a, c.b) == (other, arm):
            return Comparison(arm, other, metric, -c.difference, -c.high, -c.low, c.p, c.p_holm)
    return None
