"""Load source kind `exhibits-folder`: one subfolder per exhibit with photos and a `description.txt`.

An exhibit is named by the title on the first line of its description, or else by its folder. Reads names and
descriptions; decodes no photo. Photos may also be in subfolders of the exhibit's folder.
"""

import contextlib
import logging
import shlex
from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath

from docent.config.sources import Source
from docent.errors import InputError
from docent.messages.plurals import counted
from docent.messages.printing import printable
from docent.records import Reject, Span
from docent.source_files.walk import Entry, children
from docent.stages.ingest.exhibits.description_title import split_title
from docent.stages.ingest.exhibits.folder_files import is_junk, list_below
from docent.stages.ingest.exhibits.names import spoken
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
    read_at_most,
    readable,
    shorten,
)
from docent.stages.ingest.tables.cell_html import readable_html
from docent.text.encodings.decode import read_text, why_no_text, why_unknown
from docent.vision.files.formats import HEAD_BYTES, HEIC, READABLE, format_name

log = logging.getLogger("docent.ingest")

DESCRIPTION = "description.txt"
NO_DESCRIPTION = "no description.txt"
# Files that are meant as photos. Unreadable formats are included, so that their files are rejected by name.
PHOTO_SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .jif .mpo .png .apng .webp .gif .bmp .dib .tif .tiff .heic .heif .hif .avif .jp2 .j2k .jpf"
    " .jpx .jxl .psd .psb .xcf .svg .exr .hdr .tga .dng .cr2 .cr3 .nef .nrw .arw .orf .rw2 .raf .pef .srw .x3f".split()
)
TEXT_SUFFIXES = frozenset(".txt .text .md .rtf .doc .docx .odt .pages .html .htm .pdf".split())
MAX_NAMED = 5
LAYOUT = "expected: <folder>/<exhibit name>/description.txt and <folder>/<exhibit name>/<any name>.jpg"


def list_exhibits(source: Source) -> list[Exhibit | Reject]:
    """Return every subfolder as an exhibit, or as a reject if it is not usable; decode no photo.

    Raises:
        InputError: the source is not a folder, or has no subfolder.
    """
    if not source.path.is_dir():
        what = "the source of kind exhibits-folder is a file, not a folder"
        raise InputError(what, str(source.path), f"{LAYOUT}; {_look_at(source.path.parent)}")
    entries = [entry for entry in children(source.path) if not is_junk(entry.name)]
    for entry in entries:
        if entry.kind == "run":
            log.warning("skipped %s: docent writes to this folder", printable(str(entry.path)))
    root = source.path.resolve()
    own = {root, *(entry.path.resolve() for entry in entries if entry.kind == "folder")}
    possible = (entry for entry in entries if entry.kind not in ("file", "run"))
    # A link out of the source is a reject only if it leads to a folder, or cannot be read and may lead to one.
    leading = (entry for entry in possible if entry.kind != "outside" or entry.path.is_dir())
    folders = [entry for entry in leading if not _is_read_already(entry, own)]
    if is_one_exhibit(entries) and not any((folder.path / DESCRIPTION).is_file() for folder in folders):
        what = f"the folder is a single exhibit: {DESCRIPTION} is directly in it"
        next_step = f"use the folder above it, which has one subfolder per exhibit; {_look_at(source.path.parent)}"
        raise InputError(what, str(source.path), next_step)
    if not folders:
        what = f"the folder has no subfolders; expected one for each exhibit, found {_counted(entries)}"
        raise InputError(what, str(source.path), f"{LAYOUT}; {_look_at(source.path)}")
    listing: list[Exhibit | Reject] = [
        Reject(reason="photo outside of an exhibit's folder", raw=shorten(readable(entry.name)), detail=LAYOUT)
        for entry in entries
        if entry.kind == "file" and PurePosixPath(entry.name).suffix.lower() in PHOTO_SUFFIXES
    ]
    for entry in folders:
        listing += _exhibit(source, root, entry)
    return listing


def refuse_undescribed(source: Source, listed: Sequence[Exhibit | Reject]) -> None:
    """Refuse a source in which no subfolder has a description, and name similar files that were found instead.

    Raises:
        InputError: no subfolder is an exhibit, because descriptions are missing.
    """
    rejects = [one for one in listed if isinstance(one, Reject) and one.reason == NO_DESCRIPTION]
    if not rejects or any(isinstance(one, Exhibit) for one in listed):
        return
    folders = "the only subfolder has" if len(rejects) == 1 else f"none of the {len(rejects)} subfolders has"
    named = ", ".join(f"{reject.raw}/" for reject in rejects[:MAX_NAMED])
    instead = "; ".join(problem for one in rejects if "has no" not in (problem := one.detail.partition(";")[0]))
    first = source.path / rejects[0].raw / DESCRIPTION
    raise InputError(
        f"{folders} a {DESCRIPTION}: {shorten(instead) or named}",
        str(source.path),
        f"create one in each, for example {shlex.quote(str(first))}; {_look_at(source.path)}",
    )


def is_one_exhibit(entries: Sequence[Entry]) -> bool:
    """Return whether a folder is itself an exhibit rather than a collection: it contains a description and photos."""
    files = [entry.name.lower() for entry in entries if entry.kind == "file"]
    return DESCRIPTION in files and any(PurePosixPath(name).suffix in PHOTO_SUFFIXES for name in files)


def _counted(entries: Sequence[Entry]) -> str:
    """Return the number of photos and other files directly in a folder, for a message."""
    files = [PurePosixPath(entry.name).suffix.lower() for entry in entries if entry.kind == "file"]
    photos = sum(suffix in PHOTO_SUFFIXES for suffix in files)
    return f"{counted(photos, 'photo')} and {counted(len(files) - photos, 'other file')}"


def _look_at(folder: Path) -> str:
    """Return the command that shows what is read from a folder."""
    return f"to see what is read: {shlex.join(['docent', 'ingest', str(folder)])}"


def _is_read_already(entry: Entry, own: Collection[Path]) -> bool:
    """Return whether an entry links to another exhibit or to the source itself, and would be read twice."""
    if entry.kind != "link" or entry.path.resolve() not in own:
        return False
    log.warning("skipped link %s: its target is already part of the source", printable(readable(str(entry.path))))
    return True


def _exhibit(source: Source, root: Path, entry: Entry) -> list[Exhibit | Reject]:
    folder = entry.path
    if entry.kind in NOT_READ:
        return [Reject(reason=NOT_READ[entry.kind], raw=readable(folder.name), detail=source.path.name)]
    if readable(folder.name) != folder.name:
        return [Reject(reason="name is not UTF-8", raw=readable(folder.name), detail="rename the folder")]
    names, outside = list_below(root, folder)
    described = [name for name in names if name.lower() == DESCRIPTION]
    if len(described) > 1:
        listed = ", ".join(printable(name) for name in described)
        return [Reject(reason="more than one description.txt", raw=folder.name, detail=f"{listed}: keep one")]
    exhibit = _described(source, folder, described[0], names, outside) if described else None
    if exhibit is None:
        return [Reject(reason=NO_DESCRIPTION, raw=folder.name, detail=_in_place_of_description(folder.name, names))]
    detail = f"not read; its photos belong to {folder.name}: move an exhibit of its own beside {folder.name}"
    below = [name for name in names if "/" in name and PurePosixPath(name).name.lower() == DESCRIPTION]
    raws = (shorten(f"{folder.name}/{readable(name)}") for name in below)
    return [
        exhibit,
        *(Reject(reason="description.txt in a sub-folder of an exhibit", raw=raw, detail=detail) for raw in raws),
    ]


def _described(
    source: Source, folder: Path, description: str, names: Sequence[str], outside: Sequence[str]
) -> Exhibit | Reject | None:
    """Return the exhibit of a folder, a reject if it is unusable, or None if its description is not a file."""
    where = f"{folder.name}/{DESCRIPTION}"
    try:
        path = confined(source.path, folder, description)
    except OutsideError:
        return Reject(reason=LEAVES_FOLDER, raw=folder.name, detail=where)
    if path is None:
        return None
    if (data := read_at_most(path, MAX_TEXT_BYTES)) is None:
        return Reject(reason="description too long", raw=folder.name, detail=f"{where}: over {MAX_TEXT_BYTES} bytes")
    whole = read_text(data, printable(where), source.encoding)
    if whole is None:
        why = why_unknown(data, "encoding of the source", source.encoding)
        return Reject(reason="description in an unknown encoding", raw=folder.name, detail=f"{where}: {why}")
    if why := why_no_text(whole):
        return Reject(reason="description is not a text file", raw=folder.name, detail=f"{where}: {why}")
    text = readable_html(whole.strip())
    if reject := check_exhibit(folder.name, text, where):
        return reject
    title, below, skipped = split_title(text)
    if title and check_exhibit(title, below, where):
        title, below, skipped = "", text, 0
    first_line = 1 + line_breaks(whole[: len(whole) - len(whole.lstrip())])
    last_line = first_line + line_breaks(whole.strip())
    photos = [name for name in names if _is_photo(source.path, folder, name)]
    return Exhibit(
        source=source,
        name=title or folder.name,
        spoken_name=title or spoken(folder.name, below),
        item_id=folder.name,
        id_name=folder.name,
        text=below,
        span=Span(file=where, first_line=min(first_line + skipped, last_line), last_line=last_line),
        root=source.path,
        folder=folder,
        photos=tuple(ListedPhoto(readable(name), f"{folder.name}/{readable(name)}") for name in (*photos, *outside)),
    )


def _is_photo(root: Path, folder: Path, name: str) -> bool:
    """Return whether a file is a photo by its suffix, or else by its first bytes (`Vase 12.03.2020`, `a.jpg~`)."""
    if PurePosixPath(name).suffix.lower() in PHOTO_SUFFIXES:
        return True
    with contextlib.suppress(OutsideError):
        if (path := confined(root, folder, name)) is not None:
            with path.open("rb") as file:
                return format_name(file.read(HEAD_BYTES)) in READABLE | {HEIC}
    return False


def _in_place_of_description(folder: str, names: Sequence[str]) -> str:
    """Return a message naming files that may be meant as a description, such as `description.txt.txt`."""
    near = [name for name in names if "description" in PurePosixPath(name).name.lower()]
    texts = [name for name in names if PurePosixPath(name).suffix.lower() in TEXT_SUFFIXES]
    shown = [printable(readable(name), 100) for name in (near or texts)[:MAX_NAMED]]
    expected = f"a plain text file named {DESCRIPTION} directly in {folder}/ is expected"
    return f"{folder}/ has {', '.join(shown)}; {expected}" if shown else f"{folder}/ has no {DESCRIPTION}"
