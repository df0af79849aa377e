"""What score and build-dataset counted, read into plain values.

Reads score's `summary.json` and build-dataset's `audit.json` and `statistics.json`; writes nothing. Unknown keys are
ignored, so that score may say more than the page shows.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from docent.artifacts.unwritten import unwritten
from docent.config.validation_messages import words
from docent.context import Context
from docent.errors import InputError
from docent.records import Example, Score
from docent.stages.report.sentences.findings import Comparison, Estimate
from docent.store import Artifact


class _Lenient(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Mean(_Lenient):
    mean: float | None
    ci: tuple[float | None, float | None] | None = None
    n: int = 0
    items: int | None = None


class _Pair(_Lenient):
    a: str
    b: str
    metric: str
    difference: float | None
    ci: tuple[float | None, float | None] | None = None
    p: float | None = None
    p_holm: float | None = None


class Summary(_Lenient):
    """score's `summary.json`."""

    arms: dict[str, dict[str, _Mean]] = {}
    ceiling: dict[str, _Mean] = {}
    comparisons: tuple[_Pair, ...] = ()
    items: int = 0
    test_examples: int = 0
    encoder: dict[str, Any] = {}
    chance: float | None = None

    def estimates(self) -> dict[str, dict[str, Estimate]]:
        """Arm -> metric -> estimate; a metric without a value is left out."""
        return {
            arm: {name: found for name, value in metrics.items() if (found := _estimate(value))}
            for arm, metrics in self.arms.items()
        }

    def at_best(self) -> dict[str, Estimate]:
        """What the references themselves would get, by metric."""
        return {name: found for name, value in self.ceiling.items() if (found := _estimate(value))}

    def pairs(self) -> tuple[Comparison, ...]:
        """Every paired comparison; none where there is one exhibit, which tells nothing about others."""
        return tuple(
            Comparison(p.a, p.b, p.metric, p.difference, *_ends(p.ci), p.p, p.p_holm)
            for p in self.comparisons
            if p.difference is not None and self.items != 1
        )


class _Leak(_Lenient):
    image: str
    item: str = ""
    split: str = "train"


class Audit(_Lenient):
    """build-dataset's `audit.json`: test photos that descend from, or are, photos of another split."""

    leaks: int
    test_images: int
    leaked: tuple[_Leak, ...] = ()
    test_answers_also_in_train: int = 0
    test_answers_of_training_sentences: int = 0
    test_answers_with_training_sentences: int = 0
    figures: int = 0
    figures_in_several_splits: int = 0

    def names(self) -> tuple[str, ...]:
        """The leaked photos as text, one each."""
        return tuple(f"{leak.image} ({leak.item}), also in {leak.split}" for leak in self.leaked)

    def seen_in(self) -> str:
        """Where their relatives are: `training`, `validation` or both."""
        names = {"train": "training"}
        return " or ".join(sorted({names.get(leak.split, leak.split) for leak in self.leaked})) or "training"


def read_summary(ctx: Context) -> Summary:
    """Score's summary; an empty one where score is skipped.

    Raises:
        InputError: the file is not what score writes.
    """
    found = _read(ctx.artifact(Score), "summary.json", Summary)
    return found if isinstance(found, Summary) else Summary()


def read_audit(ctx: Context) -> Audit | None:
    """build-dataset's leak audit; None where it wrote none.

    Raises:
        InputError: the file is not what build-dataset writes.
    """
    found = _read(ctx.artifact(Example), "audit.json", Audit)
    return found if isinstance(found, Audit) else None


def read_unwritten(ctx: Context) -> Counter[str]:
    """Pairs that the teacher was asked for and did not write, by question type; none where no data set was built."""
    path = file_of(ctx.artifact(Example), "statistics.json")
    return unwritten(json.loads(path.read_text(encoding="utf-8"))) if path else Counter()


def file_of(artifact: Artifact | None, name: str) -> Path | None:
    """Path of a file that the artifact lists; None where it lists none of that name."""
    if artifact is None or name not in artifact.file_names:
        return None
    return artifact.file(name)


def _read(artifact: Artifact | None, name: str, kind: type[_Lenient]) -> _Lenient | None:
    path = file_of(artifact, name)
    if path is None:
        return None
    try:
        return kind.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        why = f"{'.'.join(map(str, first['loc']))} {words(first)}"
    except json.JSONDecodeError as error:
        why = f"it is not JSON: {error}"
    raise InputError(f"{name} cannot be read: {why}", str(path), "docent run --verify") from None


def _estimate(value: _Mean) -> Estimate | None:
    """A mean without an interval has one without ends: nothing is apart from it."""
    if value.mean is None:
        return None
    return Estimate(value.mean, *_ends(value.ci), value.n, value.items)


def _ends(ci: tuple[float | None, float | None] | None) -> tuple[float, float]:
    low, high = ci or (None, None)
    return (-math.inf, math.inf) if low is None or high is None else (low, high)
