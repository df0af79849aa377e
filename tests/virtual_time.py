"""Hours in a moment: an event loop whose clock jumps to the next timer, and an endpoint that lives by that clock."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from docent.llm.pace.pacing import Pacer
from docent.llm.pace.retry import wait_s

T = TypeVar("T")
HEARD_S = 0.002
"""Until a refusal is there."""


class _Jumping(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    jumped_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "everybody waits and no timer will ever wake one of them"
        self.jumped_s += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Sleeping costs nothing; where all wait for each other for ever, it fails instead of hanging."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.jumped_s


def in_virtual_time(work: Callable[[Callable[[], float]], Coroutine[Any, Any, T]]) -> T:
    """Run `work(clock)`; the clock starts at 0."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(work(loop.time))
    finally:
        loop.close()


@dataclass
class Endpoint:
    """What refuses: a token bucket, a window of fixed length, or chance.

    Attributes:
        rate_per_s: of the bucket; may be replaced while it is used.
        burst: size of the bucket.
        window: seconds, and requests allowed in each.
        lone: share of requests refused without any reason.
        retry_after_s: what a refusal asks for; -1 is the rest of the window.
        latency_s: of a reply.
        headers: told with every reply; called with what the bucket holds.
    """

    rate_per_s: float = float("inf")
    burst: float = 100
    window: tuple[float, int] | None = None
    lone: float = 0.0
    retry_after_s: float | None = None
    latency_s: float = 0.2
    headers: Callable[[float], Mapping[str, str]] = lambda _: {}
    seed: int = 1
    seen: int = 0
    refused: int = 0
    _level: float = field(init=False)
    _at_s: float = 0.0
    _window: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        self._level, self._chance = self.burst, random.Random(self.seed)

    async def answer(self) -> tuple[bool, Mapping[str, str]]:
        """One request: whether it was answered, and the headers, which tell how it stood when it came."""
        self.seen += 1
        accepted = self._accepts(asyncio.get_running_loop().time())
        self.refused += not accepted
        headers = self.headers(max(0.0, self._level))
        await asyncio.sleep(self.latency_s if accepted else HEARD_S)
        return accepted, headers

    def _accepts(self, now_s: float) -> bool:
        if self.rate_per_s < float("inf"):
            self._level = min(self.burst, self._level + (now_s - self._at_s) * self.rate_per_s)
            self._at_s = now_s
            if self._level < 1:
                return False
            self._level -= 1
        if self.window:
            number = int(now_s // self.window[0])
            self._window = (number, self._window[1] + 1 if number == self._window[0] else 1)
            if self._window[1] > self.window[1]:
                return False
        return self._chance.random() >= self.lone

    def asked_wait_s(self) -> float | None:
        """`Retry-After` of a refusal."""
        if self.window and self.retry_after_s == -1:
            return self.window[0] - asyncio.get_running_loop().time() % self.window[0]
        return self.retry_after_s


@dataclass(frozen=True)
class Played:
    """How it went: seconds until the last reply and until 95 % of them, share refused, replies by second."""

    seconds: float
    refused: float
    by_second: list[int]
    nearly_all_s: float

    def per_s(self, start_s: int, end_s: int) -> float:
        """Replies per second in between."""
        return sum(self.by_second[start_s:end_s]) / (end_s - start_s)


async def play(pacer: Pacer, endpoint: Endpoint, requests: int, tokens: float = 100.0) -> Played:
    """Ask `requests` times as the client does: a place, its turn, and after a refusal a wait and the same again."""
    random.seed(endpoint.seed)
    clock = asyncio.get_running_loop().time
    left = iter(range(requests))
    start_s, ends = clock(), list[float]()

    async def one() -> None:
        tries = 0
        while True:
            tries += 1
            await pacer.place()
            send = await pacer.admit(tokens)
            answered, headers = await endpoint.answer()
            asked_s = endpoint.asked_wait_s()
            pacer.ended(send, "replied" if answered else "busy", tokens, asked_s, headers)
            pacer.leave()
            if answered:
                ends.append(clock() - start_s)
                return
            await asyncio.sleep(wait_s(tries, asked_s))

    async def worker() -> None:
        for _ in left:
            await one()

    await asyncio.gather(*(worker() for _ in range(4 * pacer.concurrency.most)))
    by_second = [0] * (int(max(ends)) + 1)
    for end_s in ends:
        by_second[int(end_s)] += 1
    return Played(max(ends), endpoint.refused / endpoint.seen, by_second, sorted(ends)[int(0.95 * requests) - 1])
