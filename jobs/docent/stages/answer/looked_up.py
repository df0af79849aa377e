"""Answer by repeating a stored training answer: baselines to compare fine-tuned models with.

`retrieval` takes the training photo that is nearest in the features of the base model's vision tower, `colour` takes
the one with the most similar colours, and `constant` ignores the photo. numpy dot products are fast enough for up to
about 100,000 photos.
"""

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
from docent.stages.answer.generated import model_settings, set_threads
from docent.stages.answer.questions import Questions, answer_row, batched, photo_of

BINS = 8  # per channel: 512 colours
CENTRE = 0.7  # share of each side that is used: exhibits are in the middle of a photo
SIDE_PX = 96  # large enough for colour histograms

Floats: TypeAlias = NDArray[np.float32]
Features = Callable[[Iterable[Image.Image]], Floats]
Similarity = Callable[[Floats, Floats], Floats]


def retrieval(ctx: Context, questions: Questions) -> Iterator[Answer]:
    """Answer from the training photo with the nearest vision features of the base model, by cosine."""
    from docent.models.inference import vision_features
    from docent.models.loading import load_base

    set_threads(ctx)
    settings = model_settings(ctx)
    model, processor = load_base(settings.base_model, settings.dtype)
    yield from _nearest(ctx, questions, lambda images: vision_features(model, processor, images), cosine)


def colour(ctx: Context, questions: Questions) -> Iterator[Answer]:
    """Answer from the training photo with the most similar colours: the simplest use of the photo."""
    yield from _nearest(ctx, questions, color_histograms, intersection)


def constant(ctx: Context, questions: Questions) -> Iterator[Answer]:
    """Give the same answer to every question: the most frequent answer of the training rows."""
    text = most_frequent_answer(_required(questions.train))
    for batch in questions.batches:
        for example in batch:
            yield answer_row(ctx.unit.part, example, text)


def cosine(a: Floats, b: Floats) -> Floats:
    """Return the cosine of every pair of unit vectors of `a` (n, d) and `b` (m, d): shape (n, m)."""
    return np.asarray(a @ b.T)


def intersection(a: Floats, b: Floats) -> Floats:
    """Return the overlap of every pair of histograms of `a` (n, d) and `b` (m, d): shape (n, m), 1 if equal."""
    return np.stack([np.minimum(row, b).sum(axis=1) for row in a])


def color_histograms(images: Iterable[Image.Image]) -> Floats:
    """Return the share of each of 512 RGB colours in the middle of each picture: shape (n, 512), rows sum to 1."""
    return np.stack([_color_histogram(image) for image in images])


def most_frequent_answer(train: Sequence[Example]) -> str:
    """Return the most frequent answer of the training rows; the smallest row id breaks a tie."""
    times = Counter(example.answer for example in train)
    return min(train, key=lambda example: (-times[example.answer], example.id)).answer


def stored_answer(rows: Sequence[Example], question: str) -> Example:
    """Return the photo's row whose answer is used: the one with the same question, or else the most similar question.

    Similarity is the Jaccard index of the two sets of lower-case words; the first row wins a tie.
    """
    words = _words(question)

    def likeness(row: Example) -> tuple[bool, float]:
        same = row.question.strip().casefold() == question.strip().casefold()
        own = _words(row.question)
        return same, len(words & own) / max(1, len(words | own))

    return max(rows, key=likeness)


def _nearest(ctx: Context, questions: Questions, features: Features, similarity: Similarity) -> Iterator[Answer]:
    """Answer from the most similar training photo; the first wins ties."""
    rows_of: dict[str, list[Example]] = {}
    for row in _required(questions.train):
        rows_of.setdefault(row.file, []).append(row)
    photos = [rows[0] for rows in rows_of.values()]
    index: list[Floats] = []
    for batch in batched(photos, ctx.section.batch_size):
        index.append(features(photo_of(ctx, row) for row in batch))
        ctx.progress.update(
            0, questions.total, f"{ctx.unit.part}: {len(index) * len(batch)} of {len(photos)} photos indexed"
        )
    train_features = np.concatenate(index)
    for batch in questions.batches:
        nearest = similarity(features(photo_of(ctx, example) for example in batch), train_features).argmax(axis=1)
        for example, place in zip(batch, nearest.tolist(), strict=True):
            stored = stored_answer(rows_of[photos[place].file], example.question)
            yield answer_row(ctx.unit.part, example, stored.answer, matched=stored.image_name)


def _required(train: Sequence[Example]) -> Sequence[Example]:
    if not train:
        raise InputError(
            "there are no training rows to look up", "build-dataset", "docent run --set assemble.images_per_item=15"
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
