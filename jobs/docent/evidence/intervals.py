"""Compute 95 % intervals of means and paired differences of clustered rows; they also hold for few clusters.

Rows about one exhibit are not independent, so the exhibit (cluster) is the unit (Miller 2024, arXiv 2411.00640).
Intervals of shares stay between 0 and 1 and never collapse to a point. Other means have a t interval, or none with
fewer than MIN_CLUSTERS_OF_MEANS clusters. scripts/bench/coverage.py simulates how often the intervals contain the true
value. An interval covers the choice of exhibits, not the variation between training seeds.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, stdtrit

MIN_CLUSTERS = 2  # with one cluster, the variance between clusters is unknown
MIN_CLUSTERS_OF_MEANS = 5  # with fewer, a t interval of a bimodal distribution covers less than 90 %
UPPER = 0.975  # quantile of a two-sided 95 % interval
TIE = 1e-12  # tolerance: sums of the same numbers in another order count as equal

Floats = NDArray[np.float64]
Bounds = tuple[float, float]


class Interval(NamedTuple):
    """A mean over `n` rows in `clusters` clusters with its 95 % interval; `bounds` is None with too few clusters."""

    mean: float
    bounds: Bounds | None
    n: int
    clusters: int
    p: float = math.nan
    """Two-sided p value of the hypothesis that the mean is zero; only for paired differences, else NaN."""


class Sums(NamedTuple):
    """The sum of values and the number of rows of each cluster, sorted by cluster name."""

    sums: Floats
    sizes: Floats

    @property
    def mean(self) -> float:
        """The mean over rows, not over clusters."""
        return float(self.sums.sum() / self.sizes.sum())

    @property
    def residuals(self) -> Floats:
        """The contribution of each cluster to the linearised mean; their sum is zero."""
        return np.asarray((self.sums - self.mean * self.sizes) / self.sizes.sum())

    @property
    def variance(self) -> float:
        """The variance of the mean between clusters; requires at least two clusters."""
        count = len(self.sums)
        return float((self.residuals**2).sum()) * count / (count - 1)


def by_cluster(values: Sequence[float], clusters: Sequence[str]) -> Sums:
    """Add up the rows of each cluster.

    Raises:
        ValueError: there are no rows, or the lengths differ.
    """
    if not values or len(values) != len(clusters):
        raise ValueError(f"{len(values)} values but {len(clusters)} cluster names")
    _, numbers = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.bincount(numbers, weights=np.asarray(values, dtype=np.float64)).astype(np.float64)
    return Sums(sums, np.bincount(numbers).astype(np.float64))


def share_interval(values: Sequence[float], clusters: Sequence[str]) -> Interval:
    """Return the mean of values from 0 to 1 with Korn and Graubard's interval, or no interval for a single cluster.

    It is Clopper and Pearson's exact interval for the effective number of independent trials: p (1 - p) divided by the
    variance of the mean between clusters, reduced if few clusters estimate that variance, and at most the number of
    rows (Korn and Graubard 1998, Survey Methodology 24, 193-201). With a share of 0 or 1 that variance cannot be
    estimated: then each cluster counts as one trial, the lowest possible number.

    Args:
        values: one value per row, 0 to 1.
        clusters: the cluster of each row, e.g. its item id.

    Raises:
        ValueError: there are no rows, or the lengths differ.
    """
    sums = by_cluster(values, clusters)
    return _with(sums, _share_bounds(sums) if len(sums.sums) >= MIN_CLUSTERS else None)


def mean_interval(values: Sequence[float], clusters: Sequence[str], least: float = -math.inf) -> Interval:
    """Return a mean with a t interval over clusters.

    There is no interval with fewer than MIN_CLUSTERS_OF_MEANS clusters or if the clusters do not vary.

    Args:
        values: one value per row.
        clusters: the cluster of each row.
        least: the smallest possible value; the interval is cut there.

    Raises:
        ValueError: there are no rows, or the lengths differ.
    """
    sums = by_cluster(values, clusters)
    if len(sums.sums) < MIN_CLUSTERS_OF_MEANS or math.sqrt(sums.variance) < TIE:
        return _with(sums, None)
    half = _t(len(sums.sums) - 1) * math.sqrt(sums.variance)
    return _with(sums, (max(least, sums.mean - half), sums.mean + half))


def share_difference(a: Sequence[float], b: Sequence[float], clusters: Sequence[str]) -> Interval:
    """Return the difference of two shares over the same rows, a - b, with an interval unless there is only one cluster.

    The intervals of both shares are combined using the correlation of the clusters' residuals (Zou and Donner 2008,
    Statistics in Medicine 27, 1693-1702). With one row per cluster this is Newcombe's hybrid score interval.

    Args:
        a: the first value of each row, 0 to 1.
        b: the second value of each row, 0 to 1.
        clusters: the cluster of each row.
    """
    first, second = by_cluster(a, clusters), by_cluster(b, clusters)
    mean = first.mean - second.mean
    if len(first.sums) < MIN_CLUSTERS:
        return Interval(mean, None, len(a), len(first.sums))
    r = _correlation(first.residuals, second.residuals)
    (low_a, high_a), (low_b, high_b) = _share_bounds(first), _share_bounds(second)
    below = _combined(first.mean - low_a, high_b - second.mean, r)
    above = _combined(high_a - first.mean, second.mean - low_b, r)
    return Interval(mean, (max(-1.0, mean - below), min(1.0, mean + above)), len(a), len(first.sums))


def _with(sums: Sums, bounds: Bounds | None) -> Interval:
    return Interval(sums.mean, bounds, int(sums.sizes.sum()), len(sums.sums))


def _share_bounds(sums: Sums) -> Bounds:
    mean, trials = sums.mean, _trials(sums)
    hits, misses = mean * trials, (1 - mean) * trials
    low = 0.0 if mean <= TIE else float(betaincinv(hits, misses + 1, 1 - UPPER))
    high = 1.0 if mean >= 1 - TIE else float(betaincinv(hits + 1, misses, UPPER))
    return low, high


def _trials(sums: Sums) -> float:
    """Return the effective number of independent trials (see `share_interval`)."""
    clusters, rows = len(sums.sums), float(sums.sizes.sum())
    spread = sums.mean * (1 - sums.mean)
    if spread <= TIE:
        return float(clusters)
    few = (_t(rows - 1) / _t(clusters - 1)) ** 2
    single = spread / (rows - 1)  # the variance of the mean if the rows were independent
    return min(rows, few * rows * single / sums.variance) if sums.variance > TIE**2 else few * rows


def _correlation(a: Floats, b: Floats) -> float:
    scale = math.sqrt(float((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / scale if scale > TIE**2 else 0.0


def _combined(one: float, other: float, r: float) -> float:
    return math.sqrt(max(0.0, one * one - 2 * r * one * other + other * other))


def _t(degrees: float) -> float:
    return float(stdtrit(degrees, UPPER))
