"""Intervals of shares, of other means and of differences: none of them claims more than the exhibits can show."""

from __future__ import annotations

import numpy as np
import pytest

from docent.evidence.intervals import mean_interval, share_difference, share_interval
from docent.records import Score
from docent.stages.score.summary import metric_means


def scores(values: dict[str, list[float]], metric: str = "exhibit_accuracy") -> list[Score]:
    return [
        Score(
            id=f"{item}{n}", arm="base", example_id=f"{item}{n}", item_id=item, item_name=item, metrics={metric: value}
        )
        for item, row in values.items()
        for n, value in enumerate(row)
    ]


def ci(values: dict[str, list[float]], metric: str = "exhibit_accuracy") -> tuple[float, float] | None:
    return metric_means(scores(values, metric))[metric].ci


def right(hits: list[int], of: int = 3) -> tuple[list[float], list[str]]:
    """Answers to `of` questions about each exhibit, `hits` of them right."""
    values = [float(n < hit) for hit in hits for n in range(of)]
    return values, [f"exhibit {n:03d}" for n in range(len(hits)) for _ in range(of)]


# Newcombe 1998 (Statistics in Medicine 17, table I), Clopper and Pearson: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(81, 263, 0.2527, 0.3676), (15, 148, 0.0578, 0.1617), (0, 20, 0.0, 0.1684), (1, 29, 0.0009, 0.1776)],
)
def test_one_answer_per_exhibit_has_the_published_exact_interval(hits: int, n: int, low: float, high: float) -> None:
    found = share_interval([float(i < hits) for i in range(n)], [str(i) for i in range(n)])
    assert found.bounds == pytest.approx((low, high), abs=5e-5)


def test_mean_is_over_rows_and_not_over_clusters() -> None:
    assert share_interval([1, 1, 1, 0], ["a", "a", "a", "b"])[0] == 0.75
    assert share_interval([1, 1, 1, 0], ["a", "a", "a", "b"])[2:4] == (4, 2)


def test_row_order_does_not_matter_and_repeating_every_row_does_not_narrow_the_interval() -> None:
    values, names = right([3, 0, 3, 3, 0, 3, 3, 0])
    once = share_interval(values, names)
    assert share_interval(values[::-1], names[::-1]) == once
    # Rows of one exhibit are all alike here: ten times as many are worth no more.
    tenfold = share_interval(values * 10, names * 10)
    assert once.bounds and tenfold.bounds
    assert tenfold.bounds[1] - tenfold.bounds[0] > 0.95 * (once.bounds[1] - once.bounds[0])


@pytest.mark.parametrize("metric", ["exhibit_accuracy", "nearest_exhibit", "number_support"])
def test_shares_of_0_and_1_have_an_interval_with_a_width(metric: str) -> None:
    none = {f"exhibit {n}": [0.0, 0.0, 0.0] for n in range(20)}
    assert ci(none, metric) == pytest.approx([0.0, 0.1684], abs=1e-4)
    every = {item: [1.0] * 3 for item in none}
    assert ci(every, metric) == pytest.approx([0.8316, 1.0], abs=1e-4)
    assert ci(dict(list(every.items())[:3]), metric) == pytest.approx([0.2924, 1.0], abs=1e-4)


def test_chance_is_within_the_interval_of_a_model_that_is_never_right() -> None:
    for exhibits in (2, 5, 20, 60):
        low, high = ci({f"exhibit {n}": [0.0] * 3 for n in range(exhibits)}) or (1, 0)
        assert low <= 1 / exhibits <= high


def test_the_trials_are_exhibits_and_not_answers() -> None:
    assert ci({"a": [1.0] * 50, "b": [1.0] * 50}) == ci({"a": [1.0], "b": [1.0]})


def test_a_share_that_is_the_same_for_every_exhibit_is_not_surer_than_its_exhibits_are_many() -> None:
    low, high = ci({f"exhibit {n}": [1.0, 1.0, 0.0] for n in range(4)}) or (1, 0)
    assert low < 0.35 and high > 0.85


@pytest.mark.feature("metrics")
@pytest.mark.parametrize("exhibits", [3, 8, 20, 65])
@pytest.mark.parametrize("alike", [False, True])
def test_shares_are_covered_nine_times_in_ten(exhibits: int, alike: bool) -> None:
    rng = np.random.default_rng(exhibits)
    for rate in (0.5, 0.95):
        covered = 0
        for _ in range(200):
            hits = 3 * rng.binomial(1, rate, exhibits) if alike else rng.binomial(3, rate, exhibits)
            low, high = share_interval(*right(hits.tolist())).bounds or (0, 1)
            covered += low <= rate <= high
        assert covered >= 180, rate


def test_other_means_have_a_t_interval_over_exhibits_and_none_from_four() -> None:
    values = [0.1, 0.3, 0.2, 0.5, 0.4]
    found = mean_interval(values, list("abcde"))
    half = 2.7764 * np.std(values, ddof=1) / np.sqrt(5)  # t with 4 degrees of freedom, from its table
    assert found.bounds == pytest.approx((0.3 - half, 0.3 + half), abs=1e-5)
    assert mean_interval(values[:4], list("abcd")).bounds is None
    assert (mean_interval([0.0, 0.0, 0.1, 0.0, 0.0], list("abcde"), least=0.0).bounds or (1, 0))[0] == 0.0


@pytest.mark.parametrize("metric", ["semantic_distance", "length_ratio"])
def test_equal_values_that_are_no_share_have_no_interval(metric: str) -> None:
    assert ci({f"exhibit {n}": [1.0] for n in range(20)}, metric) is None


def test_one_exhibit_has_no_interval() -> None:
    assert ci({"a": [1.0, 1.0]}) is None
    assert share_difference([1.0, 1.0], [0.0, 0.0], ["a", "a"]).bounds is None


def test_a_difference_of_shares_stays_within_its_bounds_and_is_never_certain() -> None:
    ours, names = right([3, 3, 3])
    theirs, _ = right([0, 0, 0])
    low, high = share_difference(ours, theirs, names).bounds or (1, 1)
    assert -0.1 < low < 0.01 and high == 1.0
    low, high = share_difference(theirs, ours, names).bounds or (0, 0)
    assert low == -1.0 and -0.01 < high < 0.1


def test_a_difference_is_surer_where_two_models_are_wrong_about_the_same_exhibits() -> None:
    ours, names = right([3, 3, 0, 3, 3, 0, 3, 3, 3, 1])
    same = share_difference(ours, ours, names).bounds or (0, 0)
    others = share_difference(ours, ours[::-1], names).bounds or (0, 0)
    assert same[0] < 0 < same[1]
    assert same[1] - same[0] < others[1] - others[0]


def test_means_and_intervals_say_how_many_answers_and_exhibits_they_are_of() -> None:
    found = metric_means(scores({"a": [1.0, 0.0], "b": [1.0]}))["exhibit_accuracy"]
    assert (found.n, found.items) == (3, 2)
