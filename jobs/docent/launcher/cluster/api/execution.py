"""A command in a pod over one websocket, byte for byte in both directions.

Reads what the command writes; writes its standard input. Protocol v4.channel.k8s.io: the first byte of every message
names the channel. One thread does both directions, so that neither a full pipe nor TLS can get in its way.
"""

from __future__ import annotations

import json
import select
import ssl
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from docent.errors import LauncherError
from docent.launcher.cluster.api.connection import ApiError, Connection, refusal

STDIN, STDOUT, STDERR, STATUS = range(4)
PROTOCOL = "v4.channel.k8s.io"
CHUNK_BYTES = 128 * 1024
IDLE_S = 600.0
STDERR_BYTES = 4096


class CommandError(LauncherError):
    """A command in a pod failed.

    Attributes:
        status: its exit status.
        stderr: the end of what it said.
    """

    def __init__(self, where: str, status: int, stderr: str) -> None:
        super().__init__(
            1, f"a command in the pod ended with {status}: {stderr.strip()}", where, "kubectl describe pod"
        )
        self.status, self.stderr = status, stderr


def run_in_pod(
    connection: Connection, path: str, command: Sequence[str], stdin: Iterable[bytes] | None, container: str
) -> Iterator[bytes]:
    """See `Cluster.run_in`."""
    query = {
        "command": list(command),
        "stdin": stdin is not None,
        "stdout": True,
        "stderr": True,
        "container": container,
    }
    socket = _connected(connection, path, query)
    stderr, ended = b"", None
    try:
        for channel, data in _Exchange(socket, stdin).messages():
            if channel == STDOUT:
                yield data
            elif channel == STDERR:
                stderr = (stderr + data)[-STDERR_BYTES:]
            elif channel == STATUS:
                ended = json.loads(data)
    finally:
        socket.close(timeout=1)
    if ended is None:
        raise ApiError(4, "the connection to the pod broke off", path, "the same command again")
    if ended.get("status") != "Success":
        raise CommandError(
            path, _exit_status(ended), stderr.decode("utf-8", "replace") or str(ended.get("message", ""))
        )


def _exit_status(ended: dict[str, Any]) -> int:
    causes = ended.get("details", {}).get("causes", [])
    return next((int(cause["message"]) for cause in causes if cause.get("reason") == "ExitCode"), 1)


def _connected(connection: Connection, path: str, query: dict[str, Any]) -> Any:
    import websocket
    from kubernetes.stream.ws_client import create_websocket, get_websocket_url

    asked = [(name, "true" if value is True else value) for name, value in query.items() if value]
    headers = {**connection.headers(), "sec-websocket-protocol": PROTOCOL}
    try:
        url = get_websocket_url(connection.host + path, asked)  # type: ignore[no-untyped-call]
        return create_websocket(connection.configuration, url, headers)  # type: ignore[no-untyped-call]
    except websocket.WebSocketBadStatusException as error:
        said = (error.resp_body or b"").decode("utf-8", "replace")
        try:
            status = json.loads(said)
        except json.JSONDecodeError:
            status = {}
        raise refusal("EXEC", path, error.status_code, status, said) from None
    except (OSError, websocket.WebSocketException) as error:
        raise ApiError(4, f"the cluster cannot be reached: {error}", connection.host, "kubectl cluster-info") from None


class _Exchange:
    """Both directions of one websocket, whichever is ready."""

    def __init__(self, socket: Any, stdin: Iterable[bytes] | None) -> None:
        self.socket, self.stdin = socket, _pieces(stdin or ())
        self.outgoing: memoryview[Any] = memoryview(b"")
        self.sent_all = False

    def messages(self) -> Iterator[tuple[int, bytes]]:
        """Channel and data of every message, until the far end closes."""
        import websocket

        idle_since_s = time.monotonic()
        while True:
            self._next_piece()
            readable, writable = self._ready()
            if not readable and not writable and time.monotonic() - idle_since_s > IDLE_S:
                return
            if readable or writable:
                idle_since_s = time.monotonic()
            try:
                if writable:
                    self._send()
                if not readable:
                    continue
                self.socket.sock.settimeout(1.0)
                kind, frame = self.socket.recv_data_frame(True)
            except websocket.WebSocketTimeoutException:
                continue  # what came was TLS talking to itself, or half a frame: the rest is read next time
            except (OSError, websocket.WebSocketException):
                return  # whoever asked sees that no status came
            if kind == websocket.ABNF.OPCODE_CLOSE:
                return
            if kind in (websocket.ABNF.OPCODE_BINARY, websocket.ABNF.OPCODE_TEXT) and len(frame.data) > 1:
                yield frame.data[0], bytes(frame.data[1:])

    def _next_piece(self) -> None:
        """Make the next message ready; each is one frame, masked as the protocol wants it."""
        from websocket import ABNF

        if self.outgoing or self.sent_all:
            return
        piece = next(self.stdin, None)
        if piece is None:
            self.sent_all = True
        else:
            frame = ABNF.create_frame(bytes([STDIN]) + piece, ABNF.OPCODE_BINARY).format()
            self.outgoing = memoryview(frame)

    def _ready(self) -> tuple[bool, bool]:
        plain = self.socket.sock
        if isinstance(plain, ssl.SSLSocket) and plain.pending():
            return True, False
        poll = select.poll()
        poll.register(plain, select.POLLIN | (select.POLLOUT if self.outgoing else 0))
        events = sum(mask for _, mask in poll.poll(1000))
        return bool(events & ~select.POLLOUT), bool(events & select.POLLOUT)

    def _send(self) -> None:
        """Send what the socket takes now."""
        self.socket.sock.settimeout(0)
        try:
            self.outgoing = self.outgoing[self.socket.sock.send(self.outgoing) :]
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), CHUNK_BYTES):
            yield chunk[start : start + CHUNK_BYTES]
