"""Compute the numbers of `summary.json` from rows: means with intervals, and comparisons with fine-tuned arms.

Pure functions over rows. Rows are clustered by item. All numbers are rounded to six decimals, so that equal rows give
an identical file on any machine.
"""

from collections.abc import Sequence

from docent.artifacts.summaries import Difference, Mean
from docent.evidence.intervals import MIN_CLUSTERS_OF_MEANS, Bounds, mean_interval, share_interval
from docent.evidence.metrics import rounded
from docent.evidence.statistics import Resampling, holm, paired_difference
from docent.messages.plurals import counted
from docent.records import Score
from docent.tables import METRICS


def arm_means(scores: Sequence[Score]) -> dict[str, dict[str, Mean]]:
    """Return arm -> metric -> mean, with arms in row order and without metrics that no row has."""
    return {arm: metric_means([s for s in scores if s.arm == arm]) for arm in arms_of(scores)}


def metric_means(scores: Sequence[Score]) -> dict[str, Mean]:
    """Return metric -> mean of the rows of one arm.

    `ci` is None if the rows are about too few items (see docent.evidence.intervals); `n` is the number of answers.
    """
    means: dict[str, Mean] = {}
    for metric in METRICS:
        rows = [score for score in scores if metric in score.metrics]
        if rows:
            values, clusters = [row.metrics[metric] for row in rows], [row.item_id for row in rows]
            rate = METRICS[metric].share
            one = share_interval(values, clusters) if rate else mean_interval(values, clusters, least=0.0)
            means[metric] = Mean(mean=rounded(one.mean), ci=_ci(one.bounds), n=one.n, items=one.clusters)
    return means


def comparisons(scores: Sequence[Score], tuned: Sequence[str], resampling: Resampling) -> list[Difference]:
    """Compare each fine-tuned arm with every other arm on the examples that both answered: difference = a - b.

    `p` is from a sign-flip test over items; `p_holm` is adjusted by Holm's method over all pairs of one metric.
    """
    arms, compared = arms_of(scores), list[Difference]()
    items = {score.example_id: score.item_id for score in scores}
    for metric, share in ((name, row.share) for name, row in METRICS.items() if row.compared):
        values: dict[str, dict[str, float]] = {arm: {} for arm in arms}
        for score in scores:
            if metric in score.metrics:
                values[score.arm][score.example_id] = score.metrics[metric]
        known = [
            (a, b, one)
            for a, b in pairs_of(arms, tuned)
            if (one := paired_difference(values[a], values[b], items, resampling, share))
        ]
        for (a, b, one), adjusted in zip(known, holm([one.p for _, _, one in known]), strict=True):
            compared.append(
                Difference(
                    a=a,
                    b=b,
                    metric=metric,
                    difference=rounded(one.mean),
                    ci=_ci(one.bounds),
                    n=one.n,
                    items=one.clusters,
                    p=rounded(one.p),
                    p_holm=rounded(adjusted),
                )
            )
    return compared


def pairs_of(arms: Sequence[str], tuned: Sequence[str]) -> list[tuple[str, str]]:
    """Return every pair of arms with at least one fine-tuned arm, once, with a fine-tuned arm first."""
    ours = [arm for arm in arms if arm in tuned]
    return [(a, b) for number, a in enumerate(ours) for b in arms if b != a and b not in ours[:number]]


def arms_of(scores: Sequence[Score]) -> list[str]:
    """Return the names of the arms in row order."""
    return list(dict.fromkeys(score.arm for score in scores))


def interval_notes(items: int, one: str = "exhibit") -> list[str]:
    """Return notes that a reader of the intervals needs.

    Args:
        items: number of items in the test.
        one: word for one item.
    """
    if items == 1:
        return [f"with 1 {one} there is no interval and no test of significance"]
    shares = f"intervals of shares count the answers about one {one} as fewer independent ones (Korn and Graubard 1998)"
    notes = [f"{shares}; a share of 0 or 1 has one trial per {one}"]
    if items < MIN_CLUSTERS_OF_MEANS:
        other = f"a mean that is no share has no interval below {MIN_CLUSTERS_OF_MEANS} {one}s"
        notes.append(f"{other}, and there are {counted(items, one)}")
    return notes


def _ci(bounds: Bounds | None) -> Bounds | None:
    return (rounded(bounds[0]), rounded(bounds[1])) if bounds else None
