"""Stream the rows and rejects of one shard to temporary files, then rename each file to the hash of its content.

Writes `part-<shard>-<sha8>.jsonl` and `rejects-<shard>-<sha8>.jsonl` into the unit's folder.
"""

import contextlib
import hashlib
import os
from collections import Counter
from pathlib import Path
from typing import IO, Any

from docent.artifacts.durable import sync_folder, temporary_name
from docent.artifacts.listings import RowFile
from docent.records import Reject
from docent.store import Shard


class Parts:
    """Streams the rows and rejects of one shard to temporary files, and names them by their content at the end."""

    def __init__(self, folder: Path, shard: Shard) -> None:
        self.reasons: Counter[str] = Counter()
        self.rows, self.rejects = (_Stream(folder / f"{kind}-{shard}.jsonl") for kind in ("part", "rejects"))

    def write(self, row: Any) -> None:
        """Append a row to the rows, or a Reject to the rejects."""
        if isinstance(row, Reject):
            self.reasons[row.reason] += 1
            self.rejects.append(row.model_dump_json())
        else:
            self.rows.append(row.model_dump_json())

    def close(self) -> tuple[list[RowFile], list[RowFile]]:
        """Publish both files and return their entries; if there are no rejects, publish no rejects file."""
        rows = self.rows.publish()
        if not self.rejects.count:
            self.rejects.discard()
            return [rows], []
        return [rows], [self.rejects.publish()]

    def discard(self) -> None:
        """Remove the files that were not published."""
        self.rows.discard()
        self.rejects.discard()


class _Stream:
    def __init__(self, path: Path) -> None:
        self.path, self.temporary = path, temporary_name(path)
        self.file: IO[bytes] = self.temporary.open("wb")
        self.sha = hashlib.sha256()
        self.size = self.count = 0

    def append(self, line: str) -> None:
        data = line.encode() + b"\n"
        self.file.write(data)
        self.sha.update(data)
        self.size += len(data)
        self.count += 1

    def publish(self) -> RowFile:
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        sha256 = self.sha.hexdigest()
        final = self.path.with_name(f"{self.path.stem}-{sha256[:8]}.jsonl")
        os.replace(self.temporary, final)
        sync_folder(final.parent)
        return RowFile(path=final.name, size=self.size, sha256=sha256, rows=self.count)

    def discard(self) -> None:
        with contextlib.suppress(OSError):  # closing flushes buffered data, which fails on a full disk
            self.file.close()
        self.temporary.unlink(missing_ok=True)
