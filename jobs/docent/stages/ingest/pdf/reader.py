"""The child process that reads PDFs: untrusted files in a process of its own, with limits of memory and time.

Reads requests from standard input, one line of JSON each (pdf_process.py writes them), and writes frames to standard
output: a line of JSON, and for a picture its bytes behind it. What PDFium does wrong ends this process and no other.
Run by hand: `python -m docent.stages.ingest.pdf.reader 640`, the number being the megabytes that reading may take.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from docent.config import Ingest, Source
from docent.records import Reject
from docent.stages.ingest.images import Intake, Limits
from docent.stages.ingest.pdf.document import document_in
from docent.stages.ingest.pdf.layouts import Watch
from docent.stages.ingest.sources import ListedFile

# Longer than the parent waits: this is for a parent that is gone.
_ALARM_SPARE_S = 30
# Address space beside memory that is used: libraries map files and reserve what they never write.
_RESERVED_BYTES = 512 * 1_000_000


class Frames:
    """Writes frames, and waits for the answers to those that have one."""

    def __init__(self, answers: IO[bytes], out: IO[bytes]) -> None:
        self.answers, self.out = answers, out

    def write(self, kind: str, data: bytes = b"", **said: Any) -> None:
        """Write one frame."""
        self.out.write(json.dumps({"kind": kind, "bytes": len(data), **said}).encode() + b"\n" + data)
        self.out.flush()

    def save(self, data: bytes, suffix: str) -> str:
        """Give a picture to the parent, and wait for the path that its row shall have."""
        self.write("picture", data, suffix=suffix)
        return str(json.loads(self.answers.readline()))

    def failed(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Tell the parent what ends this process: too little memory, or a bug, which it reports with the traceback."""
        if isinstance(error, MemoryError):
            self.write("failed", reason="memory")
        else:
            self.write("failed", reason="bug", detail="".join(traceback.format_exception(kind, error, trace)))


class _FrameHandler(logging.Handler):
    """Gives what is logged to the parent."""

    def __init__(self, frames: Frames) -> None:
        super().__init__()
        self.frames = frames

    def emit(self, record: logging.LogRecord) -> None:
        self.frames.write("log", level=record.levelno, message=record.getMessage())


def main(max_memory_mb: int) -> None:
    """Read one file after another until standard input ends."""
    # Whatever a library prints must not stand among the frames.
    frames = Frames(sys.stdin.buffer, os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)
    log = logging.getLogger("docent.ingest")
    log.addHandler(_FrameHandler(frames))
    log.setLevel(logging.INFO)
    log.propagate = False
    _limit_memory(max_memory_mb * 1_000_000)
    sys.excepthook = frames.failed
    while line := sys.stdin.buffer.readline():
        _read(json.loads(line), frames)


def _read(request: dict[str, Any], frames: Frames) -> None:
    section = Ingest.model_validate_json(request["section"])
    source = Source.model_validate_json(request["source"])
    path = Path(request["path"])
    listed = ListedFile(source, path.parent, path, request["name"], request["before"])
    intake = Intake(section, Limits(**request["limits"]), frames.save)
    limit_s = int(section.pdf.page_timeout_s) + _ALARM_SPARE_S

    def report(number: int) -> None:
        signal.alarm(limit_s)
        frames.write("page", number=number)

    left_out = {int(number): why for number, why in request["left_out"].items()}
    report(0)
    for row in document_in(listed, intake, Watch(report, left_out)):
        kind = "reject" if isinstance(row, Reject) else "document"
        frames.write(kind, row.model_dump_json().encode())
    signal.alarm(0)
    frames.write("done")


def _limit_memory(limit_bytes: int) -> None:
    """Let this process take so much memory beyond what it has now; only Linux keeps to it."""
    try:
        import resource

        status = Path("/proc/self/status").read_text()
    except (ImportError, OSError):  # no Linux: the limit of time is left
        return
    for name, limit, spare in (("VmData", resource.RLIMIT_DATA, 0), ("VmSize", resource.RLIMIT_AS, _RESERVED_BYTES)):
        now = int(status.partition(f"{name}:")[2].split()[0]) * 1024
        hard = resource.getrlimit(limit)[1]
        wanted = now + limit_bytes + spare
        wanted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(limit, (wanted, wanted))


if __name__ == "__main__":
    main(int(sys.argv[1]))
