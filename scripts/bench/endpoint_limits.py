"""Limit the mock endpoint's load: token buckets with OpenAI's headers, and concurrency slots with a queue.

Reads and writes no files; used by `endpoint.py`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable


class Bucket:
    """A token bucket: `rate` per second flow in, up to `size`; it starts full."""

    def __init__(self, rate: float, size: float) -> None:
        self.rate = rate
        self.size = size
        self._level = size
        self._at_s = time.monotonic()

    def level(self) -> float:
        """Return the current level."""
        now_s = time.monotonic()
        self._level = min(self.size, self._level + (now_s - self._at_s) * self.rate)
        self._at_s = now_s
        return self._level

    def take(self, amount: float) -> None:
        """Take an amount that `level` has shown to be available."""
        self._level -= amount

    def headers(self, what: str) -> str:
        """Return OpenAI's header lines for `requests` or `tokens`: limit per minute, remaining, time until full."""
        level = self.level()
        return (
            f"x-ratelimit-limit-{what}: {round(self.rate * 60)}\r\n"
            f"x-ratelimit-remaining-{what}: {max(0, int(level))}\r\n"
            f"x-ratelimit-reset-{what}: {span((self.size - level) / self.rate)}\r\n"
        )


def span(seconds: float) -> str:
    """Format seconds as OpenAI's headers do: 120ms, 1.5s, 6m0s, 1h0m30s."""
    if seconds < 1:
        return f"{max(0, round(seconds * 1000))}ms"
    if seconds < 60:
        return f"{round(seconds, 3):g}s"
    minutes, rest_s = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{rest_s}s" if hours else f"{minutes}m{rest_s}s"


class Slots:
    """Concurrency slots; further requests wait in order of arrival, as with vLLM. None: no limit."""

    def __init__(self, count: int | None) -> None:
        self.count = count
        self.used = 0
        self.used_max = 0
        self.waiting: deque[Callable[[], bool]] = deque()
        self.waiting_max = 0

    def enter(self, start: Callable[[], bool]) -> None:
        """Start now or when a slot becomes free. `start` returns False, and uses no slot, if the client is gone."""
        if self.count is None or self.used < self.count:
            self._start(start)
        else:
            self.waiting.append(start)
            self.waiting_max = max(self.waiting_max, len(self.waiting))

    def leave(self) -> None:
        """Free a slot and start the next request."""
        self.used -= 1
        while self.waiting and (self.count is None or self.used < self.count):
            self._start(self.waiting.popleft())

    def _start(self, start: Callable[[], bool]) -> None:
        self.used += 1
        self.used_max = max(self.used_max, self.used)
        if not start():
            self.used -= 1
