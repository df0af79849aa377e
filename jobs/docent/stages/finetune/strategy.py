"""Define what the trainer leaves to a strategy: wrapping, sharing of rows, reduction, clipping, saving and loading.

`SingleProcess` trains in one process; `parallel.py` has the strategies for several.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

import torch

from docent.stages.finetune.checkpoints import Tensors, TrainingState, newest_checkpoint
from docent.stages.finetune.labels import Encoded
from docent.stages.finetune.snapshots import mismatch, random_state, restore_random_state, trained

T = TypeVar("T")


class SingleProcess:
    """Train in one process.

    Attributes:
        rank: number of this process; rank 0 writes checkpoints and the model.
        world_size: number of processes.
    """

    rank = 0
    world_size = 1

    def wrap(self, module: torch.nn.Module) -> torch.nn.Module:
        """Return the module that the trainer calls instead of `module`."""
        return module

    def unwrap(self, model: Any) -> None:
        """Make the parameters of the model whole again in rank 0, so that it can be saved."""

    def share(self, rows: Sequence[Encoded]) -> Sequence[Encoded]:
        """Return the rows of a batch that this process handles, equally many in every process."""
        return rows

    def accumulate(self, module: torch.nn.Module, last: bool) -> AbstractContextManager[Any]:
        """Return a context for the forward and backward pass of a micro-batch; a step's last one sums gradients."""
        return nullcontext()

    def total(self, value: float) -> float:
        """Return the sum of `value` over all processes."""
        return value

    def gather(self, values: list[T]) -> list[T]:
        """Return the values of all processes, by rank."""
        return values

    def first(self, value: T) -> T:
        """Return rank 0's value; other processes may see an older state of a network folder."""
        return value

    def announced(self, tensors: dict[str, Tensors]) -> dict[str, Tensors]:
        """Return tensors that only rank 0 has read, in other processes large ones without content until `part`."""
        return tensors

    def clip(self, parameters: Iterable[torch.nn.Parameter], max_norm: float) -> float:
        """Scale all gradients down so that their common norm is at most `max_norm`; return their norm before that.

        All processes get the same norm. Gradients of a norm that is not finite are not usable afterwards.
        """
        return self.whole(torch.nn.utils.clip_grad_norm_(parameters, max_norm)).item()

    def whole(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return an unsharded tensor; all processes must call this together."""
        return tensor.detach()

    def saved(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return an unsharded tensor in rank 0, which saves it; all processes must call this together."""
        return self.whole(tensor)

    def part(self, tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        """Return rank 0's unsharded tensor, sharded like another one and on its device."""
        return tensor.to(like.device)

    def weights(self, model: Any) -> Tensors:
        """Return the trainable parameters by their names in the model, for saving."""
        return {name: self.saved(parameter) for name, parameter in trained(model).items()}

    @torch.no_grad()
    def load_weights(self, model: Any, weights: Tensors) -> None:
        """Copy unsharded weights into the trainable parameters."""
        for name, parameter in trained(model).items():
            parameter.copy_(self.part(weights[name], parameter))

    def snapshot(self, model: Any, optimizer: torch.optim.Optimizer) -> dict[str, Tensors]:
        """Return the contents of a checkpoint: weights, optimiser state as `<parameter>.<moment>`, random states."""
        weights = self.weights(model)
        moments = {
            f"{name}.{moment}": self.saved(value)
            for name, parameter in trained(model).items()
            for moment, value in optimizer.state.get(parameter, {}).items()
        }
        states: Tensors = {}
        for one in self.gather([random_state(self.rank)]):
            states |= one
        return {"weights": weights, "optimizer": moments, "random": states}

    def restore(self, model: Any, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensors]) -> None:
        """Restore model, optimiser and random state from a snapshot of any number of processes."""
        self.load_weights(model, tensors["weights"])
        parameters = trained(model)
        for key, value in tensors["optimizer"].items():
            name, _, moment = key.rpartition(".")
            parameter = parameters[name]
            # `load_state_dict` would number the parameters, and cast moments to their dtype.
            restored = value.to(parameter.device) if moment == "step" else self.part(value, parameter)
            optimizer.state[parameter][moment] = restored
        restore_random_state(tensors["random"], self.rank)


def resume(
    folder: Path, steps: int, model: Any, optimizer: torch.optim.Optimizer, parallel: SingleProcess
) -> TrainingState:
    """Restore the newest matching checkpoint and return its state, or return a new state if none matches.

    Rank 0 chooses it.

    Args:
        steps: planned number of optimiser steps of the training.
    """

    def problem_with(state: TrainingState, tensors: dict[str, Tensors]) -> str:
        return f"step {state.step} of {steps}" if state.step > steps else mismatch(model, tensors)

    checkpoint = newest_checkpoint(folder, problem_with) if parallel.rank == 0 else None
    state = parallel.first(checkpoint and checkpoint[0])
    if state is None:
        return TrainingState()
    parallel.restore(model, optimizer, parallel.announced(checkpoint[1] if checkpoint else {}))
    return state
