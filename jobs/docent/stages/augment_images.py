"""Stage augment-images: make altered copies of photos, as many as the plan of the splits requires.

Reads `Document` and `ImageQuality` rows, photos, and the splits recorded by an earlier `assemble`; writes one
`ImageFile` per copy, with the transforms applied and the original as parent.
To run only this stage: `docent stage augment-images --config pipeline.yaml --run-dir runs/demo --shard 0/2`.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from PIL import Image

from docent.config.stages import Assemble
from docent.context import Context
from docent.records import Document, ImageFile, ImageQuality, Reject
from docent.vision.augment import alter, check_sides, choose, to_jpeg
from docent.vision.files.credit import Credit
from docent.vision.lineage import copy_name
from docent.vision.photos import PhotoError, decode
from docent.vision.splits import Copy, plan_document
from docent.vision.usable import find_usable

UNIT = "augment-images"


def run(ctx: Context) -> Iterator[ImageFile | Reject]:
    """Yield the copies of every exhibit, ordered by original."""
    documents = ctx.rows(Document)
    assess, section = ctx.config.assess_images, ctx.config.assemble or Assemble()
    similarity = assess.duplicate_similarity if assess else 1.0
    usable = find_usable(documents, ctx.rows(ImageQuality), similarity, ctx.recorded_splits().earlier)
    mine = ctx.mine(documents)
    for number, document in enumerate(mine, 1):
        copies = plan_document(document, usable, section, ctx.config.seed).copies
        for image in document.images:
            yield from _copy_image(ctx, image, [copy for copy in copies if copy.original.id == image.id])
        ctx.progress.update(number, len(mine), document.name)


def _copy_image(ctx: Context, original: ImageFile, copies: Sequence[Copy]) -> Iterator[ImageFile | Reject]:
    """Yield the planned copies of one photo, which is decoded once and released afterwards."""
    if not copies:
        return
    try:
        picture = decode(ctx.image_path(original), original.width_px * original.height_px)
        check_sides(picture)
    except PhotoError as error:
        for copy in copies:
            name = copy_name(original.name, copy.number)
            yield Reject(reason=error.reason, raw=name, parents=(original.id,), detail=error.detail)
        return
    for copy in copies:
        yield _alter(ctx, copy, picture)


def _alter(ctx: Context, copy: Copy, picture: Image.Image) -> ImageFile:
    original = copy.original
    rng = ctx.rng(UNIT, original.id, copy.number)
    chosen = choose(ctx.section.probability, rng)
    credit = Credit(original.creator, original.copyright, original.license)
    data = to_jpeg(alter(picture, chosen, rng), credit)
    return ImageFile(
        id=copy.id,
        parents=(original.id,),
        name=copy_name(original.name, copy.number),
        unit=UNIT,
        file=ctx.save(data, "jpg"),
        sha256=hashlib.sha256(data).hexdigest(),
        width_px=picture.width,
        height_px=picture.height,
        group=original.group,
        transforms=chosen,
        **asdict(credit),
    )
