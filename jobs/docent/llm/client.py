"""Ask a teacher: send many requests concurrently, return replies in the order of requests, pay for each reply once.

Reads and writes the journal. Every reply is recorded there before it is returned, so a killed or failed attempt repeats
only requests in flight. usable_reply.py checks replies and repeats requests with unusable ones, a few times;
sender.py sends, and pacing.py decides when. docs/chat-client.md has a diagram.
"""

import asyncio
import os
import threading
from collections import Counter
from collections.abc import Coroutine, Generator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from docent.config.llm import Llm
from docent.errors import ConfigError, PipelineError, StoppedError
from docent.llm.chat import ChatReply, ChatRequest
from docent.llm.in_order import STOP_POLL_S, InOrder
from docent.llm.journal.expected import FILE as EXPECTED_FILE
from docent.llm.journal.expected import Expected
from docent.llm.journal.journal import Journal, count_known
from docent.llm.pace.budget import Budget
from docent.llm.sender import Provider, Sender, asked
from docent.llm.usable_reply import Ladder

DRAIN_S = 20.0
"""How long to wait for replies that are already paid for when the work ends early."""
COUNTED_AT_ONCE = 500


def _provider(llm: Llm, environ: Mapping[str, str]) -> Provider:
    # Each is slow to import, and no run needs both.
    if llm.provider == "offline":
        from docent.teacher.offline import OfflineTeacher

        return OfflineTeacher()
    from docent.llm.wire.endpoint import OpenAIEndpoint

    return OpenAIEndpoint(llm, environ)


class ChatClient:
    """A teacher with a journal, spending limits and rate limits. For use in one thread.

    Args:
        llm: the `llm` section of the configuration.
        journal: path of the journal's folder.
        shards: number of processes that share the limits.
        stop: if set, no further request is sent and StoppedError is raised.
        environ: environment variables, for the API key.
        drain_s: how long to wait for replies in flight when the work ends early.
        run_dir: folder for a note of how many replies the journal held; without it, a deleted journal is not noticed.

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
        drain_s: float = DRAIN_S,
        run_dir: Path | None = None,
    ) -> None:
        self.llm, self.provider = llm, _provider(llm, environ)
        budget = Budget(llm, shards)
        self.journal = Journal(journal)
        self.sender = Sender(llm, self.provider, self.journal, budget, shards)
        paid = run_dir is not None and self.provider.name != "offline"
        self._expected = Expected(run_dir / EXPECTED_FILE, self.journal) if run_dir and paid else None
        self.usage: Counter[str] = Counter()
        self.stop, self.drain_s = stop or threading.Event(), drain_s
        self._loop = asyncio.new_event_loop()

    @property
    def teacher(self) -> str:
        """Return the name of the teacher: `offline-extractive` or the model's name."""
        return self.provider.teacher

    def __enter__(self) -> "ChatClient":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.run_until_complete(self.provider.close())
        self._loop.close()
        self.journal.close()

    def ask(self, requests: Sequence[ChatRequest]) -> Generator[ChatReply, None, None]:
        """Yield the replies in the order of the requests.

        Only one call may be active. Exhaust the iterator, because the counts are checked after the last reply, or close
        it (contextlib.closing): it then waits for replies already paid for.

        Args:
            requests: the requests, all with a schema or all without; accessed only by index, so that each may be built
                when it is needed.

        Raises:
            ConfigError: the endpoint refuses the key or the model, or a spending limit is reached.
            TemporaryError: the endpoint is down; all replies received so far are in the journal.
            StoppedError: `stop` was set.
            PipelineError: the counts of requests do not add up.
        """
        counts = self.sender.counts
        counts.plan(len(requests))
        self.sender.start()
        done = self._loop.run_until_complete
        ladder = Ladder(self.provider, self.sender, self.usage)
        line = InOrder(ladder, requests, self.stop)
        try:
            if self._expected:
                done(self._expected.check(self.sender.budget.limited))
            done(self._stoppable(self._prepared(requests, ladder, line)))
            while replies := done(line.next_replies()):
                if self._expected:
                    done(self._expected.note())
                for reply in replies:
                    counts.close(reply)
                    yield reply
        except PipelineError as error:
            done(self._drained(line))
            if answered := done(self._answered(requests, ladder)):
                error.what += f" ({answered} of {len(requests)} requests have their reply)"
            raise
        finally:
            done(self._drained(line))
            if self._expected:
                done(self._expected.note(at_once=True))
        counts.check()

    def amounts(self) -> dict[str, float]:
        """Return usage for marker and report: requests and tries by outcome, tokens, and USD if known."""
        used = {name: float(number) for name, number in self.usage.items() if number}
        amounts = used | self.sender.counts.amounts()
        if self.sender.budget.prices is not None:
            amounts["usd"] = self.sender.budget.prices.usd(self.usage["input_tokens"], self.usage["output_tokens"])
        return amounts

    def line(self) -> str:
        """Return the current state for the progress line."""
        pacer, tokens = self.sender.pacer, self.usage["input_tokens"] + self.usage["output_tokens"]
        usd = self.amounts().get("usd")
        money = f", {usd:.2f} USD" if usd else ""
        return f"{tokens} tokens{money}, {pacer.in_flight} in flight of {pacer.concurrency.limit}"

    async def _stoppable(self, work: Coroutine[Any, Any, None]) -> None:
        """Await a coroutine; once `stop` is set, wait at most `drain_s` for it."""
        task = self._loop.create_task(work)
        while not task.done():
            await asyncio.wait({task}, timeout=STOP_POLL_S)
            if self.stop.is_set():
                self.sender.stop()
                await asyncio.wait({task}, timeout=self.drain_s)
                break
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
            raise StoppedError("stopped before all requests were sent", next_step="docent run")
        task.result()

    async def _prepared(self, requests: Sequence[ChatRequest], ladder: Ladder, line: InOrder) -> None:
        """Determine, before any request is sent, how to request JSON and how much was already paid."""
        if requests and requests[0].schema is not None:
            await ladder.find_rung(self.llm)
        if self.sender.budget.limited:
            for firsts in ladder.firsts(requests, range(len(requests)), COUNTED_AT_ONCE):
                asks = {ask.first: ask for ask in firsts.values()}
                line.first_keys += (ask.key for ask in firsts.values())
                for key, spent in (await self.journal.spent(list(asks))).items():
                    self.sender.budget.count(spent, self.sender.most(asks[key]))
        if self.llm.mode == "batch":
            await self._filled(requests, ladder)

    async def _filled(self, requests: Sequence[ChatRequest], ladder: Ladder) -> None:
        """Fill the journal through batches; afterwards, nothing is sent online."""
        from docent.llm.batch.batch import Batches  # the openai package, which takes a second to import

        batches = Batches(self.llm, ladder, self.stop)
        await batches.fill(requests)
        ladder.send = batches.send
        self.usage["from_journal"] -= batches.results.replied

    async def _answered(self, requests: Sequence[ChatRequest], ladder: Ladder) -> int:
        """Return the number of requests with a reply in the journal, as far as it can be determined."""
        if requests and requests[0].schema is not None and ladder.rung is None:
            return 0
        answered = 0
        try:
            for firsts in ladder.firsts(requests, range(len(requests)), COUNTED_AT_ONCE):
                answered += len(await self.journal.known([ask.key for ask in firsts.values()]))
        except ConfigError:  # a request that this teacher never accepts; the original error explains more
            return 0
        return answered

    async def _drained(self, line: InOrder) -> None:
        """Wait until replies in flight are durable."""
        self.sender.stop()
        await line.drain(self.drain_s)
        await self.journal.settled()


def known_replies(llm: Llm, journal: Path, requests: Sequence[ChatRequest]) -> int:
    """Return how many of these requests the journal can answer; nothing is sent and no key is needed.

    Requests with a schema are not counted, because their final form is only known after the endpoint was probed.

    Raises:
        ConfigError, TemporaryError: the journal cannot be read.
    """
    provider = _provider(llm, {llm.api_key_env: "none"})
    free_text = [request for request in requests if request.schema is None]
    return count_known(journal, [asked(provider, request, provider.body(request)).key for request in free_text])
