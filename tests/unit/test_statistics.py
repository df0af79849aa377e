"""Sign-flip p values and Holm's correction on planted effects, null simulations and hand-made cases."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest

from docent.evidence.statistics import Resampling, holm, paired_difference, sign_flip_p


def _rows(rng: np.random.Generator, effect: float, clusters: int = 20, per_cluster: int = 3) -> tuple[list, list]:
    """Values with as much spread between clusters as within, so that ignoring the clusters would mislead."""
    names = [f"item-{c:02d}" for c in range(clusters) for _ in range(per_cluster)]
    between = np.repeat(rng.normal(0, 1, clusters), per_cluster)
    return list(effect + between + rng.normal(0, 1, clusters * per_cluster)), names


def test_null_simulation_gives_small_p_about_five_times_in_a_hundred() -> None:
    rng = np.random.default_rng(12)
    p_values = [sign_flip_p(*_rows(rng, 0.0), draws=400, seed=7) for _ in range(200)]
    assert 2 <= sum(p < 0.05 for p in p_values) <= 20
    assert 0.4 < float(np.mean(p_values)) < 0.6


def test_planted_difference_between_arms_is_found_and_its_sign_is_a_minus_b() -> None:
    rng = np.random.default_rng(13)
    noise, names = _rows(rng, 0.0)
    clusters = {f"e{i}": name for i, name in enumerate(names)}
    b = {key: value for key, value in zip(clusters, noise, strict=True)}
    a = {key: value - 0.2 + rng.normal(0, 0.1) for key, value in b.items()}
    found = paired_difference(a, b, clusters, Resampling(2000, 7))
    assert found is not None
    assert found.bounds is not None
    assert found.bounds[0] < -0.2 < found.bounds[1] < 0
    assert found.p < 0.001


def test_arms_are_compared_on_the_examples_they_share() -> None:
    found = paired_difference(
        {"x": 1.0, "y": 1.0, "only-a": 9.0}, {"x": 0.0, "y": 0.0}, {"x": "1", "y": "2"}, Resampling(200, 7)
    )
    assert found is not None
    assert (found.mean, found.n) == (1.0, 2)
    assert paired_difference({"x": 1.0}, {"y": 1.0}, {"x": "1", "y": "1"}, Resampling(200, 7)) is None


def test_few_clusters_are_counted_exactly() -> None:
    # three clusters, all positive: of 8 sign patterns only +++ and --- are as extreme
    assert sign_flip_p([1, 2, 3], ["a", "b", "c"], draws=1000, seed=1) == 0.25
    # one cluster can never be evidence
    assert sign_flip_p([5, 5, 5], ["a", "a", "a"], draws=1000, seed=1) == 1.0
    # sums that only differ by rounding are ties
    assert sign_flip_p([0.1, 0.2, -0.3], ["a", "b", "c"], draws=1000, seed=1) == 1.0


def test_random_patterns_never_give_zero() -> None:
    values, names = [1.0] * 60, [f"c{i}" for i in range(60)]
    assert sign_flip_p(values, names, draws=999, seed=1) == 0.001


def test_equal_arms_have_p_one() -> None:
    same = {f"e{i}": 0.5 for i in range(30)}
    found = paired_difference(same, dict(same), {key: key for key in same}, Resampling(300, 7))
    assert found == (0.0, None, 30, 30, 1.0)


def test_few_draws_do_not_make_p_coarse() -> None:
    keys = {f"e{i}": f"c{i:02d}" for i in range(13)}
    found = paired_difference(dict.fromkeys(keys, 1.0), dict.fromkeys(keys, 0.0), keys, Resampling(200, 7))
    assert found is not None
    assert found.p == 2 / 2**13


@pytest.mark.feature("metrics")
def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_no_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="0 values"):
        sign_flip_p([], [], 100, 7)
    with pytest.raises(ValueError, match="2 values but 1 cluster names"):
        sign_flip_p([1, 2], ["a"], 100, 7)


def test_many_clusters_stay_within_memory() -> None:
    values = list(np.random.default_rng(1).normal(size=3000))
    tracemalloc.start()
    started_s = time.process_time()
    sign_flip_p(values, [str(i) for i in range(3000)], 2000, 7)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6, peak
    assert time.process_time() - started_s < 5
