"""Send malformed and hostile answers, as broken endpoints do.

Reads and writes no files; used by `endpoint.py`.
"""

from __future__ import annotations

import asyncio
import json

from endpoint_http import Connection

HUGE_BYTES = 10 * 1024 * 1024
DRIP_BYTES = 65_536
DRIP_S = 0.01
# In place of the text of an answer, with finish_reason "stop".
TEXTS = ("empty", "null", "control", "nested_fence", "huge")
# In place of the whole HTTP answer.
RAW = ("html", "no_json", "no_choices", "invalid_utf8", "redirect", "cut_off", "endless", "error_inside", "open_stream")


def text(kind: str, usual: str) -> str | None:
    """Return the content that replaces the usual text; None becomes JSON's null."""
    if kind == "control":
        return usual[:1] + "\x00\x07\x1b[31m\u2028\ufeff" + usual[1:]
    if kind == "nested_fence":
        return f"````\nSee:\n```json\n```json\n{usual}\n```\n```\n````"
    return {"empty": "", "huge": usual[:-1] + "x" * HUGE_BYTES + usual[-1:]}.get(kind)


def send(connection: Connection, kind: str) -> None:
    """Send one of RAW; the connection cannot be reused after `cut_off` and `endless`."""
    transport = connection.transport
    connection.waits = False
    if transport is None:
        return
    bodies = {
        "html": ("200 OK", "text/html", b"<html><body><h1>Please sign in</h1></body></html>"),
        "no_json": ("200 OK", "application/json", b"upstream said nothing"),
        "no_choices": ("200 OK", "application/json", json.dumps({"object": "chat.completion", "choices": []}).encode()),
        "invalid_utf8": (
            "200 OK",
            "application/json",
            b'{"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"\xff\xfe\xc3"}}]}',
        ),
        "error_inside": (
            "200 OK",
            "application/json",
            b'{"error":{"message":"Upstream is busy","code":429},"choices":[]}',
        ),
        "open_stream": ("200 OK", "text/event-stream", b'data: {"choices":[{"index":0,"delta":{"content":"It"}}]}\n\n'),
        "redirect": ("307 Temporary Redirect", "text/plain\r\nLocation: http://127.0.0.1:9/v1/chat/completions", b""),
        "cut_off": ("200 OK", "application/json", b'{"choices":[{"index":0,"finish_reason":"stop","mess'),
    }
    if kind == "endless":
        transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        drip(transport)
        return
    status, media_type, body = bodies[kind]
    promised = len(body) + (1000 if kind == "cut_off" else 0)
    head = f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {promised}\r\n\r\n"
    transport.write(head.encode() + body)
    if kind == "cut_off":
        transport.close()


def drip(transport: asyncio.Transport) -> None:
    """Send a chunk of spaces repeatedly, until the client disconnects."""
    if transport.is_closing():
        return
    if transport.get_write_buffer_size() < 4 * DRIP_BYTES:
        transport.write(f"{DRIP_BYTES:x}\r\n".encode() + b" " * DRIP_BYTES + b"\r\n")
    asyncio.get_running_loop().call_later(DRIP_S, drip, transport)
