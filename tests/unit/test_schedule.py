"""Learning rate, steps and batches as functions of the step number."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import get_cosine_schedule_with_warmup

from docent.stages.finetune.schedule import (
    checkpoint_interval,
    epoch_batches,
    evaluation_steps,
    rate_factor,
    total_steps,
)


@pytest.mark.feature("schedule")
@pytest.mark.parametrize(("batch", "steps"), [(14, 177), (28, 90), (56, 45), (40, 63), (10, 246), (3, 819)])
def test_steps_of_the_published_runs(batch: int, steps: int) -> None:
    assert total_steps(819, batch, 3.0) == steps


def test_a_limit_on_the_steps_only_shortens_a_run() -> None:
    assert [total_steps(819, 14, 3.0, limit) for limit in (20, 500)] == [20, 177]


def test_rounding_errors_add_no_step() -> None:
    assert total_steps(160, 16, 1.1) == 11
    assert total_steps(160, 16, 1.11) == 12


def test_the_only_step_of_a_run_is_not_lost_to_the_warm_up() -> None:
    assert rate_factor(1, 1, 0.03) == 1.0
    assert rate_factor(2, 2, 0.9) > 0


@pytest.mark.feature("schedule")
@pytest.mark.parametrize("steps", [1, 2, 20, 177])
@pytest.mark.parametrize("share", [0.0, 0.03, 0.5])
def test_the_rate_is_that_of_the_reference_scheduler_at_every_step(steps: int, share: float) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    reference = get_cosine_schedule_with_warmup(optimizer, min(math.ceil(share * steps), steps - 1), steps)
    for step in range(1, steps + 1):
        assert rate_factor(step, steps, share) == pytest.approx(reference.get_last_lr()[0], abs=1e-12)
        optimizer.step()
        reference.step()


@given(steps=st.integers(1, 1000), evaluations=st.integers(1, 30))
def test_evaluations_are_spread_evenly_and_end_with_the_last_step(steps: int, evaluations: int) -> None:
    found = evaluation_steps(steps, evaluations)
    assert found[-1] == steps
    assert len(found) == min(steps, evaluations)
    gaps = [b - a for a, b in zip((0, *found), found, strict=False)]
    assert max(gaps) - min(gaps) <= 1


def test_a_long_run_loses_at_most_a_tenth_to_a_kill() -> None:
    assert [checkpoint_interval(steps) for steps in (5, 100, 1000)] == [10, 10, 100]


@given(
    lengths=st.lists(st.integers(1, 99), min_size=1, max_size=300),
    batch_size=st.integers(1, 17),
    epoch=st.integers(0, 3),
)
def test_an_epoch_sees_every_row_once(lengths: list[int], batch_size: int, epoch: int) -> None:
    batches = epoch_batches(lengths, batch_size, 7, epoch)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    assert len(batches) == math.ceil(len(lengths) / batch_size)
    assert epoch_batches(lengths, batch_size, 7, epoch) == batches


def test_epochs_and_seeds_differ_in_order() -> None:
    lengths = [1] * 100
    assert epoch_batches(lengths, 4, 7, 0) != epoch_batches(lengths, 4, 7, 1)
    assert epoch_batches(lengths, 4, 7, 0) != epoch_batches(lengths, 4, 8, 0)


def test_rows_of_a_batch_have_similar_lengths() -> None:
    lengths = [10 + row % 50 for row in range(800)]
    batches = epoch_batches(lengths, 16, 7, 0)
    padded = sum(max(lengths[row] for row in batch) * len(batch) for batch in batches)
    assert sum(lengths) / padded > 0.9
