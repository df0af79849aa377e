"""Methods that write nothing: they return a stored training answer. What a fine-tuned model has to be better than.

`retrieval` finds the training photo that looks most alike to the base model's vision tower, `colour` the one with the
most similar colours, `constant` does not look. numpy dot products are quick enough up to about 100,000 photos.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from docent.context import Context
from docent.errors import InputError
from docent.records import Answer, Example
from docent.stages.answer.asked import Asked, answer_row, batched, photo_of
from docent.stages.answer.generated import model_settings, set_threads

BINS = 8  # per channel: 512 colours
CENTRE = 0.7  # share of each side that is looked at: exhibits stand in the middle
SIDE_PX = 96  # colours need no more

Floats: TypeAlias = NDArray[np.float32]
Features = Callable[[Iterable[Image.Image]], Floats]
Similarity = Callable[[Floats, Floats], Floats]


def retrieval(ctx: Context, asked: Asked) -> Iterator[Answer]:
    """The stored answer of the training photo nearest by cosine of the base model's vision tower."""
    from docent.models.loading import load_base, vision_features

    set_threads(ctx)
    settings = model_settings(ctx)
    model, processor = load_base(settings.base_model, settings.dtype)
    yield from _nearest(ctx, asked, lambda images: vision_features(model, processor, images), cosine)


def colour(ctx: Context, asked: Asked) -> Iterator[Answer]:
    """The stored answer of the training photo with the most similar colours: the simplest method that uses it."""
    yield from _nearest(ctx, asked, color_histograms, intersection)


def constant(ctx: Context, asked: Asked) -> Iterator[Answer]:
    """The same answer to everything: the one most rows are trained on."""
    text = most_frequent_answer(_required(asked.train))
    for batch in asked.batches:
        for example in batch:
            yield answer_row(ctx.unit.part, example, text)


def cosine(a: Floats, b: Floats) -> Floats:
    """Cosine of every unit vector of `a` (n, d) with every one of `b` (m, d): (n, m)."""
    return np.asarray(a @ b.T)


def intersection(a: Floats, b: Floats) -> Floats:
    """What every histogram of `a` (n, d) shares with every one of `b` (m, d): (n, m), 1 for the same colours."""
    return np.stack([np.minimum(row, b).sum(axis=1) for row in a])


def color_histograms(images: Iterable[Image.Image]) -> Floats:
    """Share of each of 512 RGB colours in the middle of each picture: (n, 512), rows sum to 1."""
    return np.stack([_color_histogram(image) for image in images])


def most_frequent_answer(train: Sequence[Example]) -> str:
    """The answer of most training rows; of several, the one with the smallest row id."""
    times = Counter(example.answer for example in train)
    return min(train, key=lambda example: (-times[example.answer], example.id)).answer


def stored_answer(rows: Sequence[Example], question: str) -> Example:
    """Which row of the found photo answers: the one with the same question, else of most of its words, else the first.

    Words in common are counted as Jaccard similarity of the two sets of lower-case words.
    """
    for row in rows:
        if row.question.strip().casefold() == question.strip().casefold():
            return row
    words = _words(question)
    shared = [len(words & (own := _words(row.question))) / max(1, len(words | own)) for row in rows]
    return rows[shared.index(max(shared))]


def _nearest(ctx: Context, asked: Asked, features: Features, similarity: Similarity) -> Iterator[Answer]:
    """Look up every test photo among all training photos; the first of equally near ones counts."""
    rows_of: dict[str, list[Example]] = {}
    for row in _required(asked.train):
        rows_of.setdefault(row.file, []).append(row)
    known = [rows[0] for rows in rows_of.values()]
    index: list[Floats] = []
    for batch in batched(known, ctx.section.batch_size):
        index.append(features(photo_of(ctx, row) for row in batch))
        ctx.progress.update(
            0, asked.total, f"{ctx.unit.part}: {len(index) * len(batch)} of {len(known)} photos indexed"
        )
    train_features = np.concatenate(index)
    for batch in asked.batches:
        found = similarity(features(photo_of(ctx, example) for example in batch), train_features).argmax(axis=1)
        for example, place in zip(batch, found.tolist(), strict=True):
            stored = stored_answer(rows_of[known[place].file], example.question)
            yield answer_row(ctx.unit.part, example, stored.answer, matched=stored.image_name)


def _required(train: Sequence[Example]) -> Sequence[Example]:
    if not train:
        raise InputError(
            "there are no training rows to look answers up in", "build-dataset", "--set assemble.images_per_item=15"
        )
    return train


def _color_histogram(image: Image.Image) -> Floats:
    small = image.convert("RGB").resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX, reducing_gap=2.0)
    edge = round(SIDE_PX * (1 - CENTRE) / 2)
    pixels: NDArray[Any] = np.asarray(small)[edge : SIDE_PX - edge, edge : SIDE_PX - edge].reshape(-1, 3)
    levels = pixels.astype(np.int64) * BINS // 256
    cells = levels @ np.array([BINS * BINS, BINS, 1])
    return (np.bincount(cells, minlength=BINS**3) / len(cells)).astype(np.float32)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))
