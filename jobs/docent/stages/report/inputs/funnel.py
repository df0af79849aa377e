"""What became of photos, documents and question-answer pairs, step by step.

Reads the rows and the reject counts of ingest, assess-images, augment-images, assemble, generate-qa, curate and
build-dataset, one row at a time; writes nothing. A skipped stage has no step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass

from docent.context import Context
from docent.records import SPLITS, Document, Example, ImageFile, ImageQuality, Item, QAPair, Split
from docent.stages.report.inputs.counts import (
    DocumentCounts,
    ExampleCounts,
    ItemCounts,
    PairCounts,
    count_documents,
    count_examples,
    count_items,
    count_pairs,
)
from docent.stages.report.inputs.real_sections import in_parts
from docent.stages.report.inputs.subject import Subject
from docent.stages.report.inputs.summary import read_unwritten
from docent.stages.report.sentences.amounts import counted, thousands
from docent.store import Artifact

MAX_REASONS = 8
NO_PAIR = ("not written by the offline teacher", "reply not usable", "refused by the teacher")
"""Reasons of generate-qa for requests that gave no pair; by others a request gave fewer, or none was sent."""


@dataclass(frozen=True)
class Step:
    """One bar of a funnel: how many were left, what it means, and why others were left out.

    Attributes:
        losses: what the reasons count; by_kind: how many of which kinds they are.
        drawn: whether it is of the same kind as the other bars.
    """

    name: str
    count: int
    note: str = ""
    reasons: tuple[tuple[str, int], ...] = ()
    losses: str = "Left out"
    drawn: bool = True
    by_kind: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Funnel:
    """Photos, documents and pairs on their way into the data set, and what the data set holds."""

    subject: Subject
    photos: tuple[Step, ...]
    documents: tuple[Step, ...]
    pairs: tuple[Step, ...]
    splits: tuple[tuple[Split, int, int], ...]
    """Split, pictures, rows."""
    teachers: tuple[str, ...]
    titles: dict[str, str]
    """Titles of the text documents that were asked for, by id."""
    originals: dict[str, int]
    """Exhibits by name, and how many of their photos are used and no altered copies."""
    untested: tuple[str, ...]
    """Exhibits without a test photo."""
    trained: dict[str, int]
    """Exhibits by name, and how many of their photos in training are no altered copies."""
    untitled: tuple[str, ...]
    """Exhibits that are called after their folders."""
    owned: frozenset[str]
    """Ids of the documents in `titles` that have a title of their own."""
    from_files: tuple[str, ...]
    """Documents that questions call after their files."""
    reviewed: int
    """Pairs that a person approved or edited."""
    unused: tuple[str, ...]
    """Names of the first sections without a row."""
    empty_chapters: tuple[str, ...]
    """Numbers of chapters none of whose sections has a row."""
    requests: int
    """That the teacher was to be asked; 0: not counted."""
    fruitless: int
    """Of these, those that gave no pair."""

    @property
    def tables(self) -> tuple[tuple[str, tuple[Step, ...]], ...]:
        """Title and steps of each funnel that has any."""
        named = (("Photos", self.photos), ("Documents", self.documents), ("Questions and answers", self.pairs))
        return tuple((title, steps) for title, steps in named if steps)


def read_funnel(ctx: Context, named: Set[str] = frozenset()) -> Funnel:
    """Count rows and rejects of every stage that prepares data, one row at a time.

    Args:
        named: ids of the documents whose titles are kept.
    """
    documents = count_documents(ctx, named)
    generated, curated = count_pairs(ctx.writers(QAPair)), count_pairs(ctx.revisers(QAPair))
    examples = count_examples(ctx)
    items = count_items(ctx, examples.items, documents.documents)
    written = curated if curated.count else generated
    exhibits = len(items.originals) or documents.exhibits
    texts, found = documents, items.sections
    subject = Subject(exhibits, texts.documents, texts.sections, bool(texts.figures), found.asked, found.parted)
    asked = sum(round(marker.usage.get("planned", 0)) for a in ctx.writers(QAPair) for marker in a.markers())
    fruitless = sum(count for reason, count in _reasons(ctx.writers(QAPair)) if reason in NO_PAIR)
    return Funnel(
        subject,
        () if subject.is_text else (*_found(ctx, documents), *_assessed(ctx), *_augmented(ctx), *_planned(items, ctx)),
        _read(ctx, documents, items),
        (
            *_generated(ctx, generated, asked),
            *_curated(ctx, curated),
            *_used(ctx, examples, subject),
        ),
        _splits(examples, items),
        tuple(sorted(examples.teachers or written.teachers)),
        documents.titles,
        items.originals,
        tuple(items.untested),
        items.trained,
        tuple(documents.untitled),
        frozenset(documents.owned),
        tuple(documents.from_files),
        curated.reviewed,
        tuple(items.sections.unused),
        tuple(chapter for chapter, used in items.sections.chapters.items() if not used),
        asked,
        min(fruitless, asked),
    )


def _reasons(artifacts: Sequence[Artifact]) -> tuple[tuple[str, int], ...]:
    """Why units rejected rows, the most frequent first."""
    total: Counter[str] = Counter()
    for artifact in artifacts:
        total.update(artifact.success.reject_reasons)
    return _ordered(total)


def _ordered(reasons: Counter[str]) -> tuple[tuple[str, int], ...]:
    """The most frequent first; beyond MAX_REASONS they are counted together."""
    found = sorted(((r, n) for r, n in reasons.items() if n), key=lambda entry: (-entry[1], entry[0]))
    rest = sum(number for _, number in found[MAX_REASONS:])
    return (*found[:MAX_REASONS], *([("other reasons", rest)] if rest else []))


def _found(ctx: Context, documents: DocumentCounts) -> tuple[Step, ...]:
    if not ctx.artifacts(Document):
        return ()
    reasons = _reasons(ctx.artifacts(Document))
    steps = [Step("Found", documents.photos, f"readable photos of {counted(documents.exhibits, 'exhibit')}", reasons)]
    if documents.listed is not None:
        steps.insert(0, Step("Listed", documents.listed + documents.unlisted, "photos that the source names"))
    return tuple(steps)


def _read(ctx: Context, documents: DocumentCounts, items: ItemCounts) -> tuple[Step, ...]:
    """Documents and their sections. What ingest rejected stands with the photos where there are exhibits."""
    if not documents.documents:
        return ()
    figures = f" and {counted(documents.figures, 'figure')}" if documents.figures else ""
    note = f"with {counted(documents.sections, 'section')}{figures}"
    read = "document" if documents.documents == 1 else "documents"
    reasons = () if documents.exhibits else _reasons(ctx.artifacts(Document))
    found = items.sections
    sections = Step("Sections", found.count, f"that questions are asked about{in_parts(found.parted)}")
    answered = Step("Answered", found.asked, "sections with a row in the data set")
    steps = [sections, *([answered] if found.asked else [])] if found.count else []
    return (Step("Read", documents.documents, f"{read} {note}", reasons, drawn=False), *steps)


def _assessed(ctx: Context) -> tuple[Step, ...]:
    if not ctx.artifacts(ImageQuality):
        return ()
    kept, repeated = 0, 0
    reasons: Counter[str] = Counter()
    for row in ctx.stream(ImageQuality):
        kept += row.keep
        if not row.keep and row.duplicate_of is not None:
            repeated += 1
        elif not row.keep:
            reasons.update(row.reasons)
    reasons.update({"near-duplicate of another photo": repeated})
    reasons.update(dict(_reasons(ctx.artifacts(ImageQuality))))
    return (Step("Kept", kept, "sharp, large and different enough", _ordered(reasons)),)


def _augmented(ctx: Context) -> tuple[Step, ...]:
    if not ctx.artifacts(ImageFile):
        return ()
    made = ctx.count(ImageFile)
    return (Step("Augmented", made, "altered copies, made in addition", _reasons(ctx.artifacts(ImageFile))),)


def _planned(items: ItemCounts, ctx: Context) -> tuple[Step, ...]:
    if not items.images:
        return ()
    originals = counted(items.images - items.altered, "original")
    note = f"in a split: {originals}, {counted(items.altered, 'altered copy', 'altered copies')}"
    return (Step("Planned", items.images, note, _reasons(ctx.artifacts(Item))),)


def _generated(ctx: Context, pairs: PairCounts, asked: int) -> tuple[Step, ...]:
    if not ctx.writers(QAPair):
        return ()
    teachers = ", ".join(sorted(pairs.teachers))
    note = f"pairs written by {teachers}" if teachers else "pairs"
    kinds = tuple(read_unwritten(ctx).most_common())
    losses = f"{counted(asked, 'request')} to the teacher; " if asked else "Requests to the teacher: "
    losses += "those that gave fewer pairs than asked for, and others that were not sent"
    return (Step("Generated", pairs.count, note, _reasons(ctx.writers(QAPair)), losses, by_kind=kinds),)


def _curated(ctx: Context, pairs: PairCounts) -> tuple[Step, ...]:
    if not ctx.revisers(QAPair):
        return ()
    listed = "; ".join(f"{thousands(count)} × {reason}" for reason, count in _ordered(pairs.warnings))
    warned = f", {pairs.warned} of them with a warning{': ' if listed else ''}{listed}" if pairs.warned else ""
    return (Step("Curated", pairs.count, f"pairs that passed the checks{warned}", _reasons(ctx.revisers(QAPair))),)


def _used(ctx: Context, examples: ExampleCounts, subject: Subject) -> tuple[Step, ...]:
    if not ctx.artifacts(Example):
        return ()
    total = examples.count.total()
    each = "each a photo with a question and its answer" if total > 1 else "a photo with a question and its answer"
    if subject.documents:
        shown = f", {examples.pictured} of them with a {subject.picture}" if examples.pictured else ""
        turns = f", {examples.turns} of them turns of conversations" if examples.turns else ""
        each = f"{'each a question' if total > 1 else 'a question'} and its answer{shown}{turns}"
    note = f"pairs in the data set: {counted(total, 'row')}, {each}"
    return (Step("Used", len(examples.pairs), note, _reasons(ctx.artifacts(Example))),)


def _splits(examples: ExampleCounts, items: ItemCounts) -> tuple[tuple[Split, int, int], ...]:
    """Pictures and rows of each split: of the data set, or of the plan where no data set was built."""
    pictures = examples.pictures if examples.count else items.photos
    return tuple((s, len(pictures[s]), examples.count[s]) for s in SPLITS) if examples.count or items.count else ()
