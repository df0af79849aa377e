"""Implement the mock endpoint's Batch API: files and batches as in OpenAI's API, stored on disk, run after a delay.

Writes uploads and results to the given folder; used by `endpoint.py`.

POST /v1/files, GET and DELETE /v1/files/ID, GET /v1/files/ID/content, POST and GET /v1/batches, GET /v1/batches/ID,
POST /v1/batches/ID/cancel. A line gets the same text as its body would get online. Settings are read when they are
needed, so POST /reset also affects batches that are waiting.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from endpoint_answers import Body
from endpoint_chat import TEXT_FAULTS, ChatService
from endpoint_files import Files, lines_of, members, now, problems_of
from endpoint_http import Connection, Spool, error, unknown_field

POLL_S = 0.02
LINES_AT_ONCE = 100


class Batches:
    """Files and batches.

    Args:
        service: returns the current ChatService, with the knobs, the counters and the answers.
        folder: folder for the files' bytes.
    """

    def __init__(self, service: Callable[[], ChatService], folder: Path) -> None:
        self.service = service
        self.files = Files(folder)
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
        """Return the result of a request: JSON, a file, or None for 404. Raises ValueError or KeyError for 400."""
        match connection.method, steps:
            case "POST", ["files"]:
                limit = self.service().knobs.batch_max_bytes
                return self.files.upload(connection.headers["content-type"], body, limit)
            case "GET", ["files", name] if name in self.files.known:
                return self.files.known[name]
            case "DELETE", ["files", name] if name in self.files.known:
                return self.files.delete(name)
            case "GET", ["files", name, "content"] if name in self.files.known:
                return self.files.path(name)
            case "POST", ["batches"]:
                return self.create(json.load(body.file))
            case "GET", ["batches"]:
                return self.listed(query)
            case "GET", ["batches", name] if name in self.batches:
                return self.batches[name]
            case "POST", ["batches", name, "cancel"] if name in self.batches:
                return self.cancel(self.batches[name])
        return None

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """Create a batch from an uploaded file."""
        source, limit = self.files.path(request["input_file_id"]), self.service().knobs.batch_max_requests
        with source.open("rb") as file:
            count = sum(1 for line in file if line.strip())
        if count > limit:
            raise ValueError(f"the file has {count} requests; at most {limit} are taken")
        name = f"batch_{len(self.batches) + 1:08d}"
        times = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
        self.batches[name] = batch = {
            "id": name,
            "object": "batch",
            "endpoint": request["endpoint"],
            "errors": None,
            "input_file_id": request["input_file_id"],
            "completion_window": request["completion_window"],
            "status": "validating",
            "output_file_id": None,
            "error_file_id": None,
            "created_at": now(),
            "expires_at": now() + 86_400,
            **{f"{time_of}_at": None for time_of in times},
            "request_counts": {"total": count, "completed": 0, "failed": 0},
            "metadata": request.get("metadata"),
        }
        task = asyncio.get_running_loop().create_task(self.run(batch, source))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return batch

    def listed(self, query: dict[str, list[str]]) -> dict[str, Any]:
        """Return one page of batches, newest first."""
        rows = list(reversed(self.batches.values()))
        if after := query.get("after"):
            rows = rows[1 + [row["id"] for row in rows].index(after[0]) :]
        limit = int(query.get("limit", ["20"])[0])
        page = rows[:limit]
        first, last = (page[0]["id"], page[-1]["id"]) if page else (None, None)
        return {"object": "list", "data": page, "first_id": first, "last_id": last, "has_more": len(rows) > limit}

    def cancel(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Cancel a batch before any of its lines is processed. Raises ValueError if it has ended."""
        if batch["status"] not in ("validating", "in_progress"):
            raise ValueError(f"cannot cancel a batch with status '{batch['status']}'")
        batch.update(status="cancelled", cancelling_at=now(), cancelled_at=now())
        return batch

    async def run(self, batch: dict[str, Any], source: Path) -> None:
        """Wait for the delay, then process all lines."""
        started_s = time.monotonic()
        await asyncio.sleep(POLL_S)
        if problems := problems_of(source, batch["endpoint"]) or self.fails():
            batch.update(status="failed", failed_at=now(), errors={"object": "list", "data": problems})
            return
        if batch["status"] == "validating":
            batch.update(status="in_progress", in_progress_at=now())
        while time.monotonic() - started_s < self.service().knobs.batch_delay_s:
            await asyncio.sleep(POLL_S)
        if batch["status"] == "in_progress":
            batch.update(status="finalizing", finalizing_at=now())
            await self.write_results(batch, source)

    def fails(self) -> list[dict[str, Any]]:
        """Return the reason why a batch fails, if the settings say so."""
        if self.failed >= self.service().knobs.batch_fails:
            return []
        self.failed += 1
        message = "Enqueued token limit reached. Please try again once some batches have been completed."
        return [{"code": "token_limit_exceeded", "message": message, "line": None, "param": None}]

    async def write_results(self, batch: dict[str, Any], source: Path) -> None:
        """Answer every line, in shuffled order, into the output file or the error file."""
        service: ChatService = self.service()
        knobs = service.knobs
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
            kind, row = self.result(service, line, chance, expired=index >= most)
            counts["completed" if kind == "output" else "failed"] += 1
            record = results.get(kind) or self.files.add("batch_output", f"{batch['id']}_{kind}.jsonl")
            results[kind] = record
            with self.files.path(record["id"]).open("ab") as file:
                record["bytes"] += file.write(row + b"\n")
            if index % LINES_AT_ONCE == 0:
                await asyncio.sleep(0)
        for kind, record in results.items():
            batch[f"{kind}_file_id"] = record["id"]
        status = "completed" if most >= len(spans) else "expired"
        batch.update({"status": status, f"{status}_at": now()})

    def result(self, service: ChatService, line: bytes, chance: random.Random, *, expired: bool) -> tuple[str, bytes]:
        """Return the file for a line's result, and the result."""
        parts_of_line = members(line.decode())
        custom_id = json.loads(parts_of_line["custom_id"])
        row: dict[str, Any] = {"id": f"batch_req_{chance.getrandbits(48):012x}", "custom_id": custom_id}
        number = chance.random()
        body = Body()
        body.feed(parts_of_line["body"].encode())
        body.end()
        if expired:
            service.count.numbers["batch_lines_failed"] += 1
            late = {"code": "batch_expired", "message": "The completion window ended before this request was run."}
            return "error", json.dumps({**row, "response": None, "error": late}).encode()
        if number < service.knobs.batch_p_line_error:
            status = 500 if chance.random() < 0.5 else 429
            content = error("This request was not answered.", "server_error").decode()
            kind = "error"
            service.count.numbers["batch_lines_failed"] += 1
        elif random.Random(custom_id).random() < service.knobs.batch_p_refused:
            status, kind = 400, "error"
            content = error("This content is not answered.", "invalid_request_error").decode()
            service.count.numbers["batch_lines_failed"] += 1
        elif refusal := unknown_field(body.request, service.knobs.unknown_fields):
            status, kind, content = 400, "error", refusal.decode()
            service.count.numbers["batch_lines_failed"] += 1
        else:
            fault = service.fault_of(chance.random())
            status, kind = 200, "output"
            content = service.completion(body, fault if fault in TEXT_FAULTS else "").decode()
            service.count.bill(body.digest, service.knobs.usage)
            service.count.numbers["batch_lines_ok"] += 1
        response = f'{{"status_code": {status}, "request_id": "{row["id"]}", "body": {content}}}'
        return kind, f'{json.dumps(row)[:-1]}, "response": {response}, "error": null}}'.encode()
