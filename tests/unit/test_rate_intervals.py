"""Intervals of shares: none of them claims certainty because all answers were alike."""

from __future__ import annotations

import pytest

from docent.evidence.statistics import wilson_interval
from docent.records import Score
from docent.stages.score.summary import Resampling, metric_means

RESAMPLING = Resampling(500, 1)


def scores(values: dict[str, list[float]], metric: str = "exhibit_accuracy") -> list[Score]:
    return [
        Score(
            id=f"{item}{n}", arm="base", example_id=f"{item}{n}", item_id=item, item_name=item, metrics={metric: value}
        )
        for item, row in values.items()
        for n, value in enumerate(row)
    ]


def ci(values: dict[str, list[float]], metric: str = "exhibit_accuracy") -> list[float] | None:
    found: list[float] | None = metric_means(scores(values, metric), RESAMPLING)[metric]["ci"]
    return found


# Newcombe 1998 (Statistics in Medicine 17, table I): 81 of 263, 15 of 148, 0 of 20, 1 of 29.
@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_interval_equals_published_values(hits: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(hits / n, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("metric", ["exhibit_accuracy", "nearest_exhibit", "number_support"])
def test_shares_of_0_and_1_have_an_interval_with_a_width(metric: str) -> None:
    none = {f"exhibit {n}": [0.0, 0.0, 0.0] for n in range(20)}
    assert ci(none, metric) == pytest.approx([0.0, 0.1611], abs=1e-4)
    every = {item: [1.0] * 3 for item in none}
    assert ci(every, metric) == pytest.approx([0.8389, 1.0], abs=1e-4)


def test_chance_is_within_the_interval_of_a_model_that_is_never_right() -> None:
    for exhibits in (2, 5, 20, 60):
        low, high = ci({f"exhibit {n}": [0.0] * 3 for n in range(exhibits)}) or (1, 0)
        assert low <= 1 / exhibits <= high


def test_the_trials_are_exhibits_and_not_answers() -> None:
    assert ci({"a": [1.0] * 50, "b": [1.0] * 50}) == ci({"a": [1.0], "b": [1.0]})


def test_a_share_that_is_the_same_for_every_exhibit_is_not_surer_than_its_exhibits_are_many() -> None:
    low, high = ci({f"exhibit {n}": [1.0, 1.0, 0.0] for n in range(4)}) or (1, 0)
    assert low < 0.35 and high > 0.85


def test_other_shares_and_other_metrics_keep_the_bootstrap() -> None:
    mixed = {f"exhibit {n}": [float(n < 15)] for n in range(20)}
    low, high = ci(mixed) or (0, 0)
    assert 0 < low < 0.75 < high < 1
    assert ci({"a": [0.0], "b": [0.0]}, "semantic_distance") == [0.0, 0.0]
    assert ci({"a": [1.0], "b": [1.0]}, "length_ratio") == [1.0, 1.0]


def test_one_exhibit_has_no_interval() -> None:
    assert ci({"a": [1.0, 1.0]}) is None
