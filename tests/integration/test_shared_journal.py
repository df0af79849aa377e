"""Runs that share one journal ask for nothing twice: claims, who makes them, and what becomes of those of the dead."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.journal_records import states
from tests.mock_endpoint import MockEndpoint, mock_endpoint, questions

from docent.config.llm import Llm
from docent.errors import StoppedError
from docent.llm.client import ChatClient
from docent.llm.journal import claims
from docent.llm.journal.index import Index
from docent.llm.journal.journal import Entry, Journal, Try, TryState, _Begin, _End
from docent.llm.journal.reader import LEASE_S, Reader, this_process
from docent.llm.journal.writer import Writer
from docent.llm.pace.pacing import Pacer

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
    told = {"n": N, "llm": llm, "journal": str(folder / "journal"), "rows": str(folder / name)}
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
    assert list((tmp_path / "journal" / "claims").iterdir()) == [], "no claim file is left"


def test_who_waits_takes_over_as_soon_as_the_other_process_is_killed(endpoint: MockEndpoint, tmp_path: Path) -> None:
    behave(endpoint, latency_s=60)
    first = started(endpoint, tmp_path, "a")
    until(lambda: endpoint.stats()["in_flight"] == N)
    second = started(endpoint, tmp_path, "b")
    time.sleep(2)
    assert endpoint.stats()["requests"] == N, "the second one waits"
    behave(endpoint)
    first.send_signal(signal.SIGKILL)
    first.wait()
    began_s = time.monotonic()
    assert second.wait(60) == 0
    assert time.monotonic() - began_s < 15, "on the same machine nobody waits for the lease"
    assert endpoint.stats()["requests"] == N, "asked again: what was in flight when the first was killed"
    assert states(tmp_path / "journal") == {"begun": N, "replied": N}


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Journal, Journal]]:
    """The journal as two processes have it open."""
    found = Journal(tmp_path / "j"), Journal(tmp_path / "j")
    yield found
    for journal in found:
        journal.close()


def test_a_claim_holds_until_its_try_ends_and_then_the_reply_is_handed_over(two: tuple[Journal, Journal]) -> None:
    async def work() -> None:
        mine, other = two
        attempt = await mine.claim(b"k", b"k", WHERE)
        assert isinstance(attempt, Try)
        assert await other.claim(b"k", b"k", WHERE) is None
        waiting = asyncio.create_task(other.wait_for_others(b"k", 30))
        await mine.end(attempt, TryState.REPLIED, ENTRY)
        assert await waiting
        found = await other.claim(b"k", b"k", WHERE)
        assert found == ENTRY and isinstance(found, Entry) and found.by_another

    asyncio.run(work())


def test_a_try_that_failed_frees_its_request(two: tuple[Journal, Journal]) -> None:
    async def work() -> None:
        mine, other = two
        attempt = await mine.claim(b"k", b"k", WHERE)
        assert isinstance(attempt, Try)
        await mine.end(attempt, TryState.REFUSED, why="HTTP 500")
        assert isinstance(await other.claim(b"k", b"k", WHERE), Try)

    asyncio.run(work())


def test_only_one_of_many_takes_over_what_a_closed_journal_left(tmp_path: Path) -> None:
    async def work() -> None:
        gone = Journal(tmp_path / "j")
        assert isinstance(await gone.claim(b"k", b"k", WHERE), Try)
        gone.close()
        heirs = [Journal(tmp_path / "j") for _ in range(4)]
        try:
            claims = await asyncio.gather(*(heir.claim(b"k", b"k", WHERE) for heir in heirs))
            assert sorted(type(claim).__name__ for claim in claims) == ["NoneType"] * 3 + ["Try"]
        finally:
            for heir in heirs:
                heir.close()

    asyncio.run(work())


@pytest.mark.parametrize("case", ["alone", "claim files fail", "answered"])
def test_a_process_that_begins_the_same_while_another_notes_its_claim_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """Without claim files, or if two processes hold one: of two begins, one is withdrawn before it is sent."""

    async def work() -> None:
        mine, other = Journal(tmp_path / "j"), Journal(tmp_path / "j")
        real, begun = Writer.append, list[Try]()
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if case != "alone":
            await other.begin(b"l", b"l", WHERE)
            await mine.begin(b"m", b"m", WHERE)
            monkeypatch.setattr(claims, "take", lambda folder, key, owner, is_at_work: tmp_path / "none")

        def append(writer: Writer, lines: Sequence[bytes]) -> int:
            if b'"key"' in lines[0]:
                monkeypatch.setattr(Writer, "append", real)
                (attempt,) = other._noted([_Begin(b"k", b"k", WHERE, "", True, future)], [])
                assert isinstance(attempt, Try)
                begun.append(attempt)
                if case == "answered":
                    other._noted([], [_End(attempt, TryState.REPLIED, ENTRY, "", future)])
            return real(writer, lines)

        monkeypatch.setattr(Writer, "append", append)
        assert await mine.claim(b"k", b"k", WHERE) is None and len(begun) == 1
        again = await mine.claim(b"k", b"k", WHERE)
        assert again == (ENTRY if case == "answered" else None), "the other one asks, or has its reply"
        mine.close()
        other.close()

    asyncio.run(work())


def test_waiting_ends_at_its_bound(two: tuple[Journal, Journal]) -> None:
    async def work() -> None:
        mine, other = two
        await mine.claim(b"k", b"k", WHERE)
        assert not await other.wait_for_others(b"k", 0.05)
        assert isinstance(await other.begin(b"k", b"k", WHERE), Try)

    asyncio.run(work())


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def journal_of(folder: Path, name: str, **differing: str) -> Path:
    """The journal of a process: this one, but for what differs."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.jsonl"
    path.write_text(json.dumps({**this_process(), **differing}) + "\n")
    return path


def reader(folder: Path, clock: Callable[[], float] = time.monotonic) -> Reader:
    return Reader(folder, Index(), clock)


def test_a_writer_on_another_machine_is_gone_when_its_journal_was_not_touched_for_a_lease(tmp_path: Path) -> None:
    """Whatever the clocks of the two machines say: only whether the time stamp changes counts."""
    clock = Clock()
    journals = reader(tmp_path, clock)
    path = journal_of(tmp_path, "far", machine="elsewhere", pid="1")
    os.utime(path, (1, 1))
    for beat in range(2, 6):
        journals.refresh()
        assert journals.is_at_work("far")
        clock.now_s += LEASE_S - 1
        os.utime(path, (beat, beat))
    journals.refresh()
    assert journals.is_at_work("far")
    clock.now_s += LEASE_S + 1
    journals.refresh()
    assert not journals.is_at_work("far")
    os.utime(path, (9e9, 9e9))
    journals.refresh()
    assert not journals.is_at_work("far"), "others may have taken over: it stays gone"


def test_a_writer_is_gone_at_once_when_this_machine_knows_so(tmp_path: Path) -> None:
    journals = reader(tmp_path)
    journal_of(tmp_path, "me")
    journal_of(tmp_path, "earlier", started="1")
    (tmp_path / "unfinished.jsonl").write_text('{"machine":')
    assert journals.is_at_work("me") and journals.is_at_work("unfinished")
    assert not journals.is_at_work("earlier"), "its number belongs to another process now"
    assert not journals.is_at_work("never was")


def test_a_claim_file_of_a_process_that_is_gone_is_taken_over_by_one_process(tmp_path: Path) -> None:
    """Killed between the claim and its record: nobody waits, and of several who notice only one gets the claim."""
    mine = journal_of(tmp_path, "mine")
    journal_of(tmp_path, "killed", started="1")
    is_at_work = reader(tmp_path).is_at_work
    (tmp_path / "6b.0").write_text("killed")
    taken = claims.take(tmp_path, b"k", mine, is_at_work)
    assert taken == tmp_path / "6b.1"
    assert claims.take(tmp_path, b"k", mine, is_at_work) is None
    taken.unlink()
    assert claims.take(tmp_path, b"k", mine, is_at_work) == tmp_path / "6b.1"


def test_a_claim_file_without_a_name_is_given_up_after_the_lease(tmp_path: Path) -> None:
    mine = journal_of(tmp_path, "mine")
    (tmp_path / "6b.0").touch()
    assert claims.take(tmp_path, b"k", mine, reader(tmp_path).is_at_work) is None
    os.utime(tmp_path / "6b.0", (1, 1))
    assert claims.take(tmp_path, b"k", mine, reader(tmp_path).is_at_work) == tmp_path / "6b.1"


def test_a_reply_that_was_written_before_its_writer_went_is_read_first(tmp_path: Path) -> None:
    """Killed after its reply was durable and before anybody read it: the reply counts, nothing is asked again."""

    async def work() -> None:
        gone, other = Journal(tmp_path / "j"), Journal(tmp_path / "j")
        attempt = await gone.claim(b"k", b"k", WHERE)
        assert isinstance(attempt, Try) and await other.claim(b"k", b"k", WHERE) is None
        await gone.end(attempt, TryState.REPLIED, ENTRY)
        gone.close()
        assert await other.claim(b"k", b"k", WHERE) == ENTRY
        other.close()

    asyncio.run(work())


def test_a_process_whose_machine_slept_longer_than_the_lease_goes_on_in_a_new_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept_s = [0.0]
    monkeypatch.setattr(time, "clock_gettime", lambda clock: time.monotonic() + slept_s[0])

    async def work() -> None:
        journal = Journal(tmp_path / "j")
        before = await journal.claim(b"k", b"k", WHERE)
        slept_s[0] = LEASE_S
        after = await journal.claim(b"l", b"l", WHERE)
        assert isinstance(before, Try) and isinstance(after, Try) and before.writer != after.writer
        assert await journal.end(before, TryState.REPLIED, ENTRY) == ENTRY
        assert await journal.find([b"k"]) == {b"k": ENTRY}
        journal.close()

    asyncio.run(work())


def test_a_request_is_not_sent_if_its_process_slept_since_the_claim(
    endpoint: MockEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others may have taken the request over meanwhile: it is claimed again, in a new journal."""
    behave(endpoint)
    slept_s, real = [0.0], Pacer.admit
    monkeypatch.setattr(time, "clock_gettime", lambda clock: time.monotonic() + slept_s[0])

    async def admit(pacer: Pacer, tokens: float) -> Any:
        slept_s[0] = LEASE_S
        return await real(pacer, tokens)

    monkeypatch.setattr(Pacer, "admit", admit)
    with ChatClient(endpoint.llm(provider="vllm"), tmp_path / "j", environ={}) as client:
        assert len(list(client.ask(questions(1)))) == 1
    assert endpoint.stats()["requests"] == 1
    assert states(tmp_path / "j") == {"refused": 1, "replied": 1}


@pytest.mark.parametrize("call", ["fsync", "utime"])
def test_a_call_that_took_longer_than_the_lease_renews_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """The file server may have set the time when the call began, and others count from then."""
    slept_s, done, real = [0.0], threading.Event(), getattr(os, call)
    writer = Writer(tmp_path, beat_s=0.01)
    writer.open()
    monkeypatch.setattr(time, "clock_gettime", lambda clock: time.monotonic() + slept_s[0])

    def slow(*args: Any) -> None:
        real(*args)
        slept_s[0] += LEASE_S
        done.set()

    monkeypatch.setattr(os, call, slow)
    if call == "fsync":
        writer.append([b"{}\n"])
    assert done.wait(30)
    time.sleep(0.05)
    assert writer.is_late()
    monkeypatch.undo()
    writer.close()


def test_a_part_of_a_journal_that_shows_later_than_what_follows_it_is_waited_for(tmp_path: Path) -> None:
    """As NFS does with pages: null bytes stand for what has not arrived."""
    path = journal_of(tmp_path, "far", machine="elsewhere")
    lines = [Try(n, "far", b"%d" % n, b"%d" % n, WHERE, "", 1.0).line(TryState.REPLIED, ENTRY) for n in (1, 2)]
    whole = path.read_bytes() + b"".join(lines)
    hole = len(whole) - len(lines[1]) - len(lines[0])
    path.write_bytes(whole[:hole] + bytes(len(lines[0])) + lines[1])
    index = Index()
    journals = Reader(tmp_path, index)
    journals.refresh()
    assert index.known([b"1", b"2"]) == set()
    path.write_bytes(whole)
    journals.refresh()
    assert index.known([b"1", b"2"]) == {b"1", b"2"}


def test_a_journal_is_touched_while_its_process_does_nothing(tmp_path: Path) -> None:
    writer = Writer(tmp_path, beat_s=0.01)
    writer.open()
    (path,) = tmp_path.iterdir()
    os.utime(path, (1, 1))
    until(lambda: path.stat().st_mtime > 1)
    writer.close()
    assert path.read_bytes().endswith(b'{"closed":true}\n')


def test_two_batch_runs_at_the_same_time_put_no_request_into_two_batches(
    endpoint: MockEndpoint, tmp_path: Path
) -> None:
    behave(endpoint, batch_delay_s=0.2)
    llm = {"provider": "openai", "base_url": endpoint.url, "model": "m", "structured_output": "json_schema"}
    llm |= {"mode": "batch", "batch_requests": 50, "batch_poll_s": 0.05, "api_key_env": "NO_KEY"}
    runs = []
    for name in ("a", "b"):
        told = {"n": 300, "llm": llm, "journal": str(tmp_path / "j"), "rows": str(tmp_path / name)}
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
        with ChatClient(llm, tmp_path / "j", stop=stops[which], environ={}, drain_s=0.2) as client:
            with pytest.raises(StoppedError):
                list(client.ask(questions(3)))
            return "stopped"

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(ask, 0)
        until(lambda: endpoint.stats()["in_flight"] == 3)
        second = pool.submit(ask, 1)
        time.sleep(1)
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
        with ChatClient(llm, tmp_path / "j", environ={"OPENAI_API_KEY": "none"}) as client:
            return [reply.text for reply in client.ask(questions(count))]

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(ask, online, 4)
        until(lambda: endpoint.stats()["in_flight"] == 4)
        second = pool.submit(ask, batch, 6)
        assert first.result(30) == second.result(30)[:4]
    counts = endpoint.stats()
    assert (counts["requests"], counts["repeated"], counts["batch_lines_ok"]) == (4, 0, 2)
