"""Pack a file or folder as a tar whose receiver can verify it; `push` and `pull` send it through a pod.

The last member of the tar is a receipt: the counts, and the sha256 over every header and every byte of content. It also
marks the end, because the standard input of a process in a pod cannot be closed. Only one chunk and the names of one
folder are held in memory. `extraction` is the receiving end.
"""

import hashlib
import json
import os
import posixpath
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from docent.errors import LauncherError

PIECE_BYTES = 256 * 1024
MAX_LINKS = 8
"""How many nested links that lead outside are followed; anything deeper is skipped with a warning."""
TOP = "content"
RECEIPT = "receipt.json"


class Receipt(BaseModel, frozen=True):
    """Summary of what was sent: files (including links), bytes of their content, sha256 of headers and content."""

    files: int
    size_bytes: int
    sha256: str

    @classmethod
    def parse(cls, text: str | bytes) -> "Receipt":
        """Parse a receipt from JSON.

        Raises:
            LauncherError: (100) the text is not a valid receipt.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            raise LauncherError(100, "the receipt is missing or invalid", "transfer", "try again") from None


class StreamTally:
    """Running counts and digest of a stream; both ends keep one."""

    def __init__(self) -> None:
        self.files = self.size_bytes = 0
        self.sha = hashlib.sha256()

    def add(self, member: tarfile.TarInfo) -> None:
        """Count a member; the caller adds its content to `sha` chunk by chunk."""
        self.files += not member.isdir()
        self.size_bytes += member.size
        header = [
            member.name,
            member.type.decode("latin-1"),
            member.linkname,
            member.mode,
            int(member.mtime),
            member.size,
        ]
        self.sha.update(json.dumps(header).encode())

    @property
    def receipt(self) -> Receipt:
        """The receipt for everything so far."""
        return Receipt(files=self.files, size_bytes=self.size_bytes, sha256=self.sha.hexdigest())


@dataclass(frozen=True)
class Entry:
    """A file, folder or link to send: its name in the tar, its path, and the target if it is sent as a link."""

    name: str
    path: Path
    link: str | None = None


def pack(
    source: Path,
    skipped: Callable[[str], None] = lambda _: None,
    outwards: bool = True,
    tally: StreamTally | None = None,
    may_grow: bool = False,
) -> Iterator[bytes]:
    """Yield the tar of a file or folder in sorted order, parents before their content.

    A link that stays inside is sent as a link; a link that leads outside is replaced by its target.

    Args:
        source: a file or folder.
        skipped: called with the path of everything that cannot be sent: dead links, sockets, devices.
        outwards: whether links that lead outside are followed; otherwise they are skipped.
        tally: counts what is sent.
        may_grow: whether a file that grows meanwhile, as in a run in progress, is sent up to its initial size.

    Raises:
        LauncherError: (102) the file or folder does not exist; (105) a file changed while it was read.
    """
    if not source.exists():
        raise LauncherError(102, "the file or folder does not exist", str(source), "fix the path")
    tally = tally or StreamTally()
    root = source.resolve()
    for entry in _walk(root, TOP, TOP, 0, None if outwards else root):
        if isinstance(entry, Path):
            skipped(str(entry))
            continue
        member = _member(entry)
        tally.add(member)
        yield _header(member)
        if member.isreg():
            for piece in _content(entry.path, member.size, may_grow):
                tally.sha.update(piece)
                yield piece
            yield bytes(-member.size % tarfile.BLOCKSIZE)
    text = tally.receipt.model_dump_json().encode()
    last = tarfile.TarInfo(RECEIPT)
    last.size = len(text)
    # Pad the receipt to a block with zeros, then add the zero blocks that end a tar. The receiver reads full records:
    # a record of zeros makes sure that it has read the receipt before it waits for more.
    yield _header(last) + text + bytes(-len(text) % tarfile.BLOCKSIZE) + bytes(tarfile.RECORDSIZE)


def _walk(path: Path, name: str, top: str, depth: int, confined_to: Path | None) -> Iterator[Entry | Path]:
    """Yield entries, and the paths that are skipped.

    `top` is the name of the folder that links must stay in; below a link that leads outside, that link is the top.
    """
    target = os.readlink(path) if path.is_symlink() else None
    if target is not None and stays_inside(name, target, top):
        yield Entry(name, path, target)
    elif target is not None and confined_to and not Path(os.path.realpath(path)).is_relative_to(confined_to):
        yield path
    elif path.is_file():
        yield Entry(name, path)
    elif path.is_dir() and depth <= MAX_LINKS:  # a link that leads outside may lead to a folder that links back
        yield Entry(name, path)
        inner = top if target is None else name
        for child in sorted(os.listdir(path)):
            yield from _walk(path / child, f"{name}/{child}", inner, depth + (target is not None), confined_to)
    else:
        yield path


def stays_inside(name: str, target: str, top: str = TOP) -> bool:
    """Return whether a link of this name leads to something below `top`, wherever other links lead.

    `..` is only allowed at the beginning: after another link it would mean the parent of that link's target.
    """
    parts = [part for part in target.split("/") if part not in ("", ".")]
    ups = parts.count("..")
    if target.startswith("/") or name == TOP or parts[:ups] != [".."] * ups:
        return False
    resolved = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    return resolved == top or resolved.startswith(f"{top}/")


def _member(entry: Entry) -> tarfile.TarInfo:
    """Return the tar header of an entry: name, kind, size, time and executable bit, but no owner."""
    member = tarfile.TarInfo(entry.name)
    if entry.link is not None:
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, entry.link, 0o777
        return member
    status = entry.path.stat()
    if entry.path.is_dir():  # without its mtime, which changes with every copy
        member.type, member.mode = tarfile.DIRTYPE, 0o755
    else:
        member.mtime, member.size = int(status.st_mtime), status.st_size
        member.mode = 0o755 if status.st_mode & 0o100 else 0o644
    return member


def _header(member: tarfile.TarInfo) -> bytes:
    return member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _content(path: Path, size: int, may_grow: bool) -> Iterator[bytes]:
    with path.open("rb") as file:
        before, left = os.fstat(file.fileno()), size
        while left and (piece := file.read(min(PIECE_BYTES, left))):
            left -= len(piece)
            yield piece
        after = os.fstat(file.fileno())
        is_same = (size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
        if left or not (is_same or may_grow):
            raise LauncherError(105, "the file changed while it was read", str(path), "try again")


def reader(pieces: Iterable[bytes]) -> Callable[[int], bytes]:
    """Return a function that reads exactly `size` bytes from chunks of any length; fewer at the end."""
    rest, source = bytearray(), iter(pieces)

    def read(size: int) -> bytes:
        while len(rest) < size and (piece := next(source, None)) is not None:
            rest.extend(piece)
        data = bytes(rest[:size])
        del rest[:size]
        return data

    return read
