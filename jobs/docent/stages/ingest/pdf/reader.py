"""Run the child process that reads untrusted PDFs, with memory and time limits.

Requests come from process.py through a pipe as JSON. Every message back is JSON, followed by the bytes of a picture or
a row, or by no bytes. A crash of PDFium ends only this process. Started as
`python -m docent.stages.ingest.pdf.reader MEGABYTES DESCRIPTOR`: the memory for reading, and the pipe.
"""

import contextlib
import json
import logging
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any

from docent.config.sources import Source
from docent.config.stages import Ingest
from docent.records import Reject
from docent.stages.ingest.images import Intake, Limits
from docent.stages.ingest.pdf.document import document_in
from docent.stages.ingest.pdf.layouts import Watch
from docent.stages.ingest.sources import ListedFile

# Added to the time that the parent waits, as this alarm is only for when the parent is gone.
_ALARM_SPARE_S = 30
# Address space in addition to the memory used: libraries map files, and reserve memory that they never write.
_RESERVED_BYTES = 512 * 1_000_000


class Messages:
    """Sends messages to the parent, and waits for its reply to a picture."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe

    def send(self, kind: str, data: bytes = b"", **fields: Any) -> None:
        """Send one message and its bytes."""
        self.pipe.send_bytes(json.dumps({"kind": kind, **fields}).encode())
        self.pipe.send_bytes(data)

    def save(self, data: bytes, suffix: str) -> str:
        """Send a picture to the parent, and return its reply: the path for the picture's row."""
        self.send("picture", data, suffix=suffix)
        return str(json.loads(self.pipe.recv_bytes()))

    def failed(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Report the exception that ends this process: out of memory, or else a bug, with its traceback."""
        if isinstance(error, MemoryError):
            self.send("failed", reason="memory")
        else:
            self.send("failed", reason="bug", detail="".join(traceback.format_exception(kind, error, trace)))


class _MessageHandler(logging.Handler):
    """Sends log records to the parent."""

    def __init__(self, messages: Messages) -> None:
        super().__init__()
        self.messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.send("log", level=record.levelno, message=record.getMessage())


def main(max_memory_mb: int, descriptor: int) -> None:
    """Read one file after another until the parent closes its end of the pipe."""
    messages = Messages(Connection(descriptor))
    log = logging.getLogger("docent.ingest")
    log.addHandler(_MessageHandler(messages))
    log.setLevel(logging.INFO)
    log.propagate = False
    _limit_memory(max_memory_mb * 1_000_000)
    sys.excepthook = messages.failed
    with contextlib.suppress(EOFError):
        while True:
            _read(json.loads(messages.pipe.recv_bytes()), messages)


def _read(request: dict[str, Any], messages: Messages) -> None:
    section = Ingest.model_validate_json(request["section"])
    source = Source.model_validate_json(request["source"])
    path = Path(request["path"])
    listed = ListedFile(source, path.parent, path, request["name"], request["before"])
    intake = Intake(section, Limits(**request["limits"]), messages.save)
    limit_s = int(section.pdf.page_timeout_s) + _ALARM_SPARE_S

    def report(number: int) -> None:
        signal.alarm(limit_s)
        messages.send("page", number=number)

    left_out = {int(number): why for number, why in request["left_out"].items()}
    report(0)
    for row in document_in(listed, intake, Watch(report, left_out)):
        kind = "reject" if isinstance(row, Reject) else "document"
        messages.send(kind, row.model_dump_json().encode())
    signal.alarm(0)
    messages.send("done")


def _limit_memory(limit_bytes: int) -> None:
    """Limit the memory that this process may use in addition to what it has now; only Linux enforces it."""
    try:
        import resource

        status = Path("/proc/self/status").read_text()
    except (ImportError, OSError):  # not Linux: only the time limit applies
        return
    for name, limit, spare in (("VmData", resource.RLIMIT_DATA, 0), ("VmSize", resource.RLIMIT_AS, _RESERVED_BYTES)):
        now = int(status.partition(f"{name}:")[2].split()[0]) * 1024
        hard = resource.getrlimit(limit)[1]
        wanted = now + limit_bytes + spare
        wanted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(limit, (wanted, wanted))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
