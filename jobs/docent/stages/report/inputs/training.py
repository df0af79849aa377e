"""Read how each approach was trained: the `train_log.jsonl` and the checkpoint row of finetune."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docent.context import Context
from docent.errors import InputError
from docent.records import Checkpoint

LOG = "train_log.jsonl"
MAX_POINTS = 240

Point = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """The loss of one approach over its steps.

    Attributes:
        train: (step, loss), averaged over blocks so that there are at most MAX_POINTS.
        validation: (step, loss) of every evaluation.
        rows: step, epoch, mean training loss since the last evaluation, validation loss: the table behind the picture.
    """

    approach: str
    checkpoint: Checkpoint | None
    train: tuple[Point, ...]
    validation: tuple[Point, ...]
    rows: tuple[tuple[int, float, float | None, float], ...]

    @property
    def validated(self) -> bool:
        """Whether the kept step was chosen by validation loss; without a validation split it is the last one."""
        return bool(self.validation) or (self.checkpoint is not None and self.checkpoint.validation_loss is not None)

    @property
    def converged(self) -> bool:
        """False where the validation loss was still falling at the last step."""
        return self.checkpoint is None or self.checkpoint.converged is not False


def read_training(ctx: Context) -> tuple[Curve, ...]:
    """Return one curve per approach that was trained, in the order of the configuration."""
    curves = []
    for artifact in ctx.artifacts(Checkpoint):
        checkpoint = next(iter(artifact.rows(Checkpoint)), None)
        log = _log(artifact.file(LOG)) if LOG in artifact.file_names else []
        curves.append(curve(artifact.part, checkpoint, log))
    return tuple(curves)


def curve(approach: str, checkpoint: Checkpoint | None, log: Sequence[dict[str, Any]]) -> Curve:
    """Make a curve of the lines of a training log; values that are not finite are left out."""
    train = [(float(line["step"]), float(line["loss"])) for line in log if _finite(line.get("loss"))]
    validation, rows, since = [], [], 0
    for place, line in enumerate(log):
        if _finite(line.get("validation_loss")):
            block = [float(entry["loss"]) for entry in log[since : place + 1] if _finite(entry.get("loss"))]
            since = place + 1
            loss = float(line["validation_loss"])
            validation.append((float(line["step"]), loss))
            rows.append((int(line["step"]), float(line["epoch"]), sum(block) / len(block) if block else None, loss))
    return Curve(approach, checkpoint, tuple(thin(train)), tuple(validation), tuple(rows))


def thin(points: Sequence[Point], most: int = MAX_POINTS) -> list[Point]:
    """Reduce to at most `most` points: the means of equal blocks."""
    if len(points) <= most:
        return list(points)
    blocks = [points[len(points) * i // most : len(points) * (i + 1) // most] for i in range(most)]
    return [(sum(x for x, _ in block) / len(block), sum(y for _, y in block) / len(block)) for block in blocks]


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _log(path: Path) -> list[dict[str, Any]]:
    lines = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            line = json.loads(text)
            if {"step", "epoch", "loss"} <= line.keys():
                lines.append(line)
        except (json.JSONDecodeError, AttributeError):
            raise InputError("not a line of a training log", f"{path}:{number}", "docent run --verify") from None
    return lines
