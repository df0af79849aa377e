"""The mock endpoint of the benchmarks does what its knobs say; measurements rest on that."""

from __future__ import annotations

import asyncio
import json
import random
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest
from pydantic import BaseModel

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "bench" / "endpoint.py"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    process = subprocess.Popen([sys.executable, str(SCRIPT)], stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.wait()


class Asker:
    """A client of the endpoint."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def ask(self, content: str = "q", headers: dict[str, str] | None = None, **more: Any) -> tuple[int, Any, Any]:
        body = {"model": "m", "messages": [{"role": "user", "content": content}], **more}
        async with self.session.post(f"{self.url}/v1/chat/completions", json=body, headers=headers) as reply:
            return reply.status, await reply.json(), reply.headers

    async def choice(self, content: str = "q", **more: Any) -> tuple[str, str]:
        status, reply, _ = await self.ask(content, **more)
        assert status == 200
        return reply["choices"][0]["message"]["content"], reply["choices"][0]["finish_reason"]

    async def many(self, count: int) -> Counter[int]:
        return Counter(status for status, _, _ in await asyncio.gather(*(self.ask(f"q{i}") for i in range(count))))

    async def stats(self) -> dict[str, Any]:
        async with self.session.get(f"{self.url}/stats") as reply:
            return await reply.json()

    async def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        for _ in range(500):
            if holds(counts := await self.stats()):
                return counts
            await asyncio.sleep(0.01)
        raise AssertionError(f"never came true: {counts}")


@pytest.fixture
def on(url: str) -> Callable[..., None]:
    """Run a test's coroutine against the endpoint with these knobs."""

    def run(test: Callable[[Asker], Awaitable[None]], **knobs: Any) -> None:
        async def inside() -> None:
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
                async with session.post(f"{url}/reset", json=knobs) as reply:
                    assert reply.status == 200, await reply.text()
                await test(Asker(session, url))

        asyncio.run(inside())

    return run


class Person(BaseModel):
    name: str
    age: int


class Pair(BaseModel):
    question: str
    answer: str


class Pairs(BaseModel):
    pairs: list[Pair]


def form(model: type[BaseModel]) -> dict[str, Any]:
    schema = {"name": model.__name__, "schema": model.model_json_schema(), "strict": True}
    return {"type": "json_schema", "json_schema": schema}


def test_answers_follow_from_the_content_and_repeats_are_billed(on: Callable[..., None]) -> None:
    async def test(asker: Asker) -> None:
        first, other = await asker.choice("a"), await asker.choice("b")
        assert first != other and len(first[0]) == 300
        async with asker.session.post(
            f"{asker.url}/openai/deployments/x/chat/completions?api-version=1",
            data=b'{ "messages":[{"content":"a", "role":"user"}],\n "model":"m"}',
        ) as reply:
            assert (await reply.json())["choices"][0]["message"]["content"] == first[0]
        counts = await asker.stats()
        assert (counts["requests"], counts["ok"], counts["unique"], counts["repeated"]) == (3, 3, 2, 1)
        assert (counts["billed_input_tokens"], counts["billed_output_tokens"]) == (30, 15)
        assert 0 < counts["first_s"] <= counts["last_s"]

    on(test, answer_bytes=300, usage=[10, 5])


def test_faults_are_drawn_by_seed_one_per_arrival(on: Callable[..., None]) -> None:
    numbers = random.Random(7)
    drawn = [numbers.random() for _ in range(300)]
    refused, failed = sum(n < 0.1 for n in drawn), sum(0.1 <= n < 0.3 for n in drawn)

    async def test(asker: Asker) -> None:
        assert await asker.many(300) == {429: refused, 500: failed, 200: 300 - refused - failed}
        assert (await asker.stats())["billed_output_tokens"] == 50 * (300 - refused - failed)

    on(test, p_429=0.1, p_500=0.2, seed=7)


def test_token_bucket_refuses_beyond_its_burst_and_says_so(on: Callable[..., None]) -> None:
    async def test(asker: Asker) -> None:
        replies = [await asker.ask(f"q{i}") for i in range(12)]
        assert [status for status, _, _ in replies] == [200] * 10 + [429] * 2
        headers = [headers for _, _, headers in replies]
        assert [h["x-ratelimit-remaining-requests"] for h in headers] == [str(max(0, 9 - i)) for i in range(12)]
        assert headers[0]["x-ratelimit-limit-requests"] == "2"
        assert re.fullmatch(r"(5m5\ds|6m0s)", headers[11]["x-ratelimit-reset-requests"])
        assert headers[11]["retry-after"] == "1.5" and "retry-after" not in headers[0]

    on(test, rate_per_s=1 / 36, burst=10, rate_headers=True, retry_after=1.5)


def test_token_bucket_of_tokens_and_its_refill(on: Callable[..., None]) -> None:
    async def tokens(asker: Asker) -> None:
        assert await asker.many(9) == {200: 4, 429: 5}

    async def refill(asker: Asker) -> None:
        started_s, accepted = time.monotonic(), 0
        while accepted < 40:
            accepted += (await asker.ask(f"q{accepted}"))[0] == 200
        assert time.monotonic() - started_s >= 30 / 100 - 0.02

    on(tokens, tokens_per_s=0.001, token_burst=65, usage=[10, 5])
    on(refill, rate_per_s=100, burst=10)


def test_slots_let_the_rest_wait_without_429(on: Callable[..., None]) -> None:
    async def test(asker: Asker) -> None:
        assert await asker.many(12) == {200: 12}
        counts = await asker.stats()
        assert (counts["slots_used_max"], counts["in_flight"]) == (3, 0)
        assert counts["queued_max"] > 0 and counts["span_s"] >= 4 * 0.05

    on(test, slots=3, latency_s=0.05)


def test_a_client_that_leaves_frees_its_slot_and_pays_nothing(on: Callable[..., None]) -> None:
    async def test(asker: Asker) -> None:
        tasks = [asyncio.create_task(asker.ask(f"q{i}")) for i in range(3)]
        await asker.until(lambda counts: counts["in_flight"] == 3)
        for task in tasks:
            task.cancel()
        counts = await asker.until(lambda counts: counts["abandoned"] == 3)
        assert (counts["in_flight"], counts["ok"], counts["billed_input_tokens"]) == (0, 0, 0)

    on(test, latency_s=60, slots=1)
    on(test, p_hang=1)


def test_response_formats_are_honoured_ignored_or_refused(on: Callable[..., None]) -> None:
    async def honours(asker: Asker) -> None:
        Person.model_validate_json((await asker.choice(response_format=form(Person)))[0])
        pairs = Pairs.model_validate_json((await asker.choice(response_format=form(Pairs)))[0]).pairs
        assert len({pair.question for pair in pairs}) == 3
        Pair.model_validate_json((await asker.choice(response_format={"type": "json_object"}))[0])

    async def ignores(asker: Asker) -> None:
        text, _ = await asker.choice("as JSON, please", response_format=form(Person))
        assert "question" in text and not text.startswith("{")
        assert "{" not in (await asker.choice("please", response_format=form(Person)))[0]

    async def refuses(asker: Asker) -> None:
        status, reply, _ = await asker.ask(response_format=form(Person))
        assert status == 400 and reply["error"]["param"] == "response_format"
        assert (await asker.ask(response_format={"type": "json_object"}))[0] == 200

    on(honours, items=3)
    on(ignores, honours="none", prose=True)
    on(refuses, honours="json_object", on_unknown_format="400")


def test_spoilt_answers(on: Callable[..., None]) -> None:
    async def truncated(asker: Asker) -> None:
        text, finish = await asker.choice(response_format=form(Pair))
        assert finish == "length" and text.startswith('{"question"') and not text.endswith("}")

    async def fenced(asker: Asker) -> None:
        text, _ = await asker.choice(response_format=form(Pair))
        Pair.model_validate_json(text.removeprefix("```json\n").removesuffix("\n```"))
        assert text.startswith("```json")

    async def no_json(asker: Asker) -> None:
        for content in "abcdef":
            text, finish = await asker.choice(content, response_format=form(Pair))
            with pytest.raises(ValueError):
                Pair.model_validate_json(text)
            assert finish == "stop"

    on(truncated, p_truncated=1)
    on(fenced, p_fenced=1)
    on(no_json, p_broken=1)
    on(no_json, p_wrong_schema=1)
    on(no_json, p_hostile=1, hostile="nested_fence")


@pytest.mark.parametrize(
    "kind", ["html", "no_json", "no_choices", "invalid_utf8", "redirect", "cut_off", "endless", "empty", "null", "huge"]
)
def test_hostile_answers_are_none_that_can_be_read(on: Callable[..., None], kind: str) -> None:
    async def test(asker: Asker) -> None:
        errors = (aiohttp.ClientError, ValueError, IndexError, TimeoutError)
        limit = aiohttp.ClientTimeout(total=0.3 if kind == "endless" else 30)
        url, body = f"{asker.url}/v1/chat/completions", {"response_format": form(Pair)}
        with pytest.raises(errors):
            async with asker.session.post(url, json=body, allow_redirects=False, timeout=limit) as reply:
                answer = await reply.json()
                Pair.model_validate_json(answer["choices"][0]["message"]["content"] or "", strict=True)
                assert len(answer["choices"][0]["message"]["content"]) < 10_000_000, ValueError
        async with asker.session.get(f"{asker.url}/v1/models") as reply:
            assert (await reply.json())["data"][0]["id"] == "mock"

    on(test, p_hostile=1, hostile=kind)


def test_tool_calls_and_keys(on: Callable[..., None]) -> None:
    tools = [{"type": "function", "function": {"name": "Person", "parameters": Person.model_json_schema()}}]

    async def test(asker: Asker) -> None:
        assert (await asker.ask())[0] == 401
        assert (await asker.ask(headers={"api-key": "k"}))[0] == 200
        _, reply, _ = await asker.ask(headers={"Authorization": "Bearer k"}, tools=tools)
        Person.model_validate_json(reply["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"])

    on(test, key="k", tool_calls=True)


def lines_of(bodies: list[dict[str, Any]]) -> bytes:
    rows = [
        {"custom_id": f"r{i}", "method": "POST", "url": "/v1/chat/completions", "body": body}
        for i, body in enumerate(bodies)
    ]
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


async def batch_of(client: openai.AsyncOpenAI, bodies: list[dict[str, Any]]) -> Any:
    file = await client.files.create(file=("batch.jsonl", lines_of(bodies)), purpose="batch")
    return await client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"part": "1"}
    )


async def ended(client: openai.AsyncOpenAI, batch: Any) -> Any:
    for _ in range(500):
        batch = await client.batches.retrieve(batch.id)
        if batch.status in ("completed", "expired", "failed", "cancelled"):
            return batch
        await asyncio.sleep(0.01)
    raise AssertionError(batch)


async def rows_of(client: openai.AsyncOpenAI, file: str | None) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (await client.files.content(file)).text.splitlines()] if file else []


def question(number: int, size: int = 1) -> dict[str, Any]:
    content = [
        {"type": "text", "text": f"grüße {number}"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "JSON" * size}},
    ]
    return {"model": "m", "messages": [{"role": "user", "content": content}], "response_format": form(Pair)}


def test_large_bodies_get_the_same_answer_however_they_come(on: Callable[..., None]) -> None:
    spaced = json.dumps(question(1, 330_000)).encode()
    tight = json.dumps(question(1, 330_000), separators=(",", ":")).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(tight), 50_000):
            yield tight[start : start + 50_000]

    async def test(asker: Asker) -> None:
        texts = set()
        for data in (spaced, tight, pieces()):
            async with asker.session.post(f"{asker.url}/v1/chat/completions", data=data) as reply:
                texts.add((await reply.json())["choices"][0]["message"]["content"])
        assert len(texts) == 1
        Pair.model_validate_json(texts.pop())
        async with openai.AsyncOpenAI(base_url=f"{asker.url}/v1", api_key="k") as client:
            batch = await ended(client, await batch_of(client, [question(1, 330_000)]))
            row = (await rows_of(client, batch.output_file_id))[0]
        assert (await asker.stats())["unique"] == 1 and row["response"]["status_code"] == 200

    on(test)


def test_batches_give_the_answers_of_the_online_path_in_another_order(on: Callable[..., None]) -> None:
    bodies = [question(i) for i in range(30)]

    async def test(asker: Asker) -> None:
        async with openai.AsyncOpenAI(base_url=f"{asker.url}/v1", api_key="k") as client:
            batch = await ended(client, await batch_of(client, bodies))
            assert batch.status == "completed" and batch.metadata == {"part": "1"}
            rows = await rows_of(client, batch.output_file_id)
            errors = await rows_of(client, batch.error_file_id)
            ids = [row["custom_id"] for row in rows]
            assert sorted(ids + [row["custom_id"] for row in errors]) == sorted(f"r{i}" for i in range(30))
            assert ids != sorted(ids, key=lambda name: int(name[1:])) and errors
            assert {row["response"]["status_code"] for row in errors} <= {429, 500}
            for row in rows:
                online = await client.chat.completions.create(**bodies[int(row["custom_id"][1:])])
                expected = row["response"]["body"]["choices"][0]["message"]["content"]
                assert online.choices[0].message.content == expected
            counts = await asker.stats()
            assert counts["repeated"] == len(rows) == counts["batch_lines_ok"]
            assert batch.request_counts.failed == len(errors) == counts["batch_lines_failed"]

    on(test, batch_p_line_error=0.3)


def test_batches_expire_fail_are_cancelled_listed_and_refused(on: Callable[..., None]) -> None:
    bodies = [question(i) for i in range(5)]

    async def test(asker: Asker) -> None:
        async with openai.AsyncOpenAI(base_url=f"{asker.url}/v1", api_key="k", max_retries=0) as client:
            failed = await ended(client, await batch_of(client, bodies))
            assert failed.status == "failed" and failed.errors.data[0].code == "token_limit_exceeded"
            waits = await batch_of(client, bodies)
            assert (await client.batches.cancel(waits.id)).status == "cancelled"
            pending = await batch_of(client, bodies)
            assert [row.id async for row in client.batches.list(limit=1)][:2] == [pending.id, waits.id]
            with pytest.raises(openai.BadRequestError, match="at most 5"):
                await batch_of(client, [question(i) for i in range(6)])
            with pytest.raises(openai.BadRequestError, match="at most 9000 are"):
                await batch_of(client, [question(1, 3_000)])
            # A reset reaches the batch that waits, which is how a run is resumed against a quicker endpoint.
            async with asker.session.post(f"{asker.url}/reset", json={"batch_expire_after": 2}):
                batch = await ended(client, pending)
            assert batch.status == "expired" and batch.request_counts.completed == 2
            assert len(await rows_of(client, batch.output_file_id)) == 2
            late = await rows_of(client, batch.error_file_id)
            assert [row["error"]["code"] for row in late] == ["batch_expired"] * 3

    on(test, batch_delay_s=60, batch_fails=1, batch_max_requests=5, batch_max_bytes=9000)


def test_it_ends_with_the_process_that_started_it() -> None:
    start = (
        f"import subprocess, sys; p = subprocess.Popen([sys.executable, {str(SCRIPT)!r}], stdout=subprocess.PIPE, "
        "text=True); print(p.stdout.readline(), flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen([sys.executable, "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    port = int(parent.stdout.readline())
    socket.create_connection(("127.0.0.1", port)).close()
    parent.communicate("")
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.1)
    raise AssertionError("it still listens")
