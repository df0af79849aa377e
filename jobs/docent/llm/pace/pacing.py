"""Send each request as soon as all limits allow it.

Reads and writes nothing. Four limits hold a request back: the places in flight (concurrency.py), the configured rates
per minute, the limits in the endpoint's headers, and the rate measured from its refusals (limits.py). Waiting requests
are served in order. docs/chat-client.md has a diagram.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from docent.config.llm import Llm
from docent.errors import StoppedError
from docent.llm.pace.concurrency import Concurrency
from docent.llm.pace.limits import Bucket, MeasuredLimit, reported_bucket
from docent.llm.pace.retry import How
from docent.llm.wire.header_numbers import rate_limit

AT_ONCE, SPREAD, FEWEST_PER_S = 4.0, 4.0, 500.0
"""Replies that arrive together cause requests to be sent together: a few at once, the others at this multiple of the
rate of replies, so that refusals of the first are seen while the last are still held."""
FIRST_PER_S = 4000.0
"""Rate until that is known: sending all places at once would overload an endpoint with a small burst limit."""
BURST_S = 1.0
"""Burst of a configured rate, in seconds of it."""


@dataclass(frozen=True, slots=True)
class Send:
    """A request in flight: its number, when it was sent, and its estimated tokens."""

    number: int
    at_s: float
    tokens: float


class Pacer:
    """Admits requests: `place`, then `admit`, then `ended` for each of them. For use in one event loop.

    A place is taken before the request is recorded in the journal and given back when it has ended; `admit` comes last,
    so that requests recorded in one commit do not wait twice and refusals are seen while others are still held.

    Args:
        llm: `max_in_flight` and the rates per minute, divided by `shards`.
        shards: number of processes that share the endpoint.
        clock: returns monotonic seconds.
    """

    def __init__(self, llm: Llm, shards: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, now_s = clock, clock()
        self.concurrency = Concurrency(max(1, llm.max_in_flight // shards))
        self.measured = MeasuredLimit()
        self._reported: dict[str, Bucket] = {}
        per_minute = {"requests": llm.requests_per_minute, "tokens": llm.tokens_per_minute}
        self._configured = {
            # A burst of one second, because endpoints count in short windows.
            what: Bucket(amount / 60 / shards, max(1.0, amount / 60 / shards * BURST_S), now_s)
            for what, amount in per_minute.items()
            if amount is not None
        }
        self._evenly = Bucket(FIRST_PER_S, AT_ONCE, now_s)
        self.in_flight = self._number = self._reported_by = 0
        self._sent_tokens: deque[float] = deque([0.0], maxlen=4096)
        self._for_place: deque[asyncio.Future[None]] = deque()
        self._for_turn: deque[tuple[asyncio.Future[Send], float]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def place(self) -> None:
        """Wait for a free place among the requests in flight."""
        if not self._for_place and self.in_flight < self.concurrency.limit:
            self.in_flight += 1
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._for_place.append(future)
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.leave()  # the place had just been assigned
            raise

    def leave(self) -> None:
        """Give the place to the next waiting request."""
        self.in_flight -= 1
        while self._for_place and self.in_flight < self.concurrency.limit:
            future = self._for_place.popleft()
            if not future.done():  # else its task was cancelled
                self.in_flight += 1
                future.set_result(None)

    async def admit(self, tokens: float) -> Send:
        """Wait for every limit, then count the request as sent.

        Args:
            tokens: estimated tokens of prompt and reply together.
        """
        if not self._for_turn and self._wait_s(tokens) <= 0:
            return self._sent(tokens)
        future: asyncio.Future[Send] = asyncio.get_running_loop().create_future()
        self._for_turn.append((future, tokens))
        self._let_go()
        return await future

    def ended(
        self,
        send: Send,
        how: How | Literal["replied"],
        tokens: float | None = None,
        wait_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Update the limits from a request that has ended. Its place is given back with `leave`.

        Args:
            tokens: the tokens that it really needed, if known.
            wait_s: the pause that a refusal requested.
            headers: headers of the reply.
        """
        now_s = self._clock()
        full = self.in_flight >= self.concurrency.limit and not self._for_turn
        if how == "replied":
            self.concurrency.ended(now_s - send.at_s, full, now_s)
        elif how == "lost":
            self.concurrency.ended(None, full, now_s)
        elif how == "busy":
            self.measured.refused(send.number, wait_s, now_s)
        if tokens is not None and "tokens" in self._configured:
            self._configured["tokens"].take(tokens - send.tokens)
        if headers:
            self._learn(headers, send)
        if self._for_turn:
            self._let_go()

    def stop(self) -> None:
        """Raise StoppedError in all waiting calls."""
        waiting: list[asyncio.Future[Any]] = [*self._for_place, *(future for future, _ in self._for_turn)]
        for future in waiting:
            if not future.done():
                future.set_exception(StoppedError("stopped before all requests were sent", next_step="docent run"))
        self._for_place.clear()
        self._for_turn.clear()
        self._look_again(math.inf)

    def _learn(self, headers: Mapping[str, str], send: Send) -> None:
        """Update limits from headers, which do not count later requests; headers of an older reply are ignored."""
        if send.number < self._reported_by:
            return
        self._reported_by, since = send.number, self._number - send.number
        tokens_since = self._sent_tokens[-1] - self._sent_tokens[max(-1 - since, -len(self._sent_tokens))]
        for what, sent_since in (("requests", since), ("tokens", tokens_since)):
            limit = rate_limit(headers, what)
            if limit and (bucket := reported_bucket(limit, send.at_s, sent_since)):
                self._reported[what] = bucket

    def _wait_s(self, tokens: float) -> float:
        """Return seconds until the next one may be sent."""
        now_s = self._clock()
        if (fastest_s := self.concurrency.fastest_s) < math.inf:
            self._evenly.rate_per_s = max(FEWEST_PER_S, SPREAD * self.concurrency.limit / max(fastest_s, 1e-6))
        waits = [bucket.wait_s(amount, now_s) for bucket, amount in self._amounts(tokens)]
        return max(self.measured.wait_s(now_s), *waits)

    def _amounts(self, tokens: float) -> list[tuple[Bucket, float]]:
        """Return every bucket with the amount that one request takes from it."""
        buckets = [*self._configured.items(), *self._reported.items()]
        return [(self._evenly, 1.0), *((bucket, tokens if what == "tokens" else 1.0) for what, bucket in buckets)]

    def _sent(self, tokens: float) -> Send:
        """Count one request as sent."""
        self._number += 1
        self._sent_tokens.append(self._sent_tokens[-1] + tokens)
        now_s = self._clock()
        self.measured.sent(self._number, now_s)
        for bucket, amount in self._amounts(tokens):
            bucket.take(amount)
        return Send(self._number, now_s, tokens)

    def _let_go(self) -> None:
        """Admit waiting requests as far as the limits allow, and schedule the next check."""
        while self._for_turn:
            future, tokens = self._for_turn[0]
            if not future.done():
                wait_s = self._wait_s(tokens)
                if wait_s > 0:
                    self._look_again(wait_s)
                    return
                future.set_result(self._sent(tokens))
            self._for_turn.popleft()

    def _look_again(self, wait_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if wait_s < math.inf:
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._let_go)
