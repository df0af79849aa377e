"""Join a completion that an endpoint sends as a stream of events although none was requested.

Reads the bytes of a reply with `data:` lines (server-sent events, WHATWG HTML Standard, section 9.2); writes nothing.
Each chunk of a chat completion is on one `data:` line.
"""

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from docent.llm.structure.lenient_json import read_json

_BEFORE = re.compile(rb"\A(?:\xef\xbb\xbf)?(?:[ \t\r\n]|:[^\r\n]*)*")
_BEGINS = (b"data:", b"event:", b"id:", b"retry:")
_END = b"[DONE]"
_OF_ERRORS = frozenset({"message", "msg", "detail", "code"})
_IN_PIECES = ("refusal", "reasoning_content", "reasoning")


class BrokenStreamError(ValueError):
    """Raised if a stream breaks off, or one of its lines is not a chunk."""


def without_keep_alive(body: bytes) -> bytes:
    """Strip the blank lines and comments that keep a connection open before a reply."""
    return _BEFORE.sub(b"", body, count=1)


def is_stream(body: bytes) -> bool:
    """Return whether a reply, after keep-alive lines were stripped, is a stream of events."""
    return body.startswith(_BEGINS)


def joined(body: bytes) -> dict[str, Any]:
    """Join the chunks of a stream into one completion.

    Raises:
        BrokenStreamError: a chunk cannot be parsed, or neither `[DONE]` nor a finish reason ends the stream.
    """
    message: dict[str, Any] = {"content": []}
    completion: dict[str, Any] = {"choices": [], "usage": None}
    finish_reason = None
    fields = (line.partition(b":") for line in body.splitlines())
    events = [value.strip() for name, _, value in fields if name == b"data" and value.strip()]
    for data in takewhile(lambda data: data != _END, events):
        chunk = _chunk_of(data)
        completion["usage"] = chunk.get("usage") or completion["usage"]
        completion["error"] = completion.get("error") or _error_of(chunk)
        for choice in _choices_of(chunk):
            _add(message, choice)
            completion["error"] = completion["error"] or choice.get("error")
            finish_reason = choice.get("finish_reason") or finish_reason
            completion["choices"] = [{"message": message}]
    if _END not in events and finish_reason is None and not completion.get("error"):
        raise BrokenStreamError("a stream that ended early")
    for choice in completion["choices"]:
        choice["finish_reason"] = finish_reason
    return completion


def _chunk_of(data: bytes) -> dict[str, Any]:
    try:
        chunk = read_json(data)
    except ValueError:
        chunk = None
    if not isinstance(chunk, dict):
        raise BrokenStreamError("a stream with a chunk that is not JSON")
    return chunk


def _error_of(chunk: dict[str, Any]) -> Any:
    """Return the error of a chunk, which may be the chunk itself."""
    return chunk.get("error") or (chunk if "choices" not in chunk and _OF_ERRORS & chunk.keys() else None)


def _choices_of(chunk: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the pieces of the first choice, the only one that is requested."""
    choices = chunk.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and not choice.get("index"):
            yield choice


def _add(message: dict[str, Any], choice: dict[str, Any]) -> None:
    """Append the text of a chunk; a chunk with the complete message replaces all earlier ones."""
    delta, whole = choice.get("delta"), choice.get("message")
    if not isinstance(delta, dict):
        delta = whole if isinstance(whole, dict) else {}
        if delta.get("content"):
            message["content"] = []
    content = delta.get("content")
    message["content"] += content if isinstance(content, list) else [content] if content is not None else []
    for name in _IN_PIECES:
        if isinstance(piece := delta.get(name), str):
            message[name] = message.get(name, "") + piece
    for name, value in delta.items():
        if name not in ("content", *_IN_PIECES) and value:
            message.setdefault(name, value)
