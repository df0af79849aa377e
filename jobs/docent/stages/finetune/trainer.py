"""Run the training loop: AdamW, warm-up and cosine, validation, cooldown, checkpoints, resume.

Reads encoded rows; writes checkpoints to a scratch folder. On a CPU in float32, a run that was killed and resumed
ends with the same bits as an uninterrupted one: batches depend only on the step number, and weights, optimiser and
random state are restored exactly.
"""

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from docent.config.stages import Finetune
from docent.errors import StoppedError
from docent.ranks import peers
from docent.stages.finetune import guard, schedule
from docent.stages.finetune.checkpoints import TrainingState, load_best, save_best, save_checkpoint
from docent.stages.finetune.labels import Encoded, collate
from docent.stages.finetune.loss import evaluating
from docent.stages.finetune.pictures import Pictures
from docent.stages.finetune.strategy import SingleProcess, resume
from docent.stages.finetune.telemetry import Throughput


@dataclass(frozen=True)
class Data:
    """Encoded rows, and the photos that they are about."""

    train: Sequence[Encoded]
    validation: Sequence[Encoded]
    pictures: Pictures
    pad_id: int

    def inputs(self, rows: Sequence[Encoded], device: torch.device) -> dict[str, torch.Tensor]:
        """Return the arguments of `SupervisedLoss.forward` for some rows."""
        batch = collate(rows, self.pad_id) | self.pictures.inputs([row.photo for row in rows])
        return {name: tensor.to(device) for name, tensor in batch.items()}


@dataclass
class Trainer:
    """A training run.

    Attributes:
        model: the model inside the peft wrapper, if there is one; the parameters to train are trainable.
        loss: the module that computes the loss of `model`; `parallel` may have wrapped it.
        rate: peak learning rate.
        epochs: passes over the training rows.
        seed: seed for batches and dropout.
        scratch: folder for checkpoints.
    """

    model: Any
    loss: torch.nn.Module
    data: Data
    section: Finetune
    rate: float
    epochs: float
    seed: int
    scratch: Path
    parallel: SingleProcess = field(default_factory=SingleProcess)
    state: TrainingState = field(default_factory=TrainingState)

    def __post_init__(self) -> None:
        self.optimizer = _optimizer(self.model, self.section)
        self.steps_per_epoch = math.ceil(len(self.data.train) / self.section.batch_size)
        self.steps = schedule.total_steps(
            len(self.data.train), self.section.batch_size, self.epochs, self.section.max_steps
        )
        """Planned number of optimiser steps; the training ends earlier if the validation loss stops falling."""
        self._rows_at_once = self.section.micro_batch_rows or self.section.batch_size
        self._epoch, self._batches = -1, [[0]]

    def train(self, stop: threading.Event, report: Callable[[float, float, str], None]) -> TrainingState:
        """Train from the newest checkpoint or from the beginning, and leave the best weights in the model.

        Args:
            stop: when set, a checkpoint is saved and StoppedError is raised.
            report: called after every step with the completed steps, all steps, and a message.

        Raises:
            StoppedError: `stop` was set.
            ConfigError: too many losses or gradients are not finite.
        """
        throughput = Throughput()
        torch.manual_seed(self.seed + self.parallel.rank)  # dropout differs between processes
        self.state = state = resume(self.scratch, self.steps, self.model, self.optimizer, self.parallel)
        if state.step and self._evaluation_due():  # an earlier attempt was stopped in it
            self._finish_step(stop)
        while state.step < self._end():
            with throughput.step(sum(len(row.ids) for row in self._batch(state.step + 1))):
                row = self.step()
            state.step += 1
            state.log.append(row)
            guard.require_progress(state.log)
            self._finish_step(stop)
            speed = throughput.tokens_per_second
            report(state.step, self._end(), f"loss {row['loss']:.3f}, {speed:,.0f} tokens/s")
        best = {"weights": load_best(self.scratch, state)} if self.parallel.rank == 0 else {}
        self.parallel.load_weights(self.model, self.parallel.announced(best)["weights"])
        return state

    def step(self) -> dict[str, Any]:
        """Run the next optimiser step, and return its row of the training log.

        The loss is the mean over all supervised tokens of the step, however the rows are divided into micro-batches. A
        step whose loss or gradients are not finite changes neither weights nor optimiser; its row has `skipped`.
        """
        step = self.state.step + 1
        cooldown = schedule.cooldown_start(self.state.measured, self.section.patience)
        rate = self.rate * schedule.rate_factor(step, self.steps, self.section.warmup_share, cooldown)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.loss.train()
        loss = self.parallel.total(self._backward(self.parallel.share(self._batch(step))))
        weights = (p for group in self.optimizer.param_groups for p in group["params"])
        # Only a sum is the same in all processes for certain; if they decided differently, their weights would part.
        norm = self.parallel.total(self.parallel.clip(weights, self.section.max_grad_norm))
        problem = guard.problem_with(loss, norm)
        if not problem:
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        row = {
            "step": step,
            "epoch": round(step / self.steps_per_epoch, 4),
            "loss": loss,
            "learning_rate": rate,
            "validation_loss": None,
        }
        return row | {"skipped": problem} if problem else row

    def _backward(self, rows: Sequence[Encoded]) -> float:
        """Add up the gradients of this process's rows of a batch; return their share of the batch's loss."""
        tokens = self.parallel.total(sum(row.supervised for row in rows))
        parts, total = _chunks(rows, self._rows_at_once), 0.0
        for number, part in enumerate(parts, 1):
            with self.parallel.accumulate(self.loss, last=number == len(parts)):
                loss = self.loss(**self.data.inputs(part, self.model.device)).sum() / tokens
                torch.autograd.backward(loss * self.parallel.world_size)  # averaged over the processes afterwards
            total += loss.item()
        return total

    def _finish_step(self, stop: threading.Event) -> None:
        """Evaluate and save if the schedule says so after the last step; stop if any process was asked to.

        Raises:
            StoppedError: `stop` was set; a checkpoint was saved.
        """
        due = self._evaluation_due()
        try:
            if due:
                self.evaluate(stop)
            if peers.agreed_to_stop(stop):
                raise self._stopped()
        except StoppedError:
            self._save_checkpoint()
            raise
        if due or self.state.step % schedule.checkpoint_interval(self.steps) == 0:
            self._save_checkpoint()

    def _evaluation_due(self) -> bool:
        """Return whether the schedule has an evaluation after the last step that has not been finished."""
        evaluations = (*schedule.evaluation_steps(self.steps, self.section.evaluations), self._end())
        return self.state.step in evaluations and "validation_error" not in self.state.log[-1]

    def _stopped(self) -> StoppedError:
        return StoppedError(f"stopped after step {self.state.step} of {self._end()}", str(self.scratch), "docent run")

    @torch.no_grad()
    def validate(self, stop: threading.Event | None = None) -> tuple[float, float] | None:
        """Return the mean cross-entropy over the supervised tokens of all validation rows, and its standard error.

        Rows, not tokens, count as independent observations, because tokens of one row depend on each other.

        Returns:
            The mean and its standard error, 0 for a single row; None if there are no validation rows.

        Raises:
            StoppedError: `stop` was set.
        """
        if not self.data.validation:
            return None
        measured: list[tuple[float, int]] = []
        with evaluating(self.loss):
            for rows in _chunks(self.parallel.share(self.data.validation), self._rows_at_once):
                if stop and peers.agreed_to_stop(stop):
                    raise self._stopped()
                counts = [row.supervised for row in rows]
                losses = self.loss(**self.data.inputs(rows, self.model.device))
                sums = [part.sum().item() for part in torch.split(losses, counts)]
                measured += [(total, count) for total, count in zip(sums, counts, strict=True) if count]
        measured = self.parallel.gather(measured)
        tokens, number = sum(count for _, count in measured), len(measured)
        mean = math.fsum(total for total, _ in measured) / tokens
        if number == 1 or not math.isfinite(mean):
            return mean, 0.0
        squares = math.fsum((total - mean * count) ** 2 for total, count in measured)
        return mean, math.sqrt(squares * number / (number - 1)) / tokens

    def evaluate(self, stop: threading.Event | None = None) -> None:
        """Add the validation loss to the last row of the log; save the weights if `best_of` chooses this step.

        Without validation rows, the weights of the last step are saved.

        Raises:
            ConfigError: the loss or a weight is not finite.
            StoppedError: `stop` was set; the log is unchanged, so the next attempt evaluates again.
        """
        state = self.state
        loss, error = self.validate(stop) or (None, None)
        if loss is not None:  # the loss of a step may be infinite: `guard` has skipped that step then
            guard.require_finite("validation loss", loss, state.step)
        state.log[-1] |= {"validation_loss": loss, "validation_error": error}
        if loss is None or schedule.best_of(state.measured).step == state.step:
            weights = self.parallel.weights(self.model)
            for name, weight in weights.items():
                guard.require_finite(name, weight, state.step)
            state.best_step, state.best_loss = state.step, loss
            if self.parallel.rank == 0:
                state.best_sha256 = save_best(self.scratch, state.step, weights)

    def _save_checkpoint(self) -> None:
        """Save the state after the last step.

        Raises:
            ConfigError: a weight is not finite; training could never recover from it.
        """
        tensors = self.parallel.snapshot(self.model, self.optimizer)
        for name, weight in tensors["weights"].items():
            guard.require_finite(name, weight, self.state.step)
        if self.parallel.rank == 0:
            save_checkpoint(self.scratch, self.state, tensors, self.section.max_checkpoints)

    def _end(self) -> int:
        """Return the last step, either the planned one or the end of a cooldown that has begun."""
        cooldown = schedule.cooldown_start(self.state.measured, self.section.patience)
        return self.steps if cooldown is None else schedule.cooldown_end(cooldown, self.steps)

    def _batch(self, step: int) -> list[Encoded]:
        """Return the training rows of a step, counted from 1."""
        epoch, position = divmod(step - 1, self.steps_per_epoch)
        if self._epoch != epoch:
            lengths = [len(row.ids) for row in self.data.train]
            self._batches = schedule.epoch_batches(lengths, self.section.batch_size, self.seed, epoch)
            self._epoch = epoch
        return [self.data.train[index] for index in self._batches[position]]


def _chunks(rows: Sequence[Encoded], size: int) -> list[Sequence[Encoded]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _optimizer(model: Any, section: Finetune) -> torch.optim.AdamW:
    """Return AdamW over the trainable parameters; norms and biases get no weight decay."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": section.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]], betas=(0.9, section.adam_beta2), fused=True
    )
