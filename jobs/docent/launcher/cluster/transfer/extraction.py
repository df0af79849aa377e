"""Unpack a stream from `archive`, and atomically replace the destination with its content.

Writes next to the destination and swaps the result in by rename. Trusts nothing that arrives: only files, folders and
links that stay inside are accepted. To run it alone in a pod: `docent unpack DESTINATION`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import IO

from docent.artifacts.durable import sync_folder, temporary_name
from docent.errors import LauncherError
from docent.launcher.cluster.transfer.archive import PIECE_BYTES, RECEIPT, TOP, Receipt, StreamTally, stays_inside


def unpack(read: Callable[[int], bytes], destination: Path) -> Receipt:
    """Replace `destination` with the content of a stream, completely or not at all.

    Args:
        read: returns exactly as many bytes as requested, or fewer if the stream ended early.
        destination: a path that may not exist yet.

    Raises:
        LauncherError: (100) the stream is damaged, ended early, or has members that could lead outside.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    aside = temporary_name(destination)
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        receipt = _extract(read, aside)
        if not (aside / TOP).exists():
            raise LauncherError(100, "the archive is empty", str(destination), "send it again")
        _swap_in(aside, destination)
    except (tarfile.TarError, ValueError, OverflowError, FileExistsError, FileNotFoundError) as error:
        raise LauncherError(100, f"the archive was refused: {error}", str(destination), "send it again") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return receipt


def _extract(read: Callable[[int], bytes], folder: Path) -> Receipt:
    """Write every member below `folder`, durably, and compare with the receipt at the end.

    `extract(filter="data")` is not used: it follows links, replaces existing files, and does not sync.
    """
    tally, links = StreamTally(), set[str]()
    stream = SimpleNamespace(read=read)
    with tarfile.open(fileobj=stream, mode="r|", encoding="utf-8", errors="surrogateescape") as tar:
        for member in tar:
            if member.name == RECEIPT and member.isreg():
                if Receipt.parse(_content(tar, member).read(PIECE_BYTES)) != tally.receipt:
                    raise LauncherError(100, "what arrived is not what was sent", "transfer", "try again")
                return tally.receipt
            _refuse_dangerous(member, links)
            tally.add(member)
            path = folder / member.name
            if member.isdir():
                path.mkdir()
            elif member.issym():
                links.add(member.name)
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


def _refuse_dangerous(member: tarfile.TarInfo, links: set[str]) -> None:
    """Accept only plain files, folders and links that stay inside, and no path that goes through a link."""
    parts = member.name.split("/")
    if parts[0] != TOP or not all(parts) or {".", ".."} & set(parts) or "\0" in member.name:
        raise tarfile.TarError(f"the name {member.name!r} leads elsewhere")
    if not (member.isreg() or member.isdir() or member.issym()) or member.issparse():  # a sparse file can fill the disk
        raise tarfile.TarError(f"{member.name!r} is neither plain file, folder nor link")
    if member.issym() and not stays_inside(member.name, member.linkname):
        raise tarfile.TarError(f"the link {member.name!r} leads outside")
    if any("/".join(parts[:i]) in links for i in range(1, len(parts) + 1)):
        raise tarfile.TarError(f"{member.name!r} goes through a link")


def _swap_in(aside: Path, destination: Path) -> None:
    """Rename the new content into place; restore the old content if that fails or is interrupted."""
    new, old = aside / TOP, aside / "old"
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
        raise LauncherError(2, "the path must lead to something below the volume", path, f"a path below {root}")
    return resolved
