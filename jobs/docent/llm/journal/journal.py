"""The journal of requests: what was asked is known before it is sent, what was answered is never asked again.

Reads and writes one SQLite file, `<data>/cache/llm/journal.sqlite`, shared by shards, attempts and runs. A request is
known by the hash of endpoint and body; every try at it is a row, written before it is sent and once more when it ended.
The file holds replies and token counts, never a key or a header. What arrives while one commit is being made durable
goes into the next one, which begins at most GATHER_S later. SQLite's rollback journal is used, not WAL, because WAL
needs shared memory and so breaks as soon as pods on two nodes share the volume.
"""

from __future__ import annotations

import asyncio
import math
import sqlite3
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from docent.errors import ConfigError
from docent.llm.journal.connection import Connection
from docent.llm.journal.file import CLAIMED, FIND, IN_BATCHES, SPENT, identity_of
from docent.llm.journal.owners import Owner, Owners
from docent.llm.journal.rows import Entry, Sent, Spent, State, Used, journal_key
from docent.llm.journal.used import used
from docent.llm.journal.waiters import Waiters
from docent.llm.journal.writes import LOOKED_UP_AT_ONCE, Begin, End, note_begins, note_end

__all__ = ["LOOKED_UP_AT_ONCE", "Entry", "Journal", "Sent", "Spent", "State", "Used", "count_known", "journal_key"]

CLAIMS = "claims"
"""Folder beside the journal in which each process that asks has a file."""
GATHER_S = 0.001
"""Pause before a commit, so that what comes at about the same time shares it."""
BUSY_TIMEOUT_S = 60.0


def count_known(path: Path, keys: Sequence[bytes]) -> int:
    """How many of these have a reply already, for an estimate; 0 where there is no journal.

    Waits for a commit of another process as everybody does, and brings an older layout to this one.

    Raises:
        ConfigError, TemporaryError: the file is there and cannot be read.
    """
    if not path.exists():
        return 0
    journal = Journal(path)
    try:
        return len(asyncio.run(journal.known(keys)))
    finally:
        journal.close()


class Journal:
    """Tries and replies by key. For one event loop; processes may share the file.

    Attributes:
        replied: replies that were noted through this object.

    Raises:
        ConfigError: the file cannot be used: damaged, of another docent version, not writable.
        TemporaryError: another process keeps it locked, or the disk is full.
    """

    def __init__(self, path: Path, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self.path, self._file = path, Connection(path, busy_timeout_s)
        folder = path.parent / CLAIMS
        self._owner, self._owners = Owner(folder), Owners(folder)
        self.waiters = Waiters(self.claimed)
        self._begins: list[Begin] = []
        self._ends: list[End] = []
        self._endpoint_of: dict[int, str] = {}
        self.replied = 0
        self._writer: asyncio.Task[None] | None = None
        self._free = asyncio.Lock()

    @property
    def _db(self) -> sqlite3.Connection:
        return self._file.db

    async def begin(self, request: bytes, key: bytes, endpoint: str, batch: str = "") -> int:
        """Note that a request is about to be sent; durable when this returns.

        Args:
            request: its key when it is asked for the first time; `key` is the one of this time.
            endpoint: whose allowance it takes from.
            batch: name of the batch file it goes into.

        Returns:
            the number of the try.
        """
        number = await self._begun(request, key, endpoint, batch, is_claim=False)
        assert isinstance(number, int)
        return number

    async def claim(self, request: bytes, key: bytes, endpoint: str, batch: str = "") -> int | Entry | None:
        """The same, but only where nobody has a reply and nobody else asks; looked up and noted in one transaction.

        Returns:
            the number of the try; or the reply that is there by now; or None while another process asks for it.
        """
        return await self._begun(request, key, endpoint, batch, is_claim=True)

    async def end(
        self, number: int, key: bytes, state: State, entry: Entry | None = None, why: str = ""
    ) -> Entry | None:
        """Note how a try ended; durable when this returns, and its claim is over.

        Returns:
            the reply that counts from now on: that of another process where it was there first.
        """
        future: asyncio.Future[Entry | None] = asyncio.get_running_loop().create_future()
        endpoint = self._endpoint_of.pop(number, "")
        self._ends.append(End(number, key, endpoint, state, entry, why, future))
        self._wake()
        return await future

    async def claimed(self, keys: Sequence[bytes]) -> set[bytes]:
        """Those keys that another process is asking."""
        rows = await self._chunked(CLAIMED, keys)
        return {
            key for key, name, batch in rows if not batch and name != self._owner.name and self._owners.is_at_work(name)
        }

    def is_another_at_work(self, owner: str) -> bool:
        """Whether the owner of a try is a process other than this one that is still there."""
        return owner not in ("", self._owner.name) and self._owners.is_at_work(owner)

    async def find(self, keys: Sequence[bytes]) -> dict[bytes, Entry]:
        """The replies that are there, by key."""
        rows = await self._chunked(FIND.format(what="key, text, finish_reason, input_tokens, output_tokens"), keys)
        return {row[0]: Entry(*row[1:]) for row in rows}

    async def known(self, keys: Sequence[bytes]) -> set[bytes]:
        """Those keys that have a reply."""
        return {row[0] for row in await self._chunked(FIND.format(what="key"), keys)}

    async def spent(self, requests: Sequence[bytes]) -> dict[bytes, Spent]:
        """What all tries at some requests used, by the request's first key; those without any are left out."""
        found: dict[bytes, Spent] = {}
        for sql in SPENT:
            for key, *amounts in await self._chunked(sql, requests):
                before = found.get(key, Spent(0, 0, 0))
                found[key] = Spent(*(a + b for a, b in zip(before, amounts, strict=True)))
        return found

    async def in_batches(self, keys: Sequence[bytes]) -> dict[bytes, Sent]:
        """Tries without an end that went into a batch file, by key: the batch may still bring their replies."""
        return {row[0]: Sent(*row[1:]) for row in await self._chunked(IN_BATCHES, keys)}

    async def used_since(
        self, endpoint: str, since_s: float, now_s: float = math.inf, counts_ahead: bool = True
    ) -> Used:
        """What was sent to an endpoint since a moment of the wall clock, and what is just being noted."""
        async with self._free:
            found = await self._file.patiently(lambda: used(self._db, endpoint, since_s, now_s, counts_ahead))
            noting = sum(begin.endpoint == endpoint for begin in self._begins)
        return found._replace(requests=found.requests + noting, untold=found.untold + noting)

    async def count_replies(self) -> tuple[int, int]:
        """A number by which the file is known, and how many replies it holds.

        Raises:
            ConfigError, TemporaryError: it cannot be read.
        """
        async with self._free:
            return await self._file.patiently(lambda: identity_of(self._db))

    async def settled(self) -> None:
        """Wait until nothing is left to be written."""
        if self._writer is not None:
            await asyncio.wait({self._writer})

    def close(self) -> None:
        """Let go of the file, and of all claims."""
        self._owner.close()
        self._file.close()

    async def _chunked(self, sql: str, keys: Sequence[bytes]) -> list[tuple[Any, ...]]:
        """Rows of a question with `{keys}` in it, asked for some keys at a time."""
        found: list[tuple[Any, ...]] = []
        for start in range(0, len(keys), LOOKED_UP_AT_ONCE):
            some = keys[start : start + LOOKED_UP_AT_ONCE]
            question = sql.format(keys=",".join("?" * len(some)))
            async with self._free:
                found += await self._file.patiently(partial(self._fetched, question, some))
        return found

    def _fetched(self, question: str, keys: Sequence[bytes]) -> list[tuple[Any, ...]]:
        return self._db.execute(question, keys).fetchall()

    async def _begun(self, request: bytes, key: bytes, endpoint: str, batch: str, is_claim: bool) -> int | Entry | None:
        future: asyncio.Future[int | Entry | None] = asyncio.get_running_loop().create_future()
        self._begins.append(Begin(request, key, endpoint, batch, is_claim, future))
        self._wake()
        made = await future
        if isinstance(made, int):
            self._endpoint_of[made] = endpoint
        return made

    def _wake(self) -> None:
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        """Commit after commit until nothing is left."""
        await asyncio.sleep(GATHER_S)
        while self._begins or self._ends:
            async with self._free:
                begins, self._begins = self._begins, []
                ends, self._ends = self._ends, []
                try:
                    write = partial(self._both, begins=begins, ends=ends)
                    numbers, entries = await self._file.in_one_commit(write)
                except BaseException as error:
                    # Whatever it was, nobody may wait for ever for a commit that will not come.
                    _fail([begin.done for begin in begins], error)
                    _fail([end.done for end in ends], error)
                    if not isinstance(error, Exception):
                        raise
                    continue
            for begin, number in zip(begins, numbers, strict=True):
                if not begin.done.done():
                    begin.done.set_result(number)
            for end, entry in zip(ends, entries, strict=True):
                self.replied += end.state is State.REPLIED
                if not end.done.done():
                    end.done.set_result(entry)
            await asyncio.sleep(GATHER_S)

    def _both(
        self, db: sqlite3.Connection, begins: Sequence[Begin], ends: Sequence[End]
    ) -> tuple[list[int | Entry | None], list[Entry | None]]:
        """The rows of one commit; ends first, so that a claim sees the replies that come with it."""
        ended = [note_end(db, end) for end in ends]
        try:
            return note_begins(db, begins, self._owner, self._owners), ended
        except OSError as error:
            raise ConfigError(
                f"the file that claims requests for this process cannot be made: {error.strerror}",
                str(self._owner.folder),
                "make the folder writable, then: docent run",
            ) from None


def _fail(futures: Sequence[asyncio.Future[Any]], error: BaseException) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(error)
