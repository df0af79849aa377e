"""The hashes of large sources, kept in the run folder: a file is hashed again only where its stamp changed.

Reads and writes `<run>/source-hashes.json`. What it says counts only for a file that still has the path, size, mtime,
ctime and inode that it had when it was hashed, so a copy of the run on another machine hashes everything again.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from docent.artifacts.durable import write_durably
from docent.artifacts.listings import load_json
from docent.source_files.digests import DOUBTFUL_NS, Hashed, Snapshot, Stamp

NAME = "source-hashes.json"
WORTH_FILES, WORTH_BYTES = 2000, 64 * 1024 * 1024
"""Hashing less takes no time worth a file."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


def read_hashes(run_dir: Path) -> dict[str, Hashed]:
    """What is known of the sources, by path; entries that make no sense are left out and hashed again."""
    found = (load_json(run_dir / NAME) or {}).get("files")
    entries = found.items() if isinstance(found, dict) else ()
    return {path: hashed for path, entry in entries if (hashed := _parsed(entry)) is not None}


def _parsed(entry: Any) -> Hashed | None:
    if not isinstance(entry, list) or len(entry) != 5 or not all(type(number) is int for number in entry[:4]):
        return None
    sha256 = entry[4]
    is_hash = isinstance(sha256, str) and _SHA256.fullmatch(sha256)
    return Hashed(Stamp(*entry[:4]), sha256) if is_hash else None


def write_hashes(run_dir: Path, snapshots: list[Snapshot]) -> None:
    """Keep the hashes of snapshots where there was much to hash; nothing is written otherwise.

    Files that were written just before they were hashed are left out: their times do not tell a later change.
    """
    new_files = sum(snapshot.new_files for snapshot in snapshots)
    new_bytes = sum(snapshot.new_bytes for snapshot in snapshots)
    if new_files < WORTH_FILES and new_bytes < WORTH_BYTES:
        return
    files = {
        path: [*hashed.stamp, hashed.sha256]
        for snapshot in snapshots
        for path, hashed in snapshot.files.items()
        if hashed.stamp.ctime_ns <= snapshot.taken_ns - DOUBTFUL_NS
    }
    write_durably(run_dir / NAME, (json.dumps({"files": files}, sort_keys=True) + "\n").encode())
