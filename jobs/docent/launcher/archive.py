"""A file or folder as a stream that proves it arrived whole: what `push` and `pull` send through a pod.

The stream is a tar in frames: four bytes of length and so many of data, a frame of length 0, and a last frame of JSON
with the counts and the sha256 of the tar. It ends by itself, because the standard input of a process in a pod cannot be
closed halfway. Reads what is sent; writes beside the destination and swaps it in by rename. Nothing is held in memory
but one piece and the list of names.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import posixpath
import shutil
import struct
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from docent.errors import LauncherError
from docent.store import MAX_DEPTH, sync_folder, temporary_name

PIECE_BYTES = 256 * 1024
MAX_FRAME_BYTES = 4 * 1024 * 1024
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


def entries(source: Path, skipped: Callable[[str], None] = lambda _: None) -> Iterator[Entry]:
    """Everything at and below `source`, parents first, in order.

    A link that stays inside is sent as a link, one that leads outside as what it leads to.

    Args:
        source: a file or folder.
        skipped: called with the path of everything that cannot be sent: dead links, sockets, devices.

    Raises:
        LauncherError: (105) there is no such file or folder.
    """
    if not source.exists():
        raise LauncherError(105, "there is no such file or folder", str(source), "mend the path")
    yield from _walk(source.resolve(), TOP, source.resolve(), 0, skipped)


def _walk(path: Path, name: str, root: Path, depth: int, skipped: Callable[[str], None]) -> Iterator[Entry]:
    target = os.readlink(path) if path.is_symlink() else None
    if target is not None and _stays_inside(name, target):
        yield Entry(name, path, target)
    elif path.is_file():
        yield Entry(name, path)
    elif path.is_dir() and depth <= MAX_DEPTH:  # a link outwards may lead to a folder that leads back
        yield Entry(name, path)
        for child in sorted(os.listdir(path)):
            yield from _walk(path / child, f"{name}/{child}", root, depth + (target is not None), skipped)
    else:
        skipped(str(path))


def _stays_inside(name: str, target: str) -> bool:
    """Whether a link of this name leads to something below TOP."""
    led = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    return not target.startswith("/") and name != TOP and (led == TOP or led.startswith(f"{TOP}/"))


def pack(source: Path, skipped: Callable[[str], None] = lambda _: None) -> Iterator[bytes]:
    """The stream of a file or folder.

    Raises:
        LauncherError: (105) it does not exist, or a file changed while it was read.
    """
    sha, files, size_bytes = hashlib.sha256(), 0, 0
    for entry in entries(source, skipped):
        member = _member(entry)
        files += not member.isdir()
        size_bytes += member.size
        for piece in _pieces(member, entry):
            sha.update(piece)
            yield LENGTH.pack(len(piece)) + piece
    end = bytes(2 * tarfile.BLOCKSIZE)
    sha.update(end)
    yield LENGTH.pack(len(end)) + end
    receipt = Receipt(files, size_bytes, sha.hexdigest()).as_json().encode()
    yield LENGTH.pack(0) + LENGTH.pack(len(receipt)) + receipt


def _member(entry: Entry) -> tarfile.TarInfo:
    """The tar's header of an entry: name, kind, size, time and whether it can be run; no owner."""
    member = tarfile.TarInfo(entry.name)
    if entry.link is not None:
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, entry.link, 0o777
        return member
    found = entry.path.stat()
    member.mtime = int(found.st_mtime)
    if entry.path.is_dir():
        member.type, member.mode = tarfile.DIRTYPE, 0o755
    else:
        member.size, member.mode = found.st_size, 0o755 if found.st_mode & 0o100 else 0o644
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
            raise LauncherError(100, "this is not a stream of docent", "transfer", "docent push, or docent pull")
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


def unpack(read: Callable[[int], bytes], destination: Path) -> Receipt:
    """Put what a stream holds at `destination`, in place of what was there; whole or not at all.

    Raises:
        LauncherError: (100) the stream is damaged, broke off, or holds what could lead outside the destination.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    aside = temporary_name(destination)
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        frames = Frames(read)
        try:
            files, size_bytes = _extract(frames, aside)
        except (tarfile.TarError, UnicodeError, ValueError) as error:
            raise LauncherError(100, f"the archive was refused: {error}", str(destination), "send it again") from None
        receipt = frames.check(files, size_bytes)
        if not (aside / TOP).exists():
            raise LauncherError(100, "the archive is empty", str(destination), "send it again")
        _swap_in(aside, destination)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return receipt


def _extract(frames: Frames, folder: Path) -> tuple[int, int]:
    """Write every member below `folder`, durably; returns files and bytes."""
    files = size_bytes = 0
    links: set[str] = set()
    with tarfile.open(fileobj=frames, mode="r|", encoding="utf-8", errors="surrogateescape") as tar:
        for member in tar:
            _refuse_dangerous(member, links)
            if member.issym():
                links.add(member.name)
            tar.extract(member, folder, filter="data")
            files += not member.isdir()
            size_bytes += member.size
            if not member.issym():
                sync_folder(folder / member.name)  # fsync of a file opened for reading makes its content durable too
    return files, size_bytes


def _refuse_dangerous(member: tarfile.TarInfo, links: set[str]) -> None:
    """Only plain files, folders and links that stay inside; nothing through a link. Stricter than tarfile's filter."""
    parts = member.name.split("/")
    if parts[0] != TOP or not all(parts) or {".", ".."} & set(parts) or "\0" in member.name:
        raise tarfile.TarError(f"the name {member.name!r} leads elsewhere")
    if not (member.isreg() or member.isdir() or member.issym()):
        raise tarfile.TarError(f"{member.name!r} is neither file, folder nor link")
    if member.issym() and not _stays_inside(member.name, member.linkname):
        raise tarfile.TarError(f"the link {member.name!r} leads outside")
    if any("/".join(parts[:i]) in links for i in range(1, len(parts) + 1)):
        raise tarfile.TarError(f"{member.name!r} goes through a link")


def _swap_in(aside: Path, destination: Path) -> None:
    """Rename the new content to its place; what was there is put back when that fails."""
    old = aside / "old"
    there = destination.exists() or destination.is_symlink()
    if there:
        os.rename(destination, old)
    try:
        os.rename(aside / TOP, destination)
    except OSError:
        if there:
            os.rename(old, destination)
        raise
    sync_folder(destination.parent)


def confined(path: str, root: Path) -> Path:
    """`path` below `root`, links followed.

    Args:
        path: relative to root, or absolute below it.
        root: the volume.

    Raises:
        LauncherError: (2) it leads elsewhere or is the root itself.
    """
    found = (root / path).resolve()
    if root.resolve() not in found.parents:
        raise LauncherError(2, "the path must lead to something below the volume", path, f"a path below {root}")
    return found
