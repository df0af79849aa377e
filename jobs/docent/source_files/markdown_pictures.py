"""Find the pictures next to a single Markdown file that belong to the inputs that a run reads and hashes.

Reads the file and the names in its folder; writes nothing. The folder may contain unrelated files, so only names that
the text mentions are included: pictures directly in the folder, and complete subfolders. Other pictures are not opened.
"""

import os
import unicodedata
from pathlib import Path
from urllib.parse import quote

from docent.config.sources import Source

PICTURES = frozenset(".png .jpg .jpeg .jpe .jfif .gif .webp .bmp .tif .tiff .svg .avif .heic .heif .jp2".split())
MAX_TEXT_BYTES = 256 * 1024 * 1024
"""The limits of `ingest` reject any larger file."""


def pictures_beside(source: Source) -> tuple[Path, ...]:
    """Return the pictures and folders that a single Markdown file mentions and that are in its folder, sorted."""
    if source.kind != "markdown" or not source.path.is_file():
        return ()
    with source.path.open("rb") as file:
        text = file.read(MAX_TEXT_BYTES).replace(b"\\", b"")
    plain = unicodedata.normalize("NFC", text.decode("utf-8", "replace")).lower()
    with os.scandir(source.path.parent) as beside:
        named = [Path(child.path) for child in beside if _is_named(child, plain)]
    return tuple(sorted(path for path in named if path != source.figures_folder))


def _is_named(child: os.DirEntry[str], text: str) -> bool:
    """Return whether the text may refer to a picture or folder, with its name written plainly or percent-encoded."""
    name = unicodedata.normalize("NFC", child.name)
    if os.path.splitext(name)[1].lower() in PICTURES and child.is_file():
        wanted = name
    elif child.is_dir() and not child.is_symlink():
        wanted = f"{name}/"
    else:
        return False
    return any(spelled.lower() in text for spelled in (wanted, quote(wanted, errors="replace")))
