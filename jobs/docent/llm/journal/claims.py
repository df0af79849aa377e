"""Create claim files, which let only one process at a time begin a request.

Creates `<data>/cache/llm/journal/claims/KEY.N` exclusively (O_EXCL, which NFS honours), containing the name of its
owner's journal, and removes it once the try is in that journal. From then on the open try itself is the claim, until
the try ends or its writer is gone. Both expire with their owner: if a claim file's process is gone, the next process
creates the file with the next number. It does not remove the old file, so two processes cannot both take it over.
"""

import itertools
from collections.abc import Callable
from pathlib import Path

from docent.llm.journal.reader import GONE, LEASE_S

FOLDER = "claims"


def take(folder: Path, key: bytes, owner: Path, is_at_work: Callable[[str], bool]) -> Path | None:
    """Create the claim file of a key and return its path, or None if another process holds it.

    Args:
        folder: folder of the claim files.
        owner: journal of this process.
        is_at_work: whether the writer of a journal is still running.

    Raises:
        OSError: the file cannot be created.
    """
    for number in itertools.count():
        path = folder / f"{key.hex()}.{number}"
        try:
            with path.open("x", encoding="ascii") as file:
                file.write(owner.stem)
        except FileExistsError:
            if _is_held(path, owner, is_at_work):
                return None
            continue
        return path
    return None


def _is_held(path: Path, owner: Path, is_at_work: Callable[[str], bool]) -> bool:
    try:
        holder = path.read_text(encoding="ascii")
        if holder:
            return is_at_work(holder)
        # Killed between creating the file and writing to it; both times come from the file system's own clock.
        return owner.stat().st_mtime - path.stat().st_mtime < LEASE_S
    except OSError as error:
        if error.errno not in GONE:
            raise
        return True  # just released: the waiting process looks again in a moment
