"""Train in several processes: DDP keeps the whole model in each, FSDP2 a part of it.

The order is always the same: `prepare` adapts the model, `wrap` shards it, and only then the optimiser is built, since
an optimiser over unsharded parameters would train nothing. The loss of a step is divided by the supervised tokens of
all processes, and a process without rows contributes 0 with a graph. To add a strategy, write a class, add it to
STRATEGIES, and name it in a row of `docent.tables.APPROACHES`.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import torch
from torch import distributed

from docent.ranks import peers
from docent.stages.finetune.checkpoints import Tensors
from docent.stages.finetune.labels import Encoded
from docent.stages.finetune.strategy import SingleProcess, T


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

    def announced(self, tensors: dict[str, Tensors]) -> dict[str, Tensors]:
        """Return rank 0's tensors: random states and numbers with their content, others only with their form."""
        outline = {
            group: {name: t.to("meta") if t.ndim and group != "random" else t for name, t in named.items()}
            for group, named in tensors.items()
        }
        outline = self.first(outline)
        if self.rank == 0:
            return tensors
        return {
            group: {name: torch.empty_like(t, device="cpu") if t.is_meta else t for name, t in named.items()}
            for group, named in outline.items()
        }

    def part(self, tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        """Return rank 0's tensor."""
        sent = tensor.to(like.device).contiguous()
        distributed.broadcast(sent, src=0)
        return sent


class DataParallel(SeveralProcesses):
    """Keep the whole model in every process, and average gradients (DDP)."""

    def wrap(self, module: torch.nn.Module) -> torch.nn.Module:
        """Return the module inside DistributedDataParallel."""
        # Buffers are constants, and a search for unused parameters would traverse the graph in every step.
        return torch.nn.parallel.DistributedDataParallel(module, forward_sync_buffers=False)

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
        """Replace each sharded parameter by a whole one, in rank 0; tied parameters stay one."""
        self._root.reshard()
        whole = {
            parameter: torch.nn.Parameter(self.saved(parameter))
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

    def saved(self, tensor: Any) -> torch.Tensor:
        """Return an unsharded tensor in the memory of rank 0, and nothing elsewhere: together they need much memory."""
        whole = self.whole(tensor)
        return whole.cpu() if self.rank == 0 else whole.new_empty(0)

    def part(self, tensor: torch.Tensor, like: Any) -> torch.Tensor:
        """Return this process's part of rank 0's tensor."""
        from torch.distributed.tensor import distribute_tensor

        return distribute_tensor(tensor.to(like.device), like.device_mesh, like.placements, src_data_rank=0)

    def weights(self, model: Any) -> Tensors:
        """Return the trainable parameters, unsharded; after an evaluation, those outside the layers are not sharded."""
        self._root.reshard()
        return super().weights(model)


STRATEGIES: dict[str, type[SingleProcess]] = {"single": SingleProcess, "ddp": DataParallel, "fsdp": Sharded}
