"""Define how several processes train together: wrapping, reduction, clipping, saving and loading.

The trainer does these only through a strategy. To train in several processes, subclass `SingleProcess`, override what
differs (DDP: `wrap`, `share`, `accumulate`, `total`; FSDP: also `clip` and the methods that read or write weights), add
the class to STRATEGIES, and name it in a row of `docent.tables.APPROACHES`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from docent.stages.finetune.checkpoints import Tensors
from docent.stages.finetune.labels import Encoded

MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""AdamW's state for each parameter; `step` is a single number, the others have the shape of the parameter."""


class SingleProcess:
    """Train in one process."""

    def wrap(self, module: torch.nn.Module) -> torch.nn.Module:
        """Return the module that the trainer calls instead of `module`."""
        return module

    def share(self, rows: Sequence[Encoded]) -> Sequence[Encoded]:
        """Return the rows of a batch that this process handles."""
        return rows

    def accumulate(self, module: torch.nn.Module, last: bool) -> AbstractContextManager[None]:
        """Return a context for the forward and backward pass of a micro-batch; a step's last one sums gradients."""
        return nullcontext()

    def total(self, value: float) -> float:
        """Return the sum of `value` over all processes."""
        return value

    def clip(self, parameters: Iterable[torch.nn.Parameter], max_norm: float) -> None:
        """Scale all gradients down so that their common norm is at most `max_norm`."""
        torch.nn.utils.clip_grad_norm_(parameters, max_norm)

    def weights(self, model: Any) -> Tensors:
        """Return the trainable parameters, unsharded, by their names in the model."""
        return {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}

    @torch.no_grad()
    def load_weights(self, model: Any, weights: Tensors) -> None:
        """Copy weights into the trainable parameters."""
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(weights[name])

    def snapshot(self, model: Any, optimizer: torch.optim.Optimizer) -> dict[str, Tensors]:
        """Return the contents of a checkpoint: weights, optimiser state as `<parameter>.<name>`, random state."""
        moments = {
            f"{index}.{name}": value
            for index, values in optimizer.state_dict()["state"].items()
            for name, value in values.items()
        }
        random_state = {"cpu": torch.get_rng_state()}
        if torch.cuda.is_available():
            random_state["cuda"] = torch.cuda.get_rng_state()
        return {"weights": self.weights(model), "optimizer": moments, "random": random_state}

    def restore(self, model: Any, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensors]) -> None:
        """Restore model, optimiser and random state from a snapshot."""
        self.load_weights(model, tensors["weights"])
        moments: dict[int, Tensors] = {}
        for key, value in tensors["optimizer"].items():
            index, _, name = key.partition(".")
            moments.setdefault(int(index), {})[name] = value
        optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
        torch.set_rng_state(tensors["random"]["cpu"])
        if "cuda" in tensors["random"] and torch.cuda.is_available():
            torch.cuda.set_rng_state(tensors["random"]["cuda"])

    def mismatch(self, model: Any, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensors]) -> str:
        """Return why a snapshot belongs to another training, judged by names and shapes, or "" if it does not."""
        if missing := {"weights", "optimizer", "random"} - tensors.keys():
            return f"no {' or '.join(sorted(missing))}"
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        moved = {name.partition(".")[0] for name in tensors["optimizer"]}  # parameters without a gradient have no state
        expected = {
            "weights": {name: value.shape for name, value in self.weights(model).items()},
            "optimizer": {
                f"{index}.{name}": parameter.shape if name != "step" else torch.Size()
                for index, parameter in enumerate(parameters)
                for name in MOMENTS
                if str(index) in moved
            },
            "random": {"cpu": torch.get_rng_state().shape},
        }
        for group, shapes in expected.items():
            stored = {name: value.shape for name, value in tensors[group].items() if name != "cuda"}
            if stored != shapes:
                names = [name for name in {**shapes, **stored} if stored.get(name) != shapes.get(name)]
                return f"{group}: {names[0]} and {len(names) - 1} more differ" if names else group
        return ""


STRATEGIES: dict[str, type[SingleProcess]] = {"single": SingleProcess}
