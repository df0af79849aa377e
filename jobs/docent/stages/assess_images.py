"""Stage assess-images: measure every photo, and keep it or reject it with a reason.

Reads `Document` rows and photos of `ingest`; writes one `ImageQuality` per photo, including photos that are not kept.
To run only this stage: `docent stage assess-images --config pipeline.yaml --run-dir runs/demo --shard 0/2`.
"""

from collections.abc import Iterator

from docent.config.stages import AssessImages
from docent.context import Context
from docent.records import Document, ImageFile, ImageQuality, make_id
from docent.tables import IMAGE_METRICS
from docent.vision.hashes import HashIndex
from docent.vision.photos import PhotoError, decode
from docent.vision.quality import Measurements, measure, shortcomings


def run(ctx: Context) -> Iterator[ImageQuality]:
    """Yield one row per photo, exhibit by exhibit."""
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
    """Return the row of one decoded and measured photo, regardless of duplicates."""
    section: AssessImages = ctx.section
    size_px = image.width_px, image.height_px
    try:
        # A very large photo is reduced while decoding; the recorded size is the one in its file.
        measured = measure(decode(ctx.image_path(image), image.width_px * image.height_px), size_px)
        reasons = shortcomings(measured.values, section)
    except PhotoError as error:
        measured, reasons = Measurements({}), [error.reason]
    stored = [metric.name for metric in IMAGE_METRICS.values() if metric.stored]
    fields = {name: measured.values.get(name, 0.0) for name in stored if name in ImageQuality.model_fields}
    return ImageQuality(
        id=make_id("assess-images", (image.id,)),
        parents=(image.id,),
        image_id=image.id,
        keep=not reasons,
        reasons=tuple(reasons),
        width_px=image.width_px,
        height_px=image.height_px,
        ahash=measured.ahash,
        phash=measured.phash,
        colors=measured.colors,
        other_metrics={
            name: measured.values[name] for name in stored if name in measured.values and name not in fields
        },
        **fields,
    )
