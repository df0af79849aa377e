"""The training loop: AdamW, warm-up and cosine, validation and an early end, checkpoints, resume.

Reads encoded rows; writes checkpoints into a scratch folder. On a CPU in float32 a run that was killed and resumed
ends with the same bits as one that was not: the batches depend on the step number alone, and weights, optimiser and
random state come back as they were.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from docent.config import Finetune
from docent.errors import ConfigError, StoppedError
from docent.stages.finetune.batches import IGNORED, Encoded, Pictures, collate
from docent.stages.finetune.checkpoints import State, load_best, save_best, save_checkpoint
from docent.stages.finetune.resume import load_weights, resume, snapshot, trainable
from docent.stages.finetune.schedule import (
    checkpoint_interval,
    epoch_batches,
    evaluation_steps,
    has_plateaued,
    rate_factor,
    total_steps,
)


@dataclass(frozen=True)
class Plan:
    """What a run does, known before it starts.

    Attributes:
        rate: peak learning rate.
        epochs: passes over the training rows.
        seed: of batches and dropout.
        scratch: where checkpoints go.
    """

    section: Finetune
    rate: float
    epochs: float
    seed: int
    scratch: Path

    def steps(self, rows: int) -> int:
        """Optimiser steps for so many training rows."""
        return total_steps(rows, self.section.batch_size, self.epochs, self.section.max_steps)


@dataclass
class Data:
    """Encoded rows and the photos they are about."""

    train: Sequence[Encoded]
    validation: Sequence[Encoded]
    pictures: Pictures
    pad_id: int
    _epoch: int = -1
    _batches: list[list[int]] = field(default_factory=list)

    def loss(self, model: Any, rows: Sequence[Encoded]) -> tuple[torch.Tensor, int]:
        """Sum of the cross-entropy over the supervised tokens of one batch, and their number."""
        batch = {name: tensor.to(model.device) for name, tensor in collate(rows, self.pad_id).items()}
        targets = batch.pop("labels")[:, 1:]
        pictures = self.pictures.inputs([row.photo for row in rows])
        hidden = model.model(**batch, **pictures, use_cache=False).last_hidden_state[:, :-1]
        counted = targets != IGNORED
        # Only supervised positions go through the head, the widest matrix of a small model.
        logits = model.get_output_embeddings()(hidden[counted])
        return cross_entropy(logits.float(), targets[counted], reduction="sum"), int(counted.sum())

    def batch(self, step: int, batch_size: int, seed: int) -> list[Encoded]:
        """The training rows of step 1, 2, ..."""
        epoch, position = divmod(step - 1, math.ceil(len(self.train) / batch_size))
        if self._epoch != epoch:
            self._batches = epoch_batches([len(row.ids) for row in self.train], batch_size, seed, epoch)
            self._epoch = epoch
        return [self.train[index] for index in self._batches[position]]


def train(
    model: Any, data: Data, plan: Plan, stop: threading.Event, tell: Callable[[float, float, str], None]
) -> tuple[State, int]:
    """Train, or go on from the newest checkpoint, and leave the best weights in the model.

    Args:
        model: not wrapped by peft, with what trains set trainable.
        data: the rows.
        plan: settings.
        stop: when set, a checkpoint is saved and StoppedError raised.
        tell: called after every step with steps done, steps in all, and a message.

    Returns:
        The final state and the number of steps that were planned; it has fewer where the validation loss stopped
        falling.

    Raises:
        StoppedError: `stop` was set.
        ConfigError: a loss is not finite.
    """
    section = plan.section
    steps = plan.steps(len(data.train))
    evaluations = evaluation_steps(steps, section.evaluations)
    saves = {*evaluations, *range(0, steps, checkpoint_interval(steps))}
    optimizer = _optimizer(model, section)
    torch.manual_seed(plan.seed)
    state = resume(model, optimizer, plan.scratch, steps)
    while state.step < steps and not has_plateaued(state.validation_losses, section.patience):
        row = _step(model, optimizer, data, plan, state.step + 1)
        state.step += 1
        state.log.append(row)
        if state.step in evaluations:
            row["validation_loss"] = validation_loss(model, data, section.batch_size)
            _keep_best(model, state, row["validation_loss"], plan.scratch)
        if state.step in saves or stop.is_set():
            save_checkpoint(plan.scratch, state, snapshot(model, optimizer), section.max_checkpoints)
        if stop.is_set():
            raise StoppedError(f"stopped after step {state.step} of {steps}", str(plan.scratch), "docent run")
        tell(state.step, steps, f"loss {row['loss']:.3f}")
    load_weights(model, load_best(plan.scratch, state.best_step))
    return state, steps


@torch.no_grad()
def validation_loss(model: Any, data: Data, batch_size: int) -> float | None:
    """Mean cross-entropy over the supervised tokens of all validation rows; None where there are none."""
    if not data.validation:
        return None
    model.eval()
    total, count = 0.0, 0
    for start in range(0, len(data.validation), batch_size):
        loss, tokens = data.loss(model, data.validation[start : start + batch_size])
        total, count = total + loss.item(), count + tokens
    model.train()
    return total / count


def _keep_best(model: Any, state: State, loss: float | None, scratch: Path) -> None:
    """The lowest validation loss wins, the earlier step at a tie; without validation rows the last step does.

    Raises:
        ConfigError: the loss is not finite.
    """
    if loss is not None and not math.isfinite(loss):
        raise _not_finite("validation loss", loss, state.step)
    if loss is None or state.best_loss is None or loss < state.best_loss:
        state.best_step, state.best_loss = state.step, loss
        save_best(scratch, state.step, trainable(model))


def _step(model: Any, optimizer: torch.optim.Optimizer, data: Data, plan: Plan, step: int) -> dict[str, Any]:
    """One optimiser step; returns its row of the training log."""
    section, rows = plan.section, len(data.train)
    rate = plan.rate * rate_factor(step, plan.steps(rows), section.warmup_share)
    for group in optimizer.param_groups:
        group["lr"] = rate
    model.train()
    total, tokens = data.loss(model, data.batch(step, section.batch_size, plan.seed))
    loss = total / tokens
    if not torch.isfinite(loss):
        raise _not_finite("loss", loss.item(), step)
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_([p for g in optimizer.param_groups for p in g["params"]], section.max_grad_norm)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    epoch = round(step / math.ceil(rows / section.batch_size), 4)
    return {"step": step, "epoch": epoch, "loss": loss.item(), "learning_rate": rate, "validation_loss": None}


def _not_finite(what: str, loss: float, step: int) -> ConfigError:
    return ConfigError(f"the {what} is {loss} at step {step}", "finetune.approaches", "lower the learning_rate")


def _optimizer(model: Any, section: Finetune) -> torch.optim.AdamW:
    """AdamW; norms and biases do not decay."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": section.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]], betas=(0.9, section.adam_beta2), fused=True
    )
