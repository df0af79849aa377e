"""Reads a PDF in a child process, so that a file that breaks PDFium, or takes all memory, costs one page of one file.

The child (pdf_reader.py) is kept for the next file. Where it ends, or takes too long at a page, the file is read again
in a new child without that page, which becomes a reject; after MAX_BAD_PAGES the file does. A child that has read other
files before is replaced first, so that what is read does not depend on the order of the files.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import docent
from docent.errors import TemporaryError
from docent.records import Document, Reject
from docent.stages.ingest.images import Intake
from docent.stages.ingest.pdf.document import CANNOT_BE_READ, rejected
from docent.stages.ingest.sources import ListedFile

log = logging.getLogger("docent.ingest")

MAX_BAD_PAGES = 3
_START_S = 60.0
"""Seconds that the child may take to start, beside those for opening a file."""
_KEPT_VARIABLES = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONDONTWRITEBYTECODE", "SYSTEMROOT")
# How PDFium and the limits end a process; any other signal came from outside.
_CRASHES = frozenset(
    getattr(signal, name)
    for name in ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP", "SIGALRM", "SIGSYS")
    if hasattr(signal, name)
)


class ReaderEndedError(Exception):
    """The child did not read a file to its end.

    Attributes:
        page: that it was reading; 0 before the first one.
        why: for people.
    """

    def __init__(self, page: int, why: str) -> None:
        super().__init__(page, why)
        self.page, self.why = page, why


def read(listed: ListedFile, intake: Intake) -> Iterator[Document | Reject]:
    """The document of a file behind what of it cannot be used, or why it is none.

    Raises:
        TemporaryError: something else than docent ended the child.
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
        files: that it has begun to read.
    """

    max_memory_mb: int
    files: int = 0
    process: subprocess.Popen[bytes] = field(init=False)
    _buffer: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        root = str(Path(docent.__file__).resolve().parent.parent)
        kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        # One thread each: a library's pool of threads reserves memory that counts against the limit.
        threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-X", "utf8", "-m", "docent.stages.ingest.pdf.reader", str(self.max_memory_mb)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**kept, **threads, "PYTHONPATH": root},
            start_new_session=True,  # a signal to the stage's group must not look like a crash
        )

    def read(self, listed: ListedFile, intake: Intake, left_out: dict[int, str]) -> list[Document | Reject]:
        """The rows of a file.

        Raises:
            ReaderEndedError: the child ended, or was ended because a page took too long.
            TemporaryError: something else than docent ended it.
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
        self._send(request, page, listed)
        while True:
            said, data = self._frame(deadline, page, listed, timeout_s)
            kind = said["kind"]
            if kind == "done":
                return rows
            if kind == "page":
                page, deadline = said["number"], time.monotonic() + timeout_s
            elif kind == "log":
                log.log(said["level"], "%s", said["message"])
            elif kind == "picture":
                self._send(intake.save(data, said["suffix"]), page, listed)
            elif kind == "failed" and said["reason"] == "memory":
                raise ReaderEndedError(page, self._needs_memory())
            elif kind == "failed":
                raise RuntimeError(f"reading {listed.name} page {page} failed:\n{said['detail']}")
            else:
                rows.append((Reject if kind == "reject" else Document).model_validate_json(data))

    def end(self) -> None:
        """End the process at once."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            _close(stream)
        if _children.get(self.max_memory_mb) is self:
            del _children[self.max_memory_mb]

    def _needs_memory(self) -> str:
        return f"reading it takes more than {self.max_memory_mb} MB, ingest.pdf.max_memory_mb"

    def _send(self, what: Any, page: int, listed: ListedFile) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(what).encode() + b"\n")
            self.process.stdin.flush()
        except (BrokenPipeError, ConnectionResetError):
            raise self._ended(page, listed) from None

    def _frame(self, deadline: float, page: int, listed: ListedFile, timeout_s: float) -> tuple[dict[str, Any], bytes]:
        """The next frame, and the bytes behind it."""
        at = 0
        while (end := self._buffer.find(b"\n", at)) < 0:
            at = len(self._buffer)
            self._fill(deadline, page, listed, timeout_s)
        said: dict[str, Any] = json.loads(self._buffer[:end])
        behind = end + 1 + said["bytes"]
        while len(self._buffer) < behind:
            self._fill(deadline, page, listed, timeout_s)
        data = bytes(self._buffer[end + 1 : behind])
        del self._buffer[:behind]
        return said, data

    def _fill(self, deadline: float, page: int, listed: ListedFile, timeout_s: float) -> None:
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as waiting:
            waiting.register(self.process.stdout, selectors.EVENT_READ)
            ready = waiting.select(max(0.0, deadline - time.monotonic()))
        if not ready:
            raise ReaderEndedError(page, f"reading it takes more than {timeout_s:g} s, ingest.pdf.page_timeout_s")
        chunk = os.read(self.process.stdout.fileno(), 1 << 20)
        if not chunk:
            raise self._ended(page, listed)
        self._buffer += chunk

    def _ended(self, page: int, listed: ListedFile) -> Exception:
        """What it means that the process is gone."""
        code = self.process.wait()
        if code < 0 and -code not in _CRASHES:
            what = f"the process that reads {listed.name} page {page} was ended by {signal.Signals(-code).name}"
            return TemporaryError(what, listed.name, "run it again; with more memory if the system is short of it")
        ended = f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        return ReaderEndedError(page, f"its reader {ended}: it is damaged, or {self._needs_memory()}")


_children: dict[int, _Child] = {}


def _child(max_memory_mb: int) -> _Child:
    """The running child with this limit, or a new one."""
    found = _children.get(max_memory_mb)
    if found is None or found.process.poll() is not None:
        for other in list(_children.values()):
            other.end()
        found = _children[max_memory_mb] = _Child(max_memory_mb)
    return found


def _close(stream: IO[bytes] | None) -> None:
    try:
        if stream is not None:
            stream.close()
    except BrokenPipeError:  # what was not written yet is of no use to a process that is gone
        return


@atexit.register
def close() -> None:
    """End the child that waits for another file."""
    for child in list(_children.values()):
        child.end()
