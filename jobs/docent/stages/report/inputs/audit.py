"""What the test shares with training, as build-dataset counted it in `audit.json`, and pairs that were not written."""

from __future__ import annotations

import json
from collections import Counter

from docent.artifacts.unwritten import unwritten
from docent.context import Context
from docent.records import Example
from docent.stages.report.inputs.side_files import SideFile, file_of, read_side_file


class _Leak(SideFile):
    image: str
    item: str = ""
    split: str = "train"


class Audit(SideFile):
    """Test photos that descend from, or are, photos of another split, and test answers that training knows.

    Attributes:
        test_answers_also_in_train: word for word.
        test_answers_of_training_sentences: all of their sentences stand in training answers about the same exhibit.
        test_answers_with_training_sentences: at least one does; those of only such sentences are among them.
        figures, figures_in_several_splits: of documents.
    """

    leaks: int
    test_images: int
    leaked: tuple[_Leak, ...] = ()
    test_answers_also_in_train: int = 0
    test_answers_of_training_sentences: int = 0
    test_answers_with_training_sentences: int = 0
    figures: int = 0
    figures_in_several_splits: int = 0

    def names(self) -> tuple[str, ...]:
        """Return the leaked photos as text, one each."""
        return tuple(f"{leak.image} ({leak.item}), also in {leak.split}" for leak in self.leaked)

    def related_splits(self) -> str:
        """Return the splits of their relatives: `training`, `validation` or both."""
        names = {"train": "training"}
        return " or ".join(sorted({names.get(leak.split, leak.split) for leak in self.leaked})) or "training"


def read_audit(ctx: Context) -> Audit | None:
    """Read the leak audit of build-dataset; None where it wrote none.

    Raises:
        InputError: the file is not what build-dataset writes.
    """
    return read_side_file(ctx.artifact(Example), "audit.json", Audit)


def read_unwritten(ctx: Context) -> Counter[str]:
    """Count pairs that were asked for and not written, by question type; none where no data set was built."""
    path = file_of(ctx.artifact(Example), "statistics.json")
    return unwritten(json.loads(path.read_text(encoding="utf-8"))) if path else Counter()
