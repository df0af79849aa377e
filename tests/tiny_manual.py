"""A small document with figures, its items and its pairs, for tests of the stages after generate-qa."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from docent.context import Context
from docent.records import Document, Figure, ImageFile, Item, QAPair, Section, Span, Split, make_id
from tests.tiny_museum import COLORS, image_row, item_row, pair_rows, photo

SECTIONS = 4
PAIRS = 10
PHOTO_SPLITS: tuple[Split, ...] = ("train", "train", "train", "validation", "test")
WithStage = Callable[[str, Callable[[Context], Any]], None]


def span(number: int, page: int | None = None) -> Span:
    """Where section `number` stands."""
    return Span(file="manual.md", first_line=10 * number, last_line=10 * number + 8, page=page)


def fill_manual(with_stage: WithStage, titles: Sequence[str] = ("Pump",), exhibits: bool = False) -> None:
    """Let ingest save figures, assemble make sections, and generate-qa write pairs, without their real stages.

    Args:
        titles: of the documents.
        exhibits: whether there are the exhibits of the tiny museum, too.
    """
    with_stage("ingest", lambda ctx: documents(ctx, titles, exhibits))
    with_stage("assemble", lambda ctx: items(ctx))
    with_stage("generate-qa", lambda ctx: (pair for item in ctx.rows(Item) for pair in pairs(item)))


def documents(ctx: Context, titles: Sequence[str], exhibits: bool) -> Iterator[Document]:
    """Documents of SECTIONS sections; sections 1 and 2 show the same figure, section 2 another one as well."""
    for place, title in enumerate(titles):
        shown = {name: _figure(ctx, title, name, number) for number, name in enumerate(("inlet", "outlet"))}
        has = {1: ["inlet"], 2: ["inlet", "outlet"]}
        sections = tuple(
            Section(
                index=number,
                title=f"Part {number}",
                text=f"Part {number} turns {number} times.",
                source=span(number),
                figures=tuple(Figure(token=f"{{{{{n}}}}}", image=shown[n]) for n in has.get(number, ())),
            )
            for number in range(1, SECTIONS + 1)
        )
        yield Document(id=make_id("ingest", (), place), kind="markdown", name=title, sections=sections)
    for name, color in COLORS.items() if exhibits else ():
        images = []
        for number in range(len(PHOTO_SPLITS)):
            row = image_row(name, number)
            images.append(row.model_copy(update={"file": ctx.save(photo(color, number), "jpg")}))
        about = Section(index=0, title=name, text=f"The {name} is a form.", source=span(0))
        yield Document(
            id=make_id("ingest", (), name), kind="exhibit", name=name, sections=(about,), images=tuple(images)
        )


def items(ctx: Context) -> Iterator[Item]:
    """One item per section or exhibit."""
    for document in ctx.rows(Document):
        if document.kind == "exhibit":
            yield item_row(document.name, document.images).model_copy(
                update={"document_id": document.id, "document": document.name}
            )
            continue
        for section in document.sections:
            yield Item(
                id=make_id("assemble", (document.id,), section.index),
                parents=(document.id,),
                kind="section",
                name=f"{document.name}: {section.title}",
                text=section.text,
                source=section.source,
                document_id=document.id,
                document=document.name,
                title=section.title,
                figures=section.figures,
            )


def pairs(item: Item) -> list[QAPair]:
    """PAIRS pairs of a section: the first is a summary that is only tested with, the last two are one conversation.

    The second shows the section's first figure, the third all of them, one twice.
    """
    if item.kind == "exhibit":
        return pair_rows(item)
    figures = tuple(figure.image for figure in item.figures if figure.image)
    return [pair(item, index, figures) for index in range(PAIRS)]


def pair(item: Item, index: int, figures: tuple[ImageFile, ...] = ()) -> QAPair:
    """Pair `index` of a section."""
    kind = {0: "section_summary", 8: "conversation", 9: "conversation"}.get(index, "factual_recall")
    return QAPair(
        id=make_id("generate-qa", (item.id,), index),
        parents=(item.id,),
        item_id=item.id,
        item_name=item.name,
        question=f"What is number {index} of {item.name}?",
        answer=f"It is number {index} of {item.name}.",
        question_type=kind,
        difficulty="medium" if index == 0 else "easy",
        language="English",
        temperature=0.0,
        index=index,
        teacher="offline-extractive",
        sources=(item.source,),
        figures={1: figures[:1], 2: (*figures, *figures[:1])}.get(index, ()),
        reasoning=("Look it up.", "Say it.</think>") if index == 3 else (),
        held_out=index == 0,
        conversation="c" if index >= 8 else "",
    )


def _figure(ctx: Context, title: str, name: str, number: int) -> ImageFile:
    row = image_row(f"{title}-{name}", number, sha256=f"{title} {name}")
    return row.model_copy(update={"file": ctx.save(photo((10, 90, 200), number), "jpg"), "name": f"{name}.jpg"})
