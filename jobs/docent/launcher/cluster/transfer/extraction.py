"""Unpack a stream from `archive`, and atomically replace the destination with its content.

Writes next to the destination and swaps the result in by rename. Trusts nothing that arrives: only files, folders and
links that stay inside are accepted. To run it alone in a pod: `docent unpack DESTINATION`.
"""

import contextlib
import glob
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from docent.artifacts.durable import sync_folder, temporary_name
from docent.errors import LauncherError
from docent.launcher.cluster.transfer.archive import PIECE_BYTES, RECEIPT, TOP, Receipt, StreamTally, stays_inside

HEADER_BYTES = 64 * 1024
"""Limit on the headers of one member, which tarfile holds in memory; names and link targets have at most 4 KiB."""
OLD = "old"


class _Stream:
    """A stream that refuses to be read beyond `left_bytes`."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read, self.left_bytes = read, HEADER_BYTES

    def read(self, size: int) -> bytes:  # all that tarfile calls in mode r|
        self.left_bytes -= size
        if self.left_bytes < 0:
            raise tarfile.TarError(f"the headers of a member are larger than {HEADER_BYTES} bytes")
        return self._read(size)


def unpack(read: Callable[[int], bytes], destination: Path) -> Receipt:
    """Replace `destination` with the content of a stream, completely or not at all.

    Args:
        read: returns exactly as many bytes as requested, or fewer if the stream ended early.
        destination: a path that may not exist yet.

    Raises:
        LauncherError: (100) the stream is damaged, ended early, or has members that could lead outside.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    _restore(destination)
    aside = temporary_name(destination)
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        receipt = _extract(read, aside)
        if not (aside / TOP).exists():
            raise LauncherError(100, "the archive is empty", str(destination), "try again")
        _swap_in(aside, destination)
    except (tarfile.TarError, ValueError, OverflowError, FileExistsError, FileNotFoundError) as error:
        raise LauncherError(100, f"the received archive was refused: {error}", str(destination), "try again") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return receipt


def _extract(read: Callable[[int], bytes], folder: Path) -> Receipt:
    """Write every member below `folder`, durably, and compare with the receipt at the end.

    `extract(filter="data")` is not used: it follows links, replaces existing files, and does not sync.
    """
    tally, root = StreamTally(), os.path.realpath(folder)
    stream: Any = _Stream(read)
    with tarfile.open(fileobj=stream, mode="r|", encoding="utf-8", errors="surrogateescape") as tar:
        while member := tar.next():
            stream.left_bytes = HEADER_BYTES + (member.size if member.isreg() else 0)
            tar.members.clear()  # type: ignore[attr-defined]  # otherwise tarfile keeps every header until the end
            if member.name == RECEIPT and member.isreg():
                if Receipt.parse(_content(tar, member).read(PIECE_BYTES)) != tally.receipt:
                    raise LauncherError(100, "the received data differs from the sent data", "transfer", "try again")
                return tally.receipt
            _refuse_dangerous(member)
            path = Path(root, member.name)
            # Ask the file system, which may ignore case or Unicode normalization: A and a may be the same link.
            if os.path.realpath(path.parent) != str(path.parent):
                raise tarfile.TarError(f"the path {member.name!r} goes through a link")
            tally.add(member)
            if member.isdir():
                path.mkdir()
            elif member.issym():
                path.symlink_to(member.linkname)
            else:
                _write(_content(tar, member), member, path, tally)
    raise LauncherError(100, "the transfer ended early", "transfer", "try again")


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(member)
    if content is None:
        raise tarfile.TarError(f"{member.name!r} has no content")
    return content


def _write(content: IO[bytes], member: tarfile.TarInfo, path: Path, tally: StreamTally) -> None:
    """Write a new file with the member's content, time and executable bit; ignore the rest of its mode."""
    with path.open("xb") as file:  # x: a duplicate name is an error
        while piece := content.read(PIECE_BYTES):
            tally.sha.update(piece)
            file.write(piece)
        os.fchmod(file.fileno(), 0o755 if member.mode & 0o100 else 0o644)
        file.flush()
        os.fsync(file.fileno())
    os.utime(path, (member.mtime, member.mtime))


def _refuse_dangerous(member: tarfile.TarInfo) -> None:
    """Accept only plain files, folders and links that stay inside."""
    parts = member.name.split("/")
    if parts[0] != TOP or not all(parts) or {".", ".."} & set(parts) or "\0" in member.name:
        raise tarfile.TarError(f"{member.name!r} is not a valid path inside the archive")
    if not (member.isreg() or member.isdir() or member.issym()) or member.issparse():  # a sparse file can fill the disk
        raise tarfile.TarError(f"{member.name!r} is not a regular file, a folder or a symbolic link")
    if member.issym() and not stays_inside(member.name, member.linkname):
        raise tarfile.TarError(f"the link {member.name!r} points outside the archive")


def _swap_in(aside: Path, destination: Path) -> None:
    """Rename the new content into place; restore the old content if that fails or is interrupted."""
    new, old = aside / TOP, _backup(aside, destination)
    try:
        if destination.is_dir() or new.is_dir():  # two files need no backup: one rename replaces the old one
            with contextlib.suppress(FileNotFoundError):
                os.rename(destination, old)
        os.replace(new, destination)
    except BaseException:
        if os.path.lexists(old):
            os.rename(old, destination)
        raise
    sync_folder(destination.parent)


def _restore(destination: Path) -> None:
    """Put the old content back if an earlier transfer was killed between the two renames of `_swap_in`."""
    for aside in destination.parent.glob(f".{glob.escape(destination.name)}.*.tmp"):
        if os.path.lexists(old := _backup(aside, destination)) and not os.path.lexists(destination):
            os.rename(old, destination)
            shutil.rmtree(aside, ignore_errors=True)


def _backup(aside: Path, destination: Path) -> Path:
    """Return the path of the old content. It names the destination: `a` and `a.b` have similar temporary folders."""
    return aside / f"{OLD}-{destination.name}"


def confined(path: str, root: Path) -> Path:
    """Return `path` below `root`, with links resolved.

    Args:
        path: a path relative to `root`, or absolute below it.
        root: mount point of the volume.

    Raises:
        LauncherError: (2) the path leads outside, or is the root itself.
    """
    resolved = (root / path).resolve()
    if root.resolve() not in resolved.parents:
        raise LauncherError(2, "the path must be below the volume", path, f"a path below {root}")
    return resolved
