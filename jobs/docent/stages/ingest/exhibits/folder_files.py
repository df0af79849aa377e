"""List the files below an exhibit's folder, without system files; follow links only inside the source.

Reads names of files and folders; opens no file. Skips what `source_files.walk` skips when it hashes the source.
"""

import logging
import os
import re
from pathlib import Path

from docent.messages.printing import printable
from docent.source_files.walk import lies_in_run

log = logging.getLogger("docent.ingest")

# Created by macOS, Windows, Synology and their archive tools; hidden files begin with a dot, as `._x` does.
JUNK_FOLDERS = frozenset({"__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found"})
JUNK_FILES = frozenset({"thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r"})


def is_junk(name: str) -> bool:
    """Return whether a file or folder is hidden, or was created by a system rather than by a person."""
    return name.startswith(".") or name.lower() in JUNK_FOLDERS or name.lower() in JUNK_FILES


def list_below(root: Path, folder: Path) -> tuple[list[str], list[str]]:
    """Return all files below a folder, and the links to folders outside the source; visit each folder once.

    Both are paths relative to the folder; a folder's own files come before those in its subfolders, in natural order.
    Links out of the source are not followed.

    Runs of docent are left out, and so are links to parent folders, whose files belong to other exhibits.

    Args:
        root: resolved folder of the source, which no link may leave.
    """
    names: list[str] = []
    outside: list[str] = []
    top = folder.resolve()
    seen = {top, *top.parents}
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        folders: list[str] = []
        for name in sorted((e.name for e in os.scandir(folder / prefix) if not is_junk(e.name)), key=natural_order):
            path = folder / prefix / name
            if not path.is_dir():
                names.append(prefix + name)
            elif not (target := path.resolve()).is_relative_to(root):
                outside.append(prefix + name)
            elif lies_in_run(target, root):
                log.warning("skipped %s: docent writes to this folder", printable(str(path)))
            elif target not in seen:
                seen.add(target)
                folders.append(f"{prefix}{name}/")
        waiting += reversed(folders)
    return names, outside


def natural_order(name: str) -> list[tuple[int, int, str]]:
    """Return a sort key that puts `view-2.jpg` before `view-10.jpg`; case only breaks ties."""
    pieces = re.split(r"([0-9]+)", name.lower())
    return [(0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces if piece] + [(2, 0, name)]
