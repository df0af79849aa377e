"""The receiving end of a stream: what it holds, in place of what was there, whole or not at all.

Writes beside the destination and swaps it in by rename. Trusts nothing that comes: only files, folders and links that
stay inside are taken. Run alone in a pod: `docent unpack DESTINATION`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

from docent.artifacts.durable import sync_folder, temporary_name
from docent.errors import LauncherError
from docent.launcher.cluster.transfer.archive import PIECE_BYTES, TOP, Frames, Receipt, stays_inside


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
        except (tarfile.TarError, ValueError, OverflowError, FileExistsError, FileNotFoundError) as error:
            raise LauncherError(100, f"the archive was refused: {error}", str(destination), "send it again") from None
        receipt = frames.check(files, size_bytes)
        if not (aside / TOP).exists():
            raise LauncherError(100, "the archive is empty", str(destination), "send it again")
        _swap_in(aside, destination)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return receipt


def _extract(frames: Frames, folder: Path) -> tuple[int, int]:
    """Write every member below `folder`, durably; returns files and bytes.

    By hand, because the filters of tarfile's own `extract` are younger than the first Python 3.11.
    """
    files = size_bytes = 0
    links: set[str] = set()
    with tarfile.open(fileobj=frames, mode="r|", encoding="utf-8", errors="surrogateescape") as tar:
        for member in tar:
            _refuse_dangerous(member, links)
            path = folder / member.name
            if member.isdir():
                path.mkdir()
            elif member.issym():
                links.add(member.name)
                path.symlink_to(member.linkname)
            else:
                _write(tar, member, path)
            files += not member.isdir()
            size_bytes += member.size
    return files, size_bytes


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    """A new file with the member's content, time and right to be run, and nothing else of its mode."""
    content = tar.extractfile(member)
    if content is None:
        raise tarfile.TarError(f"{member.name!r} has no content")
    with path.open("xb") as file:  # x: the same name twice is an error
        shutil.copyfileobj(content, file, PIECE_BYTES)
        os.fchmod(file.fileno(), 0o755 if member.mode & 0o100 else 0o644)
        file.flush()
        os.fsync(file.fileno())
    os.utime(path, (member.mtime, member.mtime))


def _refuse_dangerous(member: tarfile.TarInfo, links: set[str]) -> None:
    """Only plain files, folders and links that stay inside; nothing through a link. Stricter than tarfile's filter."""
    parts = member.name.split("/")
    if parts[0] != TOP or not all(parts) or {".", ".."} & set(parts) or "\0" in member.name:
        raise tarfile.TarError(f"the name {member.name!r} leads elsewhere")
    if not (member.isreg() or member.isdir() or member.issym()) or member.issparse():  # a sparse file grows on disk
        raise tarfile.TarError(f"{member.name!r} is neither plain file, folder nor link")
    if member.issym() and not stays_inside(member.name, member.linkname):
        raise tarfile.TarError(f"the link {member.name!r} leads outside")
    if any("/".join(parts[:i]) in links for i in range(1, len(parts) + 1)):
        raise tarfile.TarError(f"{member.name!r} goes through a link")


def _swap_in(aside: Path, destination: Path) -> None:
    """Rename the new content to its place; what was there is put back when that fails or is interrupted."""
    new, old = aside / TOP, aside / "old"
    try:
        if destination.is_dir() or new.is_dir():  # else one rename replaces the file
            with contextlib.suppress(FileNotFoundError):
                os.rename(destination, old)
        os.replace(new, destination)
    except BaseException:
        if os.path.lexists(old):
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
