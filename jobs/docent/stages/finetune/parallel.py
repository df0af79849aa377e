"""Define how processes train together: wrapping, sharing of rows, reduction, clipping, saving and loading.

The trainer does these only through a strategy, in this order: `prepare` adapts the model, `wrap` shards it, and only
then the optimiser is built, since an optimiser over unsharded parameters would train nothing. The loss of a step is
divided by the supervised tokens of all processes, and a process without rows contributes 0 with a graph.
To add a strategy, write a class, add it to STRATEGIES, and name it in a row of `docent.tables.APPROACHES`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import distributed

from docent.ranks import peers
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
        """Make the parameters of the model whole again, so that it can be saved."""

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

    def clip(self, parameters: Iterable[torch.nn.Parameter], max_norm: float) -> float:
        """Scale all gradients down so that their common norm is at most `max_norm`; return their norm before that.

        All processes get the same norm. Gradients of a norm that is not finite are not usable afterwards.
        """
        return self.whole(torch.nn.utils.clip_grad_norm_(parameters, max_norm)).item()

    def whole(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return an unsharded tensor; all processes must call this together."""
        return tensor.detach()

    def part(self, tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        """Return an unsharded tensor sharded like another one, on the same device."""
        return tensor.to(like.device)

    def weights(self, model: Any) -> Tensors:
        """Return the trainable parameters, unsharded, by their names in the model."""
        return {name: self.whole(parameter) for name, parameter in trained(model).items()}

    @torch.no_grad()
    def load_weights(self, model: Any, weights: Tensors) -> None:
        """Copy unsharded weights into the trainable parameters."""
        for name, parameter in trained(model).items():
            parameter.copy_(self.part(weights[name], parameter))

    def snapshot(self, model: Any, optimizer: torch.optim.Optimizer) -> dict[str, Tensors]:
        """Return the contents of a checkpoint: weights, optimiser state as `<parameter>.<moment>`, random states."""
        weights = self.weights(model)
        moments = {
            f"{name}.{moment}": self.whole(value)
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


class SeveralProcesses(SingleProcess):
    """What DDP and FSDP have in common: rows and sums."""

    def __init__(self) -> None:
        self.rank, self.world_size = peers.rank(), peers.world_size()

    def share(self, rows: Sequence[Encoded]) -> Sequence[Encoded]:
        """Return every n-th row; if they do not divide evenly, some processes get a row without supervised tokens."""
        mine = list(rows[self.rank :: self.world_size])
        if len(mine) * self.world_size < len(rows):
            mine.append(replace(rows[0], prompt_length=len(rows[0].ids)))
        return mine

    def total(self, value: float) -> float:
        """Return the sum of `value` over all processes."""
        summed = torch.tensor([value], dtype=torch.float64)
        distributed.all_reduce(summed)
        return summed.item()

    def gather(self, values: list[T]) -> list[T]:
        """Return the values of all processes, by rank."""
        lists: list[list[T]] = [[] for _ in range(self.world_size)]
        distributed.all_gather_object(lists, values)
        return [value for one in lists for value in one]

    def first(self, value: T) -> T:
        """Return rank 0's value."""
        values = [value]
        distributed.broadcast_object_list(values, src=0, device=torch.device("cpu"))
        return values[0]


class DataParallel(SeveralProcesses):
    """Keep the whole model in every process, and average gradients (DDP)."""

    def wrap(self, module: torch.nn.Module) -> torch.nn.Module:
        """Return the module inside DistributedDataParallel."""
        # Buffers are constants, and a search for unused parameters would traverse the graph in every step.
        return torch.nn.parallel.DistributedDataParallel(module, broadcast_buffers=False)

    def accumulate(self, module: Any, last: bool) -> AbstractContextManager[Any]:
        """Return a context in which only the last micro-batch exchanges gradients."""
        return nullcontext() if last else module.no_sync()


class Sharded(SeveralProcesses):
    """Keep a part of every trained parameter, of its gradient and of its optimiser state in each process (FSDP2).

    Frozen parameters stay whole: the vision tower is called outside the wrapped module, at different times in different
    processes.
    """

    _root: Any = None

    def wrap(self, module: Any) -> Any:
        """Shard each layer of the text model, and then the rest of the module, in place."""
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        mesh = init_device_mesh("cuda" if torch.cuda.is_available() else "cpu", (self.world_size,))
        frozen = {parameter for parameter in module.parameters() if not parameter.requires_grad}
        for part in (*module.family.layers(module.model), module):
            fully_shard(part, mesh=mesh, ignored_params=frozen)
        self._root = module
        return module

    def unwrap(self, model: Any) -> None:
        """Replace each sharded parameter by a whole one; tied parameters stay one."""
        self._root.reshard()
        whole = {
            parameter: torch.nn.Parameter(self.whole(parameter))
            for parameter in dict.fromkeys(model.parameters())
            if parameter.requires_grad
        }
        for module in model.modules():
            for name, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
                if parameter in whole:
                    setattr(module, name, whole[parameter])

    def accumulate(self, module: Any, last: bool) -> AbstractContextManager[Any]:
        """Exchange gradients only in the last micro-batch."""
        module.set_requires_gradient_sync(last)
        return nullcontext()

    def whole(self, tensor: Any) -> torch.Tensor:
        """Return an unsharded tensor; all processes must call this together."""
        whole: torch.Tensor = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
        return whole.detach()

    def part(self, tensor: torch.Tensor, like: Any) -> torch.Tensor:
        """Return this process's part of an unsharded tensor; every process has the same one, so nothing is sent."""
        from torch.distributed.tensor import distribute_tensor

        return distribute_tensor(tensor.to(like.device), like.device_mesh, like.placements, src_data_rank=None)

    def weights(self, model: Any) -> Tensors:
        """Return the trainable parameters, unsharded; after an evaluation, those outside the layers are not sharded."""
        self._root.reshard()
        return super().weights(model)


STRATEGIES: dict[str, type[SingleProcess]] = {"single": SingleProcess, "ddp": DataParallel, "fsdp": Sharded}


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

    checkpoint = parallel.first(newest_checkpoint(folder, problem_with) if parallel.rank == 0 else None)
    if checkpoint is None:
        return TrainingState()
    state, tensors = checkpoint
    parallel.restore(model, optimizer, tensors)
    return state
