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

    def clip(self, parameters: Iterable[torch.nn.Parameter], max_norm: float) -> float:
        """Scale all gradients down so that their common norm is at most `max_norm`; return their norm before that.

        All processes get the same norm. Gradients of a norm that is not finite are not usable afterwards.
        """
        return torch.nn.utils.clip_grad_norm_(parameters, max_norm).item()

    def weights(self, model: Any) -> Tensors:
        """Return the trainable parameters, unsharded, by their names in the model."""
        return {name: parameter.detach() for name, parameter in _trained(model).items()}

    @torch.no_grad()
    def load_weights(self, model: Any, weights: Tensors) -> None:
        """Copy weights into the trainable parameters."""
        for name, parameter in _trained(model).items():
            parameter.copy_(weights[name])

    def snapshot(self, model: Any, optimizer: torch.optim.Optimizer) -> dict[str, Tensors]:
        """Return the contents of a checkpoint: weights, optimiser state as `<parameter>.<moment>`, random state."""
        moments = {
            f"{name}.{moment}": value
            for name, parameter in _trained(model).items()
            for moment, value in optimizer.state.get(parameter, {}).items()
        }
        random_state = {"cpu": torch.get_rng_state()}
        if torch.cuda.is_available():
            random_state["cuda"] = torch.cuda.get_rng_state()
        return {"weights": self.weights(model), "optimizer": moments, "random": random_state}

    def restore(self, model: Any, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensors]) -> None:
        """Restore model, optimiser and random state from a snapshot."""
        self.load_weights(model, tensors["weights"])
        trained = _trained(model)
        for key, value in tensors["optimizer"].items():
            name, _, moment = key.rpartition(".")
            # `load_state_dict` would number the parameters, and cast moments to their dtype.
            device = "cpu" if moment == "step" and not _is_fused(optimizer) else trained[name].device
            optimizer.state[trained[name]][moment] = value.to(device)
        torch.set_rng_state(tensors["random"]["cpu"])
        if "cuda" in tensors["random"] and torch.cuda.is_available():
            torch.cuda.set_rng_state(tensors["random"]["cuda"])

    def mismatch(self, model: Any, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensors]) -> str:
        """Return why a snapshot belongs to another training, judged by names and shapes, or "" if it does not."""
        if missing := {"weights", "optimizer", "random"} - tensors.keys():
            return f"no {' or '.join(sorted(missing))}"
        moved = {key.rpartition(".")[0] for key in tensors["optimizer"]}  # parameters without a gradient have no state
        weights = self.weights(model)
        expected = {
            "weights": {name: (value.shape, value.dtype) for name, value in weights.items()},
            "optimizer": {
                f"{name}.{moment}": (torch.Size(), torch.float32) if moment == "step" else (value.shape, value.dtype)
                for name, value in weights.items()
                for moment in MOMENTS
                if name in moved
            },
            "random": {"cpu": (torch.get_rng_state().shape, torch.uint8)},
        }
        for group, forms in expected.items():
            stored = {name: (value.shape, value.dtype) for name, value in tensors[group].items() if name != "cuda"}
            if stored != forms:
                names = [name for name in {**forms, **stored} if stored.get(name) != forms.get(name)]
                return f"{group}: {names[0]} and {len(names) - 1} more differ" if names else group
        return ""


def _trained(model: Any) -> dict[str, torch.nn.Parameter]:
    """Return the trainable parameters by name; a tied one is listed once."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def _is_fused(optimizer: torch.optim.Optimizer) -> bool:
    """Return whether the optimiser keeps its step counts next to the parameters."""
    return any(group.get("fused") or group.get("capturable") for group in optimizer.param_groups)


STRATEGIES: dict[str, type[SingleProcess]] = {"single": SingleProcess}
