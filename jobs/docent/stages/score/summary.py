"""Score rows to the numbers of `summary.json`: means with intervals, and fine-tuned arms against every other.

Pure functions over rows. Rows are clustered by item; every number is rounded to six decimals, so that the file has the
same bytes wherever the rows do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from docent.evidence.metrics import METRICS, rounded
from docent.evidence.statistics import FEW_CLUSTERS, holm, interval, paired_difference, wilson_interval
from docent.plurals import counted
from docent.records import Score

COMPARED = ("exhibit_accuracy", "semantic_distance")

NO_WIDTH = 1e-9


@dataclass(frozen=True)
class Resampling:
    """How often items are drawn, and the seed of the draws."""

    draws: int
    seed: int


def arm_means(scores: Sequence[Score], resampling: Resampling) -> dict[str, dict[str, Any]]:
    """`{arm: {metric: {mean, ci, n}}}`, arms in the order of their rows; a metric that no row has is left out."""
    return {arm: metric_means([s for s in scores if s.arm == arm], resampling) for arm in arms_of(scores)}


def metric_means(scores: Sequence[Score], resampling: Resampling) -> dict[str, Any]:
    """`{metric: {mean, ci, n}}` of the rows of one arm; ci is null where they belong to a single item.

    A share that is the same for every item, as 0 and 1 are, has Wilson's interval over the items: a bootstrap of equal
    values has no width.
    """
    found: dict[str, Any] = {}
    for metric in METRICS:
        rows = [score for score in scores if metric in score.metrics]
        if rows:
            clusters = [row.item_id for row in rows]
            values = [row.metrics[metric] for row in rows]
            mean, lo, hi, n = interval(values, clusters, resampling.draws, resampling.seed)
            if METRICS[metric].rate and hi - lo < NO_WIDTH:
                lo, hi = wilson_interval(mean, len(set(clusters)))
            found[metric] = {"mean": rounded(mean), "ci": _ci(lo, hi, clusters), "n": n}
    return found


def comparisons(scores: Sequence[Score], tuned: Sequence[str], resampling: Resampling) -> list[dict[str, Any]]:
    """Each fine-tuned arm against every other arm, on the examples both answered: difference = a - b.

    p is a sign-flip test over items; p_holm is Holm's adjustment over all pairs of one metric.
    """
    found: list[dict[str, Any]] = []
    for metric in COMPARED:
        pairs = [_compared(scores, pair, metric, resampling) for pair in pairs_of(arms_of(scores), tuned)]
        known = [pair for pair in pairs if pair is not None]
        for pair, adjusted in zip(known, holm([pair["p"] for pair in known]), strict=True):
            found.append({**pair, "p": rounded(pair["p"]), "p_holm": rounded(adjusted)})
    return found


def pairs_of(arms: Sequence[str], tuned: Sequence[str]) -> list[tuple[str, str]]:
    """Every pair with a fine-tuned arm in it, once, that arm first."""
    ours = [arm for arm in arms if arm in tuned]
    return [(a, b) for number, a in enumerate(ours) for b in arms if b != a and b not in ours[:number]]


def arms_of(scores: Sequence[Score]) -> list[str]:
    """Names of the arms in the order of their rows."""
    return list(dict.fromkeys(score.arm for score in scores))


def interval_notes(items: int, one: str = "exhibit") -> list[str]:
    """What a reader of the intervals should know.

    Args:
        items: how many the test is about.
        one: what one of them is.
    """
    if items == 1:
        return [f"with 1 {one} there is no interval and no test of significance"]
    few = f"{counted(items, one)} are few: bootstrap intervals below {FEW_CLUSTERS} are somewhat too narrow"
    wilson = f"the interval of a share that is the same for every {one} is Wilson's over the {one}s: "
    wilson += "a bootstrap of equal values has no width"
    return [few, wilson] if items < FEW_CLUSTERS else [wilson]


def _compared(
    scores: Sequence[Score], pair: tuple[str, str], metric: str, resampling: Resampling
) -> dict[str, Any] | None:
    a, b = ({s.example_id: s.metrics[metric] for s in scores if s.arm == arm and metric in s.metrics} for arm in pair)
    items = {score.example_id: score.item_id for score in scores}
    found = paired_difference(a, b, items, resampling.draws, resampling.seed)
    if found is None:
        return None
    return {
        "a": pair[0],
        "b": pair[1],
        "metric": metric,
        "difference": rounded(found.mean),
        "ci": _ci(found.lo, found.hi, [items[key] for key in a.keys() & b.keys()]),
        "n": found.n,
        "p": found.p,
    }


def _ci(lo: float, hi: float, clusters: Sequence[str]) -> list[float] | None:
    """A single item says nothing about others."""
    return [rounded(lo), rounded(hi)] if len(set(clusters)) > 1 else None
