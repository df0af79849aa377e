"""The journal of requests: durable before and after, shared by processes, one reply per request."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from docent.errors import ConfigError, TemporaryError
from docent.llm.journal.folder import MERGED_AT_ONCE, MERGED_FROM, make_folder, merge
from docent.llm.journal.index import LOOKED_UP_AT_ONCE, Index
from docent.llm.journal.journal import Entry, Journal, Spent, Try, TryState, Used, count_known, journal_key
from docent.llm.journal.reader import LEASE_S, LOOK_AGAIN_S, Reader
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
    return tmp_path / "llm" / "journal"


@pytest.fixture
def run(path: Path) -> Iterator[Callable[[Callable[[Journal], Awaitable[T]]], T]]:
    """Do something with a journal of its own, as another attempt would."""

    def opened(work: Callable[[Journal], Awaitable[T]]) -> T:
        async def settled() -> T:
            journal = Journal(path)
            try:
                return await asyncio.wait_for(work(journal), 30)
            finally:
                await journal.settled()
                journal.close()

        return asyncio.run(settled())

    yield opened


def put(key: bytes, entry: Entry = ENTRY, first: bytes = b"") -> Callable[[Journal], Awaitable[Entry | None]]:
    async def work(journal: Journal) -> Entry | None:
        return await journal.end(await journal.begin(first or key, key, WHERE), TryState.REPLIED, entry)

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
        await journal.end(refused, TryState.REFUSED, why="HTTP 500")
        await journal.begin(KEY, LATER, WHERE)  # cut off by a kill
        await journal.end(await journal.begin(b"lost", b"lost", WHERE), TryState.LOST, why="no reply")
        await put(b"untold", Entry("text", "stop", 0, 0))(journal)
        return await journal.spent([KEY, b"lost", b"untold", b"never sent"])

    assert run(work) == {KEY: Spent(33, 44, 1), b"lost": Spent(0, 0, 1), b"untold": Spent(0, 0, 1)}


def test_what_was_used_since_a_moment_counts_one_endpoint_and_what_is_under_way(path: Path) -> None:
    now_s = [100.0]

    async def work() -> None:
        journal = Journal(path, clock=lambda: now_s[0])
        await put(KEY)(journal)
        now_s[0] = 200.0
        await journal.end(await journal.begin(b"r", b"r", WHERE), TryState.REFUSED, why="HTTP 500")
        await journal.begin(b"o", b"o", "elsewhere")
        assert await journal.used_since(WHERE, 0) == Used(2, 7, 0)
        assert await journal.used_since(WHERE, 101) == Used(1, 0, 0)
        noted = asyncio.create_task(journal.begin(b"n", b"n", WHERE))
        await asyncio.sleep(0)
        assert not noted.done() and await journal.used_since(WHERE, 101) == Used(2, 0, 1)
        await noted
        assert await journal.used_since(WHERE, 101) == Used(2, 0, 1)
        journal.close()

    asyncio.run(work())


def test_tries_in_a_batch_are_found_until_they_end(run) -> None:
    async def work(journal: Journal) -> None:
        attempt = await journal.begin(KEY, KEY, WHERE, batch="b1")
        await journal.begin(LATER, LATER, WHERE)
        assert await journal.in_batches([KEY, LATER]) == {KEY: attempt} and attempt.batch == "b1"
        await journal.end(attempt, TryState.REPLIED, ENTRY)
        assert await journal.in_batches([KEY, LATER]) == {}

    run(work)


def test_the_first_reply_stays_and_the_second_still_costs(run) -> None:
    async def work(journal: Journal) -> None:
        attempts = [await journal.begin(KEY, KEY, WHERE) for _ in range(2)]
        assert await journal.end(attempts[0], TryState.REPLIED, ENTRY) == ENTRY
        assert await journal.end(attempts[1], TryState.REPLIED, OTHER) == ENTRY
        assert await journal.find([KEY]) == {KEY: ENTRY}
        assert (await journal.used_since(WHERE, 0)).tokens == 77

    run(work)


def test_no_money_is_lost_from_sight_when_a_request_was_answered_twice(run) -> None:
    """The spending limits count by request: the reply that came second was paid as well."""

    async def work(journal: Journal) -> dict[bytes, Spent]:
        attempts = [await journal.begin(KEY, KEY, WHERE) for _ in range(2)]
        await journal.end(attempts[0], TryState.REPLIED, ENTRY)
        await journal.end(attempts[1], TryState.REPLIED, OTHER)
        return await journal.spent([KEY])

    assert run(work) == {KEY: Spent(33, 44, 0)}


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from docent.llm.journal.journal import *
async def main():
    journal = Journal(Path(sys.argv[1]))
    attempt = await journal.begin(b"k", b"k", "e")
    if sys.argv[2] == "end":
        await journal.end(attempt, TryState.REPLIED, Entry("kept", "stop", 1, 2))
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


@pytest.mark.feature("kills")
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
    while not isinstance(claim := await journal.claim(key, key, "e"), Entry):
        if claim is None:
            await journal.wait_for_others(key, 60)
        else:
            await journal.end(claim, TryState.REPLIED, Entry(sys.argv[2], "stop", 1, 0))
    return claim
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
    used = run(lambda journal: journal.used_since("e", 0))
    assert (used.tokens, used.unreported) == (100, 0), "each was paid for once; what was withdrawn counts as refused"


def test_what_comes_together_shares_writes(run, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (synced.append(handle), real(handle))[1])

    async def work(journal: Journal) -> int:
        before = len(synced)
        entries = await asyncio.gather(*(put(b"%d" % number)(journal) for number in range(200)))
        assert entries == [ENTRY] * 200
        return len(synced) - before

    assert 2 <= run(work) <= 8, "all begins in one, all ends in another, the new file, and a few that came in between"


def lines_of(path: Path) -> list[bytes]:
    """All whole lines of the one journal."""
    (journal,) = path.glob("*.jsonl")
    return [line for line in journal.read_bytes().splitlines() if line.endswith(b"}")]


def test_a_write_that_fails_reaches_all_who_wait_and_the_next_one_works(
    run, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk tears a line in two: it is ended by the next write, and no reader takes it for a record."""
    real, room = os.write, [10**9]

    def write(handle: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = real(handle, bytes(data[: room[0]]))
        room[0] -= written
        return written

    async def work(journal: Journal) -> None:
        await put(KEY)(journal)
        monkeypatch.setattr(os, "write", write)
        room[0] = 300
        failed = await asyncio.gather(
            *(journal.begin(b"%d" % n, b"%d" % n, WHERE) for n in range(5)), return_exceptions=True
        )
        assert [type(error) for error in failed] == [TemporaryError] * 5 and "disk is full" in str(failed[0])
        room[0] = 10**9
        assert await journal.find([KEY]) == {KEY: ENTRY}
        assert await put(LATER)(journal) == ENTRY

    run(work)
    numbers = [(json.loads(line)["number"], json.loads(line)["key"]) for line in lines_of(path) if b"key" in line]
    assert len(dict(numbers)) == len(set(numbers)), "no number was used for two requests"
    assert run(lambda journal: journal.find([KEY, LATER])) == {KEY: ENTRY, LATER: ENTRY}


def test_who_is_cut_off_leaves_a_try_in_doubt_and_the_others_alone(run) -> None:
    async def work(journal: Journal) -> dict[bytes, Spent]:
        cut, other = (asyncio.create_task(journal.begin(key, key, WHERE)) for key in (KEY, LATER))
        await asyncio.sleep(0)
        cut.cancel()
        await other
        return await journal.spent([KEY, LATER])

    assert run(work) == dict.fromkeys((KEY, LATER), Spent(0, 0, 1))


def test_no_two_writers_open_the_same_file(path: Path) -> None:
    """Locks on shared files are what network filesystems keep badly: there are none, nor a file with two writers."""

    async def work() -> None:
        journals = [Journal(path) for _ in range(3)]
        await asyncio.gather(*(put(b"%d" % number)(journal) for number, journal in enumerate(journals)))
        files = {os.fstat(journal._writer._handle).st_ino for journal in journals}
        assert len(files) == 3 and len(list(path.glob("*.jsonl"))) == 3
        await asyncio.sleep(LOOK_AGAIN_S)
        for journal in journals:
            assert len(await journal.known([b"0", b"1", b"2"])) == 3, "and each reads all"
            journal.close()

    asyncio.run(work())


def test_a_torn_last_line_is_ignored_and_what_others_wrote_is_kept(run, path: Path) -> None:
    run(put(KEY))
    (journal,) = path.glob("*.jsonl")
    closing = b'{"closed":true}\n'
    journal.write_bytes(journal.read_bytes().removesuffix(closing)[:-20])
    run(put(LATER))
    assert run(lambda journal: journal.known([KEY, LATER])) == {LATER}
    assert run(lambda journal: journal.spent([KEY])) == {KEY: Spent(0, 0, 1)}, "its begin is there: it is in doubt"


def test_damaged_lines_are_named_and_the_others_are_kept(run, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run(put(KEY))
    (journal,) = path.glob("*.jsonl")
    with journal.open("ab") as file:
        file.write(b"\xff\n{}\n[1]\n" + b'{"number":-1,"key":"00","endpoint":"e","writer":"w","begun_s":1}\n')
    assert run(lambda journal: journal.known([KEY])) == {KEY}
    assert f"skipped 4 damaged lines in {journal}" in caplog.text


def test_many_journals_are_merged_into_one_while_another_process_writes(run, path: Path) -> None:
    keys = [b"%d" % number for number in range(MERGED_FROM)]

    async def work(other: Journal) -> None:
        mine = await other.begin(KEY, KEY, WHERE)
        for key in keys:
            journal = Journal(path)
            await put(key, Entry(key.decode(), "stop", 1, 2))(journal)
            journal.close()
        await asyncio.sleep(LOOK_AGAIN_S)
        assert len(list(path.glob("*.jsonl"))) == 2, "the merged one, and the one that is being written"
        assert {key: entry.text.encode() for key, entry in (await other.find(keys)).items()} == dict(
            zip(keys, keys, strict=True)
        )
        await other.end(mine, TryState.REPLIED, ENTRY)
        assert await other.spent(keys) == dict.fromkeys(keys, Spent(1, 2, 0))
        assert await other.used_since(WHERE, 0) == Used(len(keys) + 1, 3 * len(keys) + 7, 0)

    run(work)
    assert run(lambda journal: journal.known([*keys, KEY])) == {*keys, KEY}


def closed(folder: Path, name: str, count: int, machine: str = "") -> Path:
    """A journal with replies, of a process that has ended, or was killed on another machine."""
    path, replies = folder / f"{name}.jsonl", [f"{name}-{number}".encode() for number in range(count)]
    lines = [Try(n, name, key, key, WHERE, "", 1.0).line(TryState.REPLIED, ENTRY) for n, key in enumerate(replies, 1)]
    path.write_bytes(json.dumps({"machine": machine}).encode() + b"\n" + b"".join(lines))
    if not machine:
        with path.open("ab") as file:
            file.write(b'{"closed":true}\n')
    return path


def test_large_journals_are_not_copied_with_every_merge(run, path: Path) -> None:
    Journal(path).close()
    large = closed(path, "large", 1000)
    for number in range(MERGED_AT_ONCE + 10):
        closed(path, f"{number}", 1)
    run(put(KEY))
    assert large.exists() and len(list(path.glob("*.jsonl"))) == 1 + 1 + 11, "the rest is merged next time"
    assert run(lambda journal: journal.count_replies())[1] == 1000 + MERGED_AT_ONCE + 10 + 1


def test_journals_of_processes_killed_elsewhere_are_merged_after_a_day(run, path: Path) -> None:
    Journal(path).close()
    for number in range(MERGED_FROM):
        os.utime(closed(path, f"{number}", 1, machine="another"), (1, 1))
    recent = closed(path, "recent", 1, machine="another")
    run(put(KEY))
    assert len(list(path.glob("*.jsonl"))) == 2 and recent.exists()
    assert run(lambda journal: journal.count_replies())[1] == MERGED_FROM + 2


def test_what_a_killed_merge_left_is_removed_after_a_day(run, path: Path) -> None:
    Journal(path).close()
    old, young = path / ".a.jsonl.tmp", path / ".b.jsonl.tmp"
    old.touch()
    os.utime(old, (1, 1))
    young.touch()
    for number in range(MERGED_FROM):
        closed(path, f"{number}", 1)
    run(put(KEY))
    assert young.exists() and not old.exists()


def test_two_merges_at_the_same_time_lose_nothing(run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = make_folder(path)
    for number in range(MERGED_FROM):
        closed(path, f"{number}", 1)
    indexes = Index(), Index()
    readers = [Reader(path, index) for index in indexes]
    for reader in readers:
        reader.refresh()
    real = Path.rename

    def rename(source: Path, target: Path) -> Path:
        """The second merge runs as a whole between the copy and the new name of the first."""
        monkeypatch.setattr(Path, "rename", real)
        merge(path, readers[1], indexes[1])
        return real(source, target)

    monkeypatch.setattr(Path, "rename", rename)
    merge(path, readers[0], indexes[0])
    assert list(path.glob(".*")) == [] and len(list(path.glob("*.jsonl"))) == 2
    assert run(lambda journal: journal.count_replies()) == (identity, MERGED_FROM)


def test_a_record_that_is_damaged_later_costs_only_its_own_reply(
    run, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys = [b"%d" % number for number in range(3)]

    async def work(journal: Journal) -> None:
        for key in keys:
            await put(key)(journal)
        (file,) = path.glob("*.jsonl")
        ends = [line for line in file.read_bytes().splitlines(keepends=True) if b'"replied"' in line]
        file.write_bytes(file.read_bytes().replace(ends[1], b"x" * (len(ends[1]) - 1) + b"\n"))
        assert await journal.find(keys) == {keys[0]: ENTRY, keys[2]: ENTRY}
        assert f"of {file}: it is paid for again" in caplog.text
        assert await journal.known(keys) == {keys[0], keys[2]}
        assert await journal.spent([keys[1]]) == {keys[1]: Spent(3, 4, 0)}, "it was paid for"
        assert await put(keys[1], OTHER)(journal) == OTHER
        assert (await journal.find(keys))[keys[1]] == OTHER

    run(work)


def test_a_full_temporary_folder_is_named(run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(journal: Journal) -> None:
        def full(*_: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        with monkeypatch.context() as patched:
            patched.setattr(Index, "known", full)
            patched.setattr(Index, "add", full)
            with pytest.raises(TemporaryError, match="database or disk is full"):
                await journal.known([KEY])
            with pytest.raises(TemporaryError, match="database or disk is full"):
                await journal.begin(KEY, KEY, WHERE)

    run(work)


def test_other_journals_are_not_read_in_the_event_loop(run, monkeypatch: pytest.MonkeyPatch) -> None:
    real, threads = Reader.refresh, list[str]()
    monkeypatch.setattr(Reader, "refresh", lambda *a: (threads.append(threading.current_thread().name), real(*a))[1])

    async def work(journal: Journal) -> None:
        threads.clear()
        await put(KEY)(journal)
        await asyncio.sleep(LOOK_AGAIN_S)
        await journal.find([KEY])
        assert len(threads) >= 2 and all(name.startswith("journal") for name in threads)

    run(work)


OLDER = """
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY, request BLOB NOT NULL, key BLOB NOT NULL, endpoint TEXT NOT NULL, batch TEXT NOT NULL,
    begun_s REAL NOT NULL, state INTEGER NOT NULL DEFAULT 0, text TEXT NOT NULL DEFAULT '',
    finish_reason TEXT NOT NULL DEFAULT '', input_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0, why TEXT NOT NULL DEFAULT '', owner TEXT NOT NULL DEFAULT ''
);
INSERT INTO attempts (request, key, endpoint, batch, begun_s, state, text, finish_reason, input_tokens, output_tokens)
    VALUES (x'6b', x'6b', 'e', '', 5, 1, 'text', 'stop', 3, 4);
INSERT INTO attempts (request, key, endpoint, batch, begun_s, owner) VALUES (x'6c', x'6c', 'e', '', 6, 'somebody');
INSERT INTO attempts (request, key, endpoint, batch, begun_s) VALUES (x'6d', x'6d', 'e', 'b1', 7);
PRAGMA user_version = %d;
"""


def older(path: Path, layout: int) -> Path:
    """The journal of an earlier docent, one SQLite file."""
    path.parent.mkdir()
    database = path.with_suffix(".sqlite")
    with sqlite3.connect(database) as db:
        db.executescript(OLDER % layout)
    db.close()
    return database


def test_the_journal_of_the_version_before_is_imported_once(run, path: Path) -> None:
    database = older(path, 3)

    async def work(journal: Journal) -> None:
        assert await journal.find([b"k", b"l"]) == {b"k": Entry("text", "stop", 3, 4)}
        assert await journal.spent([b"k", b"l"]) == {b"k": Spent(3, 4, 0), b"l": Spent(0, 0, 1)}
        assert list(await journal.in_batches([b"k", b"l", b"m"])) == [b"m"]
        assert isinstance(await journal.claim(b"l", b"l", "e"), Try), "an open try of the version before is nobody's"

    run(work)
    with sqlite3.connect(database) as db:
        db.execute("DELETE FROM attempts")
    db.close()
    assert run(lambda journal: journal.known([b"k"])) == {b"k"}


def test_an_imported_journal_is_the_one_that_runs_counted_on(run, path: Path) -> None:
    with sqlite3.connect(older(path, 3)) as db:
        db.execute("PRAGMA application_id = 77")
    db.close()
    assert run(lambda journal: journal.count_replies()) == ("77", 1)


def test_a_writer_that_was_only_given_up_may_come_back_and_loses_nothing(path: Path) -> None:
    path.mkdir(parents=True)
    stalled = path / "a.jsonl"
    stalled.write_bytes(b'{"machine":"another","pid":"1","started":"1"}\n')
    now_s = [0.0]
    index = Index()
    reader = Reader(path, index, clock=lambda: now_s[0])
    reader.refresh()
    assert reader.is_at_work("a")
    now_s[0] = 2 * LEASE_S
    reader.refresh()
    assert not reader.is_at_work("a") and reader.is_alone()
    assert reader.mergeable() == [], "nothing that may still grow is merged and removed"
    with stalled.open("ab") as file:
        file.write(Try(1, "a", KEY, KEY, WHERE, "", 0.0).line(TryState.REPLIED, ENTRY, ""))
    reader.refresh()
    assert reader.entries(index.replies([KEY])) == {KEY: ENTRY}


def test_processes_that_import_at_the_same_time_agree(run, path: Path) -> None:
    older(path, 2)
    code = "import sys; from pathlib import Path; from docent.llm.journal.journal import *; Journal(Path(sys.argv[1]))"
    openers = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(3)]
    assert [opener.wait() for opener in openers] == [0] * 3
    assert run(lambda journal: journal.used_since("e", 0)) == Used(3, 7, 2)
    assert [entry.name for entry in path.parent.iterdir() if entry.name.startswith(".")] == []


@pytest.mark.parametrize("layout", [1, 99])
def test_a_database_that_cannot_be_imported_is_refused_with_the_way_out(path: Path, layout: int) -> None:
    database = older(path, layout)
    with pytest.raises(ConfigError, match=f"layout {layout}") as error:
        Journal(path)
    assert f"mv {database} {database}.old" in str(error.value) and not path.exists()


def test_a_database_that_is_none_is_refused_with_the_way_out(path: Path) -> None:
    path.parent.mkdir()
    path.with_suffix(".sqlite").write_bytes(b"this is no database " * 200)
    with pytest.raises(ConfigError, match="cannot be imported") as error:
        Journal(path)
    assert "mv " in str(error.value) and not path.exists()


def test_a_journal_of_another_layout_is_refused_untouched(run, path: Path) -> None:
    run(put(KEY))
    (path / "journal.json").write_text('{"layout": 99, "id": "x"}')
    before = {file.name: file.read_bytes() for file in path.iterdir() if file.is_file()}
    with pytest.raises(ConfigError, match="layout 99"):
        Journal(path)
    assert {file.name: file.read_bytes() for file in path.iterdir() if file.is_file()} == before


def test_a_place_that_cannot_be_written_is_a_configuration_error(path: Path) -> None:
    path.parent.write_text("a file where a folder should be")
    with pytest.raises(ConfigError):
        Journal(path)


def test_a_hundred_thousand_replies_are_looked_up_in_two_seconds(path: Path) -> None:
    Journal(path).close()
    keys = [hashlib.sha256(b"%d" % number).digest() for number in range(100_000)]
    attempts = (Try(number, "w", key, key, WHERE, "", 1.0) for number, key in enumerate(keys, 1))
    with (path / "w.jsonl").open("wb") as file:
        file.write(b"{}\n")
        for attempt in attempts:
            file.write(attempt.line() + attempt.line(TryState.REPLIED, Entry("x" * 500, "stop", 1, 2)))
        file.write(b'{"closed":true}\n')
    began_s = time.process_time()
    assert count_known(path, keys) == 100_000
    assert time.process_time() - began_s < 2
