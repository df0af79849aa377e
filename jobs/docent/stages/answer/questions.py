"""Provide the questions that an arm answers, their photos, and the rows for the answers."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from docent.context import Context
from docent.models.chat import open_photo
from docent.records import Answer, Example, make_id


@dataclass(frozen=True)
class Questions:
    """The test examples of a shard, in batches that do not depend on the number of shards, and all training rows."""

    batches: Sequence[Sequence[Example]]
    train: Sequence[Example]

    @property
    def total(self) -> int:
        """Return the number of test examples."""
        return sum(len(batch) for batch in self.batches)


def batched(examples: Sequence[Example], size: int) -> list[Sequence[Example]]:
    """Return the examples in groups of `size`; the last group may be smaller."""
    return [examples[start : start + size] for start in range(0, len(examples), size)]


def photo_of(ctx: Context, example: Example) -> Image.Image:
    """Return the picture of a data set row in RGB.

    Raises:
        InputError: the data set does not list the picture, or the picture is unreadable.
    """
    return open_photo(ctx.artifacts(Example)[0].file(example.file))


def answer_row(
    arm: str, example: Example, text: str, checkpoint_id: str | None = None, matched: str | None = None
) -> Answer:
    """Return the row for an answer of `arm`, without control characters; only white space counts as empty."""
    parents = (example.id, checkpoint_id) if checkpoint_id else (example.id,)
    text = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc").strip()
    return Answer(
        id=make_id("answer", parents, arm),
        parents=parents,
        arm=arm,
        example_id=example.id,
        item_id=example.item_id,
        item_name=example.item_name,
        image_name=example.image_name,
        question=example.question,
        answer=text,
        reference=example.answer,
        status="ok" if text else "empty",
        matched=matched,
    )
