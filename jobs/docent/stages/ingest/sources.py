"""Define what the loaders of `ingest` list (exhibits, files), and open files without leaving a folder."""

import hashlib
import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from docent.config.sources import Source
from docent.errors import InputError
from docent.messages.printing import printable
from docent.records import Document, Reject, Section, Slots, Span, Split, make_id
from docent.source_files.walk import Entry, walk
from docent.stages.ingest.text.name_lookup import find_alike

log = logging.getLogger("docent.ingest")

FileKind = Literal["markdown", "pdf", "row", "text"]

PHOTO_NOT_FOUND = "photo not found"
LEAVES_FOLDER = "path leaves the images folder"
NOT_READ = {"outside": LEAVES_FOLDER, "special": "not a regular file", "dead": "link to nothing"}
"""Reject reasons for entries of the source (walk.py) that are neither a file nor a folder."""
# Document formats that no loader reads; such files are logged, as users may expect them to be read.
UNSUPPORTED = frozenset(
    ".doc .docx .docm .odt .rtf .pages .xls .xlsb .ods .numbers .ppt .pptx .odp .key .epub .htm .html .xhtml".split()
)
MAX_NAMED = 5
MAX_NAME_CHARACTERS = 200
MAX_TEXT_BYTES = 1024 * 1024
MAX_RAW_CHARACTERS = 500


@dataclass(frozen=True)
class ListedPhoto:
    """A photo named by the source; it may not exist.

    Attributes:
        name: path relative to the images folder, as written in the source.
        where: place in the source that lists it, for messages.
        split: the split that the source assigns to it, or None.
    """

    name: str
    where: str
    split: Split | None = None


@dataclass(frozen=True)
class Exhibit:
    """One exhibit as listed by the source; its photos are not opened yet.

    Attributes:
        root: folder that must contain all photos.
        folder: folder inside `root` that photo names are relative to.
        item_id: id in the source, which distinguishes exhibits with the same name, or "" if there is none.
        id_name: name from which ids are made, if not `name`: the folder of an exhibit that has a title.
        spoken_name: name in questions and answers, if not `name`.
    """

    source: Source
    name: str
    text: str
    span: Span
    root: Path
    folder: Path
    photos: tuple[ListedPhoto, ...]
    slots: Slots | None = None
    item_id: str = ""
    spoken_name: str = ""
    id_name: str = ""

    @property
    def document_id(self) -> str:
        """Return the document's id, which does not depend on the name or place of the source."""
        return make_id("ingest", (), "exhibit", self.id_name or self.name)

    def document(self) -> Document:
        """Return the exhibit's document, without photos."""
        section = Section(index=0, title=self.name, text=self.text, source=self.span)
        return Document(
            id=self.document_id,
            kind="exhibit",
            name=self.name,
            spoken_name="" if self.spoken_name == self.name else self.spoken_name,
            sections=(section,),
            given_slots=self.slots,
            language=self.source.language,
        )


@dataclass(frozen=True)
class ListedFile:
    """A file with one or more documents, not opened yet.

    Attributes:
        root: folder that must contain the file and everything it refers to.
        name: path relative to `root`, with slashes, as used in spans.
        before: number of earlier files in the listing with the same bytes.
    """

    source: Source
    root: Path
    path: Path
    name: str
    before: int = 0

    @cached_property
    def sha256(self) -> str:
        """Return the hash of the file's bytes, or of its name if it cannot be read, as its reject needs an id."""
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return hashlib.sha256(self.name.encode()).hexdigest()

    @property
    def document_id(self) -> str:
        """Return the document's id, made from its bytes; it does not depend on the file's name or place."""
        return self.id_of()

    def id_of(self, *place: int | None) -> str:
        """Return the id of the document at a place in the file, such as a row of a table."""
        twin = (f"file {self.before + 1}",) if self.before else ()
        return make_id("ingest", (), "file", self.sha256, *place, *twin)

    def document(self, kind: FileKind, name: str, sections: Iterable[Section], *place: int | None) -> Document:
        """Return the document at a place in the file, with these sections; without a place, the complete file."""
        language = self.source.language
        return Document(id=self.id_of(*place), kind=kind, name=name, sections=tuple(sections), language=language)


def list_files(source: Source, suffixes: frozenset[str]) -> list[ListedFile | Exhibit | Reject]:
    """Return the file that a source names, or all files below its folder with one of the suffixes, sorted by name.

    Hidden files and folders are left out; links out of the folder, pipes, sockets and devices become rejects.

    Raises:
        InputError: the path does not exist, or its folder has no such file.
    """
    if source.path.is_file():
        single = ListedFile(source, source.path.parent, source.path, source.path.name)
        return [_unusable_name(single.name) or single]
    if not source.path.is_dir():
        raise InputError(f"the source of kind {source.kind} does not exist", str(source.path), "correct ingest.sources")
    listing: list[ListedFile | Exhibit | Reject] = []
    unsupported: list[str] = []
    for entry in sorted(walk(source.path), key=lambda entry: entry.name.split("/")):
        name = entry.name
        warn_of_skipped(entry)
        suffix = entry.path.suffix.lower()
        if suffix not in suffixes | UNSUPPORTED or any(part.startswith(".") for part in name.split("/")):
            continue
        if suffix not in suffixes:
            unsupported += [name] if entry.kind == "file" else []
        elif reject := _unusable_name(name):
            listing.append(reject)
        elif entry.kind == "file":
            listing.append(ListedFile(source, source.path, entry.path, name))
        elif entry.kind in NOT_READ:
            listing.append(Reject(reason=NOT_READ[entry.kind], raw=printable(name), detail=printable(source.path.name)))
    _warn_of_unsupported(source, unsupported)
    if not listing:
        listed = ", ".join(sorted(suffixes))
        raise InputError(f"the folder has no file ending in {listed}", str(source.path), "correct ingest.sources")
    return listing


def _warn_of_unsupported(source: Source, names: Sequence[str]) -> None:
    if not names:
        return
    shown = ", ".join(printable(name) for name in names[:MAX_NAMED])
    more = f", and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    log.warning("%s: skipped files in unsupported formats: %s%s", printable(source.path.name), shown, more)


def warn_of_skipped(entry: Entry) -> None:
    """Log that a folder is skipped, because docent writes into it or a link leads out of the source."""
    if entry.kind == "run":
        log.warning("skipped %s: docent writes to this folder", printable(str(entry.path)))
    if entry.kind == "outside" and os.path.isdir(entry.path):  # no reject: the link's target is not hashed
        log.warning("skipped link %s: its target is outside the source", printable(str(entry.path)))


def _unusable_name(name: str) -> Reject | None:
    """Return a reject for a file name that is not UTF-8, or None if it is."""
    if (shown := readable(name)) == name:
        return None
    return Reject(reason="file name is not UTF-8", raw=printable(shown), detail="rename the file")


def readable(name: str) -> str:
    """Return a file name as text; bytes that are not UTF-8 (as in old archives) become question marks."""
    return os.fsencode(name).decode("utf-8", "replace")


class OutsideError(Exception):
    """A path leads out of its folder."""


def confined(root: Path, folder: Path, name: str) -> Path | None:
    """Return the regular file `folder / name`, or one whose name differs only in Unicode form or case, or None.

    Args:
        root: existing folder that must contain the file after all links are resolved.

    Raises:
        OutsideError: the name is absolute, climbs with `..`, or follows a link out of `root`.
    """
    relative = Path(name)
    if relative.is_absolute() or ".." in relative.parts:
        raise OutsideError
    try:
        path = (folder / relative).resolve()
        if not path.exists():
            path = (find_alike(folder, relative.parts) or path).resolve()
        inside = path.is_relative_to(root.resolve())
        usable = inside and path.is_file()
    except (OSError, ValueError, RuntimeError):  # the name is too long or has a NUL, or links form a loop
        return None
    if not inside:
        raise OutsideError
    return path if usable else None


def read_at_most(path: Path, limit_bytes: int) -> bytes | None:
    """Return the bytes of a file, or None if there are more than `limit_bytes`, even if it grows while being read."""
    with path.open("rb") as file:
        # Do not ask for more than the file's size: the read would reserve that much memory.
        data = file.read(min(os.fstat(file.fileno()).st_size, limit_bytes) + 1)
    return None if len(data) > limit_bytes else data


def line_breaks(text: str) -> int:
    """Return the number of line breaks (LF, CR or CRLF), as an editor counts them."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def one_line_name(text: str) -> str:
    """Return a text as a name: on one line, with bounded length."""
    name = " ".join(text.split())
    return name if len(name) <= MAX_NAME_CHARACTERS else name[: MAX_NAME_CHARACTERS - 1] + "…"


def shorten(text: str) -> str:
    """Return a text, cut to the length allowed in a reject."""
    return text if len(text) <= MAX_RAW_CHARACTERS else text[:MAX_RAW_CHARACTERS] + "…"


def check_exhibit(name: str, text: str, where: str) -> Reject | None:
    """Return the reject for an unusable exhibit, or None if it is usable."""
    if not name:
        return Reject(reason="exhibit without a name", raw=shorten(text), detail=where)
    if len(name) > MAX_NAME_CHARACTERS or not name.isprintable():
        detail = f"{where}: one line of at most {MAX_NAME_CHARACTERS} printable characters is expected"
        return Reject(reason="exhibit name cannot be used", raw=printable(name), detail=detail)
    if not text:
        return Reject(reason="exhibit without a description", raw=name, detail=where)
    if len(text.encode()) > MAX_TEXT_BYTES:
        return Reject(reason="description too long", raw=name, detail=f"{where}: more than {MAX_TEXT_BYTES} bytes")
    return None
