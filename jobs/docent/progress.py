"""Report the progress of one shard: a small JSON file for `docent status`, and log lines.

Writes `<run>/<unit>/progress-<index>.json` with done, total, rate, ETA and a message, at most once a second.
"""

import contextlib
import logging
import os
import time
from pathlib import Path

from docent.artifacts.durable import temporary_name
from docent.artifacts.side_files import SideFile

log = logging.getLogger("docent.progress")

FILE_INTERVAL_S = 1.0
LINE_INTERVAL_S = 15.0
SETTLING_S = 10.0
"""The rate is measured from this time after the start of an attempt, and shown after the same time again, because the
first training steps are several times slower than later ones."""


class ShardProgress(SideFile):
    """Progress of one attempt at a shard."""

    done: float
    total: float
    rate_per_s: float
    eta_s: float | None
    message: str
    spec: str
    """Spec hash of the unit that the attempt works on."""


class Progress:
    """Tracks progress, and writes it to a file and the log at intervals.

    Args:
        path: the JSON file, or None to write none.
        spec: spec hash of the unit, which identifies the work that the file describes.
    """

    def __init__(self, path: Path | None, spec: str = "") -> None:
        self.path, self.spec = path, spec
        self.done, self.total, self.message = 0.0, 0.0, ""
        self.started_s = self._file_s = self._line_s = time.monotonic()
        self._first_done: float | None = None
        self._first_s = self.started_s
        self._is_settled = False

    def update(self, done: float, total: float, message: str = "") -> None:
        """Record the progress; the first value is where this attempt starts (a resumed attempt does not start at 0)."""
        if self._first_done is None:
            self._first_done, self._first_s = done, time.monotonic()
        self.done, self.total, self.message = done, total, message
        now_s = time.monotonic()
        if not self._is_settled and now_s - self._first_s >= SETTLING_S:
            self._first_done, self._first_s, self._is_settled = done, now_s, True
        if now_s - self._file_s >= FILE_INTERVAL_S:
            self._file_s = now_s
            self.write()
        if now_s - self._line_s >= LINE_INTERVAL_S:
            self._line_s = now_s
            log.info("%s", self.line())

    @property
    def rate(self) -> float:
        """Rate per second of this attempt, without its slower beginning; 0 until it is known."""
        elapsed_s = time.monotonic() - self._first_s
        if not self._is_settled or elapsed_s < SETTLING_S:
            return 0.0
        return (self.done - (self._first_done or 0.0)) / elapsed_s

    @property
    def eta_s(self) -> float | None:
        """Remaining seconds at the current rate; None until there is a rate."""
        return (self.total - self.done) / self.rate if self.rate > 0 and self.total else None

    def line(self) -> str:
        """Return the progress as one line of text."""
        eta = "" if self.eta_s is None else f", {self.eta_s:.0f} s to go"
        return f"{self.done:g} of {self.total:g}{eta} {self.message}".rstrip()

    def write(self) -> None:
        """Write the file now; a reader never sees a partial file."""
        if self.path is None:
            return
        state = ShardProgress(
            done=self.done,
            total=self.total,
            rate_per_s=round(self.rate, 3),
            eta_s=None if self.eta_s is None else round(self.eta_s, 1),
            message=self.message,
            spec=self.spec,
        )
        temporary = temporary_name(self.path)
        try:
            temporary.write_bytes(state.to_json(indent=None))
            os.replace(temporary, self.path)
        except OSError as error:  # progress is optional: writing the rows reports a full disk
            log.debug("progress not written: %s", error)
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
