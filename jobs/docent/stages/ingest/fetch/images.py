"""Fetch the pictures of rows: eight at a time, checked, saved, and referenced in the row's text in their order.

A picture that cannot be fetched becomes a reject and a note in the text; the row is kept. fetch.py decides which
requests are allowed.
"""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from docent.records import Document, Figure, ImageFile, Reject
from docent.stages.ingest.fetch.errors import FetchError
from docent.stages.ingest.fetch.fetch import Rules, fetch, shown
from docent.stages.ingest.images import Intake, keep_picture, plain_name
from docent.stages.ingest.sources import shorten
from docent.text.encodings.surrogates import without_surrogates
from docent.vision.photos import PhotoError, picture_suffix

WORKERS = 8
MAX_PICTURES = 100
"""Largest number of pictures fetched per row."""
MAX_WAITING = 64
"""Largest number of rows and pictures that wait for an earlier picture."""
_MAX_STEM_CHARS = 80


@dataclass(frozen=True)
class Address:
    """URL and caption of a picture, read from a cell."""

    url: str
    caption: str = ""


@dataclass(frozen=True)
class Draft:
    """Document of a row whose pictures are not fetched yet.

    Attributes:
        wanted: addresses of its pictures.
        where: file and line of the row, for messages.
    """

    document: Document
    wanted: tuple[Address, ...]
    where: str


@dataclass(frozen=True)
class PendingPicture:
    """A picture that is being fetched; `number` counts the pictures of its row from 1."""

    document_id: str
    number: int
    url: str
    result: Future[bytes]


def addresses_of(cell: str) -> list[Address]:
    """Return the addresses in a cell: one per line, a JSON list, or a JSON object whose keys are captions."""
    text = cell.strip()
    if text[:1] in ("[", "{"):
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            parsed = None
        if isinstance(parsed, dict):
            captions = [(" ".join(without_surrogates(key).split()), value) for key, value in parsed.items()]
            return [Address(url, caption) for caption, value in captions for url in _texts(value)]
        if isinstance(parsed, list):
            return [Address(url) for url in _texts(parsed)]
    return [Address(line.strip()) for line in text.splitlines() if line.strip()]


def with_pictures(drafts: Iterable[Draft | Reject], intake: Intake) -> Iterator[Document | Reject]:
    """Yield, in order, the rejects and then the document of each row, with its pictures as figures."""
    settings = intake.section.rows
    rules = Rules(settings.image_hosts, settings.image_timeout_s, intake.limits.file_bytes)
    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="fetch")
    kept: list[ImageFile | FetchError | PhotoError] = []
    try:
        for step in _ahead(_steps(drafts, lambda url: pool.submit(fetch, url, rules))):
            if isinstance(step, PendingPicture):
                kept.append(_kept(step, [image.name for image in kept if isinstance(image, ImageFile)], intake))
            elif isinstance(step, Draft):
                yield from _finished(step, kept)
                kept = []
            else:
                yield step
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [without_surrogates(text).strip() for text in values if isinstance(text, str) and text.strip()]


def _steps(
    drafts: Iterable[Draft | Reject], start: Callable[[str], Future[bytes]]
) -> Iterator[PendingPicture | Draft | Reject]:
    """Yield the pictures of each draft, starting to fetch each, then the draft itself."""
    for draft in drafts:
        if isinstance(draft, Draft):
            for number, address in enumerate(draft.wanted[:MAX_PICTURES], 1):
                yield PendingPicture(draft.document.id, number, address.url, start(address.url))
        yield draft


def _ahead(steps: Iterator[PendingPicture | Draft | Reject]) -> Iterator[PendingPicture | Draft | Reject]:
    """Yield the same steps, reading ahead while fewer pictures are pending than there are workers, to bound memory."""
    waiting: deque[PendingPicture | Draft | Reject] = deque()
    pictures = 0
    for step in steps:
        waiting.append(step)
        pictures += isinstance(step, PendingPicture)
        while waiting and (pictures in (0, WORKERS) or len(waiting) > MAX_WAITING):
            pictures -= isinstance(waiting[0], PendingPicture)
            yield waiting.popleft()
    yield from waiting


def _kept(step: PendingPicture, names: list[str], intake: Intake) -> ImageFile | FetchError | PhotoError:
    """Return a fetched picture, checked and saved under the last part of its address, or why it is not usable."""
    path = PurePosixPath(unquote(urlsplit(step.url).path))
    stem = plain_name(path.stem)[:_MAX_STEM_CHARS].strip(" .") or "image"
    try:
        data = step.result.result()
        ending = picture_suffix(data, intake.limits.pixels)
        name = f"{stem}.{ending}"
        name = f"{stem}-{step.number}.{ending}" if name in names else name
        return keep_picture(data, name, (step.document_id,), intake, name)
    except (FetchError, PhotoError) as error:
        return error


def _finished(draft: Draft, kept: list[ImageFile | FetchError | PhotoError]) -> Iterator[Document | Reject]:
    """Yield rejects for the missing pictures of a row, then its document with the others."""
    document, (section,) = draft.document, draft.document.sections
    notes, figures = [section.text] if section.text else [], []
    for number, (address, outcome) in enumerate(zip(draft.wanted, kept, strict=False), 1):
        if isinstance(outcome, ImageFile):
            token = f"{{{{IMAGE_{number}}}}}"
            caption = f"Image {number}: {address.caption}" if address.caption else f"Image {number}"
            figures.append(Figure(token=token, caption=caption, image=outcome))
            notes.append(token)
            continue
        detail = f"{draft.where}: {outcome.detail}" if outcome.detail else draft.where
        yield Reject(reason=outcome.reason, raw=shorten(shown(address.url)), parents=(document.id,), detail=detail)
        notes.append(f"[Image {number} could not be fetched]")
    if len(draft.wanted) > MAX_PICTURES:
        detail = f"{draft.where}: {len(draft.wanted)} addresses; the first {MAX_PICTURES} are fetched"
        yield Reject(reason="row has too many pictures", raw=document.name, parents=(document.id,), detail=detail)
    whole = section.model_copy(update={"text": "\n".join(notes), "figures": tuple(figures)})
    yield document.model_copy(update={"sections": (whole,)})
