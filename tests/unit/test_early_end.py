"""How long a training takes: passes over few and many rows, the cooldown, what is kept, and if it had converged."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docent.stages.finetune.schedule import (
    MIN_EPOCHS,
    MIN_STEPS,
    Evaluation,
    best_of,
    cooldown_end,
    cooldown_start,
    epochs_for,
    has_converged,
    rate_factor,
    total_steps,
)

FALLING = [2.4, 1.5, 0.9, 0.6, 0.45]


def measured(losses: Sequence[float], error: float = 0.0) -> list[Evaluation]:
    """An evaluation after every 80 steps."""
    return [Evaluation(80 * number, loss, error) for number, loss in enumerate(losses, 1)]


@given(rows=st.integers(1, 20_000), batch_size=st.integers(1, 64))
def test_few_rows_are_seen_until_there_are_enough_steps_and_many_rows_often_enough(rows: int, batch_size: int) -> None:
    epochs = epochs_for(rows, batch_size)
    steps = total_steps(rows, batch_size, epochs)
    assert steps >= MIN_STEPS
    assert epochs >= MIN_EPOCHS
    assert steps in (MIN_STEPS, math.ceil(MIN_EPOCHS * math.ceil(rows / batch_size)))


def test_a_museum_of_four_exhibits_is_seen_more_often_than_one_of_two_hundred() -> None:
    assert epochs_for(4 * 26 * 6, 8) > 10
    assert epochs_for(200 * 26 * 6, 8) == MIN_EPOCHS


@pytest.mark.parametrize(
    ("losses", "patience", "start"),
    [
        (FALLING, 2, None),
        ([*FALLING, 0.46], 2, None),
        ([*FALLING, 0.46, 0.47], 2, 560),
        ([*FALLING, 0.46, 0.44, 0.45], 2, None),
        ([*FALLING, 0.46, 0.47, 0.2], 2, 560),  # what the cooldown gains does not undo it
        ([*FALLING, 0.4499, 0.4498], 2, 560),  # a thousandth is no gain
        ([*FALLING, 0.46, 0.47], 3, None),
        ([1.0] * 50, 0, None),
        ([], 2, None),
        ([1.0, 1.0], 2, None),
    ],
)
def test_the_cooldown_begins_when_the_validation_loss_has_stopped_falling(
    losses: list[float], patience: int, start: int | None
) -> None:
    assert cooldown_start(measured(losses), patience) == start


@given(steps=st.integers(2, 2000), start=st.integers(1, 2000))
def test_in_a_cooldown_the_rate_falls_evenly_from_where_it_was_to_next_to_nothing(steps: int, start: int) -> None:
    start = min(start, steps - 1)
    end = cooldown_end(start, steps)
    assert start < end <= steps
    rates = [rate_factor(step, steps, 0.0, start) for step in range(start, end + 1)]
    assert rates[0] == rate_factor(start, steps, 0.0)
    assert all(0 <= later <= rate for rate, later in zip(rates, rates[1:], strict=False))
    assert rates[-1] == pytest.approx(rates[0] / (end - start + 1))


def test_of_losses_that_cannot_be_told_apart_the_latest_is_kept() -> None:
    assert best_of(measured([0.9, 0.37, 0.40, 0.38], 0.07)).step == 320
    assert best_of(measured([0.9, 0.37, 0.40, 0.45], 0.07)).step == 240
    assert best_of(measured([0.9, 0.37, 0.40, 0.38], 0.001)).step == 160


def test_without_an_error_the_lowest_loss_is_kept_and_the_earlier_one_at_a_tie() -> None:
    assert best_of(measured([0.9, 0.5, 0.5, 0.7])).step == 160


@pytest.mark.parametrize(
    ("losses", "converged"),
    [(FALLING, False), ([*FALLING, 0.448], True), ([*FALLING, 0.6], True), ([0.5, 0.9, 0.48], False)],
)
def test_a_training_whose_last_evaluation_gained_much_has_not_converged(losses: list[float], converged: bool) -> None:
    assert has_converged(measured(losses)) is converged
