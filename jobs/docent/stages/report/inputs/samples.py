"""Read a sample of test questions with pictures, references and the answers of all models and methods.

Reads the rows of build-dataset, assemble, answer and score, and the test photos; writes nothing. The sample is spread
over the exhibits and is the same in every attempt. Long texts are cut to MAX_TEXT characters.
"""

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
"""Number of training rows on the page if the run has no answers."""
_DIGITS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Piece:
    """A piece of an answer; `unsupported` marks a number that is not in the source text of the exhibit or section."""

    text: str
    unsupported: bool = False


@dataclass(frozen=True)
class ArmReply:
    """The answer of one model or method.

    Attributes:
        arm: the model or method.
        pieces: the text, split at unsupported numbers.
        unsupported: the numbers that are not in the source text of the exhibit or section.
        right: whether it is about the right exhibit or section; None if it was not scored.
        distance: semantic distance to the reference; None if it was not scored.
        matched: name of the training image that a look-up matched; None for other arms.
        cut: whether it ended at the token limit.
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
    """One test question; `picture` is a data URI, or None if it has no photo or the photo cannot be decoded."""

    exhibit: str
    photo: str
    picture: str | None
    question: str
    reference: str
    replies: tuple[ArmReply, ...]

    @property
    def wrong(self) -> tuple[str, ...]:
        """Models and methods with an answer about the wrong exhibit."""
        return tuple(reply.arm for reply in self.replies if reply.right is False)


@dataclass(frozen=True)
class Samples:
    """The questions that the page shows.

    Attributes:
        shown: the test questions on the page.
        total: number of all test questions.
        trained: if the run has no answers, rows of the training split without their pictures; otherwise empty.
    """

    shown: tuple[Sample, ...]
    total: int
    trained: tuple[Sample, ...] = ()

    @property
    def unsupported(self) -> bool:
        """Whether any answer has an unsupported number."""
        return any(reply.unsupported for sample in self.shown for reply in sample.replies)


def read_samples(ctx: Context, max_samples: int, documents: int = 0) -> Samples:
    """Read up to `max_samples` test examples, one per exhibit before a second of any, sorted by exhibit name.

    In a run with text documents, they stay in the order of the rows.

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
    """Choose rows of a split, and count all of its rows; reading the rows twice keeps few in memory."""
    about = [example.item_id for example in ctx.stream(Example) if example.split == split]
    places = set(spread(about, count))
    rows = (example for example in ctx.stream(Example) if example.split == split)
    return [example for place, example in enumerate(rows) if place in places], len(about)


def _items(ctx: Context, examples: Sequence[Example]) -> dict[str, Item]:
    """Return id -> item, for the items that examples are about."""
    about = {example.item_id for example in examples}
    return {item.id: item for item in ctx.stream(Item) if item.id in about}


def _sample(
    example: Example, item: Item | None, documents: int, picture: str | None = None, replies: tuple[ArmReply, ...] = ()
) -> Sample:
    exhibit = label(item, documents) if item else example.item_name
    return Sample(exhibit, example.image_name, picture, _cut(example.question), _cut(example.answer), replies)


def spread(items: Sequence[str], count: int) -> list[int]:
    """Choose `count` indices round by round (one example of each item, then a second, and so on), in ascending order.

    From the last round, which may not fit completely, take evenly spaced indices.

    Args:
        items: for each example, the id of the item that it is about.
        count: how many to choose.
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
    """Split `text` into pieces, and mark numbers written in digits that are not in `source`; without it, mark none."""
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


def _reply(answer: Answer, metrics: dict[str, float], source: str | None) -> ArmReply:
    text = _cut(answer.answer)
    right = metrics.get(ACCURACY)
    return ArmReply(
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
    # Escaping turns one character into at most 5; the markup of a card is about 2 kB plus 600 bytes per answer.
    texts = [sample.question, sample.reference, *(piece.text for r in sample.replies for piece in r.pieces)]
    return len(sample.picture or "") + sum(5 * len(t.encode()) for t in texts) + 2000 + 600 * len(sample.replies)
