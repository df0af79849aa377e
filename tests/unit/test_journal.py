"""The journal of requests: durable before and after, shared by processes, one reply per request."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from docent.errors import ConfigError, TemporaryError
from docent.llm.journal.journal import LOOKED_UP_AT_ONCE, Entry, Journal, Spent, State, Used, count_known, journal_key
from docent.records import canonical_json

ENTRY = Entry("text \u2019 \x00 \U0001f3fa end", "stop", 3, 4)
OTHER = Entry("other", "stop", 30, 40)
BODY = canonical_json({"model": "m\u00e9", "temperature": 0.4}).encode()
KEY = journal_key("openai", "http://a/v1", BODY, 0)
LATER = journal_key("openai", "http://a/v1", BODY, 1)
WHERE = "http://a/v1 m"
T = TypeVar("T")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "llm" / "journal.sqlite"


@pytest.fixture
def run(path: Path) -> Iterator[Callable[[Callable[[Journal], Awaitable[T]]], T]]:
    """Do something with a journal of its own, as another attempt would."""

    def opened(work: Callable[[Journal], Awaitable[T]], busy_timeout_s: float = 60.0) -> T:
        async def settled() -> T:
            journal = Journal(path, busy_timeout_s)
            try:
                return await asyncio.wait_for(work(journal), 30)
            finally:
                await journal.settled()
                journal.close()

        return asyncio.run(settled())

    yield opened


def put(key: bytes, entry: Entry = ENTRY, first: bytes = b"") -> Callable[[Journal], Awaitable[Entry | None]]:
    async def work(journal: Journal) -> Entry | None:
        number = await journal.begin(first or key, key, WHERE)
        return await journal.end(number, key, State.REPLIED, entry)

    return work


def test_a_reply_is_found_again_by_who_opens_the_file_later(run, path: Path) -> None:
    assert run(lambda journal: journal.find([KEY])) == {}
    assert run(put(KEY)) == ENTRY
    assert run(lambda journal: journal.find([KEY, LATER])) == {KEY: ENTRY}
    assert run(lambda journal: journal.known([LATER, KEY])) == {KEY}
    assert count_known(path, [KEY, LATER]) == 1
    assert count_known(path.with_name("none"), [KEY]) == 0 and not path.with_name("none").exists()


def test_more_keys_than_one_question_takes_are_all_looked_up(run) -> None:
    keys = [b"%032d" % number for number in range(2 * LOOKED_UP_AT_ONCE + 1)]

    async def work(journal: Journal) -> None:
        await asyncio.gather(*(put(key, Entry(key.decode(), "stop", 1, 2))(journal) for key in keys))
        assert {key: entry.text.encode() for key, entry in (await journal.find(keys)).items()} == dict(
            zip(keys, keys, strict=True)
        )
        assert await journal.known(keys) == set(keys)
        assert await journal.spent(keys) == dict.fromkeys(keys, Spent(1, 2, 0))

    run(work)


def test_whatever_decides_a_reply_changes_its_key() -> None:
    keys = {
        KEY,
        LATER,
        journal_key("offline", "http://a/v1", BODY, 0),
        journal_key("openai", "http://b/v1", BODY, 0),
        journal_key("openai", "http://a/v1", BODY.replace(b"0.4", b"0.7"), 0),
    }
    assert len(keys) == 5


def test_what_tries_used_is_added_up_over_all_askings_of_a_request(run) -> None:
    async def work(journal: Journal) -> dict[bytes, Spent]:
        await put(KEY)(journal)
        await put(LATER, OTHER, first=KEY)(journal)
        refused = await journal.begin(KEY, KEY, WHERE)
        await journal.end(refused, KEY, State.REFUSED, why="HTTP 500")
        await journal.begin(KEY, LATER, WHERE)  # cut off by a kill
        await journal.end(await journal.begin(b"lost", b"lost", WHERE), b"lost", State.LOST, why="no reply")
        await put(b"untold", Entry("text", "stop", 0, 0))(journal)
        return await journal.spent([KEY, b"lost", b"untold", b"never sent"])

    assert run(work) == {KEY: Spent(33, 44, 1), b"lost": Spent(0, 0, 1), b"untold": Spent(0, 0, 1)}


def test_what_was_used_since_a_moment_counts_one_endpoint_and_what_is_under_way(run, path: Path) -> None:
    async def work(journal: Journal) -> None:
        await put(KEY)(journal)
        await journal.end(await journal.begin(b"r", b"r", WHERE), b"r", State.REFUSED, why="HTTP 500")
        await journal.begin(b"o", b"o", "elsewhere")
        assert await journal.used_since(WHERE, 0) == Used(2, 7, 0)
        with sqlite3.connect(path) as db:
            db.execute("UPDATE attempts SET begun_s = 100 WHERE key = ?", (KEY,))
        assert await journal.used_since(WHERE, 101) == Used(1, 0, 0)
        noted = asyncio.create_task(journal.begin(b"n", b"n", WHERE))
        await asyncio.sleep(0)
        assert not noted.done() and await journal.used_since(WHERE, 101) == Used(2, 0, 1)
        await noted
        assert await journal.used_since(WHERE, 101) == Used(2, 0, 1)

    run(work)


def test_tries_in_a_batch_are_found_until_they_end(run) -> None:
    async def work(journal: Journal) -> None:
        number = await journal.begin(KEY, KEY, WHERE, batch="b1")
        await journal.begin(LATER, LATER, WHERE)
        found = await journal.in_batches([KEY, LATER])
        assert {key: (sent.number, sent.batch) for key, sent in found.items()} == {KEY: (number, "b1")}
        await journal.end(number, KEY, State.REPLIED, ENTRY)
        assert await journal.in_batches([KEY, LATER]) == {}

    run(work)


def test_the_first_reply_stays_and_the_second_still_costs(run) -> None:
    async def work(journal: Journal) -> None:
        numbers = [await journal.begin(KEY, KEY, WHERE) for _ in range(2)]
        assert await journal.end(numbers[0], KEY, State.REPLIED, ENTRY) == ENTRY
        assert await journal.end(numbers[1], KEY, State.REPLIED, OTHER) == ENTRY
        assert await journal.find([KEY]) == {KEY: ENTRY}
        assert (await journal.used_since(WHERE, 0)).tokens == 77

    run(work)


def test_no_money_is_lost_from_sight_when_a_request_was_answered_twice(run) -> None:
    """The spending limits count by request: the reply that came second was paid as well."""

    async def work(journal: Journal) -> dict[bytes, Spent]:
        numbers = [await journal.begin(KEY, KEY, WHERE) for _ in range(2)]
        await journal.end(numbers[0], KEY, State.REPLIED, ENTRY)
        await journal.end(numbers[1], KEY, State.REPLIED, OTHER)
        return await journal.spent([KEY])

    assert run(work) == {KEY: Spent(33, 44, 0)}


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from docent.llm.journal.journal import *
async def main():
    journal = Journal(Path(sys.argv[1]))
    number = await journal.begin(b"k", b"k", "e")
    if sys.argv[2] == "end":
        await journal.end(number, b"k", State.REPLIED, Entry("kept", "stop", 1, 2))
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


@pytest.mark.feature("F30")
@pytest.mark.parametrize(
    ("after", "found", "spent"),
    [("begin", {}, Spent(0, 0, 1)), ("end", {b"k": Entry("kept", "stop", 1, 2)}, Spent(1, 2, 0))],
)
def test_what_returned_survives_kill_9(run, path: Path, after: str, found, spent: Spent) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path), after], check=False)
    assert killed.returncode == -9
    assert run(lambda journal: journal.find([b"k"])) == found
    assert run(lambda journal: journal.spent([b"k"])) == {b"k": spent}


MANY = """
import asyncio, sys
from pathlib import Path
from docent.llm.journal.journal import *
async def one(journal, key):
    number = await journal.begin(key, key, "e")
    return await journal.end(number, key, State.REPLIED, Entry(sys.argv[2], "stop", 1, 0))
async def main():
    journal = Journal(Path(sys.argv[1]))
    asked = [one(journal, b"%d" % i) for i in range(20)] + [one(journal, sys.argv[2].encode() + b"-%d" % i) for i in range(20)]
    print("\\n".join(entry.text for entry in (await asyncio.gather(*asked))[:20]))
    journal.close()
asyncio.run(main())
"""  # noqa: E501


def test_many_processes_write_at_the_same_time_and_agree_on_each_reply(run, path: Path) -> None:
    command = [sys.executable, "-c", MANY, str(path)]
    writers = [subprocess.Popen([*command, f"p{n}"], stdout=subprocess.PIPE, text=True) for n in range(4)]
    told = [writer.communicate()[0].split() for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 4
    shared = [b"%d" % number for number in range(20)]
    found = run(lambda journal: journal.find(shared))
    assert told == [[found[key].text for key in shared]] * 4, "every process has the reply that counts"
    own = [b"p%d-%d" % (writer, number) for writer in range(4) for number in range(20)]
    assert run(lambda journal: journal.known(own)) == set(own)
    assert run(lambda journal: journal.used_since("e", 0)) == Used(160, 160, 0)


def test_what_comes_together_shares_commits(run) -> None:
    async def work(journal: Journal) -> int:
        commits: list[str] = []
        journal._db.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
        found = await asyncio.gather(*(put(b"%d" % number)(journal) for number in range(200)))
        assert found == [ENTRY] * 200
        return len(commits)

    assert 2 <= run(work) <= 6, "all begins in one commit, all ends in another, and a few that came in between"


def test_a_commit_that_fails_reaches_all_who_wait_and_the_next_one_works(run, path: Path) -> None:
    async def work(journal: Journal) -> None:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        failed = await asyncio.gather(
            *(journal.begin(b"%d" % n, b"%d" % n, WHERE) for n in range(5)), return_exceptions=True
        )
        assert [type(error) for error in failed] == [TemporaryError] * 5 and "locked" in str(failed[0])
        first = asyncio.create_task(journal.begin(KEY, KEY, WHERE))
        await asyncio.sleep(0)
        while journal._begins:  # until it is in a commit that waits for the lock
            await asyncio.sleep(0)
        later = asyncio.create_task(journal.begin(LATER, LATER, WHERE))
        assert [type(error) for error in await asyncio.gather(first, later, return_exceptions=True)] == [
            TemporaryError
        ] * 2, "also who came while it failed"
        with pytest.raises(TemporaryError, match="locked"):
            await journal.find([KEY])
        other.execute("ROLLBACK")
        other.close()
        assert await put(KEY)(journal) == ENTRY

    run(work, busy_timeout_s=0.05)


def test_a_value_that_sqlite_cannot_take_is_an_error_and_no_endless_wait(run) -> None:
    async def work(journal: Journal) -> None:
        number = await journal.begin(KEY, KEY, WHERE)
        waiting = [
            journal.end(number, KEY, State.REPLIED, Entry("", "stop", 10**30, 0)),
            journal.begin(LATER, LATER, WHERE),
        ]
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(error) for error in found] == [OverflowError] * 2
        assert await put(LATER)(journal) == ENTRY

    run(work)


def test_who_is_cut_off_leaves_a_try_in_doubt_and_the_others_alone(run) -> None:
    async def work(journal: Journal) -> dict[bytes, Spent]:
        cut, other = (asyncio.create_task(journal.begin(key, key, WHERE)) for key in (KEY, LATER))
        await asyncio.sleep(0)
        cut.cancel()
        await other
        return await journal.spent([KEY, LATER])

    assert run(work) == dict.fromkeys((KEY, LATER), Spent(0, 0, 1))


LAYOUT_1 = """
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY, text TEXT NOT NULL, finish_reason TEXT NOT NULL,
    input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL
) WITHOUT ROWID
"""


def old_key(number: int) -> str:
    """As the first layout made it."""
    body = {"model": "m\u00e9", "messages": [{"role": "user", "content": '"a"\n'}], "n": number}
    return hashlib.sha256(canonical_json(["openai", "http://a/v1", body, number]).encode()).hexdigest()


def new_key(number: int) -> bytes:
    body = {"model": "m\u00e9", "messages": [{"role": "user", "content": '"a"\n'}], "n": number}
    return journal_key("openai", "http://a/v1", canonical_json(body).encode(), number)


@pytest.fixture
def layout_1(path: Path) -> Path:
    path.parent.mkdir()
    with sqlite3.connect(path, isolation_level=None) as db:
        db.execute(LAYOUT_1)
        rows = [(old_key(n), f"{n} \x00 \u2019", "stop", n, 2 * n) for n in range(50)]
        db.executemany("INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?, ?)", rows)
        db.execute("PRAGMA user_version = 1")
    db.close()
    return path


def test_the_older_layout_keeps_every_reply_under_its_key(run, layout_1: Path) -> None:
    keys = [new_key(number) for number in range(50)]
    expected = {key: Entry(f"{n} \x00 \u2019", "stop", n, 2 * n) for n, key in enumerate(keys)}
    assert run(lambda journal: journal.find(keys)) == expected
    assert run(lambda journal: journal.find(keys)) == expected
    assert run(lambda journal: journal.spent(keys[1:])) == {
        key: Spent(n, 2 * n, 0) for n, key in enumerate(keys[1:], start=1)
    }
    assert run(lambda journal: journal.used_since("", 1.0)) == Used(0, 0, 0), "nothing of it is of today"


def test_two_processes_bring_an_older_file_up_at_the_same_time(run, layout_1: Path) -> None:
    code = "import sys; from pathlib import Path; from docent.llm.journal.journal import *; Journal(Path(sys.argv[1]))"
    openers = [subprocess.Popen([sys.executable, "-c", code, str(layout_1)]) for _ in range(3)]
    assert [opener.wait() for opener in openers] == [0] * 3
    assert len(run(lambda journal: journal.known([new_key(number) for number in range(50)]))) == 50


def test_an_older_file_that_cannot_be_taken_over_is_left_as_it_was(layout_1: Path) -> None:
    with sqlite3.connect(layout_1) as db:
        db.execute("CREATE TABLE attempts (something_else)")
    db.close()
    before = layout_1.read_bytes()
    with pytest.raises(ConfigError):
        Journal(layout_1)
    assert layout_1.read_bytes() == before


@pytest.mark.parametrize("garbage", [b"this is no database " * 200, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_file_is_named_with_the_way_out(path: Path, garbage: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(garbage)
    with pytest.raises(ConfigError) as error:
        Journal(path)
    assert str(path) in str(error.value) and "mv " in str(error.value)


def test_a_journal_of_another_layout_is_refused_untouched(path: Path) -> None:
    Journal(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="layout 99"):
        Journal(path)
    assert path.read_bytes() == before


def test_a_journal_that_another_process_keeps_locked_is_a_temporary_error(path: Path) -> None:
    Journal(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(TemporaryError, match="locked"):
        Journal(path, busy_timeout_s=0.05)
    other.close()


def test_a_reader_does_not_stop_a_commit_for_good(run, path: Path) -> None:
    """A commit waits for readers of another process, which are soon done."""

    async def work(journal: Journal) -> Entry | None:
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        await put(LATER)(journal)
        other.execute("BEGIN")
        other.execute("SELECT COUNT(*) FROM attempts").fetchone()
        kept = asyncio.create_task(put(KEY)(journal))
        while not journal._db.in_transaction:
            await asyncio.sleep(0)
        other.execute("ROLLBACK")
        other.close()
        return await kept

    assert run(work) == ENTRY


def test_a_place_that_cannot_be_written_is_a_configuration_error(path: Path) -> None:
    path.parent.write_text("a file where a folder should be")
    with pytest.raises(ConfigError):
        Journal(path)


def test_a_full_disk_is_a_temporary_error_and_keeps_what_was_there(run, path: Path) -> None:
    async def work(journal: Journal) -> None:
        await put(KEY)(journal)
        pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
        journal._db.execute(f"PRAGMA max_page_count = {pages}")  # SQLite then says what it says of a full disk
        with pytest.raises(TemporaryError, match="disk is full"):
            await put(LATER, Entry("x" * 100_000, "stop", 1, 1))(journal)
        journal._db.execute("PRAGMA max_page_count = 1000000")
        assert await journal.find([KEY]) == {KEY: ENTRY}
        assert await put(LATER)(journal) == ENTRY

    run(work)
