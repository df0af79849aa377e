"""Count the rows of the stages that prepare data, reading one row at a time.

Reads the rows of ingest, assemble, generate-qa, curate and build-dataset; writes nothing.
"""

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from docent.context import Context
from docent.records import SPLITS, Document, Example, Item, QAPair
from docent.stages.report.inputs.real_sections import SectionCounts, count_sections, whole_sections
from docent.stages.report.inputs.titles import label, named_after_file, own_title
from docent.store import Artifact


@dataclass
class DocumentCounts:
    """Counts of what ingest read.

    Attributes:
        exhibits: number of exhibits.
        photos: number of their photos.
        documents: number of text documents.
        sections: number of their sections; one that was cut into parts counts once.
        figures: number of figures in documents that have an image.
        unlisted: number of photos of exhibits whose source assigns no splits.
        listed: number of photos that sources list under a split, whether present or not; None if no source does.
        titles: id -> title of the requested text documents.
        owned: ids of the requested documents that have their own title.
        from_files: names of documents that questions call by their file names.
        untitled: display names of exhibits that are named after their folders.
    """

    exhibits: int = 0
    photos: int = 0
    documents: int = 0
    sections: int = 0
    figures: int = 0
    unlisted: int = 0
    listed: int | None = None
    titles: dict[str, str] = field(default_factory=dict)
    owned: set[str] = field(default_factory=set)
    from_files: list[str] = field(default_factory=list)
    untitled: list[str] = field(default_factory=list)


@dataclass
class PairCounts:
    """Counts of the pairs of one stage.

    Attributes:
        count: number of pairs.
        warned: number of pairs with a warning.
        warnings: warning -> how many pairs have it.
        reviewed: number of pairs that a person approved or edited.
        teachers: names of the teachers that wrote the pairs.
    """

    count: int = 0
    warned: int = 0
    warnings: Counter[str] = field(default_factory=Counter)
    reviewed: int = 0
    teachers: set[str] = field(default_factory=set)


@dataclass
class ExampleCounts:
    """Counts of the data set's rows, their pictures, and the pairs that they were built from.

    Attributes:
        count: split -> number of rows.
        pictures: split -> paths of pictures.
        pictured: number of rows with a picture.
        turns: number of rows that are turns of a conversation.
        pairs: ids of the pairs that the rows were built from.
        items: ids of the items that the rows are about.
        teachers: names of the teachers that wrote the rows.
    """

    count: Counter[str] = field(default_factory=Counter)
    pictures: dict[str, set[str]] = field(default_factory=lambda: {split: set() for split in SPLITS})
    pictured: int = 0
    turns: int = 0
    pairs: set[str] = field(default_factory=set)
    items: set[str] = field(default_factory=set)
    teachers: set[str] = field(default_factory=set)


@dataclass
class ItemCounts:
    """Counts of items, and of the photos planned for each split.

    Attributes:
        count: number of items.
        images: number of photos, with altered copies.
        altered: number of altered copies.
        photos: split -> ids of its photos.
        originals: exhibit name -> number of its photos, without altered copies.
        trained: exhibit name -> number of its training photos, without altered copies.
        untested: names of exhibits without a test photo.
        sections: counts of the documents' sections.
    """

    count: int = 0
    images: int = 0
    altered: int = 0
    photos: dict[str, set[str]] = field(default_factory=lambda: {split: set() for split in SPLITS})
    originals: dict[str, int] = field(default_factory=dict)
    trained: dict[str, int] = field(default_factory=dict)
    untested: list[str] = field(default_factory=list)
    sections: SectionCounts = field(default_factory=SectionCounts)


def count_documents(ctx: Context, named: Set[str]) -> DocumentCounts:
    """Count the exhibits and documents that ingest read.

    Args:
        named: ids of the documents whose titles are returned.
    """
    counts = DocumentCounts()
    for document in ctx.stream(Document):
        if document.kind != "exhibit":
            counts.documents += 1
            pages = ((document.id, section.title, section.source.page) for section in document.sections)
            counts.sections += sum(1 for _ in whole_sections(pages, lambda page: page))
            counts.figures += sum(figure.image is not None for s in document.sections for figure in s.figures)
            from_file, title = named_after_file(document), own_title(document)
            if document.id in named:
                counts.titles[document.id] = title or document.name
                counts.owned |= {document.id} if title or not from_file else set()
            if from_file:
                counts.from_files.append(document.name)
            continue
        counts.exhibits += 1
        counts.photos += len(document.images)
        if document.sections and document.name == PurePosixPath(document.sections[0].source.file).parent.name:
            name = document.spoken_name or document.name
            counts.untitled.append(name[:1].upper() + name[1:])
        if (slots := document.given_slots) is not None:
            counts.listed = (counts.listed or 0) + slots.train + slots.validation + slots.test
        else:
            counts.unlisted += len(document.images)
    return counts


def count_pairs(artifacts: Sequence[Artifact]) -> PairCounts:
    """Count the pairs in `artifacts`, the outputs of generate-qa or of curate."""
    counts = PairCounts()
    for pair in (pair for artifact in artifacts for pair in artifact.rows(QAPair)):
        counts.count += 1
        counts.warned += pair.verdict == "warn"
        counts.warnings.update(pair.reasons if pair.verdict == "warn" else ())
        counts.reviewed += bool(pair.reviewed)
        counts.teachers.add(pair.teacher)
    return counts


def count_examples(ctx: Context) -> ExampleCounts:
    """Count the rows of build-dataset."""
    counts = ExampleCounts()
    for example in ctx.stream(Example):
        counts.count[example.split] += 1
        counts.pictures[example.split].update(example.files)
        counts.pictured += bool(example.files)
        counts.turns += bool(example.conversation)
        counts.pairs.update(example.parents[:1])
        counts.items.add(example.item_id)
        counts.teachers.add(example.teacher)
    return counts


def count_items(ctx: Context, used: Set[str], documents: int) -> ItemCounts:
    """Count the items of assemble.

    Args:
        used: ids of the items with a row in the data set.
        documents: how many text documents the run has.
    """
    counts = ItemCounts()
    for item in ctx.stream(Item):
        counts.count += 1
        if item.kind == "section":
            continue
        altered = sum(bool(planned.image.transforms) for planned in item.images)
        counts.images += len(item.images)
        counts.altered += altered
        name = label(item, 0)
        counts.originals[name] = len(item.images) - altered
        counts.trained[name] = sum(p.split == "train" and not p.image.transforms for p in item.images)
        if not any(planned.split == "test" for planned in item.images):
            counts.untested.append(name)
        for planned in item.images:
            counts.photos[planned.split].add(planned.image.id)
    sections = (item for item in ctx.stream(Item) if item.kind == "section")
    counts.sections = count_sections(((item, item.id in used) for item in sections), documents)
    return counts
