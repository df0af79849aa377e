"""Read the photo file names in one cell of a table: one per line, or separated by `|`, `;` or `,`.

An existing file whose name contains a separator counts as one name. Looks up file names; opens no file.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from docent.stages.ingest.exhibits.folder_loader import PHOTO_SUFFIXES
from docent.stages.ingest.sources import OutsideError, confined

HOW_TO_LIST = "list photos one per line, or separated by | ; or ,"
_SEPARATOR = re.compile(r"[|;,]")
# A line with more names is not a list of photos, and is reported as one name.
_MAX_NAMES_IN_LINE = 1000
# File names with more separators are not looked up, so that the time for a long cell stays linear in its length.
_MAX_SEPARATORS_IN_NAME = 8


def photo_names(cell: str, folder: Path) -> Iterator[tuple[str, int]]:
    """Yield the names in a cell in order, each with its 0-based line within the cell.

    Args:
        folder: the folder that the names are relative to.
    """
    for offset, line in enumerate(re.split(r"\r\n|\r|\n", cell)):
        for name in _names_in(line.strip(), folder):
            yield name, offset


def is_unclear(cell: str, names: Sequence[tuple[str, int]], folder: Path) -> bool:
    """Return whether a cell seems to list several photos, but none of its names is a file."""
    pieces = (re.split(r"[^\w.]+", name) for name, _ in names)
    several = any(sum(Path(one).suffix.lower() in PHOTO_SUFFIXES for one in of_name) > 1 for of_name in pieces)
    is_list = several or _SEPARATOR.search(cell) is not None
    return is_list and not any(_exists(name, folder) for name, _ in names)


def _names_in(line: str, folder: Path) -> Iterator[str]:
    separators = [separator.start() for separator in _SEPARATOR.finditer(line)]
    if not 0 < len(separators) < _MAX_NAMES_IN_LINE or _exists(line, folder):
        yield from [line] if line else []
        return
    starts = [0, *(position + 1 for position in separators)]
    ends = [*separators, len(line)]
    position = 0
    while position < len(starts):
        last = _last_of_name(line, folder, starts, ends, position)
        if name := line[starts[position] : ends[last]].strip():
            yield name
        position = last + 1


def _last_of_name(line: str, folder: Path, starts: list[int], ends: list[int], first: int) -> int:
    """Return the index of a name's last piece: the longest existing file, or else up to a piece with a photo suffix."""
    furthest = min(len(starts) - 1, first + _MAX_SEPARATORS_IN_NAME)
    for last in range(furthest, first - 1, -1):
        if _exists(line[starts[first] : ends[last]].strip(), folder):
            return last
    for last in range(first, furthest + 1):
        piece = line[starts[last] : ends[last]].strip()
        if not piece and last == first:
            return first
        if Path(piece).suffix.lower() in PHOTO_SUFFIXES:
            return last
    return first


def _exists(name: str, folder: Path) -> bool:
    try:
        return bool(name) and confined(folder, folder, name) is not None
    except OutsideError:
        return False
