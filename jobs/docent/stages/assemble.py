"""Stage assemble: make one item per exhibit with its photos by split, or per section with figures and related sections.

Reads `Document`, `ImageQuality`, the copies of `augment-images`, and the splits of photos that an earlier run recorded;
writes `Item` rows, and `splits.jsonl` as the record for the next run.
To run only this stage: `docent stage assemble --config pipeline.yaml --run-dir runs/demo`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from docent.context import Context
from docent.errors import InputError
from docent.records import Document, ImageFile, ImageQuality, Item, PlannedImage, Reject, Span, Split, make_id
from docent.text.markdown.figures import with_descriptions
from docent.text.related import related_sections
from docent.vision.splits import BEYOND, SplitPlan, in_split_order, plan_document
from docent.vision.usable import find_usable


def run(ctx: Context) -> Iterator[Item | Reject]:
    """Yield one item per exhibit with a usable photo, and one per section of other documents, in document order.

    The documents are read twice: first to plan all photos, which needs no text, then one at a time.

    Raises:
        InputError: there are exhibits but no test photo, or a copy is not in any plan.
    """
    plans = _plans(ctx, [_without_text(d) for d in ctx.stream(Document) if d.kind == "exhibit"])
    copies = {copy.id: copy for copy in ctx.stream(ImageFile)}
    total, seen = ctx.count(Document), Counter[str]()
    for number, document in enumerate(ctx.stream(Document), 1):
        if document.kind == "exhibit":
            plan = plans.pop(document.id)
            own = {copy.id: copies.pop(copy.id) for copy in plan.copies if copy.id in copies}
            yield from _exhibit(document, plan, own, ctx.section.images_per_item)
        else:
            yield from section_items(document, ctx.section.related_sections, seen)
        ctx.progress.update(number, total, document.name)
    if copies:
        what = f"augment-images wrote {next(iter(copies.values())).name}, which is not a planned copy of any photo"
        raise InputError(what, str(ctx.run_dir), "docent run --verify")


def _without_text(document: Document) -> Document:
    """Return the document with only the fields that the plan of its photos needs."""
    place = document.sections[0].model_copy(update={"text": "", "facts": (), "figures": ()})
    return document.model_copy(update={"sections": (place,), "meta": {}})


def _plans(ctx: Context, exhibits: Sequence[Document]) -> dict[str, SplitPlan]:
    """Return the plan of each exhibit by its id; record the assigned splits."""
    section, assess = ctx.section, ctx.config.assess_images
    similarity = assess.duplicate_similarity if assess else 1.0
    measured = ctx.rows(ImageQuality)
    recorded = ctx.recorded_splits()
    usable = find_usable(exhibits, measured, similarity, recorded.earlier)
    plans = {exhibit.id: plan_document(exhibit, usable, section, ctx.config.seed) for exhibit in exhibits}
    if plans and section.test_images and not any(split == "test" for p in plans.values() for _, split in p.placed):
        raise _nothing_to_test(list(plans.values()), section.split)
    if section.split != "given" or recorded.lines:  # keep what was recorded with other settings
        ctx.record_splits(recorded, () if section.split == "given" else _assigned(exhibits, plans, measured))
    return plans


def _assigned(
    exhibits: Sequence[Document], plans: Mapping[str, SplitPlan], measured: Sequence[ImageQuality]
) -> Iterator[tuple[str, str, Split]]:
    """Yield sha256, name and split of every photo with a split; a rejected duplicate gets the split of its twin."""
    twins = {quality.image_id: quality.duplicate_of for quality in measured if quality.duplicate_of}
    for exhibit in exhibits:
        split_of = {image.id: split for image, split in plans[exhibit.id].placed}
        for image in exhibit.images:
            if split := split_of.get(twins.get(image.id, image.id)):
                yield image.sha256, image.name, split


def _exhibit(
    document: Document, plan: SplitPlan, copies: Mapping[str, ImageFile], images_per_item: int
) -> Iterator[Item | Reject]:
    """Yield the item of an exhibit, or a reject if it has no photo, then rejects for its unused photos."""
    if plan.placed:
        yield assemble_item(document, plan, copies)
    else:
        detail = f"{len(document.images)} photos read, none kept by assess-images"
        yield Reject(reason="no usable photo", raw=document.name, parents=(document.id,), detail=detail)
    for image, reason in plan.unused:
        why = f": assemble.images_per_item is {images_per_item}" if reason == BEYOND else ""
        yield Reject(reason=reason, raw=image.name, parents=(image.id,), detail=f"{document.name}{why}")


def section_items(document: Document, related: int, seen: Counter[str] | None = None) -> Iterator[Item]:
    """Yield one item per section of a document, each with the ids of the most similar sections.

    An id is derived from the section's title and text, so that renaming a file or adding a section changes no other id.

    Args:
        related: number of similar sections; fewer if the document has fewer.
        seen: how often each title and text occurred in earlier documents; updated here.
    """
    seen = Counter() if seen is None else seen
    ids = []
    for section in document.sections:
        content = make_id("assemble", (), section.title, section.text)
        ids.append(make_id("assemble", (), content, seen[content]) if seen[content] else content)
        seen[content] += 1
    readable = [with_descriptions(section.text, section.figures) for section in document.sections]
    neighbours = related_sections(readable, related) if related else [[] for _ in ids]
    for section, own, near in zip(document.sections, ids, neighbours, strict=True):
        yield Item(
            id=own,
            parents=(document.id,),
            kind="section",
            name=f"{document.name}: {section.title}" if section.title else document.name,
            text=section.text,
            source=section.source,
            document_id=document.id,
            document=document.name,
            title=section.title,
            language=document.language,
            meta=document.meta,
            facts=section.facts,
            figures=section.figures,
            related=tuple(ids[position] for position in near),
        )


def assemble_item(document: Document, plan: SplitPlan, copies: Mapping[str, ImageFile]) -> Item:
    """Return the item of a document; omit planned copies that do not exist.

    Args:
        copies: rows of `augment-images` by id.
    """
    copied = [(copies[copy.id], copy.split) for copy in plan.copies if copy.id in copies]
    images = in_split_order([*plan.placed, *copied])
    return Item(
        id=make_id("assemble", (document.id,)),
        parents=(document.id,),
        name=document.name,
        spoken_name=document.spoken_name,
        text="\n\n".join(section.text for section in document.sections),
        source=_span(document),
        document_id=document.id,
        document=document.name,
        language=document.language,
        images=tuple(PlannedImage(image=image, split=split) for image, split in images),
    )


def _span(document: Document) -> Span:
    """Return the span from the first line of the first section to the last line of the last."""
    first, last = document.sections[0].source, document.sections[-1].source
    return Span(file=first.file, first_line=first.first_line, last_line=last.last_line)


def _nothing_to_test(plans: list[SplitPlan], split: str) -> InputError:
    photos = sum(len(plan.placed) for plan in plans)
    what = f"no exhibit has a test photo: {len(plans)} exhibits have {photos} usable photos in total"
    next_step = {
        "clean": "add photos (one exhibit needs two different ones), or allow leaks: --set assemble.split=published",
        "published": "--set assemble.test_images=1, or add photos",
        "given": "list existing photos under test_images in the CSV, or --set assemble.split=clean",
    }[split]
    return InputError(what, f"assemble.split={split}", next_step)
