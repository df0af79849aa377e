"""Run a command in a pod over one websocket, byte for byte in both directions.

The connection (TLS, proxy, credentials) comes from `kubernetes.stream`. Its WSClient is not used: it buffers output
without bound, and it cannot send while the other side does not read. Protocol
v4.channel.k8s.io: the first byte of every message names the channel. One thread serves both directions, so that
neither a full pipe nor TLS, whose connections are not safe across threads, can block it.
"""

import json
import select
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any

from docent.errors import LauncherError
from docent.launcher.cluster.api.connection import ApiError, Connection, refusal, unreachable

STDIN, STDOUT, STDERR, STATUS = range(4)
PROTOCOL = "v4.channel.k8s.io"
CHUNK_BYTES = 128 * 1024
HANDSHAKE_S = 30.0
IDLE_S = 600.0
POLL_MS = 1000
STDERR_BYTES = 4096


class CommandError(LauncherError):
    """A command in a pod failed.

    Attributes:
        status: exit status of the command.
        stderr: end of its standard error.
    """

    def __init__(self, where: str, status: int, stderr: str) -> None:
        super().__init__(
            1, f"a command in the pod exited with {status}: {stderr.strip()}", where, "kubectl describe pod"
        )
        self.status, self.stderr = status, stderr


def run_in_pod(
    connection: Connection, path: str, command: Sequence[str], stdin: Iterable[bytes] | None
) -> Iterator[bytes]:
    """Implement `Cluster.run_in`; `path` is the API path of the pod's `exec`."""
    query: list[tuple[str, Any]] = [("command", list(command)), ("stdout", "true"), ("stderr", "true")]
    query += [("stdin", "true")] if stdin is not None else []
    socket = _connected(connection, path, query)
    stderr, result = b"", None
    try:
        for channel, data in _Exchange(socket, stdin or ()).messages():
            if channel == STDOUT:
                yield data
            elif channel == STDERR:
                stderr = (stderr + data)[-STDERR_BYTES:]
            elif channel == STATUS:
                result = json.loads(data)
    finally:
        socket.close(timeout=1)
    if result is None:
        raise ApiError(4, "the connection to the pod was interrupted", path, "run the same command again")
    if result.get("status") != "Success":
        causes = result.get("details", {}).get("causes", [])
        status = next((int(cause["message"]) for cause in causes if cause.get("reason") == "ExitCode"), 1)
        raise CommandError(path, status, stderr.decode("utf-8", "replace") or str(result.get("message", "")))


def _connected(connection: Connection, path: str, query: list[tuple[str, Any]]) -> Any:
    import websocket
    from kubernetes.stream.ws_client import create_websocket, get_websocket_url

    headers = {**connection.headers(), "sec-websocket-protocol": PROTOCOL}
    url = get_websocket_url(connection.host + path, query)
    opened: Future[Any] = Future()

    def connect() -> None:
        try:
            opened.set_result(create_websocket(connection.configuration, url, headers))
        except BaseException as error:  # noqa: BLE001 - raised by result()
            opened.set_exception(error)

    # In a thread of its own, because create_websocket has no time limit.
    threading.Thread(target=connect, name="exec handshake", daemon=True).start()
    try:
        return opened.result(HANDSHAKE_S)
    except websocket.WebSocketBadStatusException as error:
        raise refusal(f"exec {path}", error.status_code, error.resp_body or b"") from None
    except (OSError, websocket.WebSocketException) as error:
        raise unreachable(connection.host, str(error) or f"no response within {HANDSHAKE_S:g} s") from None


class _Exchange:
    """Sends and receives over one websocket, whichever direction is ready."""

    def __init__(self, socket: Any, stdin: Iterable[bytes]) -> None:
        from websocket import ABNF

        pieces = (chunk[at : at + CHUNK_BYTES] for chunk in stdin for at in range(0, len(chunk), CHUNK_BYTES))
        self.socket = socket
        # Each piece is one frame, masked as the protocol requires.
        self.frames = (ABNF.create_frame(bytes([STDIN]) + piece, ABNF.OPCODE_BINARY).format() for piece in pieces)
        # The websocket would answer a PING at once, even in the middle of a frame that is only partly sent.
        self.pongs: list[bytes] = []
        socket.pong = lambda data: self.pongs.append(ABNF.create_frame(data, ABNF.OPCODE_PONG).format())
        self.outgoing: memoryview[Any] = memoryview(b"")

    def messages(self) -> Iterator[tuple[int, bytes]]:
        """Yield channel and data of every message, until the remote side closes the connection."""
        import websocket

        last_activity_s = time.monotonic()
        while True:
            if not self.outgoing:
                self.outgoing = memoryview(self.pongs.pop(0) if self.pongs else next(self.frames, b""))
            readable, writable = self._ready()
            if readable or writable:
                last_activity_s = time.monotonic()
            elif time.monotonic() - last_activity_s > IDLE_S:
                return
            try:
                if not readable:  # reading comes first: the message may be the status of a command that reads no more
                    self._send()
                    continue
                self.socket.sock.settimeout(1.0)
                kind, frame = self.socket.recv_data_frame(True)
            except websocket.WebSocketTimeoutException:
                continue  # only TLS housekeeping, or half a frame: the rest is read in the next round
            except (OSError, websocket.WebSocketException):
                return  # the caller sees that no status arrived
            if kind == websocket.ABNF.OPCODE_CLOSE:
                return
            if kind in (websocket.ABNF.OPCODE_BINARY, websocket.ABNF.OPCODE_TEXT) and len(frame.data) > 1:
                yield frame.data[0], bytes(frame.data[1:])

    def _ready(self) -> tuple[bool, bool]:
        """Return whether there is data to read and room to write; wait at most a second."""
        sock = self.socket.sock
        if isinstance(sock, ssl.SSLSocket) and sock.pending():  # decrypted already, so poll does not report it
            return True, False
        poll = select.poll()
        poll.register(sock, select.POLLIN | (select.POLLOUT if self.outgoing else 0))
        events = sum(mask for _, mask in poll.poll(POLL_MS))
        return bool(events & ~select.POLLOUT), bool(events & select.POLLOUT)

    def _send(self) -> None:
        """Send as much as the socket accepts without blocking."""
        if not self.outgoing:
            return
        self.socket.sock.settimeout(0)
        try:
            self.outgoing = self.outgoing[self.socket.sock.send(self.outgoing) :]
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return
