"""Write the request files of batches and read their result files.

Writes temporary files without a name, which vanish with the process; reads images in chunks while they are
written. A line's `custom_id` is the journal key of the ask, in hex digits.
"""

import asyncio
import base64
import errno
import json
import tempfile
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from pydantic import BaseModel, ValidationError

from docent.errors import ConfigError, TemporaryError
from docent.llm.chat import Image
from docent.llm.journal.journal import Try
from docent.llm.pace.budget import Cost
from docent.llm.sender import Ask
from docent.llm.structure.lenient_json import read_json
from docent.llm.wire.transport import PIECE_BYTES, Reply, sent_size, split_at_pictures

ROOM_AROUND_REPLY_BYTES = 64 * 1024
"""Bytes that a line of results needs in addition to the text of the reply."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a batch file: an ask of a request (see Ask).

    Attributes:
        first: key of the request's first ask.
        key: the key of this ask.
        most: the highest possible price.
        attempt: the try in the journal, or None before there is one.
    """

    first: bytes
    key: bytes
    most: Cost
    attempt: Try | None = None


class RequestFile:
    """A temporary file with the requests of one batch.

    Args:
        path: the endpoint's path, written into every line.
        max_requests, max_bytes: the most that the file may hold.
        sent: converts a request's body to the form that the endpoint accepts.
    """

    def __init__(self, path: str, max_requests: int, max_bytes: int, sent: Callable[[bytes], bytes]) -> None:
        self._path, self._max_requests, self._max_bytes, self._sent = path, max_requests, max_bytes, sent
        self.file: IO[bytes] = tempfile.TemporaryFile(prefix="docent-batch-")
        self.lines: list[Line] = []
        self.size = 0

    def parts(self, ask: Ask) -> tuple[list[bytes | Image], int]:
        """Return a line split at its images, and its length in bytes with them.

        Raises:
            ConfigError: an image cannot be read.
        """
        head = f'{{"custom_id":"{ask.key.hex()}","method":"POST","url":"{self._path}","body":'.encode()
        images = [image for message in ask.request.messages for image in message.images]
        parts = [head, *split_at_pictures(self._sent(ask.body), images), b"}\n"]
        with _errors_of_files():
            return parts, sum(sent_size(part) for part in parts)

    def has_room(self, size: int) -> bool:
        """Return whether a line of `size` bytes still fits."""
        return len(self.lines) < self._max_requests and self.size + size <= self._max_bytes

    async def add(self, line: Line, parts: Sequence[bytes | Image], size: int) -> None:
        """Write a line, on another thread if it has images.

        Raises:
            ConfigError: an image cannot be read.
            TemporaryError: the disk is full.
        """
        with _errors_of_files():
            if all(isinstance(part, bytes) for part in parts):
                _write(self.file, parts)
            else:
                await asyncio.to_thread(_write, self.file, parts)
        self.lines.append(line)
        self.size += size

    def keep(self, keys: Container[bytes]) -> None:
        """Drop all lines except those with these keys.

        Raises:
            TemporaryError: the disk is full.
        """
        rest: IO[bytes] = tempfile.TemporaryFile(prefix="docent-batch-")
        self.file.seek(0)
        with _errors_of_files():
            for line, data in zip(self.lines, self.file, strict=True):
                if line.key in keys:
                    rest.write(data)
        self.file.close()
        self.file, self.size = rest, rest.tell()
        self.lines = [line for line in self.lines if line.key in keys]


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one line: its reply, in the form of an online reply, or the reason why there is none."""

    key: bytes
    reply: Reply | None
    why: str = ""


class _Response(BaseModel):
    status_code: int
    body: Any = None


class _Error(BaseModel):
    code: str | None = None
    message: str | None = None


class _Row(BaseModel):
    custom_id: str
    response: _Response | None = None
    error: _Error | None = None


def results(file: IO[bytes], max_reply_bytes: int) -> Iterator[Result]:
    """Read a file of results, skipping lines that are malformed or too long."""
    most = max_reply_bytes + ROOM_AROUND_REPLY_BYTES
    whole = True
    while line := file.readline(most):
        starts, whole = whole, line.endswith(b"\n")
        if starts and (whole or len(line) < most) and (result := _result(line)):
            yield result


def _result(line: bytes) -> Result | None:
    try:
        row = _Row.model_validate(read_json(line))
        key = bytes.fromhex(row.custom_id)
    except (ValueError, ValidationError, RecursionError):
        return None
    if row.response is not None and row.response.status_code:
        return Result(key, Reply(row.response.status_code, {}, json.dumps(row.response.body).encode()))
    error = row.error or _Error()
    return Result(key, None, ": ".join(word for word in (error.code, error.message) if word) or "no reply")


def _write(file: IO[bytes], parts: Sequence[bytes | Image]) -> None:
    for part in parts:
        if isinstance(part, bytes):
            file.write(part)
            continue
        with part.path.open("rb") as picture:
            while piece := picture.read(PIECE_BYTES):
                file.write(base64.b64encode(piece))


@contextmanager
def _errors_of_files() -> Iterator[None]:
    """Raise ConfigError or TemporaryError in place of an OSError in the body."""
    try:
        yield
    except OSError as error:
        what = f"cannot write a batch file: {error.strerror or error}"
        where = str(error.filename or tempfile.gettempdir())
        if error.errno == errno.ENOSPC:
            raise TemporaryError(what, where, "free disk space, or set TMPDIR to another disk: docent run") from None
        raise ConfigError(what, where, "make the file readable, then: docent run") from None
