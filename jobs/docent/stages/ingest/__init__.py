"""Stage ingest: raw exhibits become documents with photos, every one traceable to a line of its source.

Reads `ingest.sources`; writes `Document` rows and the photos' unchanged bytes. Rejects name what cannot be used.
Run alone: `docent stage ingest --config pipeline.yaml --run-dir runs/demo`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from docent.config import Source
from docent.context import Context
from docent.errors import InputError
from docent.records import Document, Reject
from docent.stages.ingest import exhibits_csv, exhibits_folder
from docent.stages.ingest.images import Limits, load_photos
from docent.stages.ingest.sources import Exhibit, reject_named_twice

# A new kind of source is a function that lists its exhibits without opening photos, and a line here.
LOADERS: dict[str, Callable[[Source], list[Exhibit | Reject]]] = {
    "exhibits-csv": exhibits_csv.list_exhibits,
    "exhibits-folder": exhibits_folder.list_exhibits,
}


def run(ctx: Context) -> Iterator[Document | Reject]:
    """One document per exhibit, in the order of the sources."""
    section = ctx.section
    limits = Limits(int(section.max_image_mb * 1_000_000), section.max_image_megapixels * 1_000_000)
    try:
        listed = [exhibit for source in section.sources for exhibit in LOADERS[source.kind](source)]
    except PermissionError as error:
        raise InputError("no permission to read a source", str(error.filename), "chmod -R a+rX it") from None
    mine = ctx.mine(reject_named_twice(listed)[: section.max_exhibits])
    for number, exhibit in enumerate(mine, 1):
        if isinstance(exhibit, Reject):
            yield exhibit
            continue
        document = exhibit.document()
        images, rejects = load_photos(exhibit, limits, ctx.save)
        yield from rejects
        if not exhibit.photos:
            yield Reject(reason="no photo", raw=exhibit.name, parents=(document.id,), detail=exhibit.span.file)
        yield document.model_copy(update={"images": images})
        ctx.progress.update(number, len(mine), exhibit.name)
