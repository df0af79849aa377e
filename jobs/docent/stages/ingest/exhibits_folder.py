"""Loader `exhibits-folder`: one subfolder per exhibit, named like it, with photos and a `description.txt`."""

from __future__ import annotations

import os
import re
from pathlib import Path

from docent.config import Source
from docent.errors import InputError
from docent.records import Reject, Span
from docent.stages.ingest.cell_html import readable_html
from docent.stages.ingest.sources import (
    LEAVES_FOLDER,
    MAX_TEXT_BYTES,
    NOT_READ,
    Exhibit,
    ListedPhoto,
    OutsideError,
    check_exhibit,
    confined,
    line_breaks,
    warn_of_run,
)
from docent.text.encoding import read_text, why_unknown
from docent.text.sentences import readable_name
from docent.walk import Entry, children

DESCRIPTION = "description.txt"
NO_DESCRIPTION = "no description.txt"
NOT_UTF8 = "name is not UTF-8"
# Files that are meant as photos. Formats that cannot be read are among them, so that they are rejected by name.
PHOTO_SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .png .webp .gif .bmp .tif .tiff .heic .heif .avif .jp2 .psd .svg .dng .cr2 .nef .arw".split()
)
LAYOUT = "expected: <folder>/<exhibit name>/description.txt and <folder>/<exhibit name>/<any name>.jpg"


def list_exhibits(source: Source) -> list[Exhibit | Reject]:
    """Every subfolder as an exhibit, or as a reject where it cannot be one; opens no photo.

    Raises:
        InputError: the source is no folder, or has no subfolder.
    """
    if not source.path.is_dir():
        raise InputError("the source of kind exhibits-folder is not a folder", str(source.path), LAYOUT)
    found = children(source.path)
    for entry in found:
        warn_of_run(entry)
    folders = [entry for entry in found if _may_be_exhibit(entry)]
    exhibits = [_exhibit(source, entry) for entry in folders]
    if not exhibits:
        raise InputError("the folder has no subfolders: each exhibit needs one", str(source.path), LAYOUT)
    return exhibits


def _may_be_exhibit(entry: Entry) -> bool:
    """Whether an entry is a folder, or stands where one is expected and cannot be read."""
    leads_to_file = entry.kind == "outside" and not entry.path.is_dir()
    return entry.kind not in ("file", "run") and not leads_to_file and not entry.name.startswith(".")


def natural_order(name: str) -> list[tuple[int, int, str]]:
    """Sort key that puts `view-2.jpg` before `view-10.jpg`; upper and lower case count alike, then as written."""
    pieces = re.split(r"([0-9]+)", name.lower())
    return [(0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces if piece] + [(2, 0, name)]


def readable(name: str) -> str:
    """A file name as text; bytes that are not UTF-8 (old archives have such names) become question marks."""
    return os.fsencode(name).decode("utf-8", "replace")


def _exhibit(source: Source, entry: Entry) -> Exhibit | Reject:
    folder = entry.path
    if entry.kind in NOT_READ:
        return Reject(reason=NOT_READ[entry.kind], raw=readable(folder.name), detail=source.path.name)
    if readable(folder.name) != folder.name:
        return Reject(reason=NOT_UTF8, raw=readable(folder.name), detail="rename the folder")
    where = f"{folder.name}/{DESCRIPTION}"
    names = sorted((path.name for path in folder.iterdir() if not path.name.startswith(".")), key=natural_order)
    described = [name for name in names if name.lower() == DESCRIPTION]
    try:
        path = confined(source.path, folder, described[0]) if described else None
    except OutsideError:
        return Reject(reason=LEAVES_FOLDER, raw=folder.name, detail=where)
    if path is None:
        return Reject(reason=NO_DESCRIPTION, raw=folder.name, detail=f"{folder.name}/ has no {DESCRIPTION}")
    with path.open("rb") as file:
        data = file.read(MAX_TEXT_BYTES + 1)
    if len(data) > MAX_TEXT_BYTES:
        return Reject(reason="description too long", raw=folder.name, detail=f"{where}: over {MAX_TEXT_BYTES} bytes")
    whole = read_text(data, where, source.encoding)
    if whole is None:
        why = why_unknown(data, "encoding of the source", source.encoding)
        return Reject(reason="description in an unknown encoding", raw=folder.name, detail=f"{where}: {why}")
    text = readable_html(whole.strip())
    if reject := check_exhibit(folder.name, text, where):
        return reject
    first_line = 1 + line_breaks(whole[: len(whole) - len(whole.lstrip())])
    photos = [name for name in names if Path(name).suffix.lower() in PHOTO_SUFFIXES]
    return Exhibit(
        source=source,
        name=folder.name,
        spoken_name=readable_name(folder.name) or folder.name,
        text=text,
        span=Span(file=where, first_line=first_line, last_line=first_line + line_breaks(whole.strip())),
        root=source.path,
        folder=folder,
        photos=tuple(ListedPhoto(readable(name), f"{folder.name}/{readable(name)}") for name in photos),
    )
