"""Compute the schedule of a training from step numbers and losses: learning rate, epochs, evaluations, early stop.

All functions are pure. If the validation loss has stopped falling, the training cools down: its learning rate falls to
zero over a few more steps, because weights from the middle of a schedule give worse answers than their loss suggests
(docs/lab-notes.md).

Source of the learning rate: linear warm-up and a half cosine, as in transformers' `get_cosine_schedule_with_warmup`,
which the published experiment used.
"""

import math
import random
from collections.abc import Sequence
from typing import NamedTuple

from docent.records import canonical_json

SORTED_BATCHES = 8
MIN_STEPS, MIN_EPOCHS = 1300, 1.5
"""Minimum length of a training if `finetune.epochs` is not set; docs/lab-notes.md has the measurements."""
MIN_GAIN = 0.005
"""Relative gain in validation loss; a smaller gain counts as none."""
CONVERGED_GAIN = 0.01
"""Relative gain in validation loss; if the last evaluation gained more, the training has not converged."""
COOLDOWN_SHARE = 0.2
"""Length of the cooldown as a share of the steps before it."""


class Evaluation(NamedTuple):
    """The validation loss after a step, and its standard error over the rows."""

    step: int
    loss: float
    error: float


def epochs_for(rows: int, batch_size: int) -> float:
    """Return the default number of passes over the training rows: the fewer the rows, the more passes.

    Args:
        rows: number of training rows.
        batch_size: rows per optimiser step.
    """
    return max(MIN_EPOCHS, MIN_STEPS / math.ceil(rows / batch_size))


def total_steps(rows: int, batch_size: int, epochs: float, max_steps: int | None = None) -> int:
    """Return the number of optimiser steps of a run, at most `max_steps`; an epoch's shorter last batch counts."""
    # Round first: 1.1 * 10 is slightly more than 11 in floating point.
    steps = max(1, math.ceil(round(epochs * math.ceil(rows / batch_size), 6)))
    return steps if max_steps is None else min(steps, max_steps)


def rate_factor(step: int, steps: int, warmup_share: float, cooldown: int | None = None) -> float:
    """Return the learning rate at step 1 .. `steps` as a share of its peak: linear warm-up from 0 to 1, then a cosine.

    The warm-up ends before the last step; otherwise a run of one step would learn nothing.

    Args:
        cooldown: the step after which the rate falls linearly to zero instead, or None if no cooldown has begun.
    """
    if cooldown is not None and step > cooldown:
        left = cooldown_end(cooldown, steps) - cooldown + 1
        return rate_factor(cooldown, steps, warmup_share) * (left - (step - cooldown)) / left
    done = step - 1
    warmup = min(math.ceil(warmup_share * steps), steps - 1)
    if done < warmup:
        return done / warmup
    return 0.5 * (1.0 + math.cos(math.pi * (done - warmup) / max(1, steps - warmup)))


def evaluation_steps(steps: int, evaluations: int) -> tuple[int, ...]:
    """Return the steps after which the validation loss is measured: evenly spaced, including the last one."""
    return tuple(sorted({math.ceil(steps * k / evaluations) for k in range(1, evaluations + 1)}))


def cooldown_start(measured: Sequence[Evaluation], patience: int) -> int | None:
    """Return the first step after `patience` evaluations without a gain, or None if there is none or patience is 0."""
    for end in range(patience + 1, len(measured) + 1) if patience else ():
        losses = [evaluation.loss for evaluation in measured[:end]]
        if min(losses[-patience:]) > min(losses[:-patience]) * (1 - MIN_GAIN):
            return measured[end - 1].step
    return None


def cooldown_end(start: int, steps: int) -> int:
    """Return the last step of a training that starts to cool down after step `start` of `steps`."""
    return min(steps, start + math.ceil(COOLDOWN_SHARE * start))


def best_of(measured: Sequence[Evaluation]) -> Evaluation:
    """Return the latest evaluation whose loss is within one standard error of the lowest.

    If the validation rows cannot distinguish losses, this takes the one at the lowest learning rate. Source of the
    rule: Breiman et al., Classification and Regression Trees, 1984, 3.4.3.
    """
    lowest = min(measured, key=lambda evaluation: evaluation.loss)
    return [e for e in measured if e == lowest or e.loss < lowest.loss + lowest.error][-1]


def has_converged(measured: Sequence[Evaluation]) -> bool:
    """Return whether the last of two or more validation losses hardly improved on the previous ones."""
    losses = [evaluation.loss for evaluation in measured]
    return losses[-1] > min(losses[:-1]) * (1 - CONVERGED_GAIN)


def checkpoint_interval(steps: int) -> int:
    """Return the number of steps between checkpoints; a killed run loses at most a tenth of its work, or ten steps."""
    return max(10, steps // 10)


def epoch_batches(lengths: Sequence[int], batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    """Return the row numbers of all batches of an epoch: a permutation of the rows, with the shorter last batch kept.

    Rows are sorted by length within groups of SORTED_BATCHES batches, so that a batch has little padding; then all
    batches are shuffled.

    Args:
        lengths: number of tokens of each row.
        batch_size: rows per batch.
        seed: seed of the run.
        epoch: epoch number, from 0.
    """
    rng = random.Random(canonical_json([seed, "epoch", epoch]))
    order = list(range(len(lengths)))
    rng.shuffle(order)
    batches: list[list[int]] = []
    for start in range(0, len(order), batch_size * SORTED_BATCHES):
        window = sorted(order[start : start + batch_size * SORTED_BATCHES], key=lambda row: lengths[row])
        batches += [window[at : at + batch_size] for at in range(0, len(window), batch_size)]
    rng.shuffle(batches)
    return batches
