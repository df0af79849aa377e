"""Fill the journal through the endpoint's batch API before requests are answered in order.

Reads and writes the journal. As the ordered path then finds every reply in the journal, rows equal those of online
mode. Work proceeds in rounds (round.py). In a round, each request without a usable reply is added to a batch, or its
repetition if the last reply was unusable. When the batches have ended, their replies are checked as they would be
online, and the next round contains the requests that are still without a usable reply.
"""

import asyncio
import itertools
import logging
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence

from docent.config.llm import Llm
from docent.errors import ConfigError, StoppedError, TemporaryError
from docent.llm.batch.api import BatchApi
from docent.llm.batch.results import Outcome, Results
from docent.llm.batch.round import Running, Submission
from docent.llm.chat import ChatRequest
from docent.llm.in_order import STOP_POLL_S
from docent.llm.journal.journal import Entry
from docent.llm.sender import Ask, GaveUpError
from docent.llm.usable_reply import Ladder
from docent.llm.wire.endpoint import OpenAIEndpoint

log = logging.getLogger("docent.llm")

ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
LONGEST_DAYS = 7
"""Batches that take longer are abandoned; OpenAI ends one after a day, Azure may take longer."""
FULL_QUEUE_POLLS = 20
"""Number of polls to wait before lines are sent again after the queue was full."""


class Batches:
    """The batches of one call of `ask`.

    Args:
        ladder: the ladder of the ordered path, which builds the requests; its usage does not change.
        stop: if set, StoppedError is raised; batches continue at the endpoint.

    Attributes:
        results: counts the replies that arrived in batches during this call, each paid once.

    Raises:
        ConfigError: the endpoint has no batch API.
    """

    def __init__(self, llm: Llm, ladder: Ladder, stop: threading.Event) -> None:
        endpoint = ladder.provider
        if not isinstance(endpoint, OpenAIEndpoint) or not endpoint.kind.batches:
            raise ConfigError(
                f"the provider {llm.provider} has no batch API", "llm.mode", "set llm.mode to online, then: docent run"
            )
        self._llm, self._stop, self._api = llm, stop, BatchApi(llm, endpoint)
        self.results = Results(endpoint, ladder.sender, int(llm.max_reply_mb * 1e6))
        self._submission = Submission(llm, ladder.uncounted(), self._api, self.results)
        self._given_up: dict[bytes, str] = {}
        self._tries: Counter[bytes] = Counter()

    async def send(self, ask: Ask) -> Entry:
        """Replace Sender.send once all batches have ended: requests without a reply fail, and nothing is sent online.

        Raises:
            GaveUpError: always, with the reason.
        """
        raise GaveUpError(self._given_up.get(ask.key, "it has no reply in its batch"))

    async def fill(self, requests: Sequence[ChatRequest]) -> None:
        """Get a reply into the journal for every request, or a reason why there is none.

        Raises:
            ConfigError: key, model, URL, credit, a spending limit, or the endpoint refuses a batch as a whole.
            TemporaryError: the endpoint does not answer or makes no progress; its batches continue.
            StoppedError: `stop` was set.
        """
        work = asyncio.get_running_loop().create_task(self._fill(requests))
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=STOP_POLL_S)
                if self._stop.is_set() and not work.done():
                    raise StoppedError("stopped; submitted batches continue at the endpoint", next_step="docent run")
            work.result()
        finally:
            work.cancel()
            await asyncio.wait({work})
            await self._api.close()

    async def _fill(self, requests: Sequence[ChatRequest]) -> None:
        missing: Sequence[int] = range(len(requests))
        while missing:
            this = await self._submission.round(requests, missing, self._given_up)
            missing = this.missing
            self._given_up |= this.too_long
            if this.reached and not this.running:
                raise this.reached
            if missing and not this.running and not this.too_long:
                await asyncio.sleep(self._llm.batch_poll_s)  # another process is asking for all of them
            before = self.results.replied
            outcomes = [outcome async for outcome in self._ended(this.running)]
            await self._weigh(outcomes, self.results.replied > before)

    async def _ended(self, running: list[Running]) -> AsyncIterator[Outcome]:
        """Poll batches until all have ended, and yield each once its results are in the journal."""
        names = {run.token: f"batch {number} of {len(running)}" for number, run in enumerate(running, 1)}
        left, heard_s = list(running), time.monotonic()
        while left:
            for run in list(left):
                assert run.batch is not None
                try:
                    run.batch = await self._api.look(run.batch.id)
                    heard_s = time.monotonic()
                except TemporaryError as error:  # a batch takes hours, so an outage of minutes is not fatal
                    if time.monotonic() - heard_s > self._llm.deadline_s:
                        raise
                    log.warning("%s: %s", names[run.token], error.what)
                self._log_progress(names[run.token], run)
                if run.batch.status in ENDED:
                    left.remove(run)
                    yield await self.results.collect(self._api, run.batch, run.lines)
            if left:
                await asyncio.sleep(self._llm.batch_poll_s)

    def _log_progress(self, name: str, run: Running) -> None:
        """Log progress, and raise an error if a batch takes too long."""
        assert run.batch is not None
        counts = run.batch.request_counts
        if counts and counts.completed + counts.failed != run.logged:
            run.logged = counts.completed + counts.failed
            log.info("%s: %d of %d done (%s)", name, run.logged, counts.total, run.batch.status)
        if run.batch.status not in ENDED and time.time() - run.since_s > LONGEST_DAYS * 86_400:
            raise TemporaryError(
                f"the batch {run.batch.id} has not finished in {LONGEST_DAYS} days",
                self._llm.base_url,
                "cancel it at the endpoint (finished replies are kept), then: docent run",
            )

    async def _weigh(self, outcomes: Sequence[Outcome], others_replied: bool) -> None:
        """Count the tries of lines that must be sent again, and give up the lines that reached the limit."""
        for outcome in outcomes:
            self._given_up |= outcome.refused
        full = any(outcome.queue_is_full for outcome in outcomes)
        exhausted: dict[bytes, str] = {}
        for key, why in itertools.chain.from_iterable(outcome.again.items() for outcome in outcomes):
            # A batch that was rejected because the queue was full only waits for the other batches.
            self._tries[key] += not (full and others_replied)
            if self._tries[key] >= self._llm.max_attempts:
                exhausted[key] = f"no reply in {self._tries[key]} tries; the last: {why}"
        if exhausted and not self.results.replied:
            raise TemporaryError(
                next(iter(exhausted.values())), self._llm.base_url, "check the account, then: docent run"
            )
        self._given_up |= exhausted
        if full and not others_replied:
            log.warning("the endpoint's batch queue is full; retrying later")
            await asyncio.sleep(FULL_QUEUE_POLLS * self._llm.batch_poll_s)
