"""Store the mock endpoint's files on disk, and read the lines of batch files.

Writes uploads and batch results to the given folder; used by `endpoint.py`.
"""

from __future__ import annotations

import itertools
import json
import mmap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from endpoint_http import Spool

_decoder = json.JSONDecoder()


class Files:
    """Files by id, each described as in OpenAI's API.

    Args:
        folder: folder with their bytes, one file per id.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known: dict[str, dict[str, Any]] = {}
        self.numbers = itertools.count(1)

    def path(self, number: str) -> Path:
        """Return the path of a known file's bytes. Raises KeyError for an unknown id."""
        return self.folder / str(self.known[number]["id"])

    def delete(self, number: str) -> dict[str, Any]:
        """Delete a file."""
        self.path(number).unlink()
        del self.known[number]
        return {"id": number, "object": "file", "deleted": True}

    def add(self, purpose: str, name: str) -> dict[str, Any]:
        """Register a new file; its size is set when it is written."""
        number = f"file-{next(self.numbers):08d}"
        self.known[number] = record = {
            "id": number,
            "object": "file",
            "bytes": 0,
            "created_at": now(),
            "filename": name,
            "purpose": purpose,
            "status": "processed",
            "status_details": None,
        }
        return record

    def upload(self, content_type: str, body: Spool, limit: int) -> dict[str, Any]:
        """Store the file of a multipart form. Raises ValueError above `limit` bytes."""
        boundary = content_type.partition("boundary=")[2].strip('"').encode()
        body.file.rollover()  # type: ignore[attr-defined]
        with mmap.mmap(body.file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
            spans = {name: (start, end) for name, start, end in parts(whole, boundary)}
            start, end = spans["file"]
            if end - start > limit:
                raise ValueError(f"the file has {end - start} bytes; at most {limit} are taken")
            purpose = whole[slice(*spans["purpose"])].decode()
            record = self.add(purpose, "batch.jsonl")
            with (self.folder / record["id"]).open("wb") as file, memoryview(whole) as view, view[start:end] as piece:
                file.write(piece)
        record["bytes"] = end - start
        return record


def now() -> int:
    """Return the time in seconds, as OpenAI writes it."""
    return int(time.time())


def parts(whole: mmap.mmap, boundary: bytes) -> Iterator[tuple[str, int, int]]:
    """Yield name, first byte and end of each part of a multipart form. Raises ValueError if the form is malformed."""
    mark = b"--" + boundary
    at = whole.find(mark)
    while at >= 0 and whole[at + len(mark) : at + len(mark) + 2] != b"--":
        head_end = whole.find(b"\r\n\r\n", at)
        end = whole.find(b"\r\n" + mark, head_end)
        if head_end < 0 or end < 0:
            raise ValueError("the multipart form has no end")
        head = whole[at:head_end].decode("latin-1")
        yield head.partition(' name="')[2].partition('"')[0], head_end + 4, end
        at = end + 2


def lines_of(source: Path) -> Iterator[tuple[int, int]]:
    """Yield the start and length of each line."""
    offset = 0
    with source.open("rb") as file:
        for line in file:
            if line.strip():
                yield offset, len(line)
            offset += len(line)


def members(text: str) -> dict[str, str]:
    """Return the members of a JSON object with their raw values. Raises ValueError if the text is not an object."""
    values: dict[str, str] = {}
    at = text.index("{") + 1
    while True:
        at += len(text[at : at + 80]) - len(text[at : at + 80].lstrip(" \t\r\n,"))
        if text[at] == "}":
            return values
        name, at = _decoder.raw_decode(text, at)
        at = text.index(":", at) + 1
        at += len(text[at : at + 80]) - len(text[at : at + 80].lstrip())
        _, end = _decoder.raw_decode(text, at)
        values[name] = text[at:end]
        at = end


def problems_of(source: Path, endpoint: str) -> list[dict[str, Any]]:
    """Return why a batch fails validation: lines that are not requests, and duplicate ids."""
    problems: list[dict[str, Any]] = []
    seen: set[str] = set()
    with source.open("rb") as file:
        for number, line in enumerate(file, start=1):
            code = ""
            try:
                row = json.loads(line)
                code = (
                    "" if row["url"] == endpoint and row["method"] == "POST" and row["body"] else "mismatched_endpoint"
                )
                if row["custom_id"] in seen:
                    code = "duplicate_custom_id"
                seen.add(row["custom_id"])
            except (KeyError, TypeError, ValueError):
                code = "invalid_json_line"
            if code:
                problems.append({"code": code, "message": "This line cannot be run.", "line": number, "param": None})
    if source.stat().st_size == 0:
        problems.append({"code": "empty_file", "message": "The file has no lines.", "line": None, "param": None})
    return problems
