"""Commands in pods, over websockets to a server that responds late, or in the middle of what is sent to it."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from docent.launcher.cluster.api import execution
from docent.launcher.cluster.api.connection import ApiError, Connection
from docent.launcher.cluster.api.execution import PROTOCOL, STATUS, STDIN, STDOUT, run_in_pod

Serve = Callable[[socket.socket], None]
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


@pytest.fixture
def connected() -> Iterator[Callable[[Serve], Connection]]:
    """Starts a server for one TCP connection; returns a connection to it."""
    from kubernetes.client import Configuration

    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def start(serve: Serve) -> Connection:
        def run() -> None:
            client, _ = listener.accept()
            with client:
                serve(client)

        threads.append(threading.Thread(target=run, daemon=True))
        threads[-1].start()
        return Connection(Configuration(host=f"http://127.0.0.1:{listener.getsockname()[1]}"))

    yield start
    listener.close()
    for thread in threads:
        thread.join(10)


def shake_hands(client: socket.socket) -> None:
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        request += client.recv(4096)
    headers = dict(line.split(": ", 1) for line in request.decode().split("\r\n")[1:] if ": " in line)
    key = {name.lower(): value for name, value in headers.items()}["sec-websocket-key"]
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    lines += [f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}", f"Sec-WebSocket-Protocol: {PROTOCOL}"]
    client.sendall("\r\n".join([*lines, "", ""]).encode())


def frame(opcode: int, data: bytes) -> bytes:
    return bytes([0x80 | opcode, len(data)]) + data


def read_frame(client: socket.socket) -> tuple[int, bytes]:
    """Read one frame of a client and remove its mask."""
    with client.makefile("rb", buffering=0) as file:

        def exactly(size: int) -> bytes:
            data = b""
            while len(data) < size and (piece := file.read(size - len(data))):
                data += piece
            return data

        first, length = exactly(2)
        assert first & 0x70 == 0 and length & 0x80, "the stream of frames is damaged"
        size = length & 0x7F
        if size > 125:
            size = struct.unpack(*((">H", exactly(2)) if size == 126 else (">Q", exactly(8))))[0]
        mask = exactly(4)
        data = exactly(size)
    repeated = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return first & 0x0F, (int.from_bytes(data, "big") ^ repeated).to_bytes(size, "big")


def test_a_ping_in_the_middle_of_a_frame_damages_nothing(
    connected: Callable[[Serve], Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "CHUNK_BYTES", 16 << 20)  # more than the buffers of both sides hold
    received: list[tuple[int, bytes]] = []

    def serve(client: socket.socket) -> None:
        shake_hands(client)
        time.sleep(0.5)
        client.sendall(frame(PING, b"alive?"))
        time.sleep(0.3)
        while sum(len(data) - 1 for opcode, data in received if opcode == BINARY) < len(sent):
            received.append(read_frame(client))
        client.sendall(frame(BINARY, bytes([STDOUT]) + b"all"))
        client.sendall(frame(BINARY, bytes([STATUS]) + json.dumps({"status": "Success"}).encode()))
        client.sendall(frame(CLOSE, b""))

    sent = bytes(range(256)) * 80_000
    assert b"".join(run_in_pod(connected(serve), "/exec", ["cat"], [sent])) == b"all"
    assert b"".join(data[1:] for opcode, data in received if opcode == BINARY) == sent
    assert {data[0] for opcode, data in received if opcode == BINARY} == {STDIN}
    assert [data for opcode, data in received if opcode == PONG] == [b"alive?"]


def test_a_handshake_without_response_ends_in_time(
    connected: Callable[[Serve], Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "HANDSHAKE_S", 0.3, raising=False)
    ended, started_s = threading.Event(), time.monotonic()
    connection = connected(lambda _: ended.wait(3) and None)
    with pytest.raises(ApiError, match="no response within") as error:
        list(run_in_pod(connection, "/exec", ["true"], None))
    ended.set()
    assert error.value.exit_code == 4 and time.monotonic() - started_s < 2
