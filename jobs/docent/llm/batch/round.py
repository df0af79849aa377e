"""Run one round of batch mode: write requests without a reply to files, submit them, and find earlier batches again.

Reads and writes the journal and uploads files; batch.py calls it. A line is in the journal, with the token of its
batch, before the batch is created, so that a restarted process finds the batch again instead of paying twice. A shard
recognizes its own lines by their requests' keys; it touches no other line, whichever process created the batch.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
import time
from collections.abc import AsyncIterator, Container, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from docent.config.llm import Llm
from docent.errors import ConfigError
from docent.llm.batch.api import BatchApi
from docent.llm.batch.files import Line, RequestFile
from docent.llm.batch.results import Results
from docent.llm.chat import ChatRequest
from docent.llm.journal.journal import Try
from docent.llm.pace.budget import Cost
from docent.llm.sender import Ask
from docent.llm.usable_reply import Ladder

if TYPE_CHECKING:
    from openai.types import Batch

log = logging.getLogger("docent.llm")

WALKED_AT_ONCE = 500
NOTHING = Cost(0.0, 0.0)
YOUNG_POLLS = 4
"""A batch whose creation began at most this many polls ago may not be listed yet."""
LONGEST_CREATE_S = 3600.0
"""How long to wait for a batch that another running process is about to create."""


@dataclass
class Running:
    """One batch at the endpoint, with this shard's lines.

    Attributes:
        batch: its state at the last poll, or None while it cannot be found.
        lines: this shard's lines, by key.
        since_s: time of its creation, by this machine's clock, in seconds since 1970.
        logged: how many requests were done when progress was last logged.
        owner: the process of an earlier attempt that was about to create it.
    """

    token: str
    batch: Batch | None
    lines: dict[bytes, Line]
    since_s: float
    logged: int = -1
    owner: str = ""


@dataclass
class Round:
    """One pass over the requests.

    Attributes:
        missing: indexes of requests that may need another round.
        running: its batches, including those taken over from earlier attempts.
        too_long: keys of requests that fit into no batch, with the reason.
        reached: the spending limit that kept lines out of the round, or None.
    """

    missing: list[int] = field(default_factory=list)
    running: list[Running] = field(default_factory=list)
    too_long: dict[bytes, str] = field(default_factory=dict)
    reached: ConfigError | None = None


class Submission:
    """Prepares and submits rounds.

    Args:
        ladder: determines the next ask of each request; it must not count usage.
        results: records the end of lines whose batch was never created.
    """

    def __init__(self, llm: Llm, ladder: Ladder, api: BatchApi, results: Results) -> None:
        self._llm, self._ladder, self._sender = llm, ladder, ladder.sender
        self._api, self._results = api, results

    async def round(self, requests: Sequence[ChatRequest], indexes: Sequence[int], given_up: Container[bytes]) -> Round:
        """Put requests without a reply into batches, except those in a batch of an earlier attempt.

        Args:
            indexes: indexes of the requests to check.
            given_up: keys of asks that are not sent again.

        Raises:
            ConfigError, TemporaryError: see BatchApi.
        """
        this, adopted, seen = Round(), dict[str, Running](), set[bytes]()
        file = self._new_file()
        async for index, first, ask, sent in self._missing(requests, indexes, given_up):
            this.missing.append(index)
            if ask.key in seen:
                continue
            seen.add(ask.key)
            line = Line(ask.first, ask.key, self._sender.most(ask))
            if sent is not None:
                self._sender.budget.reserve_again(self._sender.most(first), line.most)
                running = adopted.setdefault(sent.batch, Running(sent.batch, None, {}, sent.begun_s, owner=sent.writer))
                running.lines[ask.key] = replace(line, attempt=sent)
                continue
            parts, size = file.parts(ask)
            if size > self._llm.batch_mb * 1e6:
                this.too_long[ask.key] = f"too long for a batch: {size / 1e6:.1f} MB (llm.batch_mb)"
            elif reached := self._sender.budget.reserve_now(line.most):
                this.reached = reached
            else:
                if not file.has_room(size):
                    this.running += await self._sent(file)
                    file = self._new_file()
                await file.add(line, parts, size)
        this.running += await self._sent(file)
        this.running += await self._found(list(adopted.values()))
        return this

    async def _missing(
        self, requests: Sequence[ChatRequest], indexes: Sequence[int], given_up: Container[bytes]
    ) -> AsyncIterator[tuple[int, Ask, Ask, Try | None]]:
        """Yield the next ask of each request that has no usable reply.

        Yields:
            The request's index, its first ask, its next ask, and the try of that ask in a batch, if any.
        """
        ladder, journal = self._ladder, self._sender.journal
        for firsts in ladder.firsts(requests, indexes, WALKED_AT_ONCE):
            level, asks, open_ = dict(firsts), 1, dict[int, Ask]()
            while level:
                entries = await journal.find([ask.key for ask in level.values()])
                following: dict[int, Ask] = {}
                for index, ask in level.items():
                    if (entry := entries.get(ask.key)) is None:
                        open_[index] = ask
                    elif (reply := ladder.judged(entry, ask.request, asks)).problem:
                        if after := ladder.following(ask, reply):
                            following[index] = after
                level, asks = following, asks + 1
            sent = await journal.in_batches([ask.key for ask in open_.values()])
            for index, ask in open_.items():
                if ask.key not in given_up:
                    yield index, firsts[index], ask, sent.get(ask.key)

    def _new_file(self) -> RequestFile:
        most_bytes = int(self._llm.batch_mb * 1e6)
        return RequestFile(self._api.path, self._llm.batch_requests, most_bytes, self._results.endpoint.parameters.sent)

    async def _sent(self, file: RequestFile) -> list[Running]:
        """Upload a file, claim its lines in the journal, then create its batch.

        Lines that another process has put into a batch in the meantime are left out: the next round finds them there.
        The result is empty if that applies to all lines.
        """
        while file.lines:
            token = secrets.token_hex(16)
            file_id = await self._api.upload(file.file)
            since_s = time.time()
            lines, others = await self._claimed(file.lines, token)
            is_lost = any(line.attempt and self._sender.journal.has_lost(line.attempt) for line in lines.values())
            if not others and not is_lost:
                file.file.close()
                return [await self._created(file_id, token, since_s, lines, file.size)]
            await self._results.refuse(lines, "another process asks for some of its batch")
            for line in others:
                self._sender.budget.settle(line.most, None)
            for line in lines.values():  # `refuse` released their reservations
                self._sender.budget.reserve_again(NOTHING, line.most)
            file.keep(lines)
        file.file.close()
        return []

    async def _claimed(self, lines: Sequence[Line], token: str) -> tuple[dict[bytes, Line], list[Line]]:
        """Claim lines; return those that now belong to this process, by key, and the others."""
        sender = self._sender
        claims = [sender.journal.claim(line.first, line.key, sender.endpoint, token) for line in lines]
        pairs = list(zip(lines, await asyncio.gather(*claims), strict=True))
        mine = {line.key: replace(line, attempt=claim) for line, claim in pairs if isinstance(claim, Try)}
        sender.counts.tries["begun"] += len(mine)
        return mine, [line for line, claim in pairs if not isinstance(claim, Try)]

    async def _created(self, file_id: str, token: str, since_s: float, lines: dict[bytes, Line], size: int) -> Running:
        try:
            batch = await self._api.create(file_id, token, since_s)
        except ConfigError as refused:
            await self._results.refuse(lines, refused.what)
            raise
        log.info("created batch %s: %d requests, %.1f MB", batch.id, len(lines), size / 1e6)
        return Running(token, batch, lines, since_s)

    async def _found(self, adopted: list[Running]) -> list[Running]:
        """Find an earlier attempt's batches by their tokens; release the lines of batches that were never created."""
        if not adopted:
            return []
        since_s = min(running.since_s for running in adopted)
        self._sender.counts.tries["begun"] += sum(len(running.lines) for running in adopted)
        for looks in itertools.count(1):
            batches = await self._api.find({running.token for running in adopted}, since_s)
            for running in adopted:
                running.batch = batches.get(running.token)
            lost = [running for running in adopted if running.batch is None]
            if not any([await self._may_come(running, looks) for running in lost]):
                break
            await asyncio.sleep(self._llm.batch_poll_s)
        for running in lost:
            await self._results.refuse(running.lines, "its batch was never created")
        there = [running for running in adopted if running.batch is not None]
        log.info("resumed %d batches of an earlier attempt; %d others were never created", len(there), len(lost))
        return there

    async def _may_come(self, running: Running, looks: int) -> bool:
        """Return whether a batch that is not listed yet may be listed later.

        The number of polls counts as well as the time, because a clock that was ahead may have noted a time far in the
        future.
        """
        poll_s = self._llm.batch_poll_s
        if await self._sender.journal.is_another_at_work(running.owner):
            return looks * poll_s < LONGEST_CREATE_S
        return looks <= YOUNG_POLLS and time.time() - running.since_s <= YOUNG_POLLS * poll_s
