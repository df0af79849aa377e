"""What became of the photos and of the question-answer pairs, step by step.

Reads the rows and the reject counts of ingest, assess-images, augment-images, assemble, generate-qa, curate and
build-dataset, one row at a time; writes nothing. A skipped stage has no step.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from docent.context import Context
from docent.records import SPLITS, Document, Example, ImageQuality, Item, QAPair, Split
from docent.stages.report.wording import counted

MAX_REASONS = 8


@dataclass(frozen=True)
class Step:
    """One bar of a funnel: how many were left, what it means, and why others were left out."""

    name: str
    count: int
    note: str = ""
    reasons: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Funnel:
    """Photos and pairs on their way into the data set, and what the data set holds."""

    photos: tuple[Step, ...]
    pairs: tuple[Step, ...]
    splits: tuple[tuple[Split, int, int], ...]
    """Split, photos, examples."""
    exhibits: int
    teachers: tuple[str, ...]


def read_funnel(ctx: Context) -> Funnel:
    """Count rows and rejects of every stage that prepares data, one row at a time."""
    documents, pairs = _documents(ctx), {stage: _pairs(ctx, stage) for stage in ("generate-qa", "curate")}
    examples, items = _examples(ctx), _items(ctx)
    written = pairs["curate"] if pairs["curate"].count else pairs["generate-qa"]
    return Funnel(
        (*_found(ctx, documents), *_assessed(ctx), *_augmented(ctx), *_planned(items, ctx)),
        (*_generated(ctx, pairs["generate-qa"]), *_curated(ctx, pairs["curate"]), *_used(ctx, examples)),
        _splits(examples, items),
        items.count or documents.count,
        tuple(sorted(examples.teachers or written.teachers)),
    )


@dataclass
class _Documents:
    """What ingest read: documents, photos, and photos that sources list under a split."""

    count: int = 0
    images: int = 0
    unlisted: int = 0
    listed: int | None = None


@dataclass
class _Pairs:
    """Pairs of one stage."""

    count: int = 0
    warned: int = 0
    teachers: set[str] = field(default_factory=set)


@dataclass
class _Examples:
    """Rows of the data set by split, the photos in them, and the pairs they were made of."""

    count: Counter[str] = field(default_factory=Counter)
    photos: dict[str, set[str]] = field(default_factory=lambda: {split: set() for split in SPLITS})
    pairs: set[str] = field(default_factory=set)
    teachers: set[str] = field(default_factory=set)


@dataclass
class _Items:
    """Items, and the photos that were planned for each split."""

    count: int = 0
    images: int = 0
    altered: int = 0
    photos: dict[str, set[str]] = field(default_factory=lambda: {split: set() for split in SPLITS})


def _documents(ctx: Context) -> _Documents:
    found = _Documents()
    for document in ctx.stream("ingest", Document):
        found.count += 1
        found.images += len(document.images)
        if (slots := document.given_slots) is not None:
            found.listed = (found.listed or 0) + slots.train + slots.validation + slots.test
        else:
            found.unlisted += len(document.images)
    return found


def _pairs(ctx: Context, stage: str) -> _Pairs:
    found = _Pairs()
    for pair in ctx.stream(stage, QAPair):
        found.count += 1
        found.warned += pair.verdict == "warn"
        found.teachers.add(pair.teacher)
    return found


def _examples(ctx: Context) -> _Examples:
    found = _Examples()
    for example in ctx.stream("build-dataset", Example):
        found.count[example.split] += 1
        found.photos[example.split].update(example.files)
        found.pairs.update(example.parents[:1])
        found.teachers.add(example.teacher)
    return found


def _items(ctx: Context) -> _Items:
    found = _Items()
    for item in ctx.stream("assemble", Item):
        found.count += 1
        found.images += len(item.images)
        found.altered += sum(bool(planned.image.transforms) for planned in item.images)
        for planned in item.images:
            found.photos[planned.split].add(planned.image.id)
    return found


def _reasons(ctx: Context, stage: str) -> tuple[tuple[str, int], ...]:
    """Why a stage rejected rows, the most frequent first."""
    total: Counter[str] = Counter()
    for artifact in ctx.artifacts(stage):
        total.update(artifact.success["reject_reasons"])
    return _ordered(total)


def _ordered(reasons: Counter[str]) -> tuple[tuple[str, int], ...]:
    """The most frequent first; beyond MAX_REASONS they are counted together."""
    found = sorted(((r, n) for r, n in reasons.items() if n), key=lambda entry: (-entry[1], entry[0]))
    rest = sum(number for _, number in found[MAX_REASONS:])
    return (*found[:MAX_REASONS], *([("other reasons", rest)] if rest else []))


def _found(ctx: Context, documents: _Documents) -> tuple[Step, ...]:
    if not ctx.artifacts("ingest"):
        return ()
    reasons = _reasons(ctx, "ingest")
    steps = [Step("Found", documents.images, f"readable photos of {counted(documents.count, 'exhibit')}", reasons)]
    if documents.listed is not None:
        steps.insert(0, Step("Listed", documents.listed + documents.unlisted, "photos that the source names"))
    return tuple(steps)


def _assessed(ctx: Context) -> tuple[Step, ...]:
    if not ctx.artifacts("assess-images"):
        return ()
    kept, repeated = 0, 0
    reasons: Counter[str] = Counter()
    for row in ctx.stream("assess-images", ImageQuality):
        kept += row.keep
        if not row.keep and row.duplicate_of is not None:
            repeated += 1
        elif not row.keep:
            reasons.update(row.reasons)
    reasons.update({"near-duplicate of another photo": repeated})
    reasons.update(dict(_reasons(ctx, "assess-images")))
    return (Step("Kept", kept, "sharp, large and different enough", _ordered(reasons)),)


def _augmented(ctx: Context) -> tuple[Step, ...]:
    if not ctx.artifacts("augment-images"):
        return ()
    made = ctx.count("augment-images")
    return (Step("Augmented", made, "altered copies, made in addition", _reasons(ctx, "augment-images")),)


def _planned(items: _Items, ctx: Context) -> tuple[Step, ...]:
    if not items.count:
        return ()
    note = f"in a split: {items.images - items.altered} originals, {items.altered} altered copies"
    return (Step("Planned", items.images, note, _reasons(ctx, "assemble")),)


def _generated(ctx: Context, pairs: _Pairs) -> tuple[Step, ...]:
    if not ctx.artifacts("generate-qa"):
        return ()
    teachers = ", ".join(sorted(pairs.teachers))
    note = f"written by {teachers}" if teachers else ""
    return (Step("Generated", pairs.count, note, _reasons(ctx, "generate-qa")),)


def _curated(ctx: Context, pairs: _Pairs) -> tuple[Step, ...]:
    if not ctx.artifacts("curate"):
        return ()
    note = f"passed the checks, {pairs.warned} of them with a warning" if pairs.warned else "passed the checks"
    return (Step("Curated", pairs.count, note, _reasons(ctx, "curate")),)


def _used(ctx: Context, examples: _Examples) -> tuple[Step, ...]:
    if not ctx.artifacts("build-dataset"):
        return ()
    note = f"in the data set: {examples.count.total()} examples of a photo with a question and its answer"
    return (Step("Used", len(examples.pairs), note, _reasons(ctx, "build-dataset")),)


def _splits(examples: _Examples, items: _Items) -> tuple[tuple[Split, int, int], ...]:
    """Photos and examples of each split: of the data set, or of the plan where no data set was built."""
    photos = examples.photos if examples.count else items.photos
    return tuple((s, len(photos[s]), examples.count[s]) for s in SPLITS) if examples.count or items.count else ()
