"""Test whether a difference is more than chance, with a sign-flip test of paired differences and Holm's correction.

Rows about one exhibit are not independent, so the test flips the signs of exhibits (clusters), not of rows (Miller
2024, arXiv 2411.00640). The same seed gives the same numbers. Intervals are in intervals.py.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from docent.evidence.intervals import TIE, Interval, by_cluster, mean_interval, share_difference

CELLS_PER_CHUNK = 1_000_000  # bounds memory: at most this many random signs (8 MB) at a time
MIN_SIGN_PATTERNS = 10_000  # p is compared with 0.05 after Holm's correction: with fewer patterns it is too coarse


class Resampling(NamedTuple):
    """The number of sign patterns that a paired test draws, and the random seed."""

    draws: int
    seed: int


def sign_flip_p(values: Sequence[float], clusters: Sequence[str], draws: int, seed: int) -> float:
    """Return the two-sided p value of the hypothesis that the mean is zero, from flipping the signs of cluster sums.

    If there are at most `draws` sign patterns (2^clusters), all are used. Otherwise `draws` patterns are drawn at
    random, and the observed pattern is added to them, so that p is never 0.

    Raises:
        ValueError: there are no rows, or the lengths differ.
    """
    sums = by_cluster(values, clusters).sums
    count = len(sums)
    observed = abs(float(sums.sum())) - TIE * max(1.0, float(np.abs(sums).sum()))
    exact = count < 63 and 2**count <= draws
    patterns = 2**count if exact else draws
    rng = np.random.default_rng(seed)
    as_extreme = 0
    step = max(1, CELLS_PER_CHUNK // count)
    for start in range(0, patterns, step):
        chunk = np.arange(start, min(start + step, patterns))
        bits = chunk[:, None] >> np.arange(count) & 1 if exact else rng.integers(0, 2, size=(len(chunk), count))
        as_extreme += int((np.abs(np.where(bits == 1, sums, -sums).sum(axis=1)) >= observed).sum())
    return as_extreme / patterns if exact else (as_extreme + 1) / (patterns + 1)


def paired_difference(
    a: Mapping[str, float],
    b: Mapping[str, float],
    clusters: Mapping[str, str],
    resampling: Resampling,
    shares: bool = False,
) -> Interval | None:
    """Compare two arms on the examples that both have: mean of a - b, with interval and p over clusters.

    Args:
        a: example id -> value of one arm.
        b: example id -> value of the other arm.
        clusters: example id -> cluster.
        resampling: number of sign patterns, raised to MIN_SIGN_PATTERNS if smaller, and random seed.
        shares: whether the values are from 0 to 1; then the interval is limited to -1 to 1.

    Returns:
        The difference, or None if the arms have no example in common.
    """
    shared = sorted(a.keys() & b.keys())
    if not shared:
        return None
    ours, theirs = [a[key] for key in shared], [b[key] for key in shared]
    differences = [one - other for one, other in zip(ours, theirs, strict=True)]
    groups = [clusters[key] for key in shared]
    difference = share_difference(ours, theirs, groups) if shares else mean_interval(differences, groups)
    p = sign_flip_p(differences, groups, max(resampling.draws, MIN_SIGN_PATTERNS), resampling.seed)
    return difference._replace(p=p)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p values by Holm's step-down method.

    If each adjusted value is compared with alpha, the probability of any false positive is at most alpha.
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted
