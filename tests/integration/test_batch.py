"""Batch mode against an endpoint with a batch API, in a process of its own: the rows of online mode, each paid once."""

from __future__ import annotations

import asyncio
import http.client
import importlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from tests.journal_records import rewrite, states
from tests.photo_files import attached

from docent.config.llm import Llm
from docent.errors import ConfigError, StoppedError, TemporaryError
from docent.llm.chat import ChatReply, ChatRequest, Image, Message
from docent.llm.client import ChatClient
from docent.llm.journal.journal import Journal
from docent.llm.usable_reply import Ladder

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "bench" / "endpoint.py"
KEY = "sk-canary-9c41d7"


class Facts(BaseModel):
    """What replies must be."""

    name: str
    year: int
    words: list[str]


class Endpoint:
    """The mock endpoint, seen from outside."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.older: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with closing(connection):
            headers = {"Authorization": f"Bearer {KEY}"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            reply = connection.getresponse()
            found: dict[str, Any] = json.loads(reply.read())
            assert reply.status == 200, found
            return found

    def reset(self, **knobs: Any) -> None:
        self.ask("POST", "/reset", knobs)

    def stats(self) -> dict[str, Any]:
        return self.ask("GET", "/stats")

    def all_batches(self) -> list[dict[str, Any]]:
        return self.ask("GET", "/v1/batches?limit=1000")["data"]

    def batches(self) -> list[dict[str, Any]]:
        """Those of this test, the oldest first."""
        return [batch for batch in reversed(self.all_batches()) if batch["id"] not in self.older]

    def until(self, holds: Callable[[], Any]) -> None:
        for _ in range(2000):
            if holds():
                return
            time.sleep(0.01)
        raise AssertionError("it never came true")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with subprocess.Popen([sys.executable, str(SCRIPT)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.kill()


@pytest.fixture
def endpoint(port: int, monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr("docent.llm.pace.retry.FIRST_WAIT_S", 0.01)
    found = Endpoint(port)
    found.reset()
    found.older = {batch["id"] for batch in found.all_batches()}
    return found


def llm(endpoint: Endpoint, **more: Any) -> Llm:
    fixed = {"provider": "openai", "base_url": endpoint.url, "model": "mock", "mode": "batch", "batch_poll_s": 0.02}
    return Llm.model_validate({**fixed, "structured_output": "json_schema", **more})


def question(number: int, schema: type[BaseModel] | None = None, images: tuple[Image, ...] = ()) -> ChatRequest:
    return ChatRequest((Message("user", f"What is exhibit {number}? \u2603", images),), 0.4, 64, schema=schema)


def questions(count: int) -> list[ChatRequest]:
    """Four are to be answered as JSON, the next four as text, and so on."""
    return [question(number, None if number // 4 % 2 else Facts) for number in range(count)]


def picky(reply: ChatReply) -> str:
    """Finds fault with some first and second replies, always the same ones."""
    return "not good enough" if len(reply.text.encode()) > 0 and sum(reply.text.encode()) % 3 < 3 - reply.asks else ""


def replies_to(
    llm: Llm, journal: Path, requests: Sequence[ChatRequest], problem_of: Callable[[ChatReply], str] | None = None
) -> list[ChatReply]:
    requests = [replace(request, problem_of=problem_of) for request in requests]
    with ChatClient(llm, journal) as client, closing(client.ask(requests)) as replies:
        return list(replies)


def test_rows_are_those_of_online_mode(endpoint: Endpoint, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    requests = [*questions(40), *questions(5)]
    online = replies_to(llm(endpoint, mode="online"), tmp_path / "online", requests, picky)
    endpoint.reset()
    assert replies_to(llm(endpoint), tmp_path / "batch", requests, picky) == online
    counts, once = endpoint.stats(), online[:40]
    assert counts["requests"] == 0 and counts["batch_lines_ok"] == sum(reply.asks for reply in once)
    # Free text is asked for again with the same words, on purpose.
    free_text = [reply for reply, request in zip(once, requests, strict=False) if request.schema is None]
    assert counts["repeated"] == sum(reply.asks - 1 for reply in free_text)
    assert {reply.asks for reply in online} == {1, 2, 3} and sum(reply.value is not None for reply in once) > 5
    assert "batch 1 of 1: 40 of 40 done" in caplog.text
    assert len(endpoint.batches()) == 3
    # One journal serves both modes.
    assert replies_to(llm(endpoint, mode="online"), tmp_path / "batch", requests, picky) == online
    assert endpoint.stats()["requests"] == 0


def test_pictures_go_into_the_file_and_give_the_rows_of_online_mode(endpoint: Endpoint, tmp_path: Path) -> None:
    images = []
    for number in range(6):
        path = tmp_path / f"{number}.png"
        path.write_bytes(bytes([number, 255, 10, 13]) * (60_000 + number))
        images.append(attached(path))
    requests = [question(n, None if n % 2 else Facts, (images[n], images[0])) for n in range(6)]
    online = replies_to(llm(endpoint, mode="online"), tmp_path / "online", requests)
    endpoint.reset(batch_max_bytes=1_500_000)
    assert replies_to(llm(endpoint, batch_mb=1.5), tmp_path / "batch", requests) == online
    assert [batch["request_counts"]["total"] for batch in endpoint.batches()] == [2, 2, 2]
    assert endpoint.stats()["repeated"] == 0


def test_files_are_split_by_count_and_by_bytes(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.reset(batch_max_requests=4, batch_max_bytes=3000)
    long = [ChatRequest((Message("user", f"{n} " + "word " * 250),), 0.4, 64) for n in range(4)]
    huge = ChatRequest((Message("user", "word " * 700),), 0.4, 64)
    config = llm(endpoint, batch_requests=4, batch_mb=0.003)
    replies = replies_to(config, tmp_path / "journal", [*(question(n) for n in range(9)), huge, *long])
    assert [bool(reply.text) for reply in replies] == [True] * 9 + [False] + [True] * 4
    assert "too long for a batch" in replies[9].error and "llm.batch_mb" in replies[9].error
    assert [batch["request_counts"]["total"] for batch in endpoint.batches()] == [4, 4, 2, 2, 1]
    assert endpoint.stats()["requests"] == 0


def test_an_expired_batch_counts_as_far_as_it_came(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.reset(batch_expire_after=3)
    replies = replies_to(llm(endpoint), tmp_path / "journal", questions(8))
    assert all(reply.text and not reply.error for reply in replies)
    assert [batch["request_counts"]["total"] for batch in endpoint.batches()] == [8, 5, 2]
    counts = endpoint.stats()
    assert (counts["repeated"], counts["batch_lines_ok"], counts["batch_lines_failed"]) == (0, 8, 7)


def test_failed_lines_go_again_and_are_given_up_at_last(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.reset(batch_p_line_error=0.4)
    config = llm(endpoint, max_attempts=20)
    with ChatClient(config, tmp_path / "a") as client:
        assert all(reply.text for reply in client.ask(questions(30)))
        amounts = client.amounts()
    counts = endpoint.stats()
    assert counts["repeated"] == 0 and counts["batch_lines_ok"] == 30 and counts["batch_lines_failed"] > 0
    assert amounts["tries_begun"] == 30 + counts["batch_lines_failed"] and "from_journal" not in amounts
    replies = replies_to(llm(endpoint, max_attempts=1), tmp_path / "b", questions(30))
    failed = [reply.error for reply in replies if reply.error]
    assert 0 < len(failed) < 30 and all(error.startswith("no reply in 1 tries; the last: HTTP ") for error in failed)
    assert endpoint.stats()["requests"] == 0


def test_a_batch_api_that_answers_nothing_is_down(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.reset(batch_p_line_error=1.0)
    with pytest.raises(TemporaryError, match="no reply in 2 tries; the last: HTTP"):
        replies_to(llm(endpoint, max_attempts=2), tmp_path / "journal", questions(4))
    assert len(endpoint.batches()) == 2


def test_a_refused_line_is_that_request_alone_and_not_sent_again(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.reset(batch_p_refused=0.4)
    replies = replies_to(llm(endpoint), tmp_path / "journal", questions(20))
    refused = [reply for reply in replies if reply.error]
    assert 0 < len(refused) < 20 and {reply.error for reply in refused} == {"HTTP 400: This content is not answered."}
    assert len(endpoint.batches()) == 1
    assert endpoint.stats()["requests"] == 0


def test_fields_that_the_endpoint_does_not_take_are_learned_from_a_batch(endpoint: Endpoint, tmp_path: Path) -> None:
    """Each costs one batch; replies are found again, because the keys of requests stay the same."""
    endpoint.reset(unknown_fields={"max_tokens": "max_completion_tokens", "temperature": ""})
    asked = [question(number) for number in range(12)]
    replies = replies_to(llm(endpoint), tmp_path / "journal", asked)
    assert all(reply.text and not reply.error for reply in replies) and len(endpoint.batches()) == 3
    again = replies_to(llm(endpoint), tmp_path / "journal", asked)
    assert [reply.text for reply in again] == [reply.text for reply in replies] and len(endpoint.batches()) == 3


def test_a_full_queue_is_waited_for_and_costs_no_try(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.reset(batch_fails=3)
    replies = replies_to(llm(endpoint, batch_requests=2, max_attempts=1), tmp_path / "journal", questions(8))
    assert all(reply.text for reply in replies)
    assert [batch["status"] for batch in endpoint.batches()] == ["failed"] * 3 + ["completed"] * 4
    endpoint.reset(batch_fails=1000)
    with pytest.raises(TemporaryError, match="Enqueued token limit reached"):
        replies_to(llm(endpoint, max_attempts=2), tmp_path / "other", questions(8))
    assert endpoint.stats()["repeated"] == 0


PROCESS = """
import json, sys
from pathlib import Path
from docent.config.llm import Llm
from docent.llm.client import ChatClient
from tests.integration.test_batch import questions
llm, journal, count = Llm.model_validate_json(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
with ChatClient(llm, journal) as client:
    print("begins", flush=True)
    for reply in client.ask(questions(count)):
        pass
"""


def begun(config: Llm, journal: Path, count: int) -> subprocess.Popen[str]:
    """A process that asks; it is at work when this returns."""
    root = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-c", PROCESS, config.model_dump_json(), str(journal), str(count)]
    process = subprocess.Popen(command, cwd=root, env={**os.environ}, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "begins\n"
    return process


def killed(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_killed_process_finds_its_batches_again(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.reset(batch_delay_s=600)
    config, journal, requests = llm(endpoint, batch_requests=10), tmp_path / "journal", questions(25)
    process = begun(config, journal, len(requests))
    endpoint.until(lambda: [batch["status"] for batch in endpoint.batches()] == ["in_progress"] * 3)
    killed(process)
    endpoint.reset()
    # One more line than before, and another division into shards: what is in batches already stays there.
    more = questions(26)
    replies = replies_to(config, journal, more[::2]), replies_to(config, journal, more[1::2])
    assert [len(part) for part in replies] == [13, 13] and all(reply.text for part in replies for reply in part)
    assert [batch["request_counts"]["total"] for batch in endpoint.batches()] == [10, 10, 5, 1]
    counts = endpoint.stats()
    assert (counts["requests"], counts["repeated"], counts["batch_lines_ok"]) == (0, 0, 26)


def test_batches_are_found_again_although_the_clock_was_a_year_ahead(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.reset(batch_delay_s=600)
    config, journal = llm(endpoint, batch_requests=10), tmp_path / "journal"
    process = begun(config, journal, 20)
    endpoint.until(lambda: [batch["status"] for batch in endpoint.batches()] == ["in_progress"] * 2)
    killed(process)
    rewrite(journal, lambda fields: {**fields, "begun_s": fields["begun_s"] + 31_536_000})
    endpoint.reset()
    replies_to(config, tmp_path / "other", [question(number) for number in range(900, 903)])  # a newer batch
    replies = replies_to(config, journal, questions(20))
    assert all(reply.text for reply in replies)
    assert [batch["request_counts"]["total"] for batch in endpoint.batches()] == [10, 10, 3]


def test_kills_at_any_moment_repeat_nothing(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.reset(batch_p_line_error=0.05)
    config, journal = llm(endpoint, batch_requests=100, max_attempts=20), tmp_path / "journal"
    moments: list[Callable[[], Any]] = [
        lambda: len(endpoint.batches()) >= 2,
        lambda: len(endpoint.batches()) >= 9,
        lambda: states(journal)["replied"] > 0,
        lambda: states(journal)["replied"] > 600,
    ]
    for moment in moments:
        process = begun(config, journal, 1200)
        endpoint.until(moment)
        killed(process)
    replies = replies_to(config, journal, questions(1200))
    assert len(replies) == 1200 and all(reply.text for reply in replies)
    counts = endpoint.stats()
    assert (counts["requests"], counts["repeated"], counts["batch_lines_ok"]) == (0, 0, 1200)


def test_a_batch_that_was_never_created_frees_its_lines(endpoint: Endpoint, tmp_path: Path) -> None:
    config, journal, requests = llm(endpoint), tmp_path / "journal", questions(3)
    with ChatClient(config, journal) as client:
        ladder = Ladder(client.provider, client.sender, client.usage)
        ladder.rung = "json_schema"
        asks = [ladder.first(request) for request in requests]
        sent_by_a_process_that_is_gone(client.journal, [ask.key for ask in asks], client.sender.endpoint)
        replies = list(client.ask(requests))
    assert all(reply.text for reply in replies)
    assert [batch["request_counts"]["total"] for batch in endpoint.batches()] == [3]


def test_a_batch_that_was_never_created_frees_its_lines_although_it_is_dated_in_the_future(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    config, journal, requests = llm(endpoint), tmp_path / "journal", questions(3)
    with ChatClient(config, journal) as client:
        ladder = Ladder(client.provider, client.sender, client.usage)
        ladder.rung = "json_schema"
        keys = [ladder.first(request).key for request in requests]
        client.journal._clock = lambda: time.time() + 31_536_000
        sent_by_a_process_that_is_gone(client.journal, keys, client.sender.endpoint)
        replies = list(client.ask(requests))
    assert all(reply.text for reply in replies)


def test_a_batch_that_another_process_is_about_to_create_is_waited_for(endpoint: Endpoint, tmp_path: Path) -> None:
    config, journal, requests = llm(endpoint), tmp_path / "journal", questions(3)
    other = Journal(journal)
    with ChatClient(config, journal) as client:
        ladder = Ladder(client.provider, client.sender, client.usage)
        ladder.rung = "json_schema"
        asks = [ladder.first(request) for request in requests]
        sent_by_a_process_that_is_gone(other, [ask.key for ask in asks], client.sender.endpoint)
        importlib.import_module("openai")  # which takes long, and once
        has_ended = threading.Event()

        def end() -> None:
            has_ended.set()
            other.close()

        ends = threading.Timer(2.0, end)  # at work far longer than four looks
        ends.start()
        replies = list(client.ask(requests))
        assert all(reply.text for reply in replies) and has_ended.is_set()
        ends.join()


def sent_by_a_process_that_is_gone(journal: Journal, keys: Sequence[bytes], where: str) -> None:
    async def begin() -> None:
        await asyncio.gather(*(journal.begin(key, key, where, "no-such-batch") for key in keys))

    asyncio.run(begin())


def test_a_stop_leaves_batches_to_the_next_run(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.reset(batch_delay_s=600)
    journal, stop = tmp_path / "journal", threading.Event()

    def stop_when_it_runs() -> None:
        endpoint.until(lambda: [batch["status"] for batch in endpoint.batches()] == ["in_progress"])
        stop.set()

    thread = threading.Thread(target=stop_when_it_runs)
    thread.start()
    with ChatClient(llm(endpoint, batch_poll_s=300), journal, stop=stop) as client:
        with pytest.raises(StoppedError, match="submitted batches continue"):
            list(client.ask(questions(6)))
    thread.join()
    endpoint.reset()
    assert all(reply.text for reply in replies_to(llm(endpoint), journal, questions(6)))
    assert len(endpoint.batches()) == 1 and endpoint.stats()["repeated"] == 0


def test_what_does_not_fit_the_spending_limit_is_not_submitted(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.reset(usage=[20, 10])
    journal, requests = tmp_path / "journal", [question(n) for n in range(20)]
    limited = llm(endpoint, max_tokens=400, batch_requests=2)
    with pytest.raises(ConfigError, match="the spending limit is reached") as stopped:
        replies_to(limited, journal, requests)
    assert stopped.value.where == "llm.max_tokens"
    paid = endpoint.stats()
    used = paid["billed_input_tokens"] + paid["billed_output_tokens"]
    assert 150 < used <= 400 and paid["batch_lines_ok"] == used / 30
    with pytest.raises(ConfigError, match="the spending limit is reached"):
        replies_to(limited, journal, requests)
    assert endpoint.stats()["batch_lines_ok"] == paid["batch_lines_ok"]
    assert all(reply.text for reply in replies_to(llm(endpoint), journal, requests))
    assert endpoint.stats()["repeated"] == 0 and endpoint.stats()["batch_lines_ok"] == 20


def test_what_runs_at_the_endpoint_counts_towards_the_limit_of_a_resumed_run(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    endpoint.reset(batch_delay_s=600, usage=[20, 10])
    journal, requests = tmp_path / "journal", questions(12)
    limited = llm(endpoint, max_tokens=900, batch_requests=2)
    process = begun(limited, journal, 12)
    endpoint.until(lambda: endpoint.batches() and endpoint.batches()[-1]["status"] == "in_progress")
    killed(process)
    there = len(endpoint.batches())
    endpoint.reset(usage=[20, 10])
    replies = replies_to(limited, journal, requests)
    assert all(reply.text for reply in replies) and len(endpoint.batches()) >= there
    counts = endpoint.stats()
    assert counts["repeated"] == 0 and counts["billed_input_tokens"] + counts["billed_output_tokens"] <= 900


def test_four_shards_share_a_journal_and_no_batch(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.reset(batch_delay_s=0.2)
    requests, found = questions(40), dict[int, list[ChatReply]]()

    def ask(shard: int) -> None:
        found[shard] = replies_to(llm(endpoint), tmp_path / "journal", requests[shard::4])

    threads = [threading.Thread(target=ask, args=(shard,)) for shard in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    endpoint.reset()
    whole = replies_to(llm(endpoint), tmp_path / "whole", requests)
    assert [found[number % 4][number // 4] for number in range(40)] == whole
    assert [batch["request_counts"]["total"] for batch in endpoint.batches()] == [10, 10, 10, 10, 40]


def test_a_cancelled_batch_ends_the_run_and_is_not_taken_up_again(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.reset(batch_delay_s=600)
    config, journal = llm(endpoint), tmp_path / "journal"

    def cancel() -> None:
        endpoint.until(lambda: [batch["status"] for batch in endpoint.batches()] == ["in_progress"])
        endpoint.ask("POST", f"/v1/batches/{endpoint.batches()[0]['id']}/cancel")

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(ConfigError, match="was cancelled at the endpoint, not by docent"):
        replies_to(config, journal, questions(3))
    thread.join()
    endpoint.reset()
    assert all(reply.text for reply in replies_to(config, journal, questions(3)))
    assert [batch["status"] for batch in endpoint.batches()] == ["cancelled", "completed"]


def test_a_refused_file_key_or_provider_is_said_in_one_error(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.reset(batch_max_requests=2)
    with pytest.raises(ConfigError, match="the file has 4 requests; at most 2 are taken") as refused:
        replies_to(llm(endpoint), tmp_path / "journal", questions(4))
    assert "llm.batch_requests" in refused.value.next_step
    endpoint.reset(key="another")
    with pytest.raises(ConfigError, match="rejected the key in the variable OPENAI_API_KEY") as refused:
        replies_to(llm(endpoint), tmp_path / "journal", questions(4))
    assert KEY not in str(refused.value)
    for provider in ("offline", "vllm"):
        with pytest.raises(ConfigError, match=f"the provider {provider} has no batch API") as refused:
            replies_to(llm(endpoint, provider=provider), tmp_path / "journal", questions(4))
        assert refused.value.where == "llm.mode"
    endpoint.reset()
    assert all(reply.text for reply in replies_to(llm(endpoint), tmp_path / "journal", questions(4)))


@pytest.mark.parametrize("version", ["", "2024-10-21"])
def test_azure_has_its_own_paths_and_key_header(endpoint: Endpoint, tmp_path: Path, version: str) -> None:
    endpoint.reset(key=KEY)
    base = f"http://127.0.0.1:{endpoint.port}"
    config = llm(endpoint, provider="azure", base_url=base, api_version=version)
    assert all(reply.text for reply in replies_to(config, tmp_path / "journal", questions(4)))
    assert [batch["endpoint"] for batch in endpoint.batches()] == ["/chat/completions"]


STRANGE = {
    "web page": b"<html>Log in</html>",
    "no file": b'{"error": {"message": "not today"}}',
    "half JSON": b'{"id": ',
}


class Between(ThreadingHTTPServer):
    """Stands between client and endpoint, and spoils some exchanges."""

    def __init__(self, endpoint: Endpoint, fault: str) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.endpoint, self.fault, self.spoilt = endpoint, fault, 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Exchange(BaseHTTPRequestHandler):
    server: Between
    protocol_version = "HTTP/1.1"

    def log_message(self, *words: Any) -> None:
        pass

    def do_POST(self) -> None:
        self.pass_on(self.rfile.read(int(self.headers["Content-Length"])))

    def do_GET(self) -> None:
        self.pass_on(None)

    def pass_on(self, body: bytes | None) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.endpoint.port, timeout=30)
        with closing(connection):
            headers = {"Content-Type": self.headers.get("Content-Type", "")}
            connection.request(self.command, self.path, body, headers)
            reply = connection.getresponse()
            status, told = reply.status, reply.read()
        match self.server.fault, self.command, self.path.split("?")[0].split("/")[2:]:
            case ("create is lost", "POST", ["batches"]) | ("look is lost", "GET", ["batches", _]):
                cut = 0
            case ("download breaks off", "GET", ["files", _, "content"]):
                cut = len(told) // 2
            case ("no batch API", "POST", ["files"]):
                status, told, cut = 404, b'{"detail": "Not Found"}', None
            case ("sends elsewhere", "POST", ["files"]):
                status, told, cut = 307, b"", None
            case (fault, "POST", ["files"]) if fault in STRANGE:
                told, cut = STRANGE[fault], None
            case _:
                cut = None
        self.server.spoilt += cut is not None
        if cut is not None and self.server.spoilt == 1:
            told, length = told[:cut], len(told)
        else:
            length = len(told)
        if told or length == 0:
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.send_header("Content-Type", "text/html" if told[:1] == b"<" else "application/json")
            if status == 307:
                self.send_header("Location", f"{self.server.endpoint.url}/files")
            self.end_headers()
            self.wfile.write(told)
        self.close_connection = len(told) < length


@pytest.mark.parametrize("fault", ["create is lost", "look is lost", "download breaks off"])
def test_a_lost_answer_costs_nothing_twice(endpoint: Endpoint, tmp_path: Path, fault: str) -> None:
    with Between(endpoint, fault) as between:
        replies = replies_to(llm(endpoint, base_url=between.url), tmp_path / "journal", questions(30))
        between.shutdown()
    assert all(reply.text for reply in replies) and between.spoilt
    assert [batch["request_counts"]["total"] for batch in endpoint.batches()] == [30]
    assert endpoint.stats()["batch_lines_ok"] == 30


@pytest.mark.parametrize(
    ("fault", "words", "step"),
    [
        ("no batch API", "the endpoint has no batch API", "set llm.mode to online"),
        (
            "sends elsewhere",
            "the endpoint redirects requests to 127.0.0.1, which docent",
            "llm.base_url",
        ),
    ],
)
def test_an_endpoint_without_batches_is_one_error(
    endpoint: Endpoint, tmp_path: Path, fault: str, words: str, step: str
) -> None:
    with Between(endpoint, fault) as between:
        with pytest.raises(ConfigError, match=words) as refused:
            replies_to(llm(endpoint, base_url=between.url), tmp_path / "journal", questions(3))
        between.shutdown()
    assert step in refused.value.next_step and not endpoint.batches()


@pytest.mark.parametrize(
    ("fault", "words"),
    [("web page", "web page"), ("no file", "is not one of a batch API"), ("half JSON", "not respond in 2 attempts")],
)
def test_what_no_batch_api_says_is_no_answer(endpoint: Endpoint, tmp_path: Path, fault: str, words: str) -> None:
    with Between(endpoint, fault) as between:
        with pytest.raises(TemporaryError, match=words):
            replies_to(llm(endpoint, base_url=between.url, max_attempts=2), tmp_path / "journal", questions(3))
        between.shutdown()
