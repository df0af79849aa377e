"""Return replies in the order of their requests, whatever the order in which they arrive.

Reads the journal; writes nothing itself. A walker task goes through the requests ahead of the replies: a request whose
reply is in the journal is only queued, so that the first missing request of a resumed run is sent at once; for each
other request a task is started. Finished replies stay in memory up to a limit; beyond it they stay only in the journal.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from docent.errors import StoppedError
from docent.llm.chat import ChatReply, ChatRequest
from docent.llm.journal.journal import Entry
from docent.llm.sender import Ask
from docent.llm.usable_reply import Ladder

WALKED_AT_ONCE = 128
HANDED_OUT_AT_ONCE = 256
OPEN_PER_PLACE = 4
"""Requests begun for each place in flight: all but one wait for a place, for a correction, or for Retry-After."""
FEWEST_OPEN = 16
LONGEST_LINE = 200_000
"""Most requests between the one whose reply is due and the last one begun; each takes about 200 bytes."""
HELD_CHARS = 32_000_000
"""Most characters of finished replies that are kept in memory until they are due."""
STOP_POLL_S = 0.2


@dataclass(slots=True)
class _Due:
    """A queued request; without a task, its reply is read from the journal when it is due.

    Attributes:
        counted: whether its reply is counted in the usage already.
    """

    index: int
    key: bytes
    task: asyncio.Task[ChatReply] | None = None
    counted: bool = False


class InOrder:
    """The queue of requests of one call of `ask`.

    Args:
        stop: if set, StoppedError is raised instead of the next replies.

    Attributes:
        first_keys: the keys of all first asks if the caller has computed them, since that takes most of the walk.
    """

    def __init__(self, ladder: Ladder, requests: Sequence[ChatRequest], stop: threading.Event) -> None:
        self._ladder, self._requests, self._stop = ladder, requests, stop
        self.first_keys: list[bytes] = []
        self._line: deque[_Due] = deque()
        self._open = 0
        self._most_open = max(FEWEST_OPEN, OPEN_PER_PLACE * ladder.sender.pacer.concurrency.most)
        self._tasks: dict[bytes, asyncio.Task[ChatReply]] = {}
        self._just_asked: set[bytes] = set()
        self._walker: asyncio.Task[None] | None = None
        self._reader: asyncio.Task[list[ChatReply]] | None = None
        self._held_chars = 0
        # Replies of the journal are not read before the first request is under way: both take processor time, and the
        # endpoint would wait meanwhile.
        self._may_read = False
        self._failure: BaseException | None = None
        self._news, self._room = asyncio.Event(), asyncio.Event()

    async def next_replies(self) -> list[ChatReply]:
        """Return the next replies in order, or none once all were returned.

        Raises:
            PipelineError: the first failure of any request, see ChatClient.ask.
        """
        if self._walker is None:
            self._walker = asyncio.get_running_loop().create_task(self._walk())
            self._walker.add_done_callback(self._walked)
        while True:
            self._raise_what_ended_it()
            if replies := await self._due_now():
                self._room.set()
                return replies
            if self._walker.done() and not self._line:
                return []
            self._news.clear()
            try:
                async with asyncio.timeout(STOP_POLL_S):
                    await self._news.wait()
            except TimeoutError:
                continue

    def _raise_what_ended_it(self) -> None:
        if self._failure:
            raise self._failure
        if self._stop.is_set():
            raise StoppedError("stopped while waiting for replies", next_step="docent run")

    async def drain(self, seconds: float) -> None:
        """Wait at most `seconds` for requests in flight, then cancel them."""
        if self._walker is not None:
            self._walker.cancel()
        tasks: list[asyncio.Task[Any] | None] = [*self._tasks.values(), self._reader]
        under_way = [task for task in tasks if task is not None and not task.done()]
        if under_way:
            await asyncio.wait(under_way, timeout=seconds)
        for task in under_way:
            task.cancel()
        others: list[asyncio.Task[Any]] = [task for task in (self._walker, self._reader) if task is not None]
        await asyncio.gather(*under_way, *others, return_exceptions=True)

    async def _walk(self) -> None:
        """Queue every request, and start a task for each one without a reply in the journal."""
        first, count = self._ladder.first, len(self._requests)
        for start in range(0, count, WALKED_AT_ONCE):
            indexes = range(start, min(start + WALKED_AT_ONCE, count))
            asks = {} if self.first_keys else {index: first(self._requests[index]) for index in indexes}
            keys = self.first_keys[start : indexes.stop] or [ask.key for ask in asks.values()]
            self._just_asked.clear()
            known = await self._ladder.sender.journal.known(keys)
            if known:
                self._ladder.provider.has_answered = True
            for index, key in zip(indexes, keys, strict=True):
                if key in known:
                    self._line.append(_Due(index, key))
                    continue
                ask = asks.get(index) or first(self._requests[index])
                await self._have_room()
                if ask.key in self._tasks or ask.key in self._just_asked:
                    # An equal request is queued, or was until just now, before it: the journal will have its reply.
                    self._line.append(_Due(index, ask.key, counted=True))
                else:
                    self._line.append(_Due(index, ask.key, self._begin(ask)))
            await self._have_room()
            self._news.set()

    async def _have_room(self) -> None:
        while self._open >= self._most_open or len(self._line) >= LONGEST_LINE:
            self._allow_reading()
            self._room.clear()
            await self._room.wait()

    def _allow_reading(self) -> None:
        if not self._may_read:
            self._may_read = True
            self._news.set()

    def _begin(self, ask: Ask) -> asyncio.Task[ChatReply]:
        """Start a task for a request that has no reply in the journal and none in flight."""
        self._open += 1
        self._allow_reading()
        task = asyncio.get_running_loop().create_task(self._ladder.answer(ask, looked_up=True))
        self._tasks[ask.key] = task
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[ChatReply]) -> None:
        self._open -= 1
        self._room.set()
        if not task.cancelled():
            if error := task.exception():
                self._fail(error)
            else:
                self._hold(task)
        if self._line and self._line[0].task is task:
            self._news.set()

    def _hold(self, task: asyncio.Task[ChatReply]) -> None:
        """Keep a reply in memory until it is due; beyond the limit, keep it only in the journal."""
        self._held_chars += len(task.result().text)
        if self._held_chars > HELD_CHARS:
            for due in self._line:
                if due.task is not None and _is_in_journal(due.task):
                    due.task, due.counted = None, True
                    self._forget(due.key)
            self._held_chars = 0

    def _forget(self, key: bytes) -> None:
        """Remove a finished task; an earlier lookup by the walker may have missed its reply."""
        del self._tasks[key]
        self._just_asked.add(key)

    def _walked(self, walker: asyncio.Task[None]) -> None:
        if not walker.cancelled() and (error := walker.exception()):
            self._fail(error)
        self._may_read = True
        self._news.set()

    def _fail(self, error: BaseException) -> None:
        """Stop all work at the first failure; later errors only follow from it."""
        self._failure = self._failure or error
        self._ladder.sender.stop()
        self._news.set()

    async def _due_now(self) -> list[ChatReply]:
        replies: list[ChatReply] = []
        if self._line and self._line[0].task is None:
            return await self._read() if self._may_read else []
        while self._line and len(replies) < HANDED_OUT_AT_ONCE:
            task = self._line[0].task
            if task is None or not task.done():
                break
            due = self._line.popleft()
            self._forget(due.key)
            replies.append(task.result())
            self._held_chars -= len(replies[-1].text)
        return replies

    async def _read(self) -> list[ChatReply]:
        """Run `_from_journal`, which may send requests, and raise any error that ends the work in the meantime."""
        self._reader = asyncio.get_running_loop().create_task(self._from_journal())
        while not self._reader.done():
            await asyncio.wait({self._reader}, timeout=STOP_POLL_S)
            self._raise_what_ended_it()
        return self._reader.result()

    async def _from_journal(self) -> list[ChatReply]:
        """Return the next replies from the journal; repeat a request if its reply turns out to be unusable."""
        some: list[_Due] = []
        while self._line and self._line[0].task is None and len(some) < HANDED_OUT_AT_ONCE:
            some.append(self._line.popleft())
        entries = await self._ladder.sender.journal.find([due.key for due in some])
        return [await self._known(due, entries.get(due.key)) for due in some]

    async def _known(self, due: _Due, entry: Entry | None) -> ChatReply:
        ladder = self._ladder.uncounted() if due.counted and entry else self._ladder
        return await ladder.answer(ladder.first(self._requests[due.index]), entry)


def _is_in_journal(task: asyncio.Task[ChatReply]) -> bool:
    return task.done() and not task.cancelled() and not task.exception() and not task.result().error
