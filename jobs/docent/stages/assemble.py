"""Stage assemble: one item per exhibit, and which of its photos train, validate and test.

Reads `Document`, `ImageQuality` and the copies of `augment-images`; writes `Item` rows and no files.
Run alone: `docent stage assemble --config pipeline.yaml --run-dir runs/demo`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from docent.context import Context
from docent.errors import InputError
from docent.records import Document, ImageFile, ImageQuality, Item, PlannedImage, Reject, Span, make_id
from docent.vision.splits import Plan, find_usable, in_split_order, plan_document


def run(ctx: Context) -> Iterator[Item | Reject]:
    """One item per document with a usable photo, in the order of the documents.

    Raises:
        InputError: no item has a photo to test with.
    """
    documents = ctx.rows("ingest", Document)
    assess = ctx.config.assess_images
    usable = find_usable(
        documents, ctx.rows("assess-images", ImageQuality), assess.duplicate_similarity if assess else 1.0
    )
    copies = {image.id: image for image in ctx.rows("augment-images", ImageFile)}
    plans = [plan_document(document, usable, ctx.section, ctx.config.seed) for document in documents]
    if ctx.section.test_images and not any(split == "test" for plan in plans for _, split in plan.placed):
        raise _nothing_to_test(plans, ctx.section.split)
    for number, (document, plan) in enumerate(zip(documents, plans, strict=True), 1):
        if plan.placed:
            yield assemble_item(document, plan, copies)
        else:
            yield Reject(
                reason="no usable photo",
                raw=document.name,
                parents=(document.id,),
                detail=f"{len(document.images)} photos read, none kept by assess-images",
            )
        for image in plan.unused:
            detail = f"{document.name}: assemble.images_per_item is {ctx.section.images_per_item}"
            yield Reject(reason="photo beyond images_per_item", raw=image.name, parents=(image.id,), detail=detail)
        ctx.progress.update(number, len(documents), document.name)


def assemble_item(document: Document, plan: Plan, copies: Mapping[str, ImageFile]) -> Item:
    """The item of a document; copies that were planned but not made are left out.

    Args:
        copies: rows of `augment-images` by id.
    """
    made = [(copies[copy.id], copy.split) for copy in plan.copies if copy.id in copies]
    images = in_split_order([*plan.placed, *made])
    return Item(
        id=make_id("assemble", (document.id,)),
        parents=(document.id,),
        name=document.name,
        text="\n\n".join(section.text for section in document.sections),
        source=_span(document),
        images=tuple(PlannedImage(image=image, split=split) for image, split in images),
    )


def _span(document: Document) -> Span:
    """From the first line of the first section to the last line of the last."""
    first, last = document.sections[0].source, document.sections[-1].source
    return Span(file=first.file, first_line=first.first_line, last_line=last.last_line)


def _nothing_to_test(plans: list[Plan], split: str) -> InputError:
    photos = sum(len(plan.placed) for plan in plans)
    what = f"no exhibit has a photo to test with: {len(plans)} exhibits, {photos} usable photos in all"
    next_step = {
        "clean": "add photos (two different ones of an exhibit do), or allow leaks: --set assemble.split=published",
        "published": "--set assemble.test_images=1, or add photos",
        "given": "name photos that exist under test_images in the CSV, or --set assemble.split=clean",
    }[split]
    return InputError(what, f"assemble.split={split}", next_step)
