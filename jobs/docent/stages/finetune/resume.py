"""What a training needs to go on from a checkpoint: trainable weights, moments of the optimiser, random state.

Reads checkpoints from a scratch folder; writes nothing. A checkpoint counts only where every tensor has its place in
this training, and is then taken as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from docent.stages.finetune.checkpoints import State, Tensors, newest_checkpoint

MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What AdamW keeps of each parameter; the first is one number, the others have the parameter's shape."""


def trainable(model: Any) -> Tensors:
    """The parameters that train, by name."""
    return {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}


def snapshot(model: Any, optimizer: torch.optim.Optimizer) -> dict[str, Tensors]:
    """What a checkpoint holds: weights, moments as `<parameter>.<name>`, random state."""
    moments = {
        f"{index}.{name}": value
        for index, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
    }
    return {"weights": trainable(model), "optimizer": moments, "random": _random_state()}


def resume(model: Any, optimizer: torch.optim.Optimizer, scratch: Path, steps: int) -> State:
    """Bring model, optimiser and random state to the newest checkpoint that fits; a fresh state where none does.

    Args:
        steps: optimiser steps of the whole training.
    """

    def problem_with(state: State, tensors: dict[str, Tensors]) -> str:
        if state.step > steps:
            return f"step {state.step} of {steps}"
        return _problem_with(tensors, trainable(model), optimizer)

    found = newest_checkpoint(scratch, problem_with)
    if found is None:
        return State()
    state, tensors = found
    load_weights(model, tensors["weights"])
    moments: dict[int, Tensors] = {}
    for key, value in tensors["optimizer"].items():
        index, _, name = key.partition(".")
        moments.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    torch.set_rng_state(tensors["random"]["cpu"])
    if "cuda" in tensors["random"] and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random"]["cuda"])
    return state


@torch.no_grad()
def load_weights(model: Any, weights: Tensors) -> None:
    """Copy the weights into the parameters that train."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            parameter.copy_(weights[name])


def _problem_with(tensors: Mapping[str, Tensors], own: Tensors, optimizer: torch.optim.Optimizer) -> str:
    """Why tensors are not those of this training, by their names and shapes; "" where they are."""
    if missing := {"weights", "optimizer", "random"} - tensors.keys():
        return f"no {' or '.join(sorted(missing))}"
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    moved = {name.partition(".")[0] for name in tensors["optimizer"]}  # a parameter without a gradient has no moments
    expected = {
        "weights": {name: value.shape for name, value in own.items()},
        "optimizer": {
            f"{index}.{name}": parameter.shape if name != "step" else torch.Size()
            for index, parameter in enumerate(parameters)
            for name in MOMENTS
            if str(index) in moved
        },
        "random": {"cpu": torch.get_rng_state().shape},
    }
    for group, shapes in expected.items():
        found = {name: value.shape for name, value in tensors[group].items() if name != "cuda"}
        if found != shapes:
            names = [name for name in (*shapes, *found) if found.get(name) != shapes.get(name)]
            return f"{group}: {names[0]} and {len(set(names)) - 1} more differ" if names else group
    return ""


def _random_state() -> Tensors:
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states
