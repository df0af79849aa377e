"""Runs that share one journal ask for nothing twice: claims, who makes them, and what becomes of those of the dead."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.mock_endpoint import MockEndpoint, mock_endpoint, questions

from docent.config import Llm
from docent.errors import StoppedError
from docent.llm.client import ChatClient
from docent.llm.journal.journal import Entry, Journal, State, count_known
from docent.llm.journal.owners import Owner, Owners, this_process

ASKER = Path(__file__).parents[2] / "scripts" / "prove" / "chat_asker.py"
ENTRY = Entry("text", "stop", 3, 4)
WHERE = "http://a/v1 m"
N = 12


@pytest.fixture
def endpoint() -> Iterator[MockEndpoint]:
    with mock_endpoint() as found:
        yield found


def behave(endpoint: MockEndpoint, **knobs: Any) -> None:
    endpoint.reset(key=None, usage=[7, 5], **knobs)


def started(endpoint: MockEndpoint, folder: Path, name: str) -> subprocess.Popen[str]:
    """A run that asks N questions, the same as every other one."""
    llm = {"provider": "vllm", "base_url": endpoint.url, "model": "m", "structured_output": "json_schema"}
    told = {"n": N, "llm": llm, "journal": str(folder / "journal.sqlite"), "rows": str(folder / name)}
    command = [sys.executable, str(ASKER), json.dumps(told)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def until(seen: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + 30
    while not seen():
        assert time.monotonic() < give_up_s
        time.sleep(0.01)


def test_two_runs_at_the_same_time_pay_for_each_request_once(endpoint: MockEndpoint, tmp_path: Path) -> None:
    behave(endpoint, latency_s=0.5)
    runs = [started(endpoint, tmp_path, name) for name in ("a", "b", "c")]
    assert [run.wait(60) for run in runs] == [0, 0, 0], [run.stderr.read() for run in runs if run.stderr]
    assert endpoint.stats()["requests"] == N
    assert (tmp_path / "a").read_text() == (tmp_path / "b").read_text() == (tmp_path / "c").read_text()
    assert len((tmp_path / "a").read_text().splitlines()) == N
    assert list((tmp_path / "claims").iterdir()) == [], "claims end with their process"


def test_who_waits_takes_over_as_soon_as_the_other_process_is_killed(endpoint: MockEndpoint, tmp_path: Path) -> None:
    behave(endpoint, latency_s=60)
    first = started(endpoint, tmp_path, "a")
    until(lambda: endpoint.stats()["in_flight"] == N)
    second = started(endpoint, tmp_path, "b")
    until(lambda: len(list((tmp_path / "claims").iterdir())) == 2)
    assert endpoint.stats()["requests"] == N, "the second one waits"
    behave(endpoint)
    first.send_signal(signal.SIGKILL)
    first.wait()
    began_s = time.monotonic()
    assert second.wait(60) == 0
    assert time.monotonic() - began_s < 15, "on the same machine nobody waits for the lease"
    assert endpoint.stats()["requests"] == N, "asked again: what was in flight when the first was killed"
    assert count_known(tmp_path / "journal.sqlite", keys_of(tmp_path / "journal.sqlite")) == N


def keys_of(journal: Path) -> list[bytes]:
    with sqlite3.connect(journal) as db:
        return [row[0] for row in db.execute("SELECT DISTINCT key FROM attempts")]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Journal, Journal]]:
    """The journal as two processes have it open."""
    found = Journal(tmp_path / "j.sqlite"), Journal(tmp_path / "j.sqlite")
    yield found
    for journal in found:
        journal.close()


def test_a_claim_holds_until_its_try_ends_and_then_the_reply_is_handed_over(two: tuple[Journal, Journal]) -> None:
    async def work() -> None:
        mine, other = two
        number = await mine.claim(b"k", b"k", WHERE)
        assert isinstance(number, int)
        assert await other.claim(b"k", b"k", WHERE) is None
        assert await other.claimed([b"k", b"free"]) == {b"k"}
        waiting = asyncio.create_task(other.waiters.wait(b"k", 30))
        await mine.end(number, b"k", State.REPLIED, ENTRY)
        assert await waiting
        found = await other.claim(b"k", b"k", WHERE)
        assert found == ENTRY and isinstance(found, Entry) and found.by_another

    asyncio.run(work())


def test_a_try_that_failed_frees_its_request(two: tuple[Journal, Journal]) -> None:
    async def work() -> None:
        mine, other = two
        number = await mine.claim(b"k", b"k", WHERE)
        assert isinstance(number, int)
        await mine.end(number, b"k", State.REFUSED, why="HTTP 500")
        assert isinstance(await other.claim(b"k", b"k", WHERE), int)

    asyncio.run(work())


def test_only_one_of_many_takes_over_what_a_closed_journal_left(tmp_path: Path) -> None:
    async def work() -> None:
        gone = Journal(tmp_path / "j.sqlite")
        assert isinstance(await gone.claim(b"k", b"k", WHERE), int)
        gone.close()
        heirs = [Journal(tmp_path / "j.sqlite") for _ in range(4)]
        try:
            claims = await asyncio.gather(*(heir.claim(b"k", b"k", WHERE) for heir in heirs))
            assert sorted(type(claim).__name__ for claim in claims) == ["NoneType"] * 3 + ["int"]
        finally:
            for heir in heirs:
                heir.close()

    asyncio.run(work())


def test_waiting_ends_at_its_bound(two: tuple[Journal, Journal]) -> None:
    async def work() -> None:
        mine, other = two
        await mine.claim(b"k", b"k", WHERE)
        assert not await other.waiters.wait(b"k", 0.05)
        assert isinstance(await other.begin(b"k", b"k", WHERE), int)

    asyncio.run(work())


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def owner_file(folder: Path, name: str, **differing: str) -> Path:
    """The file of a process: this one, but for what differs."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(json.dumps({**this_process(), **differing}))
    return path


def test_an_owner_on_another_machine_is_gone_when_its_file_was_not_touched_for_a_lease(tmp_path: Path) -> None:
    """Whatever the clocks of the two machines say: only whether the time stamp changes counts."""
    clock = Clock()
    owners = Owners(tmp_path / "claims", lease_s=30, clock=clock)
    path = owner_file(tmp_path / "claims", "far", machine="elsewhere", pid="1")
    os.utime(path, (1, 1))
    for beat in range(2, 6):
        assert owners.is_at_work("far")
        clock.now_s += 29
        os.utime(path, (beat, beat))
    assert owners.is_at_work("far")
    clock.now_s += 31
    assert not owners.is_at_work("far")
    os.utime(path, (9e9, 9e9))
    assert not owners.is_at_work("far"), "others may have taken over: it stays gone"


def test_an_owner_is_gone_at_once_when_this_machine_knows_so(tmp_path: Path) -> None:
    owners = Owners(tmp_path / "claims")
    owner_file(tmp_path / "claims", "me")
    owner_file(tmp_path / "claims", "earlier", started="1")
    (tmp_path / "claims" / "unfinished").write_text('{"machine":')
    assert owners.is_at_work("me") and owners.is_at_work("unfinished")
    assert not owners.is_at_work("earlier"), "its number belongs to another process now"
    assert not owners.is_at_work("never was")


def test_a_process_whose_file_was_removed_claims_under_a_new_name(tmp_path: Path) -> None:
    owner = Owner(tmp_path / "claims", beat_s=0.01)
    try:
        before = owner.name
        (tmp_path / "claims" / before).unlink()
        until(lambda: owner.name != before)
        assert [path.name for path in (tmp_path / "claims").iterdir()] == [owner.name]
    finally:
        owner.close()
    assert list((tmp_path / "claims").iterdir()) == []


def test_a_process_whose_machine_slept_longer_than_the_lease_claims_under_a_new_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept_s = [0.0]
    monkeypatch.setattr(time, "clock_gettime", lambda clock: time.monotonic() + slept_s[0])
    owner = Owner(tmp_path / "claims", beat_s=0.01, lease_s=30.0)
    try:
        before = owner.name
        until(lambda: (tmp_path / "claims" / before).stat().st_mtime_ns > 0)
        assert owner.name == before
        slept_s[0] = 60.0
        until(lambda: owner.name != before)
    finally:
        owner.close()


def test_a_resumed_process_claims_under_a_new_name_before_its_next_beat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept_s = [0.0]
    monkeypatch.setattr(time, "clock_gettime", lambda clock: time.monotonic() + slept_s[0])
    owner = Owner(tmp_path / "claims", beat_s=1000.0, lease_s=30.0)
    try:
        before = owner.name
        slept_s[0] = 60.0
        after = owner.name
        assert after not in ("", before) and owner.name == after
        assert [path.name for path in (tmp_path / "claims").iterdir()] == [after]
    finally:
        owner.close()


LAYOUT_2 = """
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY, request BLOB NOT NULL, key BLOB NOT NULL, endpoint TEXT NOT NULL, batch TEXT NOT NULL,
    begun_s REAL NOT NULL, state INTEGER NOT NULL DEFAULT 0, text TEXT NOT NULL DEFAULT '',
    finish_reason TEXT NOT NULL DEFAULT '', input_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0, why TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX replies ON attempts (key) WHERE state = 1;
CREATE INDEX doubtful ON attempts (key) WHERE state IN (0, 3);
CREATE INDEX further ON attempts (request) WHERE key <> request;
INSERT INTO attempts (request, key, endpoint, batch, begun_s, state, text, finish_reason, input_tokens, output_tokens)
    VALUES (x'6b', x'6b', 'e', '', 5, 1, 'text', 'stop', 3, 4);
INSERT INTO attempts (request, key, endpoint, batch, begun_s) VALUES (x'6c', x'6c', 'e', '', 6);
PRAGMA user_version = 2;
"""


def test_a_journal_of_the_layout_before_keeps_its_replies_and_its_open_tries_belong_to_nobody(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "j.sqlite") as db:
        db.executescript(LAYOUT_2)
    db.close()

    async def work() -> None:
        journal = Journal(tmp_path / "j.sqlite")
        assert await journal.find([b"k", b"l"]) == {b"k": ENTRY}
        assert isinstance(await journal.claim(b"l", b"l", WHERE), int)
        journal.close()

    asyncio.run(work())


def test_two_batch_runs_at_the_same_time_put_no_request_into_two_batches(
    endpoint: MockEndpoint, tmp_path: Path
) -> None:
    behave(endpoint, batch_delay_s=0.2)
    llm = {"provider": "openai", "base_url": endpoint.url, "model": "m", "structured_output": "json_schema"}
    llm |= {"mode": "batch", "batch_requests": 50, "batch_poll_s": 0.05, "api_key_env": "NO_KEY"}
    runs = []
    for name in ("a", "b"):
        told = {"n": 300, "llm": llm, "journal": str(tmp_path / "j.sqlite"), "rows": str(tmp_path / name)}
        command = [sys.executable, str(ASKER), json.dumps(told)]
        runs.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
    ends = [run.communicate(timeout=120)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], ends
    counts = endpoint.stats()
    assert (counts["requests"], counts["repeated"], counts["batch_lines_ok"]) == (0, 0, 300)
    assert (tmp_path / "a").read_text() == (tmp_path / "b").read_text()


def test_who_waits_for_another_process_stops_when_told(endpoint: MockEndpoint, tmp_path: Path) -> None:
    behave(endpoint, latency_s=60)
    llm, stops = endpoint.llm(provider="vllm"), (threading.Event(), threading.Event())

    def ask(which: int) -> str:
        with ChatClient(llm, tmp_path / "j.sqlite", stop=stops[which], environ={}, drain_s=0.2) as client:
            with pytest.raises(StoppedError):
                list(client.ask(questions(3)))
            return "stopped"

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(ask, 0)
        until(lambda: endpoint.stats()["in_flight"] == 3)
        second = pool.submit(ask, 1)
        until(lambda: len(list((tmp_path / "claims").iterdir())) == 2)
        stops[1].set()
        assert second.result(20) == "stopped" and not first.done()
        assert endpoint.stats()["requests"] == 3
        stops[0].set()
        assert first.result(20) == "stopped"


def test_a_batch_run_waits_for_what_another_run_asks_on_line(endpoint: MockEndpoint, tmp_path: Path) -> None:
    behave(endpoint, latency_s=1.0)
    online = endpoint.llm(provider="openai", max_in_flight=4)
    batch = endpoint.llm(provider="openai", mode="batch", batch_poll_s=0.1)

    def ask(llm: Llm, count: int) -> list[str]:
        with ChatClient(llm, tmp_path / "j.sqlite", environ={"OPENAI_API_KEY": "none"}) as client:
            return [reply.text for reply in client.ask(questions(count))]

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(ask, online, 4)
        until(lambda: endpoint.stats()["in_flight"] == 4)
        second = pool.submit(ask, batch, 6)
        assert first.result(30) == second.result(30)[:4]
    counts = endpoint.stats()
    assert (counts["requests"], counts["repeated"], counts["batch_lines_ok"]) == (4, 0, 2)
