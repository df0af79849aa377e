"""The mock endpoint's Batch API: files and batches as OpenAI has them, kept on disk, run when their time is up.

Writes uploads and results to the folder it is given; `endpoint.py` is what runs.

POST /v1/files, GET and DELETE /v1/files/ID, GET /v1/files/ID/content, POST and GET /v1/batches, GET /v1/batches/ID,
POST /v1/batches/ID/cancel. A line gets the text that its body would get on line. Knobs are read when they are needed,
so POST /reset reaches batches that wait.
"""

from __future__ import annotations

import asyncio
import json
import mmap
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from endpoint_answers import Body
from endpoint_desk import TEXT_FAULTS, Desk
from endpoint_http import Connection, Spool, error

POLL_S = 0.02
LINES_AT_ONCE = 100
_decoder = json.JSONDecoder()


class Batches:
    """Files and batches.

    Args:
        desk: has the knobs, the counters and the answers: `desk()` gives the one of now.
        folder: for files.
    """

    def __init__(self, desk: Any, folder: Path) -> None:
        self.desk = desk
        self.folder = folder
        self.files: dict[str, dict[str, Any]] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.failed = 0
        self.tasks: set[asyncio.Task[None]] = set()

    def serve(self, connection: Connection, body: Spool) -> None:
        """Answer one request."""
        path, _, query = connection.path.partition("?")
        steps = path.strip("/").split("/")
        start = next((index for index, step in enumerate(steps) if step in ("files", "batches")), len(steps))
        try:
            answer = self.find(connection, steps[start:], parse_qs(query), body)
        except (KeyError, ValueError) as problem:
            return connection.reply(400, error(f"Not accepted: {problem}", "invalid_request_error"))
        if isinstance(answer, Path):
            return connection.reply_file(answer)
        if answer is None:
            return connection.reply(404, error(f"Nothing at {connection.method} {path}.", "invalid_request_error"))
        return connection.reply_json(200, answer)

    def find(self, connection: Connection, steps: list[str], query: dict[str, list[str]], body: Spool) -> Any:
        """What a request comes to: JSON, a file, or None for 404. Raises ValueError or KeyError for 400."""
        match connection.method, steps:
            case "POST", ["files"]:
                return self.upload(connection.headers["content-type"], body)
            case "GET", ["files", name] if name in self.files:
                return self.files[name]
            case "DELETE", ["files", name] if self.files.pop(name, None):
                (self.folder / name).unlink()
                return {"id": name, "object": "file", "deleted": True}
            case "GET", ["files", name, "content"] if name in self.files:
                return self.folder / name
            case "POST", ["batches"]:
                return self.create(json.load(body.file))
            case "GET", ["batches"]:
                return self.listed(query)
            case "GET", ["batches", name] if name in self.batches:
                return self.batches[name]
            case "POST", ["batches", name, "cancel"] if name in self.batches:
                return self.cancel(self.batches[name])
        return None

    def add_file(self, purpose: str, name: str) -> dict[str, Any]:
        """Describe a new file; its bytes are counted when it is written."""
        number = f"file-{len(self.files) + 1:08d}"
        record = {"id": number, "object": "file", "bytes": 0, "created_at": now(), "filename": name}
        self.files[number] = {**record, "purpose": purpose, "status": "processed", "status_details": None}
        return self.files[number]

    def upload(self, content_type: str, body: Spool) -> dict[str, Any]:
        """Keep the file of a multipart form."""
        limit = self.desk().knobs.batch_max_bytes
        boundary = content_type.partition("boundary=")[2].strip('"').encode()
        body.file.rollover()  # type: ignore[attr-defined]
        with mmap.mmap(body.file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
            found = {name: (start, end) for name, start, end in parts(whole, boundary)}
            start, end = found["file"]
            if end - start > limit:
                raise ValueError(f"the file has {end - start} bytes; at most {limit} are taken")
            purpose = whole[slice(*found["purpose"])].decode()
            record = self.add_file(purpose, "batch.jsonl")
            with (self.folder / record["id"]).open("wb") as file:
                file.write(memoryview(whole)[start:end].tobytes())
        record["bytes"] = end - start
        return record

    def create(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A new batch over an uploaded file."""
        source, limit = self.folder / self.files[asked["input_file_id"]]["id"], self.desk().knobs.batch_max_requests
        with source.open("rb") as file:
            count = sum(1 for line in file if line.strip())
        if count > limit:
            raise ValueError(f"the file has {count} requests; at most {limit} are taken")
        name = f"batch_{len(self.batches) + 1:08d}"
        times = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
        self.batches[name] = batch = {
            "id": name,
            "object": "batch",
            "endpoint": asked["endpoint"],
            "errors": None,
            "input_file_id": asked["input_file_id"],
            "completion_window": asked["completion_window"],
            "status": "validating",
            "output_file_id": None,
            "error_file_id": None,
            "created_at": now(),
            "expires_at": now() + 86_400,
            **{f"{time_of}_at": None for time_of in times},
            "request_counts": {"total": count, "completed": 0, "failed": 0},
            "metadata": asked.get("metadata"),
        }
        task = asyncio.get_running_loop().create_task(self.run(batch, source))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return batch

    def listed(self, query: dict[str, list[str]]) -> dict[str, Any]:
        """One page of batches, the newest first."""
        rows = list(reversed(self.batches.values()))
        if after := query.get("after"):
            rows = rows[1 + [row["id"] for row in rows].index(after[0]) :]
        limit = int(query.get("limit", ["20"])[0])
        page = rows[:limit]
        first, last = (page[0]["id"], page[-1]["id"]) if page else (None, None)
        return {"object": "list", "data": page, "first_id": first, "last_id": last, "has_more": len(rows) > limit}

    def cancel(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Stop a batch before any of its lines is done. Raises ValueError where it has ended."""
        if batch["status"] not in ("validating", "in_progress"):
            raise ValueError(f"cannot cancel a batch with status '{batch['status']}'")
        batch.update(status="cancelled", cancelling_at=now(), cancelled_at=now())
        return batch

    async def run(self, batch: dict[str, Any], source: Path) -> None:
        """Wait for its time, then do all lines."""
        started_s = time.monotonic()
        await asyncio.sleep(POLL_S)
        if problems := problems_of(source, batch["endpoint"]) or self.fails():
            batch.update(status="failed", failed_at=now(), errors={"object": "list", "data": problems})
            return
        if batch["status"] == "validating":
            batch.update(status="in_progress", in_progress_at=now())
        while time.monotonic() - started_s < self.desk().knobs.batch_delay_s:
            await asyncio.sleep(POLL_S)
        if batch["status"] == "in_progress":
            batch.update(status="finalizing", finalizing_at=now())
            await self.write_results(batch, source)

    def fails(self) -> list[dict[str, Any]]:
        """The reason for a batch that fails by knob."""
        if self.failed >= self.desk().knobs.batch_fails:
            return []
        self.failed += 1
        message = "Enqueued token limit reached. Please try again once some batches have been completed."
        return [{"code": "token_limit_exceeded", "message": message, "line": None, "param": None}]

    async def write_results(self, batch: dict[str, Any], source: Path) -> None:
        """Answer every line, in an order of its own, into the output file or the error file."""
        desk: Desk = self.desk()
        knobs = desk.knobs
        chance = random.Random(f"{knobs.seed} {batch['id']}")
        spans = list(lines_of(source))
        chance.shuffle(spans)
        counts = batch["request_counts"]
        results: dict[str, dict[str, Any]] = {}
        most = len(spans) if knobs.batch_expire_after is None else knobs.batch_expire_after
        for index, (offset, length) in enumerate(spans):
            with source.open("rb") as file:
                file.seek(offset)
                line = file.read(length)
            kind, row = self.result(desk, line, chance, expired=index >= most)
            counts["completed" if kind == "output" else "failed"] += 1
            record = results.get(kind) or self.add_file("batch_output", f"{batch['id']}_{kind}.jsonl")
            results[kind] = record
            with (self.folder / record["id"]).open("ab") as file:
                record["bytes"] += file.write(row + b"\n")
            if index % LINES_AT_ONCE == 0:
                await asyncio.sleep(0)
        for kind, record in results.items():
            batch[f"{kind}_file_id"] = record["id"]
        status = "completed" if most >= len(spans) else "expired"
        batch.update({"status": status, f"{status}_at": now()})

    def result(self, desk: Desk, line: bytes, chance: random.Random, *, expired: bool) -> tuple[str, bytes]:
        """The file a line's result belongs to, and the result."""
        parts_of_line = members(line.decode())
        custom_id = json.loads(parts_of_line["custom_id"])
        row: dict[str, Any] = {"id": f"batch_req_{chance.getrandbits(48):012x}", "custom_id": custom_id}
        number = chance.random()
        if expired:
            message = "This request could not be executed before the completion window expired."
            desk.count.numbers["batch_lines_failed"] += 1
            return "error", json.dumps(
                {**row, "response": None, "error": {"code": "batch_expired", "message": message}}
            ).encode()
        if number < desk.knobs.batch_p_line_error:
            status = 500 if chance.random() < 0.5 else 429
            content = error("This request was not answered.", "server_error").decode()
            kind = "error"
            desk.count.numbers["batch_lines_failed"] += 1
        else:
            body = Body()
            body.feed(parts_of_line["body"].encode())
            body.end()
            fault = desk.fault_of(chance.random())
            status, kind = 200, "output"
            content = desk.completion(body, fault if fault in TEXT_FAULTS else "").decode()
            desk.count.bill(body.digest, desk.knobs.usage)
            desk.count.numbers["batch_lines_ok"] += 1
        response = f'{{"status_code": {status}, "request_id": "{row["id"]}", "body": {content}}}'
        return kind, f'{json.dumps(row)[:-1]}, "response": {response}, "error": null}}'.encode()


def now() -> int:
    """Seconds of the clock, as OpenAI writes times."""
    return int(time.time())


def parts(whole: mmap.mmap, boundary: bytes) -> Iterator[tuple[str, int, int]]:
    """Name, first byte and end of each part of a multipart form. Raises ValueError where it is none."""
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
    """Where each line begins and how long it is."""
    offset = 0
    with source.open("rb") as file:
        for line in file:
            if line.strip():
                yield offset, len(line)
            offset += len(line)


def members(text: str) -> dict[str, str]:
    """The members of a JSON object, each value as it is written. Raises ValueError where it is none."""
    found: dict[str, str] = {}
    at = text.index("{") + 1
    while True:
        at += len(text[at : at + 80]) - len(text[at : at + 80].lstrip(" \t\r\n,"))
        if text[at] == "}":
            return found
        name, at = _decoder.raw_decode(text, at)
        at = text.index(":", at) + 1
        at += len(text[at : at + 80]) - len(text[at : at + 80].lstrip())
        _, end = _decoder.raw_decode(text, at)
        found[name] = text[at:end]
        at = end


def problems_of(source: Path, endpoint: str) -> list[dict[str, Any]]:
    """Why a batch fails before it begins: lines that are no requests, and names given twice."""
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
    if os.path.getsize(source) == 0:
        problems.append({"code": "empty_file", "message": "The file has no lines.", "line": None, "param": None})
    return problems
