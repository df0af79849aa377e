"""Find the pictures that lie beside a single Markdown file and are part of what a run reads and hashes.

Reads the file and the names in its folder; writes nothing. The folder itself may hold anything, so only what the text
names is taken: pictures directly in it, and folders in it with all they hold. Other pictures are not opened.
"""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from urllib.parse import quote

from docent.config.sources import Source

PICTURES = frozenset(".png .jpg .jpeg .jpe .jfif .gif .webp .bmp .tif .tiff .svg .avif .heic .heif .jp2".split())
MAX_TEXT_BYTES = 256 * 1024 * 1024
"""A larger file is rejected by every limit of `ingest`."""


def pictures_beside(source: Source) -> tuple[Path, ...]:
    """Return pictures and folders of pictures that a single Markdown file names and that lie in its folder, by name."""
    if source.kind != "markdown" or not source.path.is_file():
        return ()
    with source.path.open("rb") as file:
        text = file.read(MAX_TEXT_BYTES).replace(b"\\", b"")
    plain = unicodedata.normalize("NFC", text.decode("utf-8", "replace")).lower()
    with os.scandir(source.path.parent) as beside:
        named = [Path(child.path) for child in beside if _is_named(child, plain)]
    return tuple(sorted(path for path in named if path != source.figures_folder))


def _is_named(child: os.DirEntry[str], text: str) -> bool:
    """Whether the text may mean a picture or a folder, written as it is or with percent signs."""
    name = unicodedata.normalize("NFC", child.name)
    if os.path.splitext(name)[1].lower() in PICTURES and child.is_file():
        wanted = name
    elif child.is_dir() and not child.is_symlink():
        wanted = f"{name}/"
    else:
        return False
    return any(spelled.lower() in text for spelled in (wanted, quote(wanted, errors="replace")))
