"""Check one photo that a source names, and keep its bytes: the part of `ingest` that opens files of strangers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from docent.config import Ingest
from docent.records import Document, ImageFile, Reject, make_id
from docent.stages.ingest.sources import (
    LEAVES_FOLDER,
    PHOTO_NOT_FOUND,
    Exhibit,
    ListedPhoto,
    OutsideError,
    confined,
    shorten,
)
from docent.vision.lineage import original_stem
from docent.vision.photos import PhotoError, read_header

UNIT = "ingest"
LISTED_TWICE = "photo listed twice"
FILE_TOO_LARGE = "file too large"
CANNOT_BE_READ = "photo cannot be read"

Save = Callable[[bytes, str], str]


@dataclass(frozen=True)
class Limits:
    """What a photo may be at most."""

    file_bytes: int
    pixels: float


@dataclass(frozen=True)
class Intake:
    """What every loader gets beside the file.

    Attributes:
        section: how each kind of document is read.
        save: keeps a picture's bytes, and gives the path for its row.
    """

    section: Ingest
    limits: Limits
    save: Save


def load_exhibit(exhibit: Exhibit, intake: Intake) -> Iterator[Document | Reject]:
    """The document of an exhibit, after what of it cannot be used."""
    document = exhibit.document()
    images, rejects = load_photos(exhibit, intake.limits, intake.save)
    yield from rejects
    if not exhibit.photos:
        yield Reject(reason="no photo", raw=exhibit.name, parents=(document.id,), detail=exhibit.span.file)
    yield document.model_copy(update={"images": images})


def load_photos(exhibit: Exhibit, limits: Limits, save: Save) -> tuple[tuple[ImageFile, ...], list[Reject]]:
    """Every photo of an exhibit, checked by its header and saved unchanged; and those that could not be."""
    images: dict[str, ImageFile] = {}
    rejects: list[Reject] = []
    for photo in exhibit.photos:
        found = _load_photo(exhibit, photo, limits, save)
        if isinstance(found, Reject):
            rejects.append(found)
        elif found.name in images:
            rejects.append(_reject(exhibit, photo, LISTED_TWICE))
        else:
            images[found.name] = found
    return tuple(images.values()), rejects


def _load_photo(exhibit: Exhibit, photo: ListedPhoto, limits: Limits, save: Save) -> ImageFile | Reject:
    try:
        path = confined(exhibit.root, exhibit.folder, photo.name)
    except OutsideError:
        return _reject(exhibit, photo, LEAVES_FOLDER)
    if path is None:
        return _reject(exhibit, photo, PHOTO_NOT_FOUND)
    parents = (exhibit.document_id,)
    try:
        kept = keep_picture(read_picture(path, limits), plain_name(photo.name), parents, limits, save)
    except PhotoError as error:
        return _reject(exhibit, photo, error.reason, error.detail)
    group = make_id("lineage", parents, original_stem(kept.name))
    return kept.model_copy(update={"group": group, "given_split": photo.split})


def read_picture(path: Path, limits: Limits) -> bytes:
    """The bytes of a picture file.

    Raises:
        PhotoError: it cannot be read, or is larger than `limits` allow.
    """
    try:
        data = _read_at_most(path, limits.file_bytes)
    except PermissionError:
        raise PhotoError(CANNOT_BE_READ, "no permission") from None
    if data is None:
        raise PhotoError(FILE_TOO_LARGE, f"more than {limits.file_bytes} bytes")
    return data


def keep_picture(data: bytes, name: str, parents: tuple[str, ...], limits: Limits, save: Save) -> ImageFile:
    """A picture checked by its header and saved unchanged; its lineage group is its content.

    Raises:
        PhotoError: it is no picture, or has too many pixels.
    """
    header = read_header(data, limits.pixels)
    sha256 = hashlib.sha256(data).hexdigest()
    return ImageFile(
        id=make_id("ingest", parents, name, sha256),
        parents=parents,
        name=name,
        unit=UNIT,
        file=save(data, header.suffix),
        sha256=sha256,
        width_px=header.width_px,
        height_px=header.height_px,
        group=make_id("lineage", (), sha256),
    )


def _read_at_most(path: Path, limit_bytes: int) -> bytes | None:
    """The file's bytes; None when there are more than `limit_bytes`, however large it grows meanwhile."""
    with path.open("rb") as file:
        data = file.read(limit_bytes + 1)
    return None if len(data) > limit_bytes else data


def plain_name(name: str) -> str:
    """A name without folders that any file system takes: `north/side view.jpg` becomes `north_side view.jpg`."""
    return re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|]', "_", name.removeprefix("./"))


def _reject(exhibit: Exhibit, photo: ListedPhoto, reason: str, measured: str = "") -> Reject:
    detail = f"{photo.where}: {measured}" if measured else photo.where
    return Reject(reason=reason, raw=shorten(photo.name), parents=(exhibit.document_id,), detail=detail)
