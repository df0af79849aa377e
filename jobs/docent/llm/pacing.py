"""Pacing: a request is sent as soon as the endpoint can use it, and not before.

Reads and writes nothing. Five things hold a request back, each in a module of its own or a few lines here: the places
in flight (concurrency.py), the configured rates per minute, what the endpoint's headers tell, what its refusals tell
(limits.py), and a spread that keeps replies that came together from going out again in the same moment. Who waits is
served in turn. docs/chat-client.md has the picture.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from docent.config import Llm
from docent.errors import StoppedError
from docent.llm.concurrency import Concurrency
from docent.llm.limits import Bucket, FoundLimit, ToldLimit, told

SPREAD = 2.0
"""Requests go out at most so many times as fast as replies can come in."""
SPREAD_S = 0.003
"""What may go out at once, in seconds of that rate."""
BURST_S = 1.0
"""What may gather of a configured rate, in seconds of it."""


@dataclass(frozen=True, slots=True)
class Send:
    """One request on its way: its number, when it went, and the tokens it was taken to need."""

    number: int
    at_s: float
    tokens: float


class Pacer:
    """Lets requests go, one `admit` and one `ended` each. For one event loop.

    Args:
        llm: `max_in_flight` and the rates per minute, divided over the shards.
        shards: how many processes share the endpoint.
        clock: seconds, monotonic.
    """

    def __init__(self, llm: Llm, shards: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, now_s = clock, clock()
        self.concurrency = Concurrency(max(1, llm.max_in_flight // shards))
        self.found = FoundLimit()
        self._told = {"requests": ToldLimit(), "tokens": ToldLimit()}
        self._requests = _per_minute(llm.requests_per_minute, shards, now_s)
        self._tokens = _per_minute(llm.tokens_per_minute, shards, now_s)
        self._spread = Bucket(1.0, 1.0, now_s)
        self.in_flight = self._number = 0
        self._sent_tokens = 0.0
        self._sent: deque[tuple[int, float]] = deque(maxlen=4096)
        self._waiting: deque[tuple[asyncio.Future[Send], float]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def admit(self, tokens: float) -> Send:
        """Wait for a place and for every limit, then count the request as sent.

        Args:
            tokens: of prompt and reply together, as far as can be said before.
        """
        if not self._waiting and self._wait_s(tokens) <= 0:
            self._take(tokens)
            return Send(self._number, self._clock(), tokens)
        future: asyncio.Future[Send] = asyncio.get_running_loop().create_future()
        self._waiting.append((future, tokens))
        self._wake()
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.in_flight -= 1  # its turn had come just before
                self._wake()
            raise

    def ended(
        self,
        send: Send,
        how: Literal["replied", "busy", "failed", "lost"],
        tokens: float | None = None,
        wait_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """It is over: give its place to another, and learn.

        Args:
            tokens: what it really needed, where that is known.
            wait_s: what a refusal asked for.
            headers: of the reply.
        """
        now_s = self._clock()
        full = self.in_flight >= self.concurrency.limit
        self.in_flight -= 1
        if how == "replied":
            self.concurrency.ended(now_s - send.at_s, full, now_s)
        elif how == "lost":
            self.concurrency.ended(None, full, now_s)
        elif how == "busy":
            self.found.refused(send.number, wait_s, now_s)
        if self._tokens and tokens is not None:
            self._tokens.take(tokens - send.tokens)
        if headers:
            self._learn(headers, send, now_s)
        self._wake()

    def _learn(self, headers: Mapping[str, str], send: Send, now_s: float) -> None:
        """What was sent after this request is not yet in what its reply tells."""
        if "x-ratelimit-limit-requests" in headers and (said := told(headers, "requests")):
            self._told["requests"].learn(said, send.at_s, self._number - send.number, now_s)
        if "x-ratelimit-limit-tokens" in headers and (said := told(headers, "tokens")):
            before = next((total for number, total in self._sent if number == send.number), self._sent_tokens)
            self._told["tokens"].learn(said, send.at_s, self._sent_tokens - before, now_s)

    def _wait_s(self, tokens: float) -> float:
        """Seconds until the next one may go; infinite where only a free place helps."""
        if self.in_flight >= self.concurrency.limit:
            return math.inf
        now_s = self._clock()
        waits = self.found.wait_s(now_s)
        waits = max(waits, self._told["requests"].wait_s(1.0, now_s), self._told["tokens"].wait_s(tokens, now_s))
        if self._requests:
            waits = max(waits, self._requests.wait_s(1.0, now_s))
        if self._tokens:
            waits = max(waits, self._tokens.wait_s(tokens, now_s))
        return max(waits, self._spread_wait_s(now_s))

    def _spread_wait_s(self, now_s: float) -> float:
        """How long the spread holds back; its rate follows the places in flight and the fastest replies."""
        fastest_s = self.concurrency.fastest_s
        if not 0 < fastest_s < math.inf:
            return 0.0
        self._spread.rate_per_s = SPREAD * self.concurrency.limit / fastest_s
        self._spread.capacity = 1 + SPREAD_S * self._spread.rate_per_s
        return self._spread.wait_s(1.0, now_s)

    def _take(self, tokens: float) -> None:
        """Count one request as sent."""
        self.in_flight += 1
        self._number += 1
        self._sent_tokens += tokens
        self._sent.append((self._number, self._sent_tokens))
        self.found.sent(self._number, self._clock())
        self._spread.take(1.0)
        self._told["requests"].take(1.0)
        self._told["tokens"].take(tokens)
        if self._requests:
            self._requests.take(1.0)
        if self._tokens:
            self._tokens.take(tokens)

    def _wake(self) -> None:
        """Let those go whose turn has come; look again when the next one's has."""
        while self._waiting:
            future, tokens = self._waiting[0]
            if future.done():  # its task was cancelled
                self._waiting.popleft()
                continue
            wait_s = self._wait_s(tokens)
            if wait_s > 0:
                self._look_again(wait_s)
                return
            self._waiting.popleft()
            self._take(tokens)
            future.set_result(Send(self._number, self._clock(), tokens))

    def stop(self) -> None:
        """Send away all who wait. StoppedError reaches them."""
        for future, _ in self._waiting:
            if not future.done():
                future.set_exception(StoppedError("stopped before all was asked", next_step="docent run"))
        self._waiting.clear()
        self._look_again(math.inf)

    def _look_again(self, wait_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if wait_s < math.inf:
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._wake)


def _per_minute(amount: int | None, shards: int, now_s: float) -> Bucket | None:
    """A bucket for a configured rate; what gathers is one second's worth, for endpoints count in short windows."""
    if amount is None:
        return None
    rate_per_s = amount / 60 / shards
    return Bucket(rate_per_s, max(1.0, rate_per_s * BURST_S), now_s)
