"""Claims: files by which only one process at a time may begin a request.

Creates `<data>/cache/llm/journal/claims/KEY.N` exclusively (O_EXCL, which NFS honours), with the name of the journal of
its owner in it, and removes it once the try is in that journal; from then on the open try itself is the claim, which
ends with its end or with its writer. Both expire with their owner: a claim file that was left by a process that is gone
is passed over by creating the next number. It is not removed by others, so no two of them can take it over.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

from docent.llm.journal.reader import LEASE_S

FOLDER = "claims"


def take(folder: Path, key: bytes, owner: Path, is_at_work: Callable[[str], bool]) -> Path | None:
    """Create the claim file of a key; None while another process has it.

    Args:
        folder: of claims.
        owner: journal of this process.
        is_at_work: whether the writer of a journal is.

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
        # Killed between creating the file and writing into it: both times are of the file system's own clock.
        return owner.stat().st_mtime - path.stat().st_mtime < LEASE_S
    except FileNotFoundError:  # just released: whoever waits looks again in a moment
        return True
