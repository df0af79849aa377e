"""Read the parts of an untrusted workbook: a ZIP archive of XML files, read in pieces.

Every part is first unpacked once to count its bytes, since the sizes stated in an archive may be wrong. A document
type, through which XML could refer to other files or expand, is refused. Opens no other file.
"""

import io
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from typing import Any
from xml.parsers import expat

MAX_ENTRIES = 10_000
_PIECE_BYTES = 65_536


class WorkbookError(Exception):
    """The workbook is damaged."""


class TooLargeError(Exception):
    """The workbook exceeds a limit, which the message names."""


class Handler:
    """Receives the elements of a part, by names without a namespace; this base class ignores them."""

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        """Handle the start of an element."""

    def closed(self, name: str) -> None:
        """Handle the end of an element."""

    def data(self, text: str) -> None:
        """Handle text."""


class Package:
    """A ZIP archive whose parts were checked against the size limit."""

    def __init__(self, data: bytes, limit_bytes: int) -> None:
        """Open an archive, and unpack all XML parts once to count their bytes.

        Raises:
            WorkbookError: it is not an archive, or is damaged.
            TooLargeError: it has too many parts, or they have more than `limit_bytes` together.
        """
        with damage():
            self._archive = zipfile.ZipFile(io.BytesIO(data))
            entries = self._archive.infolist()
        stated = sum(entry.file_size for entry in entries)
        if stated > limit_bytes or len(entries) > MAX_ENTRIES:
            allowed = f"ingest.rows.max_mb allows {limit_bytes} bytes, and {MAX_ENTRIES} parts are the most"
            raise TooLargeError(f"{stated} bytes in {len(entries)} parts unpacked; {allowed}")
        self._names = {entry.filename.lstrip("/").lower(): entry.filename for entry in entries}
        parts = (name for name in self._names if name.endswith((".xml", ".rels")))
        for unpacked in accumulate(len(piece) for name in parts for piece in self.pieces(name)):
            if unpacked > limit_bytes:
                raise TooLargeError(f"more than {limit_bytes} bytes unpacked; see ingest.rows.max_mb")

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._names

    def pieces(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a part.

        Raises:
            WorkbookError: there is no such part, or it is damaged.
        """
        if name not in self:
            raise WorkbookError(f"it has no part {name}")
        with damage(), self._archive.open(self._names[name.lower()]) as part:
            while piece := part.read(_PIECE_BYTES):
                yield piece

    def read(self, name: str, handler: Handler) -> Iterator[None]:
        """Parse a part; yield after each piece, so that the caller can take what the handler has collected.

        Raises:
            WorkbookError: the part is not XML, or has a document type.
        """
        parser = expat.ParserCreate(namespace_separator="}")
        parser.StartElementHandler = lambda tag, attributes: handler.opened(tag.rpartition("}")[2], attributes)
        parser.EndElementHandler = lambda tag: handler.closed(tag.rpartition("}")[2])
        parser.CharacterDataHandler = handler.data
        parser.StartDoctypeDeclHandler = _refuse_document_type
        with damage():
            for piece in self.pieces(name):
                parser.Parse(piece)
                yield
            parser.Parse(b"", True)
        yield

    def read_whole(self, name: str, handler: Handler) -> None:
        """Parse a part completely."""
        for _ in self.read(name, handler):
            pass

    def related(self, part: str) -> dict[str, tuple[str, str]]:
        """Return kind and name of the parts that a part refers to, by id; leave out external links."""
        folder, name = posixpath.split(part)
        targets = _Relations(folder)
        relations = posixpath.join(folder, "_rels", f"{name}.rels")
        if relations in self:
            self.read_whole(relations, targets)
        return targets.targets


def _refuse_document_type(*_: Any) -> None:
    raise WorkbookError("a part has a document type (DOCTYPE), which no workbook has")


class _Relations(Handler):
    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.targets: dict[str, tuple[str, str]] = {}

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            target = attributes.get("Target", "")
            path = posixpath.normpath(posixpath.join("/", self.folder, target)).lstrip("/")
            kind = attributes.get("Type", "").rpartition("/")[2]
            self.targets[attributes.get("Id", "")] = (kind, path)


@contextmanager
def damage() -> Iterator[None]:
    """Convert exceptions that parsers raise on damaged archives to `WorkbookError`."""
    try:
        yield
    except expat.ExpatError as error:
        raise WorkbookError(f"a part is no XML: {error}") from None
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError) as error:
        raise WorkbookError(f"it is no workbook, or damaged: {error}") from None
    except (OSError, ValueError, LookupError, NotImplementedError, RuntimeError, ArithmeticError) as error:
        raise WorkbookError(f"{type(error).__name__}: {error}") from None
