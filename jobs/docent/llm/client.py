"""The one way to ask a teacher: many requests at a time, replies in order, each paid once.

Every reply goes through the journal before anyone sees it, so that a killed or failed attempt repeats only what was in
flight. A reply that the caller cannot use is asked for again, that request alone and not for ever.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter, deque
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import TracebackType

from docent.config import Llm
from docent.errors import PipelineError, StoppedError
from docent.llm.budget import Budget
from docent.llm.chat import ChatReply, ChatRequest, Provider
from docent.llm.journal import Entry, Journal, journal_key
from docent.llm.offline import OfflineTeacher

MAX_ASKS = 3
"""Replies to one request before it is given up: one and two more."""
AHEAD = 8
"""Requests begun ahead of the one whose reply is due, as a multiple of those in flight."""
STOP_POLL_S = 0.2
DRAIN_S = 20.0
"""How long replies that are already paid for are waited for when the work ends early."""


def _offline(llm: Llm, environ: Mapping[str, str]) -> Provider:
    return OfflineTeacher()


def _openai(llm: Llm, environ: Mapping[str, str]) -> Provider:
    from docent.llm.openai_endpoint import OpenAIEndpoint  # takes a second to import

    return OpenAIEndpoint(llm, environ)


PROVIDERS: dict[str, Callable[[Llm, Mapping[str, str]], Provider]] = {"offline": _offline, "openai": _openai}


class ChatClient:
    """A teacher with a journal, a spending limit and a bound on requests in flight.

    Args:
        llm: the config section.
        journal: path of the journal file.
        shards: over how many processes `max_in_flight` and `max_usd` are divided.
        stop: when set, no request is begun any more and StoppedError is raised.
        environ: where the key's variable is looked up.

    Raises:
        ConfigError: a key, a price or the journal is missing or unusable.
    """

    def __init__(
        self,
        llm: Llm,
        journal: Path,
        shards: int = 1,
        stop: threading.Event | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.provider = PROVIDERS[llm.provider](llm, environ)
        self.budget = Budget(llm, shards)
        self.journal = Journal(journal)
        self.in_flight = max(1, llm.max_in_flight // shards)
        self.usage: Counter[str] = Counter()
        self._stop = stop or threading.Event()
        self._unsaved: list[tuple[str, Entry]] = []
        self._failure: PipelineError | None = None

    @property
    def teacher(self) -> str:
        """Who writes: `offline-extractive` or the model's name."""
        return self.provider.teacher

    def __enter__(self) -> ChatClient:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.journal.close()

    def ask(
        self, requests: Sequence[ChatRequest], problem_of: Callable[[ChatReply], str]
    ) -> Generator[ChatReply, None, None]:
        """Replies in the order of the requests.

        Close the iterator (contextlib.closing) when leaving it early: it then waits for replies already paid for.

        Args:
            requests: what to ask.
            problem_of: why a reply cannot be used, "" when it can; such a request alone is asked again.

        Raises:
            ConfigError: the endpoint refuses key or model, or the spending limit is reached.
            TemporaryError: the endpoint is down; all replies until then are in the journal.
            StoppedError: `stop` was set.
        """
        self._count_paid(requests)
        loop = asyncio.new_event_loop()
        slots, closing = asyncio.Semaphore(self.in_flight), asyncio.Event()
        tasks: deque[asyncio.Task[ChatReply]] = deque()
        coming = iter(requests)
        try:
            while True:
                for request in islice(coming, AHEAD * self.in_flight - len(tasks)):
                    tasks.append(loop.create_task(self._answer(request, problem_of, slots, closing)))
                if not tasks:
                    return
                reply = loop.run_until_complete(self._first(tasks))
                tasks.popleft()
                yield reply
        finally:
            closing.set()
            loop.run_until_complete(self._drain(tasks))
            loop.close()

    def _count_paid(self, requests: Sequence[ChatRequest]) -> None:
        """Let what earlier attempts paid count against the limit, before anything is sent."""
        if self.budget.limit_usd is None:
            return
        for request in requests:
            for attempt in range(MAX_ASKS):
                if entry := self.journal.get(self._key(request, attempt)):
                    self.budget.count(entry)

    async def _first(self, tasks: deque[asyncio.Task[ChatReply]]) -> ChatReply:
        """The reply of the first task; any task's failure or a stop ends the waiting."""
        while True:
            done, _ = await asyncio.wait({tasks[0]}, timeout=STOP_POLL_S)
            if self._failure:
                raise self._failure
            if done:
                return tasks[0].result()
            if self._stop.is_set():
                raise StoppedError("stopped while asking the teacher", next_step="docent run")

    async def _answer(
        self,
        request: ChatRequest,
        problem_of: Callable[[ChatReply], str],
        slots: asyncio.Semaphore,
        closing: asyncio.Event,
    ) -> ChatReply:
        """A usable reply to one request, or the last unusable one with its problem."""
        reply, problem = ChatReply("", ""), ""
        for attempt in range(MAX_ASKS):
            try:
                async with slots:
                    reply = await self._once(request, attempt, closing)
            except PipelineError as error:
                # The first failure ends the work for all; what the others raise then is only its echo.
                self._failure = self._failure or error
                closing.set()
                raise
            problem = "" if reply.error else problem_of(reply)
            if not problem:
                return replace(reply, asks=attempt + 1)
        return replace(reply, problem=problem, asks=MAX_ASKS)

    async def _once(self, request: ChatRequest, attempt: int, closing: asyncio.Event) -> ChatReply:
        key = self._key(request, attempt)
        entry = self.journal.get(key)
        if entry is None:
            async with self.budget.reserved(request, self.provider.body(request)) as paid:
                if closing.is_set():
                    raise StoppedError("stopped before all was asked", next_step="docent run")
                reply = await self.provider.send(request, closing)
                if reply.error:
                    return reply
                entry = Entry(reply.text, reply.finish_reason, reply.input_tokens, reply.output_tokens)
                paid.append(entry)
            await self._keep(key, entry)
        else:
            self.usage["from_journal"] += 1
        self.usage["requests"] += 1
        self.usage["input_tokens"] += entry.input_tokens
        self.usage["output_tokens"] += entry.output_tokens
        return ChatReply(entry.text, entry.finish_reason, entry.input_tokens, entry.output_tokens)

    def _key(self, request: ChatRequest, attempt: int) -> str:
        return journal_key(self.provider.name, self.provider.base_url, self.provider.body(request), attempt)

    async def _keep(self, key: str, entry: Entry) -> None:
        """Make a reply durable; replies that arrived meanwhile share one commit."""
        self._unsaved.append((key, entry))
        await asyncio.sleep(0)
        if self._unsaved:
            self.journal.put(self._unsaved)
            self._unsaved = []

    async def _drain(self, tasks: Sequence[asyncio.Task[ChatReply]]) -> None:
        """Wait a while for what is in flight, then cut the rest off."""
        if tasks:
            await asyncio.wait(tasks, timeout=DRAIN_S)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await self.provider.close()
