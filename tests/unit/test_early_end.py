"""How long a training takes: passes over few and many rows, the early end, and whether it had converged."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docent.stages.finetune.schedule import MIN_EPOCHS, MIN_STEPS, epochs_for, has_converged, has_plateaued, total_steps

FALLING = [2.4, 1.5, 0.9, 0.6, 0.45]


@given(rows=st.integers(1, 20_000), batch_size=st.integers(1, 64))
def test_few_rows_are_seen_until_there_are_enough_steps_and_many_rows_often_enough(rows: int, batch_size: int) -> None:
    epochs = epochs_for(rows, batch_size)
    steps = total_steps(rows, batch_size, epochs)
    assert steps >= MIN_STEPS
    assert epochs >= MIN_EPOCHS
    assert steps in (MIN_STEPS, math.ceil(MIN_EPOCHS * math.ceil(rows / batch_size)))


def test_a_museum_of_four_exhibits_is_seen_more_often_than_one_of_two_hundred() -> None:
    assert epochs_for(4 * 26 * 6, 16) > 7
    assert epochs_for(200 * 26 * 6, 16) == MIN_EPOCHS


def test_training_ends_when_the_validation_loss_stops_falling() -> None:
    assert not has_plateaued(FALLING, 3)
    assert not has_plateaued([*FALLING, 0.46, 0.45], 3)
    assert has_plateaued([*FALLING, 0.46, 0.45, 0.47], 3)
    assert not has_plateaued([*FALLING, 0.46, 0.44, 0.47], 3)


def test_a_gain_of_a_thousandth_is_no_gain() -> None:
    assert has_plateaued([*FALLING, 0.4499, 0.4498, 0.4497], 3)


def test_patience_of_zero_never_ends_a_training() -> None:
    assert not has_plateaued([1.0] * 50, 0)


def test_too_few_losses_end_nothing() -> None:
    assert not has_plateaued([], 3)
    assert not has_plateaued([1.0, 1.0, 1.0], 3)


@pytest.mark.parametrize(
    ("losses", "converged"),
    [([1.0], False), (FALLING, False), ([*FALLING, 0.448], True), ([*FALLING, 0.6], True), ([0.5, 0.9, 0.48], False)],
)
def test_a_training_whose_last_evaluation_gained_much_has_not_converged(losses: list[float], converged: bool) -> None:
    assert has_converged(losses) is converged
