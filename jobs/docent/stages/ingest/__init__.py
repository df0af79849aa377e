"""Load raw material as documents: stage `ingest`.

Reads `ingest.sources`; writes `Document` rows, the unchanged bytes of photos and figures, and `sources.json` with
titles and licences. Every section records its file and lines. Rejects name what cannot be used; a bad file never stops
the others. To run only this stage: `docent stage ingest --config pipeline.yaml --run-dir runs/demo`. The loaders are
in `LOADERS` below; start reading at `run`.
"""

import json
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from docent.config.sources import Source
from docent.context import PICTURES, Context
from docent.errors import InputError
from docent.records import Document, Reject
from docent.source_files.collection import SOURCES, SourceNames, read_collection, source_name
from docent.stages.ingest.describe import described
from docent.stages.ingest.exhibits import csv_loader as exhibits_csv
from docent.stages.ingest.exhibits import folder_loader as exhibits_folder
from docent.stages.ingest.exhibits.names import reject_named_twice
from docent.stages.ingest.images import Intake, Limits, load_exhibit
from docent.stages.ingest.pdf import loader as pdf_loader
from docent.stages.ingest.sources import Exhibit, ListedFile, list_files
from docent.stages.ingest.tables import csv_loader, xlsx_loader
from docent.stages.ingest.text import markdown, text_file


@dataclass(frozen=True)
class Loader:
    """Functions that read one kind of source.

    Attributes:
        listed: returns the exhibits or files of a source, or a reject for each entry that cannot be one; opens no
            large file.
        load: yields rejects for the unusable parts of one exhibit or file, and its documents.
    """

    listed: Callable[[Source], list[Any]]
    load: Callable[[Any, Intake], Iterator[Document | Reject]]


# A new kind of source is a module with a function `load`, and a line here.
LOADERS: dict[str, Loader] = {
    "exhibits-csv": Loader(exhibits_csv.list_exhibits, load_exhibit),
    "exhibits-folder": Loader(exhibits_folder.list_exhibits, load_exhibit),
    "markdown": Loader(partial(list_files, suffixes=markdown.SUFFIXES), markdown.load_document),
    "pdf": Loader(partial(list_files, suffixes=pdf_loader.SUFFIXES), pdf_loader.load),
    "csv": Loader(partial(list_files, suffixes=csv_loader.SUFFIXES), csv_loader.load),
    "txt": Loader(partial(list_files, suffixes=text_file.SUFFIXES), text_file.load),
    "xlsx": Loader(partial(list_files, suffixes=xlsx_loader.SUFFIXES), xlsx_loader.load),
}


def run(ctx: Context) -> Iterator[Document | Reject]:
    """Yield one document per exhibit, file or row, in the order of the sources, with figures described if configured.

    Raises:
        ConfigError: figures are to be described, but the teacher is misconfigured or cannot read images.
        TemporaryError: the endpoint is down.
    """
    for row in described(ctx, _loaded(ctx)):
        if isinstance(row, Document):
            figures = sum(figure.image is not None for section in row.sections for figure in section.figures)
            ctx.spend(**{PICTURES: len(row.images) + figures})
        yield row


def _loaded(ctx: Context) -> Iterator[tuple[int, Document | Reject]]:
    """Yield every loaded row with the number of the exhibit or file that it came from."""
    section = ctx.section
    limits = Limits(int(section.max_image_mb * 1_000_000), section.max_image_megapixels * 1_000_000)
    intake = Intake(section, limits, ctx.save)
    listing = reject_named_twice(list_sources(section.sources))[: section.max_exhibits]
    if ctx.shard.index == 0:
        names = [_names(source, section.sources, listing).model_dump() for source in section.sources]
        ctx.output_file(SOURCES, (json.dumps(names, indent=1, ensure_ascii=False) + "\n").encode())
    mine = ctx.mine(listing)
    for number, listed in enumerate(mine, 1):
        if isinstance(listed, Reject):
            yield number, listed
            continue
        for row in load(listed, intake):
            yield number, row
        ctx.progress.update(number, len(mine), listed.name)


def _names(source: Source, sources: Sequence[Source], listing: Sequence[Exhibit | ListedFile | Reject]) -> SourceNames:
    """Return the title, name and licence of a source.

    Raises:
        InputError: its `collection.yaml` cannot be used.
    """
    given, name = read_collection(source), source_name(source)
    listed = [one for one in listing if not isinstance(one, Reject) and one.source is source]
    is_alone = len(listed) == 1 and [source_name(other) for other in sources].count(name) == 1
    document = listed[0].document_id if is_alone and isinstance(listed[0], ListedFile) else ""
    return SourceNames(title=given.title, license=given.license, name=name, document=document)


def list_sources(sources: tuple[Source, ...]) -> list[Exhibit | ListedFile | Reject]:
    """Return the exhibits and files of all sources, in order, reading as little of them as possible.

    Raises:
        InputError: a source does not exist, cannot be read, or does not match its kind.
    """
    try:
        by_source = [(source, LOADERS[source.kind].listed(source)) for source in sources]
    except PermissionError as error:
        where = str(error.filename)
        raise InputError("no permission to read a source", where, f"chmod -R a+rX {shlex.quote(where)}") from None
    for source, listed in by_source:
        if source.kind == "exhibits-folder":
            exhibits_folder.refuse_undescribed(source, listed)
    return _numbered_twins([one for _, listed in by_source for one in listed])


def _numbered_twins(listing: Sequence[Exhibit | ListedFile | Reject]) -> list[Exhibit | ListedFile | Reject]:
    """Return the list with identical files numbered, so that no two documents share an id."""
    sizes = Counter(listed.path.stat().st_size for listed in listing if isinstance(listed, ListedFile))
    seen: Counter[str] = Counter()
    counted = list(listing)
    for at, listed in enumerate(listing):
        if isinstance(listed, ListedFile) and sizes[listed.path.stat().st_size] > 1:
            counted[at] = replace(listed, before=seen[listed.sha256])
            seen[listed.sha256] += 1
    return counted


def load(listed: Exhibit | ListedFile, intake: Intake) -> Iterator[Document | Reject]:
    """Yield the documents of one exhibit or file, and rejects for its unusable parts."""
    return LOADERS[listed.source.kind].load(listed, intake)
