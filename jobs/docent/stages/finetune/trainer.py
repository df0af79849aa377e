"""The training loop: AdamW, warm-up and cosine, validation, a cooldown where nothing is gained, checkpoints, resume.

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
    best_of,
    checkpoint_interval,
    cooldown_end,
    cooldown_start,
    epoch_batches,
    evaluation_steps,
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

    def losses(self, model: Any, rows: Sequence[Encoded]) -> tuple[torch.Tensor, list[int]]:
        """Cross-entropy of every supervised token of one batch, row after row, and how many of them each row has."""
        batch = {name: tensor.to(model.device) for name, tensor in collate(rows, self.pad_id).items()}
        targets = batch.pop("labels")[:, 1:]
        pictures = self.pictures.inputs([row.photo for row in rows])
        hidden = model.model(**batch, **pictures, use_cache=False).last_hidden_state[:, :-1]
        counted = targets != IGNORED
        # Only supervised positions go through the head, the widest matrix of a small model.
        logits = model.get_output_embeddings()(hidden[counted])
        return cross_entropy(logits.float(), targets[counted], reduction="none"), counted.sum(dim=1).tolist()

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
        The final state and the number of steps that were planned; there were fewer where the validation loss stopped
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
    while state.step < (end := _end(state, steps, section.patience)):
        row = _step(model, optimizer, data, plan, state)
        state.step += 1
        state.log.append(row)
        if state.step in evaluations or state.step == end:
            _evaluate(model, data, state, plan)
        if state.step in saves or state.step == end or stop.is_set():
            save_checkpoint(plan.scratch, state, snapshot(model, optimizer), section.max_checkpoints)
        if stop.is_set():
            raise StoppedError(f"stopped after step {state.step} of {end}", str(plan.scratch), "docent run")
        tell(state.step, end, f"loss {row['loss']:.3f}")
    load_weights(model, load_best(plan.scratch, state.best_step))
    return state, steps


def _end(state: State, steps: int, patience: int) -> int:
    """The last step, as far as it is known: of the plan, or of the cooldown that has begun."""
    cooldown = cooldown_start(state.measured, patience)
    return steps if cooldown is None else cooldown_end(cooldown, steps)


@torch.no_grad()
def validate(model: Any, data: Data, batch_size: int) -> tuple[float, float] | None:
    """Mean cross-entropy over the supervised tokens of all validation rows, and its standard error over the rows.

    Returns:
        None where there are no validation rows. A single row has no error: 0.
    """
    if not data.validation:
        return None
    model.eval()
    sums, counts = [], []
    for start in range(0, len(data.validation), batch_size):
        losses, tokens = data.losses(model, data.validation[start : start + batch_size])
        sums += [part.sum().item() for part in torch.split(losses, tokens)]
        counts += tokens
    model.train()
    mean, rows = math.fsum(sums) / sum(counts), len(counts)
    if rows == 1 or not math.isfinite(mean):
        return mean, 0.0
    spread = math.fsum((total - mean * count) ** 2 for total, count in zip(sums, counts, strict=True))
    return mean, math.sqrt(spread * rows / (rows - 1)) / sum(counts)


def _evaluate(model: Any, data: Data, state: State, plan: Plan) -> None:
    """Write the validation loss into the last row of the log, and keep the weights where `best_of` chooses this step.

    Without validation rows the last step is kept.

    Raises:
        ConfigError: the loss is not finite.
    """
    found = validate(model, data, plan.section.batch_size)
    loss, error = found or (None, None)
    if loss is not None and not math.isfinite(loss):
        raise _not_finite("validation loss", loss, state.step)
    state.log[-1] |= {"validation_loss": loss, "validation_error": error}
    if loss is None or best_of(state.measured).step == state.step:
        state.best_step, state.best_loss = state.step, loss
        save_best(plan.scratch, state.step, trainable(model))


def _step(model: Any, optimizer: torch.optim.Optimizer, data: Data, plan: Plan, state: State) -> dict[str, Any]:
    """The optimiser step after `state`; returns its row of the training log."""
    section, rows, step = plan.section, len(data.train), state.step + 1
    cooldown = cooldown_start(state.measured, section.patience)
    rate = plan.rate * rate_factor(step, plan.steps(rows), section.warmup_share, cooldown)
    for group in optimizer.param_groups:
        group["lr"] = rate
    model.train()
    loss = data.losses(model, data.batch(step, section.batch_size, plan.seed))[0].mean()
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
