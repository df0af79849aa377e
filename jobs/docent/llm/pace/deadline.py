"""Limit the time of a request without counting time in which this process was suspended.

Reads the event loop's clock; writes nothing. If a process was suspended (SIGSTOP, a closed lid) or its event loop was
blocked, timers are overdue at the same moment as the reply becomes readable. A timer that fires late therefore gives
the loop time to read first.
"""

import asyncio
import time
from types import TracebackType

LATE_S = 0.25
"""A timer that is this late was not delayed by the load of a few callbacks."""
READ_S = 5.0
"""Time to read what has arrived; at most the time limit itself."""
MOST_EXTENSIONS = 10


def since_boot_s() -> float:
    """Return seconds since the boot, including those in which the machine slept: a clock that cannot be set."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class deadline:  # noqa: N801 - used like asyncio.timeout
    """Cancel the body after `timeout_s` seconds; extended a little after up to MOST_EXTENSIONS suspensions.

    A class, because an asynchronous generator would take a tenth of the time of a complete request.

    Raises:
        TimeoutError: the time is over.
    """

    __slots__ = ("_extensions", "_limit", "_timeout_s", "_timer")

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s, self._extensions = timeout_s, 0

    async def __aenter__(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._timeout_s, self._due)
        self._limit = asyncio.timeout(None)
        await self._limit.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._timer.cancel()
        await self._limit.__aexit__(kind, error, at)

    def _due(self) -> None:
        loop = asyncio.get_running_loop()
        late_s = loop.time() - self._timer.when()
        if late_s < LATE_S or self._extensions >= MOST_EXTENSIONS:
            self._limit.reschedule(loop.time())
            return
        self._extensions += 1
        self._timer = loop.call_later(min(READ_S, self._timeout_s), self._due)
