"""Check the photos that a source lists, and save them: the part of `ingest` that opens untrusted pictures.

Reads picture files; saves their bytes unchanged. Every picture is decoded completely, so that later stages never meet a
damaged one.
"""

import hashlib
import itertools
import logging
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from docent.config.stages import Ingest
from docent.messages.printing import printable
from docent.records import Document, ImageFile, Reject, make_id
from docent.source_files.walk import lies_in_run
from docent.stages.ingest.sources import (
    LEAVES_FOLDER,
    PHOTO_NOT_FOUND,
    Exhibit,
    ListedPhoto,
    OutsideError,
    confined,
    read_at_most,
    shorten,
)
from docent.vision.lineage import copy_number, original_stem
from docent.vision.photos import PhotoError, examine

UNIT = "ingest"
FILE_TOO_LARGE = "file too large"

Save = Callable[[bytes, str], str]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """Largest allowed size of a photo."""

    file_bytes: int
    pixels: float


@dataclass(frozen=True)
class Intake:
    """Settings and storage that every loader receives along with the file.

    Attributes:
        section: the `ingest` section of the configuration.
        save: stores the bytes of a picture under a suffix, and returns the path for its row.
    """

    section: Ingest
    limits: Limits
    save: Save


def load_exhibit(exhibit: Exhibit, intake: Intake) -> Iterator[Document | Reject]:
    """Yield rejects for the unusable parts of an exhibit, then its document."""
    document = exhibit.document()
    images, rejects = load_photos(exhibit, intake)
    yield from rejects
    if not exhibit.photos:
        where = f"{printable(exhibit.span.file)} line {exhibit.span.first_line}"
        yield Reject(reason="no photo", raw=exhibit.name, parents=(document.id,), detail=where)
    yield document.model_copy(update={"images": images})


def load_photos(exhibit: Exhibit, intake: Intake) -> tuple[tuple[ImageFile, ...], list[Reject]]:
    """Return the photos of an exhibit, fully decoded and saved unchanged, and rejects for the unusable ones."""
    images: dict[str, ImageFile] = {}
    paths: set[Path] = set()
    rejects: list[Reject] = []
    for photo in exhibit.photos:
        try:
            path = _find(exhibit, photo)
            if path in paths and plain_name(photo.name) in images:
                raise PhotoError("photo listed twice")
            name = _free_name(plain_name(photo.name), images)
            kept = keep_picture(read_picture(path, intake.limits), name, (exhibit.document_id,), intake)
        except PhotoError as error:
            detail = f"{photo.where}: {error.detail}" if error.detail else photo.where
            raw = shorten(photo.name)
            rejects.append(Reject(reason=error.reason, raw=raw, parents=(exhibit.document_id,), detail=detail))
            continue
        twins = sum(other.sha256 == kept.sha256 for other in images.values())
        if twins:
            kept = kept.model_copy(update={"id": make_id("ingest", kept.parents, twins, kept.sha256)})
        images[name] = kept.model_copy(update={"given_split": photo.split})
        paths.add(path)
    return _with_groups(tuple(images.values())), rejects


def _find(exhibit: Exhibit, photo: ListedPhoto) -> Path:
    try:
        path = confined(exhibit.root, exhibit.folder, photo.name)
    except OutsideError:
        raise PhotoError(LEAVES_FOLDER) from None
    if path is None or lies_in_run(path, exhibit.root.resolve()):
        raise PhotoError("photo lies in a folder that docent writes" if path else PHOTO_NOT_FOUND)
    return path


def _free_name(name: str, taken: Mapping[str, ImageFile]) -> str:
    """Return the name, numbered if another photo of the exhibit has it: both `a/b.jpg` and `a_b.jpg` may exist."""
    stem, dot, suffix = name.rpartition(".")
    numbered = (f"{stem}-{number}.{suffix}" if dot else f"{name}-{number}" for number in itertools.count(2))
    return next(free for free in itertools.chain([name], numbered) if free not in taken)


def _with_groups(images: Sequence[ImageFile]) -> tuple[ImageFile, ...]:
    """Return the photos with lineage groups: a group is named by a photo's content, and shared by its `-aug<k>` copies.

    The name of a copy shows only the stem of its original. If two photos share that stem, such as `chair.jpg` and
    `chair.png`, and one of them has a copy, all form one group, as the copy's original is unknown.
    """
    by_stem: defaultdict[str, list[ImageFile]] = defaultdict(list)
    for image in images:
        by_stem[original_stem(image.name)].append(image)
    group_of: dict[str, str] = {}
    for siblings in by_stem.values():
        originals = [image for image in siblings if copy_number(image.name) is None]
        if len(originals) < len(siblings):
            first = min(image.sha256 for image in originals or siblings)
            group_of |= {image.id: make_id("lineage", (), first) for image in siblings}
    return tuple(image.model_copy(update={"group": group_of.get(image.id, image.group)}) for image in images)


def read_picture(path: Path, limits: Limits) -> bytes:
    """Return the bytes of a picture file.

    Raises:
        PhotoError: the file cannot be read, or is larger than `limits` allow.
    """
    try:
        data = read_at_most(path, limits.file_bytes)
    except PermissionError:
        raise PhotoError("photo cannot be read", "no permission") from None
    if data is None:
        raise PhotoError(FILE_TOO_LARGE, f"more than {limits.file_bytes} bytes")
    return data


def keep_picture(data: bytes, name: str, parents: tuple[str, ...], intake: Intake, place: str = "") -> ImageFile:
    """Return the row of a picture, which is decoded to find damage and saved unchanged; its content is its group.

    Args:
        place: distinguishes its id from the ids of other pictures with the same bytes in the document.

    Raises:
        PhotoError: the data is not a supported picture, is damaged, or has too many pixels.
    """
    examined = examine(data, intake.limits.pixels)
    sha256 = hashlib.sha256(data).hexdigest()
    for note in examined.notes:
        logger.warning("%s: %s", printable(name), note)
    return ImageFile(
        id=make_id("ingest", parents, *((place,) if place else ()), sha256),
        parents=parents,
        name=name,
        unit=UNIT,
        file=intake.save(data, examined.suffix),
        sha256=sha256,
        width_px=examined.width_px,
        height_px=examined.height_px,
        group=make_id("lineage", (), sha256),
        notes=examined.notes,
        **asdict(examined.credit),
    )


def plain_name(name: str) -> str:
    """Return a name valid on every file system, without folders: `north/side view.jpg` as `north_side view.jpg`."""
    return re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|]', "_", name.removeprefix("./"))
