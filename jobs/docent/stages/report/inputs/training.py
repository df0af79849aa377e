"""Read the training curve of each approach from the `train_log.jsonl` and the checkpoint row of finetune."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from docent.artifacts.listings import read_rows
from docent.artifacts.side_files import SideFile
from docent.context import Context
from docent.records import Checkpoint

LOG = "train_log.jsonl"
MAX_POINTS = 240

Point = tuple[float, float]


class TrainingStep(SideFile):
    """One line of the training log."""

    step: int
    epoch: float
    loss: float
    validation_loss: float | None = None


@dataclass(frozen=True)
class Curve:
    """The loss of one approach over its training steps.

    Attributes:
        approach: name of the approach.
        checkpoint: the checkpoint row of finetune; None if there is none.
        train: (step, training loss), averaged over blocks to at most MAX_POINTS points.
        validation: (step, validation loss) of every evaluation.
        rows: (step, epoch, mean training loss since the last evaluation, validation loss), for the table below the
            chart.
    """

    approach: str
    checkpoint: Checkpoint | None
    train: tuple[Point, ...]
    validation: tuple[Point, ...]
    rows: tuple[tuple[int, float, float | None, float], ...]

    @property
    def validated(self) -> bool:
        """Whether the checkpoint was chosen by validation loss; without a validation split, the last step is kept."""
        return bool(self.validation) or (self.checkpoint is not None and self.checkpoint.validation_loss is not None)

    @property
    def converged(self) -> bool:
        """Whether training converged: False if the validation loss was still falling at the last step."""
        return self.checkpoint is None or self.checkpoint.converged is not False


def read_training(ctx: Context) -> tuple[Curve, ...]:
    """Return one curve per trained approach, in the order of the configuration."""
    curves = []
    for artifact in ctx.artifacts(Checkpoint):
        checkpoint = next(iter(artifact.rows(Checkpoint)), None)
        log = read_rows(artifact.file(LOG), TrainingStep) if LOG in artifact.file_names else ()
        curves.append(curve(artifact.part, checkpoint, list(log)))
    return tuple(curves)


def curve(approach: str, checkpoint: Checkpoint | None, log: Sequence[TrainingStep]) -> Curve:
    """Build a curve from the lines of a training log, without losses that are not finite."""
    train = [(float(line.step), line.loss) for line in log if math.isfinite(line.loss)]
    validation, rows, since = [], [], 0
    for place, line in enumerate(log):
        loss = line.validation_loss
        if loss is not None and math.isfinite(loss):
            block = [entry.loss for entry in log[since : place + 1] if math.isfinite(entry.loss)]
            since = place + 1
            validation.append((float(line.step), loss))
            rows.append((line.step, line.epoch, sum(block) / len(block) if block else None, loss))
    return Curve(approach, checkpoint, tuple(thin(train)), tuple(validation), tuple(rows))


def thin(points: Sequence[Point], most: int = MAX_POINTS) -> list[Point]:
    """Reduce `points` to at most `most` points by averaging blocks of equal size."""
    if len(points) <= most:
        return list(points)
    blocks = [points[len(points) * i // most : len(points) * (i + 1) // most] for i in range(most)]
    return [(sum(x for x, _ in block) / len(block), sum(y for _, y in block) / len(block)) for block in blocks]
