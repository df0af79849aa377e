"""Record every request before it is sent and every reply, so that a request with a reply is never asked again.

Reads and writes the folder `<data>/cache/llm/journal`, shared by shards, attempts and runs. A request is identified by
the hash of endpoint, body and the number of the ask; each try has a record, written before it is sent and again when it
has ended. Each process appends to its own file and reads the files of the others, so that no file ever has two writers
and no file locks are needed, which are unreliable on network filesystems. A process reads the others' files again once
its own record is durable, and withdraws it if another has begun the same request; claim files (claims.py) make that
rare. Records that arrive during an fsync are written together by the next one, which begins at
most GATHER_S later. The files hold replies and token counts, never a key or a header.
"""

import asyncio
import contextlib
import logging
import math
import sqlite3
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from docent.llm.journal import claims
from docent.llm.journal.folder import explained, make_folder, merge
from docent.llm.journal.index import Index
from docent.llm.journal.reader import LOOK_AGAIN_S, Reader
from docent.llm.journal.records import Entry, Spent, Try, TryState, Used, journal_key
from docent.llm.journal.writer import Writer

__all__ = ["Entry", "Journal", "Spent", "TryState", "Try", "Used", "count_known", "journal_key"]

log = logging.getLogger("docent.llm")
T = TypeVar("T")

FAILURES = (OSError, sqlite3.Error)
"""SQLite fails if its temporary file cannot grow."""
GATHER_S = 0.001
"""Pause before a write, so that records that arrive at about the same time share an fsync."""
POLL_S = 0.25


@dataclass(frozen=True, slots=True)
class _Begin:
    """A try that is about to be sent.

    Attributes:
        is_claim: begin only if there is no reply yet and no other process is asking; otherwise `done` gets None. A
            request in a batch is not put into another batch, but an online request does not wait for a batch.
    """

    request: bytes
    key: bytes
    endpoint: str
    batch: str
    is_claim: bool
    done: asyncio.Future[Try | Entry | None]


@dataclass(frozen=True, slots=True)
class _End:
    """The end of a try."""

    attempt: Try
    state: TryState
    entry: Entry | None
    why: str
    done: asyncio.Future[Entry | None]


def count_known(path: Path, keys: Sequence[bytes]) -> int:
    """Return how many of these keys have a reply already, for an estimate; 0 if there is no journal.

    Raises:
        ConfigError, TemporaryError: the journal exists and cannot be read.
    """
    if not path.exists() and not path.with_suffix(".sqlite").exists():
        return 0
    journal = Journal(path)
    try:
        return len(asyncio.run(journal.known(keys)))
    finally:
        journal.close()


class Journal:
    """Tries and replies by key. For use in one event loop; processes may share the folder.

    Args:
        path: the folder.
        clock: returns seconds since 1970.

    Attributes:
        replied: number of replies recorded through this object.

    Raises:
        ConfigError: the folder cannot be used: damaged, not writable, or created by another docent version.
        TemporaryError: the disk is full.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path, self._clock = path, clock
        self._identity = make_folder(path)
        self._index = Index()
        self._reader, self._writer = Reader(path, self._index), Writer(path)
        self._begins: list[_Begin] = []
        self._ends: deque[_End] = deque()
        self.replied, self._number, self._has_waited = 0, 0, False
        self._thread = ThreadPoolExecutor(1, "journal")
        self._task: asyncio.Task[None] | None = None
        self._free = asyncio.Lock()
        self._answer(lambda: None, 0.0)

    async def begin(self, request: bytes, key: bytes, endpoint: str, batch: str = "") -> Try:
        """Record that a request is about to be sent; durable when this returns.

        Args:
            request: the key of its first ask; `key` is the key of this ask.
            endpoint: the endpoint whose allowance it counts against.
            batch: token of the batch that it goes into.
        """
        attempt = await self.claim(request, key, endpoint, batch, is_exclusive=False)
        assert isinstance(attempt, Try)
        return attempt

    async def claim(
        self, request: bytes, key: bytes, endpoint: str, batch: str = "", is_exclusive: bool = True
    ) -> Try | Entry | None:
        """Do the same as `begin`, but, if `is_exclusive`, only if there is no reply and no other process is asking.

        Returns:
            the try; or the reply if there is one by now; or None while another process is asking.
        """
        future: asyncio.Future[Try | Entry | None] = asyncio.get_running_loop().create_future()
        self._begins.append(_Begin(request, key, endpoint, batch, is_exclusive, future))
        self._wake()
        return await future

    async def end(self, attempt: Try, state: TryState, entry: Entry | None = None, why: str = "") -> Entry | None:
        """Record how a try ended; durable when this returns, and its claim is released.

        Returns:
            the reply that counts from now on: another process's reply if it came first.
        """
        future: asyncio.Future[Entry | None] = asyncio.get_running_loop().create_future()
        self._ends.append(_End(attempt, state, entry, why, future))
        self._wake()
        return await future

    async def wait_for_others(
        self, key: bytes, longest_s: float, pause: Callable[[float], Awaitable[Any]] = asyncio.sleep
    ) -> bool:
        """Wait until no other process is asking this online; return False if one still is after `longest_s`.

        Args:
            pause: waits for the given number of seconds, or raises an error that ends the waiting.
        """
        if not self._has_waited:
            log.info("another process with the same journal is sending the same requests: waiting for its replies")
            self._has_waited = True
        give_up_s = time.monotonic() + longest_s
        while time.monotonic() < give_up_s:
            await pause(POLL_S)
            if await self._read(lambda: not self._is_asked_elsewhere(key), POLL_S / 2, is_file_read=True):
                return True
        return False

    async def is_another_at_work(self, writer: str) -> bool:
        """Return whether the writer of a try is another process that is still running."""
        return await self._read(lambda: self._is_another_at_work(writer), is_file_read=True)

    def has_lost(self, attempt: Try) -> bool:
        """Return whether others may consider the writer of a try as gone, so that the try must not be sent any more.

        That is so if this process was suspended, or its file server did not answer, for longer than the lease.
        """
        return attempt.writer != self._writer.name or self._writer.is_late()

    async def find(self, keys: Sequence[bytes]) -> dict[bytes, Entry]:
        """Return the replies that exist, by key."""
        return await self._read(lambda: self._reader.entries(self._index.replies(keys)), is_file_read=True)

    async def known(self, keys: Sequence[bytes]) -> set[bytes]:
        """Return the keys that have a reply."""
        return await self._read(lambda: self._index.known(keys))

    async def spent(self, requests: Sequence[bytes]) -> dict[bytes, Spent]:
        """Return what all tries of some requests used, by the request's first key; omit requests without tries."""
        return await self._read(lambda: self._index.spent(requests))

    async def in_batches(self, keys: Sequence[bytes]) -> dict[bytes, Try]:
        """Return tries in batches that have not ended, by key: the batch may still bring their replies."""
        attempts = await self._read(lambda: self._index.open_tries(keys))
        return {attempt.key: attempt for attempt in attempts if attempt.batch}

    async def used_since(
        self, endpoint: str, since_s: float, now_s: float = math.inf, counts_ahead: bool = True
    ) -> Used:
        """Return what was sent to an endpoint since a wall-clock time, including records that are being written."""
        used = await self._read(lambda: self._index.used_since(endpoint, since_s, now_s, counts_ahead), 0.0)
        noting = sum(begin.endpoint == endpoint for begin in self._begins)
        return used._replace(requests=used.requests + noting, unreported=used.unreported + noting)

    async def count_replies(self) -> tuple[str, int]:
        """Return a number that identifies the journal, and how many replies it holds."""
        return self._identity, await self._read(self._index.count_replies, 0.0)

    async def settled(self) -> None:
        """Wait until everything is written."""
        if self._task is not None:
            await asyncio.wait({self._task})

    def close(self) -> None:
        """Close the journal, which releases all claims."""
        self._thread.shutdown()
        self._writer.close()
        with contextlib.suppress(*FAILURES):  # merging can wait
            merge(self.path, self._reader, self._index)
        self._index.close()

    def _is_asked_elsewhere(self, key: bytes) -> bool:
        attempts = self._index.open_tries([key])
        return any(not one.batch and self._is_another_at_work(one.writer) for one in attempts)

    def _is_another_at_work(self, writer: str) -> bool:
        return writer != self._writer.name and self._reader.is_at_work(writer)

    def _answer(self, question: Callable[[], T], max_age_s: float) -> T:
        try:
            self._reader.refresh(max_age_s)
            return question()
        except FAILURES as error:
            raise explained(error, self.path) from None

    async def _read(self, question: Callable[[], T], max_age_s: float = LOOK_AGAIN_S, is_file_read: bool = False) -> T:
        """Read files in the thread, since a slow file server must not block the event loop.

        A question that only the index answers is answered at once if no refresh is due: the walk through the requests
        of a resumed run asks hundreds of them before the first request is sent.
        """
        async with self._free:
            if not is_file_read and self._reader.is_fresh(max_age_s):
                return self._answer(question, math.inf)
            running = asyncio.get_running_loop().run_in_executor(self._thread, self._answer, question, max_age_s)
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                await asyncio.wait({running})  # the thread uses the index: it must not be free before
                raise

    def _wake(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        """Write until nothing is left to write."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(GATHER_S)
        while self._begins or self._ends:
            async with self._free:
                begins, self._begins = self._begins, []
                ends: list[_End] = []
                try:
                    results: list[Any] = await loop.run_in_executor(self._thread, self._noted, begins, ends)
                except BaseException as error:
                    # Whatever the error is, no caller may wait forever for a write that never happens.
                    waiting: list[_Begin | _End] = [*begins, *ends, *self._ends]
                    for one in waiting:
                        if not one.done.done():
                            one.done.set_exception(error)
                    self._ends.clear()
                    if not isinstance(error, Exception):
                        raise
                    continue
            self.replied += sum(end.state is TryState.REPLIED for end in ends)
            written: list[_End | _Begin] = [*ends, *begins]
            for one, result in zip(written, results, strict=True):
                if not one.done.done():  # else its task was cancelled
                    one.done.set_result(result)
            await asyncio.sleep(GATHER_S)

    def _noted(self, begins: Sequence[_Begin], ends: list[_End]) -> list[Try | Entry | None]:
        """Write tries that ended and tries that begin; the ends come first, so that a claim sees replies among them.

        Ends are added to `ends` as late as possible, so that paid replies do not wait for other requests' claims. This
        order makes claims safe: read the journals of the others, make the begins durable in this journal, read the
        others again, and withdraw what another process has begun or answered. Of two processes that begin the same, at
        least one reads the begin of the other; if both do, both withdraw. Claim files, which a process that is alone
        does not need, only prevent that: they are created first and removed last.
        """
        lines: list[bytes] = []
        keys = list({begin.key for begin in begins if begin.is_claim})
        try:
            with contextlib.ExitStack() as claim_files:
                self._follow_the_folder()
                taken = set(keys) if self._reader.is_alone() else self._take(keys, claim_files)
                self._reader.refresh()
                while self._ends:
                    ends.append(self._ends.popleft())
                replies = self._reader.entries(self._index.replies([*keys, *(end.attempt.key for end in ends)]))
                results: list[Try | Entry | None] = [_ended(end, replies, lines) for end in ends]
                results += self._claimed_or_not(begins, replies, taken, lines)
                self._append(lines)
                results[len(ends) :] = self._withdraw(begins, results[len(ends) :])
        except FAILURES as error:
            self._keep(ends)
            raise explained(error, self.path) from None
        return results

    def _keep(self, ends: list[_End]) -> None:
        """Write the ends alone, since replies are paid for although a claim or a look at the other journals failed."""
        while self._ends:
            ends.append(self._ends.popleft())
        lines: list[bytes] = []
        for end in ends:
            _ended(end, {}, lines)
        with contextlib.suppress(*FAILURES):  # the first error is reported
            self._append(lines)

    def _append(self, lines: Sequence[bytes]) -> None:
        start = self._writer.append(lines)
        while not self._writer.is_there():  # deleted a moment ago: what nobody can find is written again
            self._follow_the_folder()
            start = self._writer.append(lines)
        self._index.add(lines, self._writer.name, start)

    def _withdraw(self, begins: Sequence[_Begin], results: Sequence[Try | Entry | None]) -> list[Try | Entry | None]:
        """Withdraw claims of requests that another process has begun or answered meanwhile; their result is None."""
        mine = {at: one for at, one in enumerate(results) if begins[at].is_claim and isinstance(one, Try)}
        if not mine:
            return list(results)
        self._reader.refresh()
        keys = list({one.key for one in mine.values()})
        others = [one for one in self._index.open_tries(keys) if self._is_another_at_work(one.writer)]
        in_batches = {one.key for one in others if one.batch}
        taken = self._index.known(keys) | {one.key for one in others if not one.batch}
        gone = {at for at, one in mine.items() if one.key in taken or (one.batch and one.key in in_batches)}
        if gone:
            self._append([mine[at].line(TryState.REFUSED, why="another process has just begun it") for at in gone])
        return [None if at in gone else one for at, one in enumerate(results)]

    def _follow_the_folder(self) -> None:
        """Continue in another folder or journal if this one was lost: what is written must be found later."""
        before, is_late = self._writer.name, self._writer.is_late()
        if not self._writer.is_there():
            if before and not is_late:  # else others have merged it, because this process was suspended
                log.warning(
                    "the journal of replies %s was deleted or replaced while it was in use: new replies are saved in "
                    "a folder of that name, and requests whose replies were only in the old one are paid for again",
                    self.path,
                )
            self._identity = make_folder(self.path)
            self._index.forget(before)
        self._writer.open()
        self._reader.own = self._writer.name

    def _take(self, keys: Sequence[bytes], claim_files: contextlib.ExitStack) -> set[bytes]:
        """Create claim files, which are removed when the stack closes, and return the keys that got one."""
        taken: set[bytes] = set()
        assert self._writer.path is not None
        for key in keys:
            path = claims.take(self.path / claims.FOLDER, key, self._writer.path, self._reader.is_at_work)
            if path is not None:
                claim_files.callback(path.unlink, missing_ok=True)
                taken.add(key)
        return taken

    def _claimed_or_not(
        self, begins: Sequence[_Begin], replies: Mapping[bytes, Entry], taken: set[bytes], lines: list[bytes]
    ) -> Iterator[Try | Entry | None]:
        """Yield the result of each begin, and append the records of those that may be sent."""
        open_tries = self._index.open_tries(list(taken))
        in_batches = {attempt.key for attempt in open_tries if attempt.batch}
        online = {a.key for a in open_tries if not a.batch and self._is_another_at_work(a.writer)}
        # A number is not used again if the write failed, because others may have read part of the record.
        self._number = max(self._number, self._index.largest_number)
        for begin in begins:
            key = begin.key
            if begin.is_claim and key in replies:
                yield replace(replies[key], by_another=True)
            elif begin.is_claim and (key not in taken or key in online or (begin.batch and key in in_batches)):
                yield None
            else:
                self._number += 1
                what = (begin.request, key, begin.endpoint, begin.batch)
                attempt = Try(self._number, self._writer.name, *what, self._clock())
                lines.append(attempt.line())
                yield attempt


def _ended(end: _End, replies: dict[bytes, Entry], lines: list[bytes]) -> Entry | None:
    """Append the record of an end; if the request had a reply already, that one counts and this one only costs."""
    key, entry = end.attempt.key, end.entry
    if entry is not None and key in replies:
        cost = Entry("", "", entry.input_tokens, entry.output_tokens)
        lines.append(end.attempt.line(TryState.LOST, cost, "answered twice"))
        return replies[key]
    lines.append(end.attempt.line(end.state, entry, end.why))
    if entry is not None:
        replies[key] = entry
    return entry
