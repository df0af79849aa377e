"""Word what the test shares with training, as build-dataset counted it, and count pairs that were not written."""

from __future__ import annotations

from collections import Counter

from docent.artifacts.summaries import LeakAudit, Statistics, read_summary
from docent.context import Context
from docent.records import Example


class Audit(LeakAudit):
    """`audit.json` of build-dataset: test photos that descend from, or are, photos of another split."""

    def names(self) -> tuple[str, ...]:
        """Return the leaked photos as text, one each."""
        return tuple(f"{leak.image} ({leak.item}), also in {leak.split}" for leak in self.leaked)

    def related_splits(self) -> str:
        """Return the splits of their relatives: `training`, `validation` or both."""
        names = {"train": "training"}
        return " or ".join(sorted({names.get(leak.split, leak.split) for leak in self.leaked})) or "training"


def read_unwritten(ctx: Context) -> Counter[str]:
    """Count pairs that were asked for and not written, by question type; none where no data set was built."""
    statistics = read_summary(ctx.artifact(Example), Statistics)
    return statistics.missing_by_type if statistics else Counter()
