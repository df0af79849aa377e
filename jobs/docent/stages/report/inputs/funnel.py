"""Count how many photos, documents and question-answer pairs remain after each step up to the data set.

Reads the rows and reject counts of ingest, assess-images, augment-images, assemble, generate-qa, curate and
build-dataset, one row at a time; writes nothing. A skipped stage has no step.
"""

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

from docent.artifacts.summaries import Statistics, read_summary
from docent.context import Context
from docent.records import SPLITS, Document, Example, ImageFile, ImageQuality, Item, QAPair, Split
from docent.stages.report.inputs import counts
from docent.stages.report.inputs.real_sections import SectionCounts, in_parts
from docent.stages.report.inputs.subject import Subject
from docent.stages.report.sentences.amounts import counted, plural, thousands
from docent.store import Artifact

MAX_REASONS = 8
NO_PAIR = ("not written by the offline teacher", "reply not usable", "refused by the teacher")
"""Reject reasons of generate-qa for requests that gave no pair. With other reasons, a request gave fewer pairs than
asked for, or was not sent."""


@dataclass(frozen=True)
class Step:
    """One bar of a funnel: how many rows were left after a step, and why others were left out.

    Attributes:
        name: the step's name.
        count: how many were left.
        note: what the count means.
        reasons: (reason, how many were left out for it), the most frequent first.
        losses: what `reasons` count, as a label.
        drawn: whether the count is drawn as a bar; false if its unit differs from the other bars' unit.
        by_kind: (question type, number of pairs asked for but not written).
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
    """The steps from photos, documents and pairs to the data set, and the data set's size.

    Attributes:
        subject: what the run is about.
        tables: title of a funnel -> its steps; funnels without steps are left out.
        splits: (split, number of pictures, number of rows).
        teachers: names of the teachers that wrote the answers.
        documents: counts of what ingest read.
        items: counts of what assemble wrote.
        reviewed: number of pairs that a person approved or edited.
        requests: number of planned requests to the teacher; 0 if not counted.
        fruitless: number of these that gave no pair.
    """

    subject: Subject
    tables: dict[str, tuple[Step, ...]]
    splits: tuple[tuple[Split, int, int], ...]
    teachers: tuple[str, ...]
    documents: counts.DocumentCounts
    items: counts.ItemCounts
    reviewed: int
    requests: int
    fruitless: int

    @property
    def empty_chapters(self) -> list[str]:
        """Numbers of the chapters in which no section has a row in the data set."""
        return [chapter for chapter, used in self.items.sections.chapters.items() if not used]

    @property
    def training_photos(self) -> str:
        """Number of exhibit photos in the training split, in words, or "" if there are none."""
        each = sorted(self.items.trained.values())
        if not sum(each):
            return ""
        share = f"({each[0]} of each exhibit)" if each[0] == each[-1] else f"({each[0]} to {each[-1]} of an exhibit)"
        if len(each) == 1:
            share = "of 1 exhibit"
        copies = any(step.name == "Augmented" and step.count for step in self.tables.get("Photos", ()))
        return f"{counted(sum(each), 'photo')} {share}{' and altered copies of them' if copies else ''}"


def read_funnel(ctx: Context, named: Set[str] = frozenset()) -> Funnel:
    """Count the rows and rejects of every stage that prepares data, reading one row at a time.

    Args:
        named: ids of the documents whose titles are returned.
    """
    documents = counts.count_documents(ctx, named)
    generated, curated = counts.count_pairs(ctx.writers(QAPair)), counts.count_pairs(ctx.revisers(QAPair))
    examples = counts.count_examples(ctx)
    items = counts.count_items(ctx, examples.items, documents.documents)
    sections = items.sections
    subject = Subject(
        len(items.originals) or documents.exhibits,
        documents.documents,
        documents.sections,
        bool(documents.figures),
        sections.asked,
        sections.parted,
    )
    writers = ctx.writers(QAPair)
    requests = sum(round(marker.usage.get("planned", 0)) for writer in writers for marker in writer.markers())
    fruitless = sum(count for reason, count in _reasons(writers) if reason in NO_PAIR)
    photos = (*_listed(ctx, documents), *_assessed(ctx), *_augmented(ctx), *_planned(ctx, items))
    tables = {
        "Photos": () if subject.is_text else photos,
        "Documents": _read(ctx, documents, sections),
        "Questions and answers": (
            *_generated(ctx, generated, requests),
            *_curated(ctx, curated),
            *_used(ctx, examples, subject),
        ),
    }
    return Funnel(
        subject,
        {title: steps for title, steps in tables.items() if steps},
        _splits(examples, items),
        tuple(sorted(examples.teachers or (curated if curated.count else generated).teachers)),
        documents,
        items,
        curated.reviewed,
        requests,
        min(fruitless, requests),
    )


def read_unwritten(ctx: Context) -> Counter[str]:
    """Return question type -> number of pairs asked for but not written; empty if no data set was built."""
    statistics = read_summary(ctx.artifact(Example), Statistics)
    return statistics.missing_by_type if statistics else Counter()


def _reasons(artifacts: Sequence[Artifact]) -> tuple[tuple[str, int], ...]:
    """Return (reason, number of rejected rows) over some units, the most frequent first."""
    return _ordered(sum((Counter(artifact.success.reject_reasons) for artifact in artifacts), Counter[str]()))


def _ordered(reasons: Counter[str]) -> tuple[tuple[str, int], ...]:
    """Sort reasons by frequency; those after the first MAX_REASONS are added up as `other reasons`."""
    ranked = sorted(((r, n) for r, n in reasons.items() if n), key=lambda entry: (-entry[1], entry[0]))
    rest = sum(number for _, number in ranked[MAX_REASONS:])
    return (*ranked[:MAX_REASONS], *([("other reasons", rest)] if rest else []))


def _step(artifacts: Sequence[Artifact], name: str, count: int, note: str, **more: Any) -> tuple[Step, ...]:
    """Return one step for some units with their reject reasons, or nothing if there are no units."""
    return (Step(name, count, note, **{"reasons": _reasons(artifacts), **more}),) if artifacts else ()


def _listed(ctx: Context, documents: counts.DocumentCounts) -> tuple[Step, ...]:
    readable = f"readable photos of {counted(documents.exhibits, 'exhibit')}"
    steps = _step(ctx.artifacts(Document), "Found", documents.photos, readable)
    if steps and documents.listed is not None:
        return (Step("Listed", documents.listed + documents.unlisted, "photos that the source names"), *steps)
    return steps


def _read(ctx: Context, documents: counts.DocumentCounts, sections: SectionCounts) -> tuple[Step, ...]:
    """Return the steps of documents and their sections.

    If the run also has exhibits, the rejects of ingest are listed with the photos instead.
    """
    if not documents.documents:
        return ()
    figures = f" and {counted(documents.figures, 'figure')}" if documents.figures else ""
    noun = plural(documents.documents, "document", "documents")
    note = f"{noun} with {counted(documents.sections, 'section')}{figures}"
    reasons = () if documents.exhibits else _reasons(ctx.artifacts(Document))
    steps = [Step("Read", documents.documents, note, reasons, drawn=False)]
    if sections.count:
        steps.append(Step("Sections", sections.count, f"that questions are asked about{in_parts(sections.parted)}"))
    if sections.asked:
        steps.append(Step("Answered", sections.asked, "sections with a row in the data set"))
    return tuple(steps)


def _assessed(ctx: Context) -> tuple[Step, ...]:
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
    note = "sharp, large and different enough"
    return _step(ctx.artifacts(ImageQuality), "Kept", kept, note, reasons=_ordered(reasons))


def _augmented(ctx: Context) -> tuple[Step, ...]:
    copies = ctx.count(ImageFile)
    return _step(ctx.artifacts(ImageFile), "Augmented", copies, "altered copies, made in addition")


def _planned(ctx: Context, items: counts.ItemCounts) -> tuple[Step, ...]:
    originals = counted(items.images - items.altered, "original")
    note = f"in a split: {originals}, {counted(items.altered, 'altered copy', 'altered copies')}"
    return _step(ctx.artifacts(Item), "Planned", items.images, note) if items.images else ()


def _generated(ctx: Context, pairs: counts.PairCounts, requests: int) -> tuple[Step, ...]:
    teachers = ", ".join(sorted(pairs.teachers))
    note = f"pairs written by {teachers}" if teachers else "pairs"
    losses = f"{counted(requests, 'request')} to the teacher; " if requests else "Requests to the teacher: "
    losses += "those that gave fewer pairs than asked for, and others that were not sent"
    by_kind = tuple(read_unwritten(ctx).most_common())
    return _step(ctx.writers(QAPair), "Generated", pairs.count, note, losses=losses, by_kind=by_kind)


def _curated(ctx: Context, pairs: counts.PairCounts) -> tuple[Step, ...]:
    warnings = "; ".join(f"{thousands(count)} × {reason}" for reason, count in _ordered(pairs.warnings))
    warned = f", {pairs.warned} of them with a warning{': ' if warnings else ''}{warnings}" if pairs.warned else ""
    return _step(ctx.revisers(QAPair), "Curated", pairs.count, f"pairs that passed the checks{warned}")


def _used(ctx: Context, examples: counts.ExampleCounts, subject: Subject) -> tuple[Step, ...]:
    total = examples.count.total()
    each = "each " if total > 1 else ""
    holds = "a photo with a question and its answer"
    if subject.documents:
        shown = f", {examples.pictured} of them with a {subject.picture}" if examples.pictured else ""
        turns = f", {examples.turns} of them turns of conversations" if examples.turns else ""
        holds = f"a question and its answer{shown}{turns}"
    note = f"pairs in the data set: {counted(total, 'row')}, {each}{holds}"
    return _step(ctx.artifacts(Example), "Used", len(examples.pairs), note)


def _splits(examples: counts.ExampleCounts, items: counts.ItemCounts) -> tuple[tuple[Split, int, int], ...]:
    """Count the pictures and rows of each split: of the data set, or of assemble's plan if no data set was built."""
    pictures = examples.pictures if examples.count else items.photos
    return tuple((s, len(pictures[s]), examples.count[s]) for s in SPLITS) if examples.count or items.count else ()
