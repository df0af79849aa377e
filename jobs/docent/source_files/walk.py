"""Walk a folder of raw material. Hashing and reading use the same walk, so that both see the same files.

Reads folders and the targets of links; opens no file and writes nothing. Links out of the folder are listed but not
followed, and pipes, sockets and devices are listed but not opened. Folders are read to any depth. Runs of docent inside
the folder are left out: `path: .` must not read what the run itself writes.
"""

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from docent.errors import InputError, TemporaryError
from docent.messages.printing import printable

Kind = Literal["file", "folder", "link", "outside", "special", "dead", "run"]
MAX_ENTRIES = 1_000_000
# Files in these folders can be endless, change with every access, or block their reader.
SYSTEM_FOLDERS = ("/proc", "/sys", "/dev")
SHARED_MEMORY = "/dev/shm"  # an ordinary file system
RUN_FILES = re.compile(r"pipeline\.(resolved|attempt)\.yaml|_SUCCESS\.json|log-tail-\d{5}\.txt")
"""A folder that contains one of these is a run of docent, or a unit in one."""
CACHE, SOURCE_HASHES = "cache", "source-hashes"
_Above = tuple[tuple[int, int], ...]
"""Device and inode of a folder and of its ancestors."""
_Waiting = tuple[str, str, os.stat_result, _Above]
"""A folder to read: name, path, status, and `_Above`."""


class Entry(NamedTuple):
    """A file, folder or link below the folder, or the folder itself.

    Attributes:
        name: path relative to the folder, with slashes; "" for the folder itself.
        path: the folder's path joined with the name.
        kind: `file`, also behind a link that stays inside; `folder`; `link`, to a folder that is listed under its own
            name; `outside`, a link out of the folder; `special`, a pipe, socket or device; `dead`, a link to nothing;
            `run`, a folder that docent writes.
        status: status of the file or folder; for `link`, `outside` and `dead`, status of the link itself.
        target: for `link`, the name of the folder that it leads to.
        empty: for `folder`, whether it is empty.
    """

    name: str
    path: Path
    kind: Kind
    status: os.stat_result
    target: str = ""
    empty: bool = False


def walk(folder: Path, outwards: bool = False) -> Iterator[Entry]:
    """Yield the folder and everything below it; in each folder first all other entries by name, then the subfolders.

    Args:
        folder: the folder, or a link to it.
        outwards: whether to follow links out of the folder as well; caches of models consist of such links.

    Raises:
        InputError: the folder belongs to the system, or is too large or too deep to be read.
        PermissionError: a folder cannot be read.
        TemporaryError: a file or folder disappeared during the walk.
    """
    refuse_system_folder(folder)
    top = os.path.realpath(folder)
    with _problems_named(os.fspath(folder)):
        status = os.stat(top)
    waiting: list[_Waiting] = [("", os.fspath(folder), status, ((status.st_dev, status.st_ino),))]
    count = 0
    while waiting:
        name, path, status, above = waiting.pop()
        inside = _children(path)
        count += len(inside)
        if count > MAX_ENTRIES:
            what = f"the folder contains more than {MAX_ENTRIES:,} files and folders"
            raise InputError(what, printable(str(folder)), "use one of its subfolders")
        if name and is_run(path, inside):
            yield Entry(name, Path(path), "run", status)
            continue
        yield Entry(name, Path(path), "folder", status, empty=not inside)
        inner: list[_Waiting] = []
        for child in inside:
            below = f"{name}/{child.name}" if name else child.name
            entry = _entry(child, below, top, outwards, above)
            if entry.kind == "folder":
                identity = (entry.status.st_dev, entry.status.st_ino)
                inner.append((below, child.path, entry.status, (*above, identity)))
            else:
                yield entry
        waiting += reversed(inner)


def children(folder: Path) -> list[Entry]:
    """Return the entries directly in a folder, sorted by name, as `walk` classifies them.

    Raises:
        InputError: the folder belongs to the system, or cannot be read.
        PermissionError: there is no permission to read it.
    """
    refuse_system_folder(folder)
    top = os.path.realpath(folder)
    entries = [_entry(child, child.name, top, False, ()) for child in _children(os.fspath(folder))]
    return [one._replace(kind="run") if one.kind == "folder" and is_run(str(one.path)) else one for one in entries]


def lies_in_run(path: Path, root: Path) -> bool:
    """Return whether a path below `root` is in a folder that docent writes, which `walk` leaves out.

    Args:
        path: a path below `root`, without links.
        root: the folder of raw material, without links.
    """
    levels = (path, *path.parents)[: len(path.relative_to(root).parts)]
    return any(_is_run_folder(os.fspath(level)) for level in levels)


@lru_cache(maxsize=4096)  # called for every picture in a folder, and each call lists the folder
def _is_run_folder(path: str) -> bool:
    return os.path.isdir(path) and is_run(path)


def refuse_system_folder(path: Path) -> None:
    """Refuse the root of the file system, and folders whose files the system generates.

    Raises:
        InputError: the path is one of them.
    """
    if os.path.realpath(path) == "/" or _is_system(os.path.realpath(path)):
        raise InputError(
            "the root of the file system, /proc, /sys and /dev cannot be used as a source",
            printable(str(path)),
            "use the folder that contains the documents",
        )


def _is_system(real: str) -> bool:
    shared = real == SHARED_MEMORY or real.startswith(f"{SHARED_MEMORY}/")
    return not shared and any(real == folder or real.startswith(f"{folder}/") for folder in SYSTEM_FOLDERS)


@contextlib.contextmanager
def _problems_named(path: str) -> Iterator[None]:
    """Convert the errors of the file system that have a remedy: a deleted entry, and a path that is too long.

    Raises:
        InputError: the path is too long for the file system.
        TemporaryError: the file or folder no longer exists.
    """
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):  # deleted, or replaced by a file, since its folder was listed
        raise TemporaryError("a source changed while it was being read", printable(path), "docent run") from None
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise InputError("the path is too long to be opened", printable(path), "use a shorter path") from None


def _children(path: str) -> list[os.DirEntry[str]]:
    with _problems_named(path), os.scandir(path) as children:
        return sorted(children, key=lambda child: child.name)


def _entry(child: os.DirEntry[str], name: str, top: str, outwards: bool, above: _Above) -> Entry:
    with _problems_named(child.path):
        status = child.stat(follow_symlinks=False)
        if child.is_symlink():
            return _link(Path(child.path), name, top, outwards, above)
        return Entry(name, Path(child.path), _kind(status), status)


def _link(path: Path, name: str, top: str, outwards: bool, above: _Above) -> Entry:
    status = path.lstat()
    try:
        real = os.path.realpath(path, strict=True)
        led = os.stat(real)
    except PermissionError:  # the target cannot be resolved, so it is not in the folder, which is readable
        return Entry(name, path, "outside", status)
    except OSError:  # no target, or a loop of links
        return Entry(name, path, "dead", status)
    inside = real == top or real.startswith(f"{top.rstrip('/')}/")
    if _is_system(real) or not (inside or outwards):
        return Entry(name, path, "outside", status)
    kind = _kind(led)
    if kind == "folder" and (not outwards or (led.st_dev, led.st_ino) in above):
        return Entry(name, path, "link", status, target=os.path.relpath(real, top))
    return Entry(name, path, kind, led)


def _kind(status: os.stat_result) -> Kind:
    if stat.S_ISDIR(status.st_mode):
        return "folder"
    return "file" if stat.S_ISREG(status.st_mode) else "special"


def is_run(path: str, found_inside: list[os.DirEntry[str]] | None = None, levels: int = 2) -> bool:
    """Return whether docent writes to a folder: a unit, a run, the folder of all runs, or the cache next to runs.

    Args:
        path: the folder.
        found_inside: its entries, if they are known already.
        levels: how many levels of subfolders to check.
    """
    inside = _children(path) if found_inside is None else found_inside
    if any(RUN_FILES.fullmatch(child.name) for child in inside):
        return True
    if os.path.basename(path) == CACHE:
        if any(child.name == SOURCE_HASHES for child in inside):
            return True
        with os.scandir(os.path.dirname(path)) as beside:
            files = (f"{one.path}/pipeline.{kind}.yaml" for one in beside for kind in ("resolved", "attempt"))
            return any(map(os.path.lexists, files))
    below = (child.is_dir(follow_symlinks=False) and is_run(child.path, None, levels - 1) for child in inside)
    return levels > 0 and bool(inside) and all(below)
