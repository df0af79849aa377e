"""Implement the mock endpoint's HTTP/1.1: the minimum, and nothing slow.

Reads sockets; spools uploads to temporary files; used by `endpoint.py`.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from endpoint_answers import Body

MAX_HEAD_BYTES = 65_536
SPOOL_BYTES = 1_048_576
REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    413: "Content Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
}
HEADS = {
    status: f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: "
    for status, reason in REASONS.items()
}


class Spool:
    """The body of an upload or of a small request, spooled to disk above 1 MB."""

    def __init__(self) -> None:
        self.file: BinaryIO = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # type: ignore[assignment]  # noqa: SIM115
        self.raw_bytes = 0

    def feed(self, data: bytes) -> None:
        """Add the next bytes."""
        self.raw_bytes += len(data)
        self.file.write(data)

    def end(self) -> None:
        """Rewind to the start, for reading."""
        self.file.seek(0)


class Handler(Protocol):
    """Interface of a request handler. Each request ends in one `connection.reply`, now or later, or in none."""

    def chat(self, connection: Connection, body: Body) -> None:
        """Answer a chat request whose body has been read."""

    def other(self, connection: Connection, body: Spool) -> None:
        """Answer any other request."""

    def gone(self, connection: Connection) -> None:
        """Handle a client that disconnected before its answer."""


class Connection(asyncio.Protocol):
    """One client connection; one request at a time.

    Attributes:
        method, path, headers: those of the request that is being read or answered; header names in lower case.
        waits: whether a request has been read and not yet answered.
        call: the handler's state for that request.
    """

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.transport: asyncio.Transport | None = None
        self.method = self.path = ""
        self.headers: dict[str, str] = {}
        self.waits = False
        self.call: Any = None
        self._rest = b""
        self._body: Body | Spool | None = None
        self._left: int | None = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self.transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the handler if an answer is still pending."""
        self.transport = None
        if self.waits:
            self.waits = False
            self.handler.gone(self)

    def data_received(self, data: bytes) -> None:
        """Read request heads and bodies from the bytes received so far."""
        self._rest = self._rest + data if self._rest else data
        while self._rest and not self.waits:
            if self._body is None and not self._read_head():
                return
            if self._read_body():
                self._dispatch()
            elif self._body is not None:
                return

    def _read_head(self) -> bool:
        end = self._rest.find(b"\r\n\r\n")
        if end < 0:
            if len(self._rest) > MAX_HEAD_BYTES and self.transport:
                self.transport.close()
            return False
        first, *lines = self._rest[:end].decode("latin-1").split("\r\n")
        self.method, target, _ = first.split(" ", 2)
        self.path = target
        self.headers = headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        self._rest = self._rest[end + 4 :]
        is_chat = self.method == "POST" and target.partition("?")[0].endswith("/chat/completions")
        self._body = Body() if is_chat else Spool()
        self._left = (
            None if "chunked" in headers.get("transfer-encoding", "") else int(headers.get("content-length", 0))
        )
        if headers.get("expect", "").lower() == "100-continue" and self.transport:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self._left == 0:
            self._dispatch()
        return self._body is not None

    def _read_body(self) -> bool:
        """Pass the available bytes to the body; return whether it is complete."""
        body = self._body
        if body is None:
            return False
        if self._left is None:
            return self._read_chunks(body)
        piece = self._rest if len(self._rest) <= self._left else self._rest[: self._left]
        self._rest = self._rest[len(piece) :]
        self._left -= len(piece)
        body.feed(piece)
        return self._left == 0

    def _read_chunks(self, body: Body | Spool) -> bool:
        """Read a body sent with Transfer-Encoding: chunked; a chunk is processed once all of it has arrived."""
        at, rest = 0, self._rest
        while (end := rest.find(b"\r\n", at)) >= 0:
            size = int(rest[at:end].partition(b";")[0], 16)
            if len(rest) < end + 4 + size:
                break
            if size:
                body.feed(rest[end + 2 : end + 2 + size])
            at = end + 4 + size
            if size == 0:
                self._rest = rest[at:]
                return True
        self._rest = rest[at:]
        return False

    def _dispatch(self) -> None:
        body, self._body = self._body, None
        self.waits = True
        if isinstance(body, Body):
            self.handler.chat(self, body)
        elif body is not None:
            body.end()
            self.handler.other(self, body)

    def reply(self, status: int, body: bytes, headers: str = "") -> None:
        """Send the response. `headers` are complete lines, each with its line end."""
        self.waits = False
        if self.transport is None:
            return
        close = self.headers.get("connection", "").lower() == "close"
        if close:
            headers += "Connection: close\r\n"
        self.transport.write(f"{HEADS[status]}{len(body)}\r\n{headers}\r\n".encode() + body)
        if close:
            self.transport.close()
        elif self._rest:
            asyncio.get_running_loop().call_soon(self.data_received, b"")

    def reply_file(self, path: Path) -> None:
        """Send a file."""
        self.reply(200, path.read_bytes())

    def reply_json(self, status: int, value: Any) -> None:
        """Send a JSON document."""
        self.reply(status, json.dumps(value).encode())


def unknown_field(request: dict[str, Any], names: dict[str, str]) -> bytes | None:
    """Return the error for a request that has one of these fields, in OpenAI's words."""
    name = next((name for name in names if name in request), None)
    if name is None:
        return None
    instead = f" Use '{names[name]}' instead." if names[name] else ""
    message = f"Unsupported parameter: '{name}' is not supported with this model.{instead}"
    return error(message, "invalid_request_error", "unsupported_parameter", name)


def error(message: str, kind: str, code: str | None = None, param: str | None = None) -> bytes:
    """Return an error body in OpenAI's format."""
    return json.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}}).encode()
