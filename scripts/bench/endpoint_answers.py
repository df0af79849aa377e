"""Generate the mock endpoint's answers: a text derived only from the request's bytes, and ways to corrupt it.

Reads and writes no files; used by `endpoint.py`. The same request body gets the same text every time, online or in a
batch, so lost or duplicated rows are visible in the rows themselves.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

SMALL_BYTES = 65_536
TAIL_BYTES = 16_384
WHITESPACE = b" \t\r\n"
# A word of its own: four letters somewhere inside an image's base64 are no wish for JSON.
WISH = re.compile(rb"(?<![A-Za-z0-9+/=])JSON(?![A-Za-z0-9+/=])")
FILLER = (
    "The label beside the case tells when it was made, of what, by whose hands and for which room of the house. "
    "It came to the museum with a letter, was cleaned once, and has been on show since the north wing was opened. "
) * 200
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_decoder = json.JSONDecoder()


class Body:
    """The body of one chat request: hashed while it is received, parsed only if it is small.

    Attributes:
        raw_bytes: bytes as sent.
        digest: SHA-256 of the parsed content; above SMALL_BYTES, of the bytes without white space, which saves a parse.
        request: the parsed body; for a large one, only the members other than its messages.
        wants_json: whether the word JSON is in the prompt (for a large one: in its first 64 or last 16 KiB).
    """

    __slots__ = ("raw_bytes", "digest", "request", "wants_json", "_parts", "_packed_bytes", "_hash", "_tail")

    def __init__(self) -> None:
        self.raw_bytes = 0
        self.digest = b""
        self.request: dict[str, Any] = {}
        self.wants_json = False
        self._parts: list[bytes] = []
        self._packed_bytes = 0
        self._hash: Any = None
        self._tail = b""

    def feed(self, data: bytes) -> None:
        """Add the next bytes."""
        self.raw_bytes += len(data)
        packed = data.translate(None, WHITESPACE)
        if self._hash is not None:
            self._hash.update(packed)
            self._tail = data[-TAIL_BYTES:] if len(data) >= TAIL_BYTES else (self._tail + data)[-TAIL_BYTES:]
            return
        self._parts.append(data)
        self._packed_bytes += len(packed)
        if self._packed_bytes > SMALL_BYTES:
            whole = b"".join(self._parts)
            self._parts = [whole[:SMALL_BYTES]]
            self._hash = hashlib.sha256(whole.translate(None, WHITESPACE))
            self._tail = whole[SMALL_BYTES:][-TAIL_BYTES:]

    def end(self) -> None:
        """Compute the attributes. Raises ValueError if a small body is not a JSON object."""
        if self._hash is None:
            whole = b"".join(self._parts)
            self.request = json.loads(whole)
            if not isinstance(self.request, dict):
                raise ValueError("the body is no JSON object")
            self.digest = hashlib.sha256(_encode(self.request).encode()).digest()
        else:
            whole = self._parts[0] + self._tail
            text = whole.decode("utf-8", "replace")
            self.request = {name: value for name in MEMBERS if (value := member(text, name)) is not None}
            self.digest = self._hash.digest()
        self.wants_json = b"JSON" in whole and WISH.search(whole) is not None
        self._parts = []
        self._tail = b""


MEMBERS = ("model", "response_format", "tools", "tool_choice", "max_tokens")


def member(text: str, name: str) -> Any:
    """Return the value of the last readable member with this name in a fragment of JSON, or None."""
    if f'"{name}"' not in text:
        return None
    for match in reversed(list(re.finditer(rf'(?<!\\)"{name}"\s*:\s*', text))):
        try:
            return _decoder.raw_decode(text, match.end())[0]
        except ValueError:
            continue
    return None


class Words:
    """Texts derived from a digest.

    Args:
        digest: digest of the request.
        answer_bytes: length of long texts.
        items: number of items in a list if its schema does not define it.
    """

    def __init__(self, digest: bytes, answer_bytes: int, items: int) -> None:
        self.mark = digest[:8].hex()
        self.number = int.from_bytes(digest[8:12], "big")
        self.answer_bytes = answer_bytes
        self.items = items

    def long(self) -> str:
        """Return a text of exactly `answer_bytes` ASCII characters; its start identifies the request."""
        room = self.answer_bytes - len(self.mark) - 1
        if room <= 0:
            return self.mark[: self.answer_bytes]
        start = self.number % 1_000
        text = FILLER[start : start + room]
        while len(text) < room:
            text += FILLER[: room - len(text)]
        return f"{self.mark} {text}"

    def named(self, name: str) -> str:
        """Return the text for a property with this name."""
        if name == "answer":
            return self.long()
        return f"What does the label say about {self.mark}?" if name == "question" else f"{name} {self.mark}"

    def pair(self) -> dict[str, str]:
        """Return one question with its answer."""
        return {"question": self.named("question"), "answer": self.long()}


def fill(schema: dict[str, Any], words: Words, name: str = "text", root: dict[str, Any] | None = None) -> Any:
    """Return a value valid under a JSON schema: every property filled by type; patterns and formats are ignored."""
    root = schema if root is None else root
    while "$ref" in schema:
        target: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        schema = target
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return fill(schema[several][0], words, name, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][words.number % len(schema["enum"])]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {key: fill(part, words, key, root) for key, part in schema.get("properties", {}).items()}
    if kind == "array":
        count = min(max(words.items, schema.get("minItems", 0)), schema.get("maxItems", words.items))
        return [numbered(fill(schema.get("items", {}), words, name, root), index) for index in range(count)]
    return scalar(kind, schema, words, name)


def numbered(value: Any, index: int) -> Any:
    """Return the value made distinct from its neighbours in a list."""
    if isinstance(value, dict) and index:
        return {key: f"{text} ({index + 1})" if key == "question" else text for key, text in value.items()}
    return value


def scalar(kind: str, schema: dict[str, Any], words: Words, name: str) -> Any:
    """Return a scalar value within the bounds of its schema."""
    if kind in ("integer", "number"):
        low = int(schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1))
        high = int(schema.get("maximum", schema.get("exclusiveMaximum", low + 99) - 1))
        return low + words.number % max(1, high - low + 1)
    if kind == "boolean":
        return bool(words.number % 2)
    if kind == "null":
        return None
    text = words.named(name)
    return text.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength", len(text) + 10**6)]


def spoil(text: str, fault: str, is_json: bool, number: int) -> tuple[str, str]:
    """Return a text and its finish_reason after a fault. All but `truncated` leave text that is not JSON unchanged."""
    if fault == "truncated":
        return text[: len(text) // 2], "length"
    if not is_json:
        return text, "stop"
    if fault == "fenced":
        return f"```json\n{text}\n```", "stop"
    if fault == "broken":
        return (text[:-1] if number % 2 else f"{text[:-1]},{text[-1]}"), "stop"
    if fault == "wrong_schema":
        return json.dumps({"unexpected": [number]}), "stop"
    return text, "stop"
