"""Read test questions with their pictures, the reference and the answer of every model and method.

Reads the rows of build-dataset, assemble, answer and score and the test photos; writes nothing. The sample is spread
over the exhibits and is the same in every attempt. Text from a model is cut where it would swamp the page.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from docent.context import Context
from docent.errors import InputError
from docent.records import Answer, Example, Item, Score, Split
from docent.stages.report.inputs.titles import label
from docent.stages.report.sentences.wording import ACCURACY, DISTANCE
from docent.text.natural_order import natural_key
from docent.text.numbers.numbers import unsupported_numbers
from docent.vision.thumbnails import thumbnail

MAX_TEXT = 2_000
MAX_BYTES = 10_000_000
MAX_TRAINED = 6
"""Training rows that the page of a run without answers shows."""
_DIGITS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Piece:
    """A run of text; `unsupported` marks a number that the exhibit's description does not have."""

    text: str
    unsupported: bool = False


@dataclass(frozen=True)
class Reply:
    """The answer of one model or method; `right` and `distance` are None where it was not scored.

    Attributes:
        cut: whether it ended at the limit of tokens.
    """

    arm: str
    pieces: tuple[Piece, ...]
    unsupported: tuple[str, ...]
    right: bool | None
    distance: float | None
    matched: str | None
    cut: bool = False


@dataclass(frozen=True)
class Sample:
    """One test question; `picture` is a data URI, None where it has none or the photo cannot be decoded."""

    exhibit: str
    photo: str
    picture: str | None
    question: str
    reference: str
    replies: tuple[Reply, ...]

    @property
    def wrong(self) -> tuple[str, ...]:
        """Models and methods whose answer is not right."""
        return tuple(reply.arm for reply in self.replies if reply.right is False)


@dataclass(frozen=True)
class Samples:
    """What the page shows, and out of how many.

    Attributes:
        trained: rows of the training split, without pictures.
    """

    shown: tuple[Sample, ...]
    total: int
    trained: tuple[Sample, ...] = ()

    @property
    def unsupported(self) -> bool:
        """Whether any answer has a marked number."""
        return any(reply.unsupported for sample in self.shown for reply in sample.replies)


def read_samples(ctx: Context, max_samples: int, documents: int = 0) -> Samples:
    """Read up to `max_samples` test examples, the first of each exhibit before any second, in order of their names.

    Args:
        documents: how many text documents the run has.
    """
    examples, total = _chosen(ctx, "test", max_samples)
    chosen = {example.id for example in examples}
    answers: dict[str, list[Answer]] = defaultdict(list)
    for answer in ctx.stream(Answer):
        if answer.example_id in chosen:
            answers[answer.example_id].append(answer)
    metrics = {(s.arm, s.example_id): s.metrics for s in ctx.stream(Score) if s.example_id in chosen}
    items = _items(ctx, examples)
    shown: list[Sample] = []
    size = 0
    for done, example in enumerate(examples):
        ctx.progress.update(done, len(examples), "test photos")
        item = items.get(example.item_id)
        source = item.text if item else None
        replies = tuple(_reply(a, metrics.get((a.arm, a.example_id), {}), source) for a in answers[example.id])
        sample = _sample(example, item, documents, _picture(ctx, example), replies)
        size += _size(sample)
        if size > MAX_BYTES and shown:
            break
        shown.append(sample)
    if not documents:
        shown.sort(key=lambda sample: natural_key(sample.exhibit))
    if any(answers.values()):
        return Samples(tuple(shown), total)
    trained, _ = _chosen(ctx, "train", MAX_TRAINED)
    items = _items(ctx, trained)
    rows = tuple(_sample(example, items.get(example.item_id), documents) for example in trained)
    return Samples(tuple(shown), total, rows)


def _chosen(ctx: Context, split: Split, count: int) -> tuple[list[Example], int]:
    """Choose rows of a split, in their order, and count all of them; rows are read twice so that few are held."""
    about = [example.item_id for example in ctx.stream(Example) if example.split == split]
    places = set(spread(about, count))
    rows = (example for example in ctx.stream(Example) if example.split == split)
    return [example for place, example in enumerate(rows) if place in places], len(about)


def _items(ctx: Context, examples: Sequence[Example]) -> dict[str, Item]:
    """Return the items that examples are about, by id."""
    about = {example.item_id for example in examples}
    return {item.id: item for item in ctx.stream(Item) if item.id in about}


def _sample(
    example: Example, item: Item | None, documents: int, picture: str | None = None, replies: tuple[Reply, ...] = ()
) -> Sample:
    exhibit = label(item, documents) if item else example.item_name
    return Sample(exhibit, example.image_name, picture, _cut(example.question), _cut(example.answer), replies)


def spread(items: Sequence[str], count: int) -> list[int]:
    """Choose `count` places, in their order, round by round: one of each item, then a second, and so on.

    Of a round that does not fit as a whole, places are taken at equal distances from its first to its last.

    Args:
        items: id of the item that each example is about.
    """
    rounds: dict[str, int] = defaultdict(int)
    ranked: dict[int, list[int]] = defaultdict(list)
    for place, item in enumerate(items):
        ranked[rounds[item]].append(place)
        rounds[item] += 1
    chosen: list[int] = []
    for places in ranked.values():
        left = min(count - len(chosen), len(places))
        gaps = max(left - 1, 1)
        chosen += [places[number * (len(places) - 1) // gaps] for number in range(left)]
    return sorted(chosen)


def mark_numbers(text: str, source: str | None) -> tuple[Piece, ...]:
    """Split `text` into pieces and mark numbers in digits that `source` does not have; none without a source."""
    if source is None:
        return (Piece(text),)
    unsupported = set(unsupported_numbers(text, source))
    pieces: list[Piece] = []
    at = 0
    for match in _DIGITS.finditer(text):
        if unsupported.intersection(unsupported_numbers(match[0], source)):
            pieces += [Piece(text[at : match.start()]), Piece(match[0], True)]
            at = match.end()
    return tuple(piece for piece in (*pieces, Piece(text[at:])) if piece.text)


def _reply(answer: Answer, metrics: dict[str, float], source: str | None) -> Reply:
    text = _cut(answer.answer)
    right = metrics.get(ACCURACY)
    return Reply(
        answer.arm,
        mark_numbers(text, source),
        tuple(unsupported_numbers(text, source)) if source is not None else (),
        None if right is None else right >= 0.5,
        metrics.get(DISTANCE),
        answer.matched,
        answer.ended == "length",
    )


def _picture(ctx: Context, example: Example) -> str | None:
    if not example.files:
        return None
    try:
        return thumbnail(ctx.artifacts(Example)[0].file(example.file))
    except InputError:
        return None


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + " …"


def _size(sample: Sample) -> int:
    # Escaping makes at most 5 characters of one; a card's own markup is about 2 kB and 600 bytes per answer.
    texts = [sample.question, sample.reference, *(piece.text for r in sample.replies for piece in r.pieces)]
    return len(sample.picture or "") + sum(5 * len(t.encode()) for t in texts) + 2000 + 600 * len(sample.replies)
