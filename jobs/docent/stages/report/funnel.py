"""What became of the photos and of the question-answer pairs, step by step.

Reads the rows and the reject counts of ingest, assess-images, augment-images, assemble, generate-qa, curate and
build-dataset; writes nothing. A skipped stage has no step.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from docent.context import Context
from docent.records import SPLITS, Document, Example, ImageFile, ImageQuality, Item, QAPair, Split
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
    """Count rows and rejects of every stage that prepares data."""
    documents = ctx.rows("ingest", Document)
    pairs = ctx.rows("curate", QAPair) or ctx.rows("generate-qa", QAPair)
    examples = ctx.rows("build-dataset", Example)
    items = ctx.rows("assemble", Item)
    teachers = sorted({e.teacher for e in examples} or {p.teacher for p in pairs})
    return Funnel(
        (*_found(ctx, documents), *_assessed(ctx), *_augmented(ctx), *_planned(items, ctx)),
        (*_generated(ctx), *_curated(ctx), *_examples(ctx, examples)),
        _splits(examples, items),
        len(items) or len(documents),
        tuple(teachers),
    )


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


def _found(ctx: Context, documents: list[Document]) -> tuple[Step, ...]:
    if not ctx.artifacts("ingest"):
        return ()
    slots = [d.given_slots for d in documents if d.given_slots]
    listed = sum(s.train + s.validation + s.test for s in slots)
    unlisted = sum(len(d.images) for d in documents if not d.given_slots)
    found = sum(len(d.images) for d in documents)
    reasons = _reasons(ctx, "ingest")
    steps = [Step("Found", found, f"readable photos of {counted(len(documents), 'exhibit')}", reasons)]
    if slots:
        steps.insert(0, Step("Listed", listed + unlisted, "photos that the source names"))
    return tuple(steps)


def _assessed(ctx: Context) -> tuple[Step, ...]:
    if not ctx.artifacts("assess-images"):
        return ()
    rows = ctx.rows("assess-images", ImageQuality)
    left_out = [row for row in rows if not row.keep]
    reasons = Counter(reason for row in left_out if not row.duplicate_of for reason in row.reasons)
    reasons.update({"near-duplicate of another photo": sum(row.duplicate_of is not None for row in left_out)})
    reasons.update(dict(_reasons(ctx, "assess-images")))
    return (Step("Kept", sum(row.keep for row in rows), "sharp, large and different enough", _ordered(reasons)),)


def _augmented(ctx: Context) -> tuple[Step, ...]:
    if not ctx.artifacts("augment-images"):
        return ()
    made = len(ctx.rows("augment-images", ImageFile))
    return (Step("Augmented", made, "altered copies, made in addition", _reasons(ctx, "augment-images")),)


def _planned(items: list[Item], ctx: Context) -> tuple[Step, ...]:
    if not items:
        return ()
    planned = [image for item in items for image in item.images]
    altered = sum(bool(p.image.transforms) for p in planned)
    note = f"in a split: {len(planned) - altered} originals, {altered} altered copies"
    return (Step("Planned", len(planned), note, _reasons(ctx, "assemble")),)


def _generated(ctx: Context) -> tuple[Step, ...]:
    if not ctx.artifacts("generate-qa"):
        return ()
    rows = ctx.rows("generate-qa", QAPair)
    teachers = ", ".join(sorted({row.teacher for row in rows}))
    note = f"written by {teachers}" if teachers else ""
    return (Step("Generated", len(rows), note, _reasons(ctx, "generate-qa")),)


def _curated(ctx: Context) -> tuple[Step, ...]:
    if not ctx.artifacts("curate"):
        return ()
    rows = ctx.rows("curate", QAPair)
    warned = sum(row.verdict == "warn" for row in rows)
    note = f"passed the checks, {warned} of them with a warning" if warned else "passed the checks"
    return (Step("Curated", len(rows), note, _reasons(ctx, "curate")),)


def _examples(ctx: Context, examples: list[Example]) -> tuple[Step, ...]:
    if not ctx.artifacts("build-dataset"):
        return ()
    used = len({example.parents[0] for example in examples if example.parents})
    note = f"in the data set: {len(examples)} examples of a photo with a question and its answer"
    return (Step("Used", used, note, _reasons(ctx, "build-dataset")),)


def _splits(examples: list[Example], items: list[Item]) -> tuple[tuple[Split, int, int], ...]:
    """Photos and examples of each split: of the data set, or of the plan where no data set was built."""
    photos = {split: {file for e in examples if e.split == split for file in e.files} for split in SPLITS}
    if not examples:
        photos = {s: {p.image.id for i in items for p in i.images if p.split == s} for s in SPLITS}
    counts = Counter(e.split for e in examples)
    return tuple((split, len(photos[split]), counts[split]) for split in SPLITS) if examples or items else ()
