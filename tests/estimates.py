"""Means and paired differences as stage score writes them, from plain numbers."""

from __future__ import annotations

from docent.artifacts.summaries import Difference, Mean


def mean_of(mean: float, low: float, high: float, n: int, items: int | None = None) -> Mean:
    return Mean(mean=mean, ci=(low, high), n=n, items=items)


def difference_of(
    a: str, b: str, metric: str, value: float, low: float, high: float, p: float = 1.0, p_holm: float | None = None
) -> Difference:
    return Difference(a=a, b=b, metric=metric, difference=value, ci=(low, high), p=p, p_holm=p_holm)
