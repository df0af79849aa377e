"""A time limit that does not count against a reply what this process slept through.

Reads the event loop's clock; writes nothing. A process that was suspended (SIGSTOP, a closed lid), or whose loop had
no turn, finds its timers overdue and the reply in the socket at the same moment. A timer that comes late therefore
gives the loop time to read first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

LATE_S = 0.25
"""A timer that comes so late was not held up by the load of a few callbacks."""
READ_S = 5.0
"""Time to read what has arrived, at most as long as the time limit itself."""
MOST_EXTENSIONS = 10


@asynccontextmanager
async def deadline(timeout_s: float) -> AsyncIterator[None]:
    """Cancel the body after so many seconds; after up to MOST_EXTENSIONS suspensions, a little later.

    Raises:
        TimeoutError: the time is over.
    """
    loop, extensions = asyncio.get_running_loop(), 0

    timer: asyncio.TimerHandle
    async with asyncio.timeout(None) as limit:

        def due() -> None:
            nonlocal timer, extensions
            late_s = loop.time() - timer.when()
            if late_s < LATE_S or extensions >= MOST_EXTENSIONS:
                limit.reschedule(loop.time())
                return
            extensions += 1
            timer = loop.call_later(min(READ_S, timeout_s), due)

        timer = loop.call_later(timeout_s, due)
        try:
            yield
        finally:
            timer.cancel()
