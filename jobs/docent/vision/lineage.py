"""Parse the names of altered copies of photographs: `gyroid-3-aug7.jpg` is the eighth copy of `gyroid-3.jpg`.

The names follow the MuseQuest data set, so that its copies, and copies made by docent, are recognised alike.
"""

import re
from pathlib import PurePosixPath

_COPY = re.compile(r"(.+)-aug(\d{1,6})", re.IGNORECASE)


def original_stem(name: str) -> str:
    """Return the stem without `-aug<k>`: `gyroid-3` for `gyroid-3.jpg` and for `gyroid-3-aug7.jpg`."""
    stem = PurePosixPath(name).stem
    copy = _COPY.fullmatch(stem)
    return copy[1] if copy else stem


def copy_number(name: str) -> int | None:
    """Return the k in `-aug<k>`, or None for the name of an original."""
    copy = _COPY.fullmatch(PurePosixPath(name).stem)
    return int(copy[2]) if copy else None


def copy_name(name: str, number: int) -> str:
    """Return the name of the `number`-th altered copy of a photo; copies are always JPEG files."""
    return f"{original_stem(name)}-aug{number}.jpg"
