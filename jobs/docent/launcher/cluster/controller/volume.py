"""What the run's volume says about units: progress, the end of the log, and what a complete one came to.

Reads `<run>/<unit>/progress-*.json`, `log-tail-*.txt` and the artifact's markers; writes nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docent.artifacts.confinement import OutsideRunError, inside
from docent.launcher.cluster.state import LOG_BYTES, UnitState, tail
from docent.launcher.runs.progress import read_progress
from docent.store import Artifact


def progress(run_dir: Path, unit: str) -> dict[str, Any] | None:
    """done, total and eta_s over all shards; None before the first sign."""
    found = read_progress(run_dir, unit)
    return {key: found[key] for key in ("done", "total", "eta_s")} if found["total"] else None


def log_tail(run_dir: Path, unit: str, index: int | None = None) -> str:
    """The last 4 KiB of a shard's log, by default of the one that wrote last; "" when there is none."""
    pattern = "log-tail-*.txt" if index is None else f"log-tail-{index:05d}.txt"
    written: list[tuple[int, Path]] = []
    for path in (run_dir / unit).glob(pattern):
        try:
            written.append((inside(run_dir, f"{unit}/{path.name}").stat().st_mtime_ns, path))
        except (FileNotFoundError, OutsideRunError):  # replaced at this moment, or a link to what is no log of this run
            continue
    if not written:
        return ""
    path = max(written)[1]
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 2 * LOG_BYTES))
            return tail(file.read().decode("utf-8", "replace"))
    except FileNotFoundError:
        return ""


def done_state(run_dir: Path, artifact: Artifact, before: UnitState | None) -> UnitState:
    """How a complete unit stands; `cause` says why rows were rejected.

    Its workload and retries are kept from the record when that tells of the same output.
    """
    success = artifact.success
    same = before is not None and before.spec in (None, success.spec)
    return UnitState(
        phase="done",
        job=before.job if before and same else "",
        spec=success.spec,
        digest=artifact.digest,
        rows=success.rows,
        rejected=success.rejected,
        seconds=artifact.seconds,
        usd=artifact.usd,
        retries=before.retries if before and same else 0,
        cause=artifact.rejected_because,
        log=log_tail(run_dir, artifact.unit),
    )
