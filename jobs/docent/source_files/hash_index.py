"""Store the hashes of source files next to the runs, so that a file is hashed again only if its stamp changed.

Reads and writes `<data>/cache/source-hashes/<sha16>.json`, one file per source, shared by all runs and published by
rename. An entry counts only for a file that still has the size, mtime, ctime and inode that it had when it was
hashed. Deleting the folder only costs time: everything is hashed once more.
"""

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from docent.artifacts.durable import write_durably
from docent.artifacts.side_files import load_json
from docent.source_files.digests import DOUBTFUL_NS, Hashed, Snapshot, Stamp
from docent.source_files.walk import SOURCE_HASHES

# Below these limits hashing is fast enough without an index; a second run of a small museum then writes nothing.
WORTH_FILES, WORTH_BYTES = 2000, 64 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")
log = logging.getLogger("docent.sources")


def read_hashes(cache: Path, paths: Sequence[Path]) -> dict[str, Hashed]:
    """Return the known hashes of files in sources, by path; invalid entries are ignored, and the files hashed again.

    Args:
        cache: the folder `<data>/cache`.
        paths: the sources.
    """
    known: dict[str, Hashed] = {}
    for path in paths:
        files = (load_json(_index_of(cache, path)) or {}).get("files")
        for name, entry in files.items() if isinstance(files, dict) else ():
            if hashed := _parsed(entry):
                known[os.fspath(path / name)] = hashed
    return known


def write_hashes(cache: Path, snapshot: Snapshot) -> None:
    """Store the hashes of a snapshot, if many files or bytes had to be hashed for it.

    Files written just before they were hashed are left out: their times would not show a later change.
    """
    settled = {
        path: hashed
        for path, hashed in snapshot.files.items()
        if hashed.stamp.ctime_ns <= snapshot.taken_ns - DOUBTFUL_NS
    }
    is_worth_it = snapshot.new_files >= WORTH_FILES or snapshot.new_bytes >= WORTH_BYTES
    for source in snapshot.paths if is_worth_it else ():
        root = os.fspath(source)
        files = {
            path.removeprefix(root).removeprefix("/"): [*hashed.stamp, hashed.sha256]
            for path, hashed in settled.items()
            if root in (".", path) or path.startswith(f"{root}/")
        }
        if files:
            _write(_index_of(cache, source), {"path": os.path.abspath(source), "files": files})


@contextlib.contextmanager
def one_at_a_time(cache: Path, paths: Sequence[Path]) -> Iterator[None]:
    """Make the shards of a unit hash its sources one after another: the first fills the index, the others read it.

    On a file system without locks all of them hash the files, which is only slower.
    """
    with contextlib.ExitStack() as stack:
        if paths:
            with contextlib.suppress(OSError):
                lock = _index_of(cache, paths[0]).with_suffix(".lock")
                lock.parent.mkdir(parents=True, exist_ok=True)
                fcntl.flock(stack.enter_context(lock.open("ab")), fcntl.LOCK_EX)
        yield


def _index_of(cache: Path, source: Path) -> Path:
    """Return the path of the index for a source; it depends only on the source's absolute path."""
    name = hashlib.sha256(os.fsencode(os.path.abspath(source))).hexdigest()[:16]
    return cache / SOURCE_HASHES / f"{name}.json"


def _parsed(entry: Any) -> Hashed | None:
    if not isinstance(entry, list) or len(entry) != 5 or not all(type(number) is int for number in entry[:4]):
        return None
    sha256 = entry[4]
    is_hash = isinstance(sha256, str) and _SHA256.fullmatch(sha256)
    return Hashed(Stamp(*entry[:4]), sha256) if is_hash else None


def _write(path: Path, index: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, (json.dumps(index, sort_keys=True) + "\n").encode())
    except OSError as error:  # e.g. the volume is mounted read-only, as for the launcher on a cluster
        log.debug("cannot store the hashes of source files: %s", error)
