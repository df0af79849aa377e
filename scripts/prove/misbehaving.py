"""Serve faulty HTTP responses, one kind per path, to test that a client's limits hold.

    python scripts/prove/misbehaving.py

Prints its port. `/<fault>/anything` is answered as WAYS defines, whatever the method; GET /count returns the number of
requests by fault. An endless response goes on until the client disconnects. Exits with its parent process.
"""

from __future__ import annotations

import gzip
import json
import os
import socket
import socketserver
import struct
import sys
import threading
import time
from collections import Counter

PAUSE_S = 0.01
"""Pause between pieces of a slow response: too short for a read timeout, too long for the response to end soon."""
DIGITS = b"9" * 5000
MANY_DIGITS = b"9" * 8000
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
REDIRECT = b"HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\nLocation: "
COMPLETION = {
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "yes"}}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 1},
}
BODY = json.dumps(COMPLETION).encode()
BOMB_BYTES = 50_000_000
COUNT: Counter[str] = Counter()


def whole(head: bytes, body: bytes = BODY) -> bytes:
    """Return a response with a Content-Length header."""
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def with_usage(**usage: object) -> bytes:
    """Return a valid completion with an unusual `usage`."""
    return whole(OK, json.dumps({**COMPLETION, "usage": usage}).encode())


def bomb() -> bytes:
    """Return many megabytes of zeros, compressed."""
    return whole(OK + b"Content-Encoding: gzip\r\n", gzip.compress(bytes(BOMB_BYTES), 1))


ODD_BATCH = {
    "id": "batch_1",
    "object": "batch",
    "status": "in_progress",
    "metadata": [1],
    "created_at": "long ago",
    "request_counts": {"completed": "many", "failed": None, "total": []},
    "errors": {"data": [3]},
}
ONCE: dict[str, bytes] = {
    "good": whole(OK),
    "usage-text": with_usage(prompt_tokens="12", completion_tokens="3"),
    "usage-fraction": with_usage(prompt_tokens=12.5, completion_tokens=3),
    "usage-negative": with_usage(prompt_tokens=-1, completion_tokens=3),
    "usage-huge": with_usage(prompt_tokens=10**300, completion_tokens=3),
    "usage-nested": with_usage(prompt_tokens={"total": [1]}, completion_tokens=True),
    "usage-list": whole(OK, json.dumps({**COMPLETION, "usage": [1, 2]}).encode()),
    "redirect-half-ipv6": REDIRECT + b"http://[::1\r\n\r\n",
    "redirect-bad-port": REDIRECT + b"http://127.0.0.1:99999999/\r\n\r\n",
    "redirect-bytes": REDIRECT + b"http://\xff\xfe\x00/\r\n\r\n",
    "redirect-long": REDIRECT + b"http://127.0.0.1/" + b"a" * 7000 + b"\r\n\r\n",
    "redirect-brackets": REDIRECT + b"http://]@[/\r\n\r\n",
    "redirect-file": REDIRECT + b"file:///etc/hostname\r\n\r\n",
    "length-of-5000-digits": OK + b"Content-Length: " + DIGITS + b"\r\n\r\n" + BODY,
    "length-negative": OK + b"Content-Length: -5\r\n\r\n" + BODY,
    "length-two": OK + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\n" + BODY,
    "chunk-size-of-5000-digits": CHUNKED + DIGITS + b"\r\nx",
    "chunk-size-none": CHUNKED + b"zz\r\nx\r\n0\r\n\r\n",
    "status-none": b"hello\r\n\r\n",
    "status-of-5000-digits": b"HTTP/1.1 " + DIGITS + b" OK\r\n\r\n",
    "status-other-protocol": b"ICY 200 OK\r\n\r\n",
    "status-600": whole(b"HTTP/1.1 699 Odd\r\n"),
    "header-of-a-megabyte": OK + b"X-Long: " + b"a" * 1_000_000 + b"\r\n\r\n",
    "headers-of-a-thousand": OK + b"".join(b"X-%d: a\r\n" % n for n in range(1000)) + b"\r\n",
    "header-bytes": whole(OK + b"X-\xff\xfe: \x80\x81\r\n"),
    "cookie-hostile": whole(OK + b"Set-Cookie: " + b"=;" * 2000 + b"\r\n"),
    "encoding-unknown": whole(OK + b"Content-Encoding: shrunk\r\n"),
    "encoding-not-gzip": whole(OK + b"Content-Encoding: gzip\r\n"),
    "encoding-bomb": bomb(),
    "charset-unknown": whole(b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=no-such\r\n"),
    "error-in-200": whole(OK, b'{"error": {"message": "overloaded", "code": 529}}'),
    "stream-unasked": whole(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n", b'data: {"choices": []}\n\n'),
    "reset-header-of-8000-digits": whole(
        OK
        + b"x-ratelimit-limit-requests: 100\r\nx-ratelimit-remaining-requests: 5\r\n"
        + b"x-ratelimit-reset-requests: "
        + MANY_DIGITS
        + b"\r\n"
    ),
    "retry-after-of-8000-digits": whole(b"HTTP/1.1 429 Busy\r\nRetry-After: " + MANY_DIGITS + b"\r\n", b"{}"),
    "retry-after-odd-date": whole(b"HTTP/1.1 503 Busy\r\nRetry-After: Mon, 99 Foo 99999 99:99:99 +9999\r\n", b"{}"),
    "batch-odd": whole(OK, json.dumps({**ODD_BATCH, "data": [ODD_BATCH, 5, None], "has_more": "yes"}).encode()),
    "batch-list": whole(OK, b"[1, 2]"),
    "nothing": b"",
}
"""Sent at once; then the connection is closed."""

ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "slow-status": (b"HTTP/1.1 200 ", b"O"),
    "slow-headers": (OK + b"X-Slow: ", b"a"),
    "slow-header-lines": (OK, b"X-Slow: a\r\n"),
    "continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "early-hints": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    "slow-body": (OK + b"Content-Length: 1000000\r\n\r\n", b" "),
    "slow-chunks": (CHUNKED, b"1\r\n \r\n"),
    "slow-chunk-size": (CHUNKED, b"0"),
    "chunk-extension": (CHUNKED + b"1;", b"a"),
    "trailers": (CHUNKED + b"0\r\n", b"X-Trailer: a\r\n"),
    "trailer-byte-by-byte": (CHUNKED + b"0\r\nX-Trailer: ", b"a"),
    "silent": (b"", b""),
    "silent-after-headers": (OK + b"Content-Length: 10\r\n\r\n", b""),
}
"""The first bytes, and the bytes then sent repeatedly."""

WAYS = (*ONCE, *ENDLESS, "reset")


class Handler(socketserver.BaseRequestHandler):
    """One connection."""

    def handle(self) -> None:
        """Read the request, answer and close the connection."""
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.request.recv(65536)
            if not piece:
                return
            head += piece
        way = head.split(b" ")[1].split(b"/")[1].decode()
        if way == "count":
            self.request.sendall(whole(OK, json.dumps(COUNT).encode()))
            return
        COUNT[way] += 1
        self._take_body(head)
        try:
            self._misbehave(way)
        except OSError:
            return

    def _take_body(self, head: bytes) -> None:
        """Read the rest of the body: with unread bytes the kernel would reset the connection instead of closing it."""
        start, _, body = head.partition(b"\r\n\r\n")
        lengths = [line for line in start.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        left = int(lengths[0].split(b":")[1]) - len(body) if lengths else 0
        while left > 0 and (piece := self.request.recv(65536)):
            left -= len(piece)

    def _misbehave(self, way: str) -> None:
        if way == "reset":
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif way in ONCE:
            self.request.sendall(ONCE[way])
        else:
            first, again = ENDLESS[way]
            self.request.sendall(first)
            self.request.settimeout(PAUSE_S)
            while True:
                try:
                    if not self.request.recv(65536):
                        return
                except TimeoutError:
                    self.request.sendall(again)


class Server(socketserver.ThreadingTCPServer):
    """One thread for each connection."""

    daemon_threads, allow_reuse_address, request_queue_size = True, True, 256


def main() -> None:
    """Serve until the parent process exits."""
    parent = os.getppid()
    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_address[1], flush=True)
        while os.getppid() == parent:
            time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
