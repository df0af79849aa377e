"""Read PDFs in a child process, so that a page that crashes PDFium or exhausts memory costs only that page.

The child (reader.py) is kept for the next file. If it ends, or takes too long on a page, a new child reads the file
again without that page, which becomes a reject; if more than MAX_BAD_PAGES are left out, the file becomes one. If the
child had read other files before, a new child first tries the page again, so that results do not depend on the order of
files.
"""

import atexit
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import docent
from docent.errors import TemporaryError
from docent.records import Document, Reject
from docent.stages.ingest.images import Intake
from docent.stages.ingest.pdf.document import CANNOT_BE_READ, rejected
from docent.stages.ingest.sources import ListedFile

log = logging.getLogger("docent.ingest")

MAX_BAD_PAGES = 3
_START_S = 60.0
"""Seconds that the child may take to start, in addition to the time for opening a file."""
_KEPT_VARIABLES = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONDONTWRITEBYTECODE", "SYSTEMROOT")
# Signals by which PDFium or the limits end the child; any other signal came from outside.
_CRASHES = frozenset(
    getattr(signal, name)
    for name in ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP", "SIGALRM", "SIGSYS")
    if hasattr(signal, name)
)


class ReaderEndedError(Exception):
    """The child ended before it had read the complete file.

    Attributes:
        page: the page it was reading, or 0 before the first one.
        why: the cause, for messages.
    """

    def __init__(self, page: int, why: str) -> None:
        super().__init__(page, why)
        self.page, self.why = page, why


def read(listed: ListedFile, intake: Intake) -> Iterator[Document | Reject]:
    """Yield rejects for unusable parts of a file, then its document, or a reject for all of it.

    Raises:
        TemporaryError: the child was ended by something other than docent.
    """
    left_out: dict[int, str] = {}
    while True:
        child = _child(intake.section.pdf.max_memory_mb)
        fresh = not child.files
        try:
            yield from child.read(listed, intake, left_out)
            return
        except ReaderEndedError as ended:
            child.end()
            if not fresh:
                continue
            if ended.page == 0 or ended.page in left_out or len(left_out) >= MAX_BAD_PAGES:
                place = f"page {ended.page}: " if ended.page else ""
                earlier = "".join(f"page {number}: {why}; " for number, why in left_out.items())
                yield rejected(listed, CANNOT_BE_READ, f"{earlier}{place}{ended.why}")
                return
            left_out[ended.page] = ended.why


@dataclass
class _Child:
    """A process that reads PDFs.

    Attributes:
        max_memory_mb: memory that it may use.
        files: number of files that it has begun to read.
    """

    max_memory_mb: int
    files: int = 0
    process: subprocess.Popen[bytes] = field(init=False)
    _pipe: Connection = field(init=False)

    def __post_init__(self) -> None:
        root = str(Path(docent.__file__).resolve().parent.parent)
        kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        # Set one thread each: a library's thread pool reserves memory that counts against the limit.
        threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-X", "utf8", "-m", "docent.stages.ingest.pdf.reader", str(self.max_memory_mb)]
        self._pipe, its_end = Pipe()
        with its_end:
            self.process = subprocess.Popen(
                [*command, str(its_end.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**kept, **threads, "PYTHONPATH": root},
                pass_fds=(its_end.fileno(),),
                start_new_session=True,  # a signal to the stage's group must not look like a crash
            )

    def read(self, listed: ListedFile, intake: Intake, left_out: dict[int, str]) -> list[Document | Reject]:
        """Return the rows of a file.

        Raises:
            ReaderEndedError: the child ended, or was ended because a page took too long.
            TemporaryError: the child was ended by something other than docent.
        """
        timeout_s = intake.section.pdf.page_timeout_s
        request = {
            "section": intake.section.model_dump_json(),
            "source": listed.source.model_dump_json(),
            "path": str(listed.path.absolute()),
            "name": listed.name,
            "before": listed.before,
            "limits": {"file_bytes": intake.limits.file_bytes, "pixels": intake.limits.pixels},
            "left_out": left_out,
        }
        deadline = time.monotonic() + timeout_s + (0.0 if self.files else _START_S)
        self.files += 1
        page, rows = 0, list[Document | Reject]()
        try:
            self._send(request)
            while True:
                message, data = self._receive(deadline, page, timeout_s)
                kind = message["kind"]
                if kind == "done":
                    return rows
                if kind == "page":
                    page, deadline = message["number"], time.monotonic() + timeout_s
                elif kind == "log":
                    log.log(message["level"], "%s", message["message"])
                elif kind == "picture":
                    self._send(intake.save(data, message["suffix"]))
                elif kind == "failed" and message["reason"] == "memory":
                    raise ReaderEndedError(page, self._needs_memory())
                elif kind == "failed":
                    raise RuntimeError(f"reading {listed.name} page {page} failed:\n{message['detail']}")
                else:
                    rows.append((Reject if kind == "reject" else Document).model_validate_json(data))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise self._ended(page, listed) from None

    def end(self) -> None:
        """Kill the process."""
        self.process.kill()
        self.process.wait()
        self._pipe.close()
        if _children.get(self.max_memory_mb) is self:
            del _children[self.max_memory_mb]

    def _needs_memory(self) -> str:
        return f"reading it takes more than {self.max_memory_mb} MB, ingest.pdf.max_memory_mb"

    def _send(self, what: Any) -> None:
        self._pipe.send_bytes(json.dumps(what).encode())

    def _receive(self, deadline: float, page: int, timeout_s: float) -> tuple[dict[str, Any], bytes]:
        """Return the next message and its bytes."""
        if not self._pipe.poll(max(0.0, deadline - time.monotonic())):
            raise ReaderEndedError(page, f"reading it takes more than {timeout_s:g} s, ingest.pdf.page_timeout_s")
        # Only bytes and JSON: unpickling could run code, and the child reads untrusted files.
        return json.loads(self._pipe.recv_bytes()), self._pipe.recv_bytes()

    def _ended(self, page: int, listed: ListedFile) -> Exception:
        """Return the error that matches the exit code of the process."""
        code = self.process.wait()
        if code < 0 and -code not in _CRASHES:
            what = f"the process reading page {page} of {listed.name} was ended by {signal.Signals(-code).name}"
            return TemporaryError(what, listed.name, "add memory if the system ran out of it, then: docent run")
        ended = f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        return ReaderEndedError(page, f"its reader {ended}: it is damaged, or {self._needs_memory()}")


_children: dict[int, _Child] = {}


def _child(max_memory_mb: int) -> _Child:
    """Return the running child with this limit; if there is none, end the others and start one."""
    child = _children.get(max_memory_mb)
    if child is None or child.process.poll() is not None:
        for other in list(_children.values()):
            other.end()
        child = _children[max_memory_mb] = _Child(max_memory_mb)
    return child


@atexit.register
def close() -> None:
    """End the child that is kept for another file."""
    for child in list(_children.values()):
        child.end()
