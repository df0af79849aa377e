"""Check that paths named in a run's files stay inside that run. Reads links; writes nothing.

A run folder may come from an untrusted source, through `docent pull` or an archive, and everything in it may be forged.
All code that opens such a path must use this module.
"""

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from docent.errors import InputError
from docent.messages.printing import printable

MAX_COMPONENT_BYTES = 255
MAX_PATH_BYTES = 2048
"""Operating systems refuse paths of more than 4096 bytes; this leaves room for the path of the run folder."""


class OutsideRunError(InputError):
    """A file of the run contains a path that leads outside the run folder."""


def is_plain(name: str) -> bool:
    """Return whether a name is a relative slash-separated path that only descends: not empty, absolute, `.` or `..`."""
    try:
        encoded = os.fsencode(name)
    except UnicodeEncodeError:  # a lone surrogate, which JSON can hold but a file name cannot
        return False
    if len(encoded) > MAX_PATH_BYTES or b"\0" in encoded:
        return False
    return all(part not in (b"", b".", b"..") and len(part) <= MAX_COMPONENT_BYTES for part in encoded.split(b"/"))


def inside(folder: Path, name: str) -> Path:
    """Return the path of `name` below `folder`, existing or not; follow links only if they stay inside `folder`.

    Raises:
        OutsideRunError: the name is not plain, or a link on the path leads outside `folder`.
    """
    path = os.fspath(folder)
    if is_plain(name):
        for part in name.split("/"):
            path = f"{path}/{part}"
            if os.path.islink(path) and not _is_below(path, folder):
                break
        else:
            return folder / name
    raise OutsideRunError(
        f"the path {printable(name)} leads outside the run folder",
        str(folder),
        "delete the file that contains this path, then: docent run",
    )


def statuses(folder: Path, names: Iterable[str]) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield path and status of files below a folder; check each parent folder only once.

    Raises:
        OutsideRunError: see `inside`.
        FileNotFoundError: a file is missing.
    """
    checked: dict[str, str] = {}
    for name in names:
        parent, _, file = name.rpartition("/")
        if parent not in checked:
            checked[parent] = os.fspath(inside(folder, parent) if parent else folder)
        path = f"{checked[parent]}/{file}"
        if is_plain(name) and not stat.S_ISLNK((status := os.lstat(path)).st_mode):
            yield Path(path), status
        else:
            yield inside(folder, name), os.stat(path)


def _is_below(path: str, folder: Path) -> bool:
    """Return whether the target of a link is below the folder; False for a loop of links."""
    try:
        os.stat(path)
    except OSError as error:
        if error.errno == errno.ELOOP:
            return False
    root = os.path.realpath(folder)
    return os.path.realpath(path).startswith(f"{root.rstrip('/')}/")
