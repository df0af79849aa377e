"""Requests that another process is asking: who waits here for them, and one look at the journal for all.

Reads the journal through the function it is given; writes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from docent.errors import StoppedError

log = logging.getLogger("docent.llm")

POLL_S = 0.25


class Waiters:
    """Waits for the end of other processes' tries. For one event loop.

    Args:
        claimed: those of some keys that another process is still asking.
    """

    def __init__(self, claimed: Callable[[Sequence[bytes]], Awaitable[set[bytes]]]) -> None:
        self._claimed = claimed
        self._of: dict[bytes, list[asyncio.Future[None]]] = {}
        self._poller: asyncio.Task[None] | None = None
        self._said = False

    async def wait(self, key: bytes, longest_s: float) -> bool:
        """Wait until no other process asks this; False when it still does after `longest_s`.

        Raises:
            StoppedError: `stop` was called.
            ConfigError, TemporaryError: the journal cannot be read.
        """
        if not self._said:
            log.info("another process that shares the journal asks the same: its replies are waited for")
            self._said = True
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._of.setdefault(key, []).append(future)
        if self._poller is None or self._poller.done():
            self._poller = asyncio.get_running_loop().create_task(self._poll())
        try:
            async with asyncio.timeout(longest_s):
                await future
        except TimeoutError:
            return False
        finally:
            waiting = self._of.get(key, [])
            if future in waiting:
                waiting.remove(future)
            if not waiting:
                self._of.pop(key, None)
        return True

    def stop(self) -> None:
        """Send away all who wait. StoppedError reaches them."""
        self._end(list(self._of), StoppedError("stopped before all was asked", next_step="docent run"))
        if self._poller is not None:
            self._poller.cancel()
            self._poller = None  # who waits from now on needs another one

    async def _poll(self) -> None:
        while self._of:
            await asyncio.sleep(POLL_S)
            keys = list(self._of)
            try:
                claimed = await self._claimed(keys)
            except Exception as error:  # noqa: BLE001 - whatever it was, nobody may wait for ever
                self._end(keys, error)
                continue
            self._end([key for key in keys if key not in claimed])

    def _end(self, keys: Sequence[bytes], error: Exception | None = None) -> None:
        for key in keys:
            for future in self._of.pop(key, []):
                if future.done():
                    continue
                if error is None:
                    future.set_result(None)
                else:
                    future.set_exception(error)
