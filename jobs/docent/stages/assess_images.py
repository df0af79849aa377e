"""Stage assess-images: measure every photo, keep it or say why not.

Reads `Document` rows and photos of `ingest`; writes one `ImageQuality` per photo, also for those that are not kept.
Run alone: `docent stage assess-images --config pipeline.yaml --run-dir runs/demo --shard 0/2`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace

from docent.config import AssessImages
from docent.context import Context
from docent.records import Document, ImageFile, ImageQuality, make_id
from docent.vision.files.photos import PhotoError, decode
from docent.vision.hashes import HashIndex
from docent.vision.quality import Metrics, measure, shortcomings


def run(ctx: Context) -> Iterator[ImageQuality]:
    """One row per photo, exhibit after exhibit."""
    documents = ctx.mine(ctx.rows(Document))
    for number, document in enumerate(documents, 1):
        kept: list[ImageFile] = []
        index = HashIndex(ctx.section.duplicate_similarity)
        for image in document.images:
            quality = _assess(ctx, image)
            position = index.first_match(quality) if quality.keep else None
            if position is not None:
                twin = kept[position]
                reasons = (f"duplicate of {twin.name}",)
                quality = quality.model_copy(update={"keep": False, "reasons": reasons, "duplicate_of": twin.id})
            if quality.keep:
                index.add(quality)
                kept.append(image)
            yield quality
        ctx.progress.update(number, len(documents), document.name)


def _assess(ctx: Context, image: ImageFile) -> ImageQuality:
    """Decode and measure one photo, by itself."""
    section: AssessImages = ctx.section
    try:
        metrics = measure(decode(ctx.image_path(image), image.width_px * image.height_px))
        # A very large photo comes reduced; its size is that of the file.
        metrics = replace(metrics, width_px=image.width_px, height_px=image.height_px)
        reasons = shortcomings(metrics, section.min_side_px, section.min_color_std, section.min_sharpness)
    except PhotoError as error:
        metrics = Metrics(image.width_px, image.height_px)
        reasons = [error.reason]
    measured = asdict(metrics)
    del measured["channel_std"]
    return ImageQuality(
        id=make_id("assess-images", (image.id,)),
        parents=(image.id,),
        image_id=image.id,
        keep=not reasons,
        reasons=tuple(reasons),
        **measured,
    )
