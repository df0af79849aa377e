"""Batch mode: the journal is filled through the endpoint's batch API, before anything is asked for in order.

Reads and writes the journal; the files are temporary. Because the ordered path then finds every reply in the journal,
rows are those of online mode. Work goes in rounds: each request's next asking that has no reply goes into a file, the
files run, what came back is judged, and the next round asks for what is missing still. A line is in the journal before
its batch is created, with the batch's token, so that a killed process finds the batch again instead of paying twice.
What is a shard's own is decided by its requests' keys; it touches no other line, whoever made the batch.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import secrets
import threading
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from docent.config import Llm
from docent.errors import ConfigError, StoppedError, TemporaryError
from docent.llm.batch_api import BatchApi
from docent.llm.batch_files import Line, RequestFile
from docent.llm.batch_results import Outcome, Results
from docent.llm.chat import ChatRequest
from docent.llm.journal import Entry, Sent
from docent.llm.ladder import Ladder
from docent.llm.openai_endpoint import OpenAIEndpoint
from docent.llm.sender import Ask, GaveUpError

if TYPE_CHECKING:
    from openai.types import Batch

log = logging.getLogger("docent.llm")

WALKED_AT_ONCE = 500
STOP_POLL_S = 0.2
ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
LONGEST_DAYS = 7
"""A batch that takes longer is left alone; OpenAI ends one after a day, Azure may take longer."""
YOUNG_POLLS = 4
"""A batch that was to be created so many looks ago, or later, may not be listed yet."""
FULL_QUEUE_POLLS = 20
"""Looks at batches that are let pass before a full queue is tried again."""


@dataclass
class Running:
    """One batch at the endpoint, as far as it is this shard's.

    Attributes:
        batch: as it was when it was looked at last; None while it is not found.
        lines: by key.
        since_s: when it was begun, by this clock.
        told: how much of it was done when that was last logged.
    """

    token: str
    batch: Batch | None
    lines: dict[bytes, Line]
    since_s: float
    told: int = -1


@dataclass
class Round:
    """One pass over the requests.

    Attributes:
        missing: indexes of requests that may need another round.
        running: its batches, adopted ones among them.
        reached: the spending limit that kept lines out of it.
    """

    missing: list[int] = field(default_factory=list)
    running: list[Running] = field(default_factory=list)
    reached: ConfigError | None = None


class Batches:
    """The batches of one call of `ask`.

    Args:
        ladder: of the ordered path; only its asks are used, nothing is counted.
        stop: when set, StoppedError is raised; batches go on at the endpoint.

    Attributes:
        replied: replies that came in batches now, each paid once.

    Raises:
        ConfigError: the endpoint has no batch API.
    """

    def __init__(self, llm: Llm, ladder: Ladder, stop: threading.Event) -> None:
        endpoint = ladder.provider
        if not isinstance(endpoint, OpenAIEndpoint) or not endpoint.kind.batches:
            raise ConfigError(
                f"the provider {llm.provider} has no batch API", "llm.mode", "set llm.mode to online, then: docent run"
            )
        self._llm, self._ladder, self._sender, self._stop = llm, ladder.uncounted(), ladder.sender, stop
        self._api = BatchApi(llm, endpoint)
        self._results = Results(endpoint, ladder.sender, int(llm.max_reply_mb * 1e6))
        self._given_up: dict[bytes, str] = {}
        self._tries: Counter[bytes] = Counter()

    @property
    def replied(self) -> int:
        """Replies that came now."""
        return self._results.replied

    async def send(self, ask: Ask) -> Entry:
        """In place of Sender.send once all is filled: there is no reply, and nothing goes out online.

        Raises:
            GaveUpError: always, with the reason.
        """
        raise GaveUpError(self._given_up.get(ask.key, "it has no reply in its batch"))

    async def fill(self, requests: Sequence[ChatRequest]) -> None:
        """Have a reply in the journal for every request, or a reason why there is none.

        Raises:
            ConfigError: key, model, address, credit, a spending limit, or the endpoint refuses a whole batch.
            TemporaryError: the endpoint gives no answer or does nothing; its batches go on.
            StoppedError: `stop` was set.
        """
        work = asyncio.get_running_loop().create_task(self._fill(requests))
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=STOP_POLL_S)
                if self._stop.is_set() and not work.done():
                    raise StoppedError("stopped; its batches go on at the endpoint", next_step="docent run")
            work.result()
        finally:
            work.cancel()
            await asyncio.wait({work})
            await self._api.close()

    async def _fill(self, requests: Sequence[ChatRequest]) -> None:
        missing: Sequence[int] = range(len(requests))
        while missing:
            this = Round()
            await self._submit(requests, missing, this)
            missing = this.missing
            if this.reached and not this.running:
                raise this.reached
            before = self.replied
            outcomes = [outcome async for outcome in self._ended(this.running)]
            await self._weigh(outcomes, self.replied > before)

    async def _submit(self, requests: Sequence[ChatRequest], indexes: Sequence[int], this: Round) -> None:
        """Put what has no reply into files and batches, but for what is in one of an earlier attempt."""
        adopted: defaultdict[str, Running] = defaultdict(lambda: Running("", None, {}, math.inf))
        file, seen = self._new_file(), set[bytes]()
        async for index, ask, counted, sent in self._missing(requests, indexes):
            this.missing.append(index)
            if ask.key in seen:
                continue
            seen.add(ask.key)
            line = Line(ask.first, ask.key, self._sender.most(ask.request, ask.body))
            if sent is not None:
                self._sender.budget.reserve_again(self._sender.most(ask.request, counted.body), line.most)
                running = adopted[sent.batch]
                running.token, running.since_s = sent.batch, min(running.since_s, sent.begun_s)
                running.lines[ask.key] = replace(line, number=sent.number)
                continue
            parts, size = file.parts(ask)
            if size > self._llm.batch_mb * 1e6:
                self._given_up[ask.key] = f"too long for a batch: {size / 1e6:.1f} MB (llm.batch_mb)"
            elif reached := self._sender.budget.reserve_now(line.most):
                this.reached = reached
            else:
                if not file.has_room(size):
                    this.running.append(await self._sent(file))
                    file = self._new_file()
                await file.add(line, parts, size)
        with file.file:
            if file.lines:
                this.running.append(await self._sent(file))
        this.running += await self._found(list(adopted.values()))

    async def _missing(
        self, requests: Sequence[ChatRequest], indexes: Sequence[int]
    ) -> AsyncIterator[tuple[int, Ask, Ask, Sent | None]]:
        """Each request's next asking that has no reply, the first one, and the try that is in a batch already."""
        ladder, journal = self._ladder, self._sender.journal
        for start in range(0, len(indexes), WALKED_AT_ONCE):
            firsts = {index: ladder.first(requests[index]) for index in indexes[start : start + WALKED_AT_ONCE]}
            level, asks, open_ = dict(firsts), 1, dict[int, Ask]()
            while level:
                found = await journal.find([ask.key for ask in level.values()])
                following: dict[int, Ask] = {}
                for index, ask in level.items():
                    if (entry := found.get(ask.key)) is None:
                        open_[index] = ask
                    elif (reply := ladder.judged(entry, ask.request, asks)).problem:
                        if after := ladder.following(ask, reply):
                            following[index] = after
                level, asks = following, asks + 1
            sent = await journal.in_batches([ask.key for ask in open_.values()])
            for index, ask in open_.items():
                if ask.key not in self._given_up:
                    yield index, ask, firsts[index], sent.get(ask.key)

    def _new_file(self) -> RequestFile:
        return RequestFile(self._api.path, self._llm.batch_requests, int(self._llm.batch_mb * 1e6))

    async def _sent(self, file: RequestFile) -> Running:
        """A file uploaded, its lines in the journal, its batch created; in this order."""
        token, sender = secrets.token_hex(16), self._sender
        with file.file:
            file_id = await self._api.upload(file.file)
        since_s = time.time()
        begun = [sender.journal.begin(line.first, line.key, sender.endpoint, token) for line in file.lines]
        numbers = await asyncio.gather(*begun)
        sender.ledger.tries["begun"] += len(numbers)
        lines = {line.key: replace(line, number=number) for line, number in zip(file.lines, numbers, strict=True)}
        try:
            batch = await self._api.create(file_id, token, since_s)
        except ConfigError as refused:
            await self._results.refuse(lines, refused.what)
            raise
        log.info("batch %s begun: %d requests, %.1f MB", batch.id, len(lines), file.size / 1e6)
        return Running(token, batch, lines, since_s)

    async def _found(self, adopted: list[Running]) -> list[Running]:
        """Batches of an earlier attempt, looked up by their tokens; the lines of one that never was are free again."""
        if not adopted:
            return []
        since_s = min(running.since_s for running in adopted)
        self._sender.ledger.tries["begun"] += sum(len(running.lines) for running in adopted)
        while True:
            found = await self._api.find({running.token for running in adopted}, since_s)
            for running in adopted:
                running.batch = found.get(running.token)
            lost = [running for running in adopted if running.batch is None]
            if all(time.time() - running.since_s > YOUNG_POLLS * self._llm.batch_poll_s for running in lost):
                break
            await asyncio.sleep(self._llm.batch_poll_s)
        for running in lost:
            await self._results.refuse(running.lines, "its batch was never created")
        there = [running for running in adopted if running.batch is not None]
        log.info("%d batches of an earlier attempt go on, %d were never created", len(there), len(lost))
        return there

    async def _ended(self, running: list[Running]) -> AsyncIterator[Outcome]:
        """Look at batches until all have ended; what one brought is in the journal when it is handed out."""
        names = {run.token: f"batch {number} of {len(running)}" for number, run in enumerate(running, 1)}
        left, heard_s = list(running), time.monotonic()
        while left:
            for run in list(left):
                assert run.batch is not None
                try:
                    run.batch = await self._api.look(run.batch.id)
                    heard_s = time.monotonic()
                except TemporaryError as error:  # a batch takes hours: an endpoint that is away for minutes is no end
                    if time.monotonic() - heard_s > self._llm.deadline_s:
                        raise
                    log.warning("%s: %s", names[run.token], error.what)
                self._tell(names[run.token], run)
                if run.batch.status in ENDED:
                    left.remove(run)
                    yield await self._results.collect(self._api, run.batch, run.lines)
            if left:
                await asyncio.sleep(self._llm.batch_poll_s)

    def _tell(self, name: str, run: Running) -> None:
        """Progress, where there is any, and an end to endless waiting."""
        assert run.batch is not None
        counts = run.batch.request_counts
        if counts and counts.completed + counts.failed != run.told:
            run.told = counts.completed + counts.failed
            log.info("%s: %d of %d done (%s)", name, run.told, counts.total, run.batch.status)
        if run.batch.status not in ENDED and time.time() - run.since_s > LONGEST_DAYS * 86_400:
            raise TemporaryError(
                f"the batch {run.batch.id} has not ended in {LONGEST_DAYS} days",
                self._llm.base_url,
                "cancel it at the endpoint, then: docent run (what it finished is kept)",
            )

    async def _weigh(self, outcomes: Sequence[Outcome], others_replied: bool) -> None:
        """Count the tries of what has to go again, and give up what had enough of them."""
        for outcome in outcomes:
            self._given_up |= outcome.refused
        full = any(outcome.queue_is_full for outcome in outcomes)
        exhausted: dict[bytes, str] = {}
        for key, why in itertools.chain.from_iterable(outcome.again.items() for outcome in outcomes):
            # A batch that found the queue full only waits for the others.
            self._tries[key] += not (full and others_replied)
            if self._tries[key] >= self._llm.max_attempts:
                exhausted[key] = f"no reply in {self._tries[key]} tries; the last: {why}"
        if exhausted and not self.replied:
            raise TemporaryError(
                next(iter(exhausted.values())), self._llm.base_url, "check the account, then: docent run"
            )
        self._given_up |= exhausted
        if full and not others_replied:
            log.warning("the endpoint's queue of batches is full; trying again later")
            await asyncio.sleep(FULL_QUEUE_POLLS * self._llm.batch_poll_s)
