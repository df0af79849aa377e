"""Return the end of a log: from a text, or from the `log-tail-*.txt` files that shards leave in a run folder."""

import os
from contextlib import suppress
from pathlib import Path

from docent.artifacts.confinement import OutsideRunError, inside

LOG_BYTES = 4096
"""Size of the log that is kept with the state of a unit."""


def log_tail(run_dir: Path, unit: str, index: int | None = None) -> str:
    """Return the last 4 KiB of a shard's log, by default of the most recent writer; "" if there is none."""
    pattern = "log-tail-*.txt" if index is None else f"log-tail-{index:05d}.txt"
    written: list[tuple[int, Path]] = []
    for path in (run_dir / unit).glob(pattern):
        # The file may be replaced at this moment, or be a link out of the run.
        with suppress(FileNotFoundError, OutsideRunError):
            written.append((inside(run_dir, f"{unit}/{path.name}").stat().st_mtime_ns, path))
    if written:
        with suppress(FileNotFoundError), max(written)[1].open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 2 * LOG_BYTES))
            return tail(file.read().decode("utf-8", "replace"))
    return ""


def tail(text: str, size: int = LOG_BYTES) -> str:
    """Return the last `size` bytes of a text, starting at a line break if there is one."""
    data = text.encode()
    if len(data) <= size:
        return text
    end = data[len(data) - size :]
    return end[end.find(b"\n") + 1 :].decode("utf-8", "ignore")
