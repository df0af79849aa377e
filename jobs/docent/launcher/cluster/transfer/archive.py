"""A file or folder as a stream that proves it arrived whole: what `push` and `pull` send through a pod.

The stream is a tar in frames: four bytes of length and so many of data, a frame of length 0, and a last frame of JSON
with the counts and the sha256 of the tar. It ends by itself, because the standard input of a process in a pod cannot be
closed halfway. Reads what is sent and writes nothing; extraction.py is the other end. Nothing is held in memory but one
piece and the names of one folder.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import posixpath
import struct
import tarfile
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from docent.errors import LauncherError

PIECE_BYTES = 256 * 1024
MAX_FRAME_BYTES = 4 * 1024 * 1024
MAX_LINKS = 8
"""Links outwards that are followed one below the other; what lies behind more of them is named and left out."""
TOP = "content"
LENGTH = struct.Struct(">I")


@dataclass(frozen=True)
class Receipt:
    """What went through: files (links among them), bytes of their content, sha256 of the tar."""

    files: int
    size_bytes: int
    sha256: str

    def as_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def parse(cls, text: str | bytes) -> Receipt:
        """The receipt that `as_json` wrote.

        Raises:
            LauncherError: (100) it is none.
        """
        try:
            found = json.loads(text)
            return cls(int(found["files"]), int(found["size_bytes"]), str(found["sha256"]))
        except (ValueError, TypeError, KeyError):
            raise LauncherError(100, "the other end did not say what arrived", "transfer", "try again") from None


@dataclass(frozen=True)
class Entry:
    """One thing to send: its name in the tar, where it lies, and the target when it is sent as a link."""

    name: str
    path: Path
    link: str | None = None


def entries(source: Path, skipped: Callable[[str], None] = lambda _: None, outwards: bool = True) -> Iterator[Entry]:
    """Everything at and below `source`, parents first, in order.

    A link that stays inside is sent as a link, one that leads outside as what it leads to.

    Args:
        source: a file or folder.
        skipped: called with the path of everything that cannot be sent: dead links, sockets, devices.
        outwards: whether links that lead outside are followed; they are skipped otherwise.

    Raises:
        LauncherError: (105) there is no such file or folder.
    """
    if not source.exists():
        raise LauncherError(102, "there is no such file or folder", str(source), "fix the path")
    root = source.resolve()

    def refused(path: Path) -> bool:
        return not outwards and not Path(os.path.realpath(path)).is_relative_to(root)

    for entry in _walk(root, TOP, TOP, 0, refused):
        if isinstance(entry, Entry):
            yield entry
        else:
            skipped(str(entry))


def _walk(path: Path, name: str, top: str, depth: int, refused: Callable[[Path], bool]) -> Iterator[Entry | Path]:
    """Entries, and the paths that are skipped.

    `top` is the name of the folder that links must stay in: below a link outwards, what that link leads to.
    """
    target = os.readlink(path) if path.is_symlink() else None
    if target is not None and stays_inside(name, target, top):
        yield Entry(name, path, target)
    elif target is not None and refused(path):
        yield path
    elif path.is_file():
        yield Entry(name, path)
    elif path.is_dir() and depth <= MAX_LINKS:  # a link outwards may lead to a folder that leads back
        yield Entry(name, path)
        inner = top if target is None else name
        for child in sorted(os.listdir(path)):
            yield from _walk(path / child, f"{name}/{child}", inner, depth + (target is not None), refused)
    else:
        yield path


def stays_inside(name: str, target: str, top: str = TOP) -> bool:
    """Whether a link of this name leads to something below `top`, wherever other links lead.

    `..` counts only at the beginning: behind the name of another link it would lead to the parent of what that is.
    """
    parts = [part for part in target.split("/") if part not in ("", ".")]
    ups = parts.count("..")
    if target.startswith("/") or name == TOP or parts[:ups] != [".."] * ups:
        return False
    led = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    return led == top or led.startswith(f"{top}/")


def pack(
    source: Path, skipped: Callable[[str], None] = lambda _: None, outwards: bool = True
) -> Generator[bytes, None, Receipt]:
    """The stream of a file or folder; the generator's return value is what was sent. Arguments as of `entries`.

    Raises:
        LauncherError: (105) it does not exist, or a file changed while it was read.
    """
    sha, files, size_bytes = hashlib.sha256(), 0, 0
    for entry in entries(source, skipped, outwards):
        member = _member(entry)
        files += not member.isdir()
        size_bytes += member.size
        for piece in _pieces(member, entry):
            sha.update(piece)
            yield LENGTH.pack(len(piece)) + piece
    end = bytes(2 * tarfile.BLOCKSIZE)
    sha.update(end)
    yield LENGTH.pack(len(end)) + end
    receipt = Receipt(files, size_bytes, sha.hexdigest())
    text = receipt.as_json().encode()
    yield LENGTH.pack(0) + LENGTH.pack(len(text)) + text
    return receipt


def _member(entry: Entry) -> tarfile.TarInfo:
    """The tar's header of an entry: name, kind, size, time and whether it can be run; no owner."""
    member = tarfile.TarInfo(entry.name)
    if entry.link is not None:
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, entry.link, 0o777
        return member
    found = entry.path.stat()
    if entry.path.is_dir():  # without its time, which changes with every copy
        member.type, member.mode = tarfile.DIRTYPE, 0o755
    else:
        member.mtime, member.size = int(found.st_mtime), found.st_size
        member.mode = 0o755 if found.st_mode & 0o100 else 0o644
    return member


def _pieces(member: tarfile.TarInfo, entry: Entry) -> Iterator[bytes]:
    yield member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    if not member.isreg():
        return
    left = member.size
    with entry.path.open("rb") as file:
        while left:
            piece = file.read(min(PIECE_BYTES, left))
            if not piece:
                raise LauncherError(105, "a file became shorter while it was read", str(entry.path), "try again")
            left -= len(piece)
            yield piece
    if padding := -member.size % tarfile.BLOCKSIZE:
        yield bytes(padding)


class Frames(io.RawIOBase):
    """The tar inside a stream of frames, as a file to read; `receipt` is there once it has ended.

    Args:
        read: returns exactly so many bytes, or fewer when the stream ended early.
    """

    def __init__(self, read: Callable[[int], bytes]) -> None:
        super().__init__()
        self._read, self._rest = read, b""
        self._sha = hashlib.sha256()
        self.receipt: Receipt | None = None

    def readable(self) -> bool:
        """True, as for every file that can be read."""
        return True

    def read(self, size: int | None = -1) -> bytes:
        """At most `size` bytes, b"" at the end.

        Raises:
            LauncherError: (100) the stream ended early or is not one of ours.
        """
        if not self._rest and self.receipt is None:
            self._rest = self._exactly(self._length())
            if not self._rest:
                self.receipt = Receipt.parse(self._exactly(self._length()))
        wanted = len(self._rest) if size is None or size < 0 else size
        piece, self._rest = self._rest[:wanted], self._rest[wanted:]
        self._sha.update(piece)
        return piece

    def check(self, files: int, size_bytes: int) -> Receipt:
        """Read to the end and compare with what the sender counted.

        Raises:
            LauncherError: (100) something is missing or differs.
        """
        while self.read(PIECE_BYTES):
            pass
        arrived = Receipt(files, size_bytes, self._sha.hexdigest())
        if arrived != self.receipt:
            raise LauncherError(100, "what arrived is not what was sent", "transfer", "try again")
        return arrived

    def _length(self) -> int:
        length = int(LENGTH.unpack(self._exactly(LENGTH.size))[0])
        if length > MAX_FRAME_BYTES:
            raise LauncherError(
                100,
                "this is not a stream of docent",
                "transfer",
                "use the verbs push and pull, which write and read it",
            )
        return length

    def _exactly(self, size: int) -> bytes:
        found = self._read(size)
        if len(found) != size:
            raise LauncherError(100, "the transfer broke off", "transfer", "try again")
        return found


def reader(pieces: Iterable[bytes]) -> Callable[[int], bytes]:
    """Read exactly so many bytes from pieces of any length; fewer at their end."""
    rest, source = bytearray(), iter(pieces)

    def read(size: int) -> bytes:
        while len(rest) < size:
            piece = next(source, None)
            if piece is None:
                break
            rest.extend(piece)
        found = bytes(rest[:size])
        del rest[:size]
        return found

    return read
