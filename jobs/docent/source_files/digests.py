"""Hash the files that a unit reads from outside the run, and detect whether they changed while they were read.

Reads files and folders of raw material; writes nothing. The digest covers names and contents, but not times or the
spelling of a path: `manual`, `./manual/` and `manual/care/..` have the same digest. A snapshot also keeps a stamp of
every file and folder (size, mtime, ctime, inode): a file that was missing or different for a moment has another ctime
afterwards, and so does the folder that contains it or that was moved together with it.
"""

import hashlib
import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from docent.errors import TemporaryError
from docent.messages.printing import printable
from docent.records import canonical_json
from docent.source_files.walk import Entry, refuse_system_folder, walk

# File system clocks tick every few milliseconds, and the clocks of file servers differ from this machine's.
DOUBTFUL_NS = 2_000_000_000
NAMED_CHANGES = 3


class Stamp(NamedTuple):
    """The parts of a file's or folder's status that show a change."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Stamp":
        """Return the stamp for a status."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


class Hashed(NamedTuple):
    """The sha256 of a file's content, and the stamp that the file had when it was hashed."""

    stamp: Stamp
    sha256: str


@dataclass
class Snapshot:
    """The state of inputs when they were hashed.

    Attributes:
        digest: sha256 over names and contents.
        taken_ns: when hashing began, in nanoseconds since the epoch.
        files: hash and stamp of every regular file, by path.
        folders: stamp of every folder, and of every input that is a link, by path.
        others: paths of links and special files, which are not opened.
        new_files, new_bytes: number and size of files whose hashes were not known.
    """

    paths: tuple[Path, ...]
    outwards: bool
    digest: str = ""
    taken_ns: int = field(default_factory=time.time_ns)
    files: dict[str, Hashed] = field(default_factory=dict)
    folders: dict[str, Stamp] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    new_files: int = 0
    new_bytes: int = 0


def digest_of_paths(paths: Iterable[Path], outwards: bool = True) -> str:
    """Return the sha256 over names and contents of files, and of everything below folders; absent paths are empty.

    Args:
        outwards: whether links that lead outside a folder are followed.

    Raises:
        InputError: a folder cannot be read as a source.
        TemporaryError: a file changed while it was hashed.
    """
    return take_snapshot(tuple(paths), outwards=outwards).digest


def take_snapshot(
    paths: tuple[Path, ...], known: Mapping[str, Hashed] | None = None, outwards: bool = False
) -> Snapshot:
    """Hash inputs, except files whose hash is in `known` with the same stamp.

    Raises:
        InputError: a folder cannot be read as a source.
        PermissionError: a file or folder cannot be read.
        TemporaryError: a file changed while it was hashed.
    """
    snapshot = Snapshot(paths, outwards)
    lines = [[name_of(path), *_lines(path, snapshot, known or {})] for path in paths]
    snapshot.digest = hashlib.sha256(canonical_json(lines).encode("utf-8", "surrogateescape")).hexdigest()
    return snapshot


def name_of(path: Path) -> str:
    """Return the name of a file or folder, whatever the spelling of its path."""
    return path.name if path.name not in ("", "..") else os.path.basename(os.path.realpath(path))


def _lines(path: Path, snapshot: Snapshot, known: Mapping[str, Hashed]) -> Iterator[str]:
    """Yield the lines that are hashed for an input, in addition to its name."""
    for entry in _entries(path, snapshot):
        if entry.kind == "folder":
            if entry.empty:
                yield f"{entry.name or '.'}/"
        elif entry.kind == "file":
            sha256 = _content(entry, snapshot, known)
            yield f"{entry.name}:{sha256}" if entry.name else sha256
        elif entry.kind != "run":
            yield f"{entry.name}|{entry.kind}|{entry.target}"


def _entries(path: Path, snapshot: Snapshot) -> Iterator[Entry]:
    """Yield everything below an input and record its stamp; file contents are not hashed yet."""
    if path.is_symlink():  # its target may change for a moment
        snapshot.folders[f"{path} (the link)"] = Stamp.of(path.lstat())
    if path.is_dir():
        entries = walk(path, snapshot.outwards)
    elif path.is_file():
        refuse_system_folder(path)
        entries = iter([Entry("", path, "file", path.stat())])
    else:
        return
    for entry in entries:
        name = os.fspath(entry.path)
        if entry.kind == "folder":
            snapshot.folders[name] = Stamp.of(entry.status)
        elif entry.kind == "file":
            snapshot.files[name] = Hashed(Stamp.of(entry.status), "")
        elif entry.kind != "run":
            snapshot.others.add(name)
        yield entry


def _content(entry: Entry, snapshot: Snapshot, known: Mapping[str, Hashed]) -> str:
    """Return the sha256 of a file; open the file only if no hash is known for its stamp."""
    path = os.fspath(entry.path)
    hashed = known.get(path)
    if hashed is None or hashed.stamp != snapshot.files[path].stamp:
        hashed = hash_file(entry.path)
        snapshot.new_files += 1
        snapshot.new_bytes += hashed.stamp.size
    snapshot.files[path] = hashed
    return hashed.sha256


def hash_file(path: Path) -> Hashed:
    """Hash a regular file, and return the hash with the matching stamp.

    Raises:
        TemporaryError: the file changed while it was hashed, or was deleted.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe in its place must not block
        with open(handle, "rb") as file:
            before = os.fstat(handle)
            if stat.S_ISREG(before.st_mode):
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                if Stamp.of(before) == Stamp.of(os.fstat(handle)):
                    return Hashed(Stamp.of(before), sha256)
    except FileNotFoundError:
        pass
    raise TemporaryError("a file changed while docent was hashing it", printable(str(path)), "docent run")


def changes_since(before: Snapshot, run_dir: Path) -> list[str]:
    """Return how the inputs differ from a snapshot, as `path: change`; empty if nothing changed.

    A different ctime, mtime or size is a change even if the content is now the same: it may have differed meanwhile.
    If only the inode differs, since some network file systems renumber files, the sha256 decides; it also decides for
    files written so shortly before the snapshot that their times may not show a change.

    Args:
        run_dir: the run folder. Folders that contain it change with every unit, so their own stamps are ignored.
    """
    now = Snapshot(before.paths, before.outwards)
    for path in before.paths:
        for _ in _entries(path, now):
            pass
    holding = {os.fspath(folder) for folder in (run_dir.resolve(), *run_dir.resolve().parents)}
    return [
        *(f"{path}: was deleted" for path in sorted(_all(before) - _all(now))),
        *(f"{path}: was added" for path in sorted(_all(now) - _all(before)) if os.path.realpath(path) not in holding),
        *(f"{path}: was modified, moved or replaced" for path in sorted(_rewritten(before, now, holding))),
    ]


def _all(snapshot: Snapshot) -> set[str]:
    return snapshot.files.keys() | snapshot.folders.keys() | snapshot.others


def _rewritten(before: Snapshot, now: Snapshot, holding: set[str]) -> Iterator[str]:
    for path, stamp in now.folders.items():
        was = before.folders.get(path)
        if was and was.ctime_ns != stamp.ctime_ns and os.path.realpath(path) not in holding:
            yield path
    for path, (stamp, _) in now.files.items():
        hashed = before.files.get(path)
        if hashed is None:
            continue
        if hashed.stamp[:3] != stamp[:3]:
            yield path
        elif hashed.stamp != stamp or stamp.ctime_ns > before.taken_ns - DOUBTFUL_NS:
            if hash_file(Path(path)).sha256 != hashed.sha256:
                yield path


def describe_changes(changes: list[str]) -> str:
    """Return the first few changes as one line, and how many more there are."""
    shown = "; ".join(printable(change) for change in changes[:NAMED_CHANGES])
    more = len(changes) - NAMED_CHANGES
    return f"{shown}; and {more} more" if more > 0 else shown
