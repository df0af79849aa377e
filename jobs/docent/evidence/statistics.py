"""How sure a mean or a difference is: cluster bootstrap, cluster sign-flip test, Holm's correction.

Rows about one exhibit are not independent, so the exhibit (cluster) is what is drawn and what is flipped (Miller 2024,
arXiv 2411.00640). Plain numpy on in-memory values; the same seed gives the same numbers. Intervals are percentile
intervals: with few clusters they are somewhat too narrow (tests/unit/test_statistics.py measures the coverage at 20),
and with a single one they collapse to a point, so a summary says below FEW_CLUSTERS how many there are. They collapse
as well where all values are equal, which says little about other exhibits: a share of 0 or 1 has Wilson's interval.
One interval covers which exhibits were drawn, not what another training seed would give.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FEW_CLUSTERS = 40
CELLS_PER_CHUNK = 1_000_000  # bounds memory: at most this many drawn cluster numbers at a time, 8 MB
MIN_SIGN_PATTERNS = 10_000  # p is compared with 0.05 after Holm: fewer patterns would make it too coarse
Z95 = 1.959963984540054  # of the normal distribution, two-sided
TIE = 1e-12  # sums of the same numbers in another order count as equal

Floats = NDArray[np.float64]


class Interval(NamedTuple):
    """A mean over `n` rows with its 95 % interval."""

    mean: float
    lo: float
    hi: float
    n: int


class Difference(NamedTuple):
    """Mean of paired differences over `n` rows, its 95 % interval and a two-sided p value."""

    mean: float
    lo: float
    hi: float
    p: float
    n: int


def interval(values: Sequence[float], clusters: Sequence[str], draws: int, seed: int) -> Interval:
    """Percentile cluster bootstrap of a mean: whole clusters are drawn with replacement, the mean is over rows.

    Args:
        values: one value per row.
        clusters: the cluster of each row, e.g. its item id.
        draws: resamples.
        seed: of the draws.

    Raises:
        ValueError: there are no rows, or the lengths differ.
    """
    sums, sizes = _by_cluster(values, clusters)
    count = len(sums)
    rng = np.random.default_rng(seed)
    means = np.empty(draws)
    for chunk in _chunks(draws, count):
        drawn = rng.integers(0, count, size=(chunk.stop - chunk.start, count))
        means[chunk] = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    lo, hi = np.quantile(means, (0.025, 0.975))
    return Interval(float(sums.sum() / sizes.sum()), float(lo), float(hi), len(values))


def wilson_interval(share: float, n: int) -> tuple[float, float]:
    """95 % score interval of a share of `n` independent trials (Wilson 1927): it has a width at 0 and 1 too.

    Args:
        n: at least 1; of rows in clusters the number of clusters, the least that the rows can be worth.
    """
    z2 = Z95 * Z95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def sign_flip_p(values: Sequence[float], clusters: Sequence[str], draws: int, seed: int) -> float:
    """Two-sided p value that the mean is zero: the sign of each cluster's sum is flipped at random.

    All 2^clusters patterns are counted where they are no more than `draws`; else `draws` random ones, counting the
    observed pattern as one of them, so that p is never 0.

    Raises:
        ValueError: there are no rows, or the lengths differ.
    """
    sums, _ = _by_cluster(values, clusters)
    count = len(sums)
    observed = abs(float(sums.sum())) - TIE * max(1.0, float(np.abs(sums).sum()))
    exact = count < 63 and 2**count <= draws
    patterns = 2**count if exact else draws
    rng = np.random.default_rng(seed)
    as_extreme = 0
    for chunk in _chunks(patterns, count):
        if exact:
            bits = (np.arange(chunk.start, chunk.stop)[:, None] >> np.arange(count)) & 1
        else:
            bits = rng.integers(0, 2, size=(chunk.stop - chunk.start, count))
        as_extreme += int((np.abs(np.where(bits == 1, sums, -sums).sum(axis=1)) >= observed).sum())
    return as_extreme / patterns if exact else (as_extreme + 1) / (patterns + 1)


def paired_difference(
    a: Mapping[str, float], b: Mapping[str, float], clusters: Mapping[str, str], draws: int, seed: int
) -> Difference | None:
    """Compare two arms on the examples that both have: mean of a - b, interval and p at cluster level.

    Args:
        a: value by example id of one arm.
        b: value by example id of the other.
        clusters: cluster by example id.
        draws: resamples, and sign patterns where that is more than MIN_SIGN_PATTERNS.
        seed: of both.

    Returns:
        None where they share no example.
    """
    shared = sorted(a.keys() & b.keys())
    if not shared:
        return None
    differences = [a[key] - b[key] for key in shared]
    groups = [clusters[key] for key in shared]
    mean, lo, hi, n = interval(differences, groups, draws, seed)
    p = sign_flip_p(differences, groups, max(draws, MIN_SIGN_PATTERNS), seed)
    return Difference(mean, lo, hi, p, n)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment: comparing each result with alpha keeps the chance of any false claim below alpha."""
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def _by_cluster(values: Sequence[float], clusters: Sequence[str]) -> tuple[Floats, Floats]:
    """Sum and number of rows of each cluster, in order of the clusters' names."""
    if not values or len(values) != len(clusters):
        raise ValueError(f"{len(values)} values in {len(clusters)} cluster names")
    _, numbers = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.bincount(numbers, weights=np.asarray(values, dtype=np.float64)).astype(np.float64)
    return sums, np.bincount(numbers).astype(np.float64)


def _chunks(length: int, width: int) -> Iterator[slice]:
    step = max(1, CELLS_PER_CHUNK // width)
    for start in range(0, length, step):
        yield slice(start, min(start + step, length))
