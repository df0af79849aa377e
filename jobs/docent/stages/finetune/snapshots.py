"""Name what a checkpoint contains: trainable weights, AdamW's state of each, random states of the processes.

Everything is keyed by the name of its parameter, never by position, so that it can be restored in another order and in
another number of processes.
"""

from typing import Any

import torch

from docent.stages.finetune.checkpoints import Tensors

MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""AdamW's state for each parameter; `step` is a single number, the others have the shape of the parameter."""


def trained(model: Any) -> dict[str, torch.nn.Parameter]:
    """Return the trainable parameters by name; a tied one is listed once."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def random_state(rank: int) -> Tensors:
    """Return the state of this process's random numbers, for the CPU and its GPU."""
    suffix = f".{rank}" if rank else ""
    states = {f"cpu{suffix}": torch.get_rng_state()}
    if torch.cuda.is_available():
        states[f"cuda{suffix}"] = torch.cuda.get_rng_state()
    return states


def restore_random_state(states: Tensors, rank: int) -> None:
    """Restore what `random_state` returned; a process that did not exist then keeps its own state."""
    suffix = f".{rank}" if rank else ""
    if f"cpu{suffix}" in states:
        torch.set_rng_state(states[f"cpu{suffix}"])
    if f"cuda{suffix}" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states[f"cuda{suffix}"])


def mismatch(model: Any, tensors: dict[str, Tensors]) -> str:
    """Return why a snapshot belongs to another training, judged by names, shapes and dtypes, or "" if it does not."""
    if missing := {"weights", "optimizer", "random"} - tensors.keys():
        return f"no {' or '.join(sorted(missing))}"
    moved = {key.rpartition(".")[0] for key in tensors["optimizer"]}  # parameters without a gradient have no state
    weights = trained(model)
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
        found = {name: (value.shape, value.dtype) for name, value in tensors[group].items()}
        if group == "random":  # GPUs and other processes are optional
            found = {name: form for name, form in found.items() if name in forms}
        if found != forms:
            names = [name for name in {**forms, **found} if found.get(name) != forms.get(name)]
            return f"{group}: {names[0]} and {len(names) - 1} more differ"
    return ""
