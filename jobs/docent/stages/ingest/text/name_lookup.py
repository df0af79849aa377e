"""Find the file that a name refers to when no file has exactly that name.

The name is tried in the other Unicode form (`ä` as one character or as two, as in archives from a Mac), then without
regard to case if only one file matches, which is logged. Opens no file.
"""

import logging
import os
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from docent.messages.printing import printable

log = logging.getLogger("docent.ingest")


def find_alike(folder: Path, parts: tuple[str, ...]) -> Path | None:
    """Return the file whose name differs only in Unicode form, or in case if just one matches, or None."""
    path = folder
    other_case = False
    for part in parts:
        if not (path / part).exists():
            status = path.stat()
            wanted = unicodedata.normalize("NFC", part)
            exact, folded = _names_of(str(path), status.st_mtime_ns, status.st_ino)
            names = exact.get(wanted) or folded.get(_folded(wanted), [])
            if len(names) != 1:
                return None
            other_case = other_case or wanted not in exact
            part = names[0]  # noqa: PLW2901
        path /= part
    if other_case:
        written = "/".join(parts)
        found = printable(path.relative_to(folder).as_posix())
        log.warning("%s does not exist; reading %s, which differs only in case", printable(written), found)
    return path


@lru_cache(maxsize=64)
def _names_of(folder: str, _changed_ns: int, _inode: int) -> tuple[Mapping[str, list[str]], Mapping[str, list[str]]]:
    """Return the names in a folder by composed Unicode form, and by case-folded form."""
    exact: dict[str, list[str]] = defaultdict(list)
    folded: dict[str, list[str]] = defaultdict(list)
    for name in os.listdir(folder):
        composed = unicodedata.normalize("NFC", name)
        exact[composed].append(name)
        folded[_folded(composed)].append(name)
    return dict(exact), dict(folded)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())
