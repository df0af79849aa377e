"""Keep losses and gradients that are not finite out of the weights, and end a training that has too many of them.

One infinite gradient would turn all weights into NaN. Such a step is skipped with a warning: the weights and the
optimiser stay as they were. The decision depends on sums over all processes, so that all of them decide alike.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from docent.errors import ConfigError

log = logging.getLogger("docent.finetune")

MAX_SKIPPED, WINDOW = 5, 100
"""A training ends when more than MAX_SKIPPED of its last WINDOW steps were skipped."""
FIX = "lower the learning_rate, or set finetune.dtype to float32"


def problem_with(loss: float, norm: float) -> str:
    """Return why a step must be skipped, or "" if it can be taken.

    Args:
        loss: loss of the step, summed over all processes.
        norm: sum over all processes of the norm of the gradients before clipping.
    """
    for what, value in (("loss", loss), ("gradient norm", norm)):
        if not math.isfinite(value):
            return f"the {what} is {value}"
    return ""


def require_progress(rows: Sequence[Mapping[str, Any]]) -> None:
    """Warn if the last step was skipped, and end the training if it is one of too many.

    Args:
        rows: the training log; a skipped step has its reason under `skipped`.

    Raises:
        ConfigError: too many of the last steps were skipped.
    """
    skipped = [row for row in rows[-WINDOW:] if row.get("skipped")]
    if not skipped or skipped[-1] is not rows[-1]:
        return
    step, why = rows[-1]["step"], rows[-1]["skipped"]
    if len(skipped) > MAX_SKIPPED:
        steps = ", ".join(str(row["step"]) for row in skipped)
        raise ConfigError(f"{why} at step {step}; skipped steps: {steps}", "finetune.approaches", FIX)
    log.warning("step %d skipped: %s; %d more may be skipped", step, why, MAX_SKIPPED - len(skipped))


def require_finite(what: str, value: float | torch.Tensor, step: int) -> None:
    """Check a loss or a weight before anything is saved.

    Raises:
        ConfigError: it is, or contains, NaN or an infinite number.
    """
    if not bool(torch.isfinite(torch.as_tensor(value)).all()):
        found = value if isinstance(value, float) else "not finite"
        raise ConfigError(f"the {what} is {found} at step {step}", "finetune.approaches", FIX)
