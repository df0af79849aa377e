"""Allowances per day, over all shards and runs that share the journal.

Reads the journal. A shard takes its part of what is left of the last 24 hours and asks again when that is used up, so
that shards never need to know of each other and all of them together stay below the allowance.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Awaitable, Callable

from docent.config import Llm
from docent.llm.journal import Journal

log = logging.getLogger("docent.llm")

DAY_S = 86_400.0
LOOK_AGAIN_S = 60.0


class DailyAllowance:
    """What this shard may still send and use today.

    Args:
        llm: `requests_per_day`, `tokens_per_day`.
        shards: how many share them.
        endpoint: whose tries count.
    """

    def __init__(self, llm: Llm, shards: int, journal: Journal, endpoint: str) -> None:
        self._limits = (llm.requests_per_day, llm.tokens_per_day)
        self._shards, self._journal, self._endpoint = shards, journal, endpoint
        self._left = [0.0, 0.0]

    async def take(self, tokens: float, pause: Callable[[float], Awaitable[None]]) -> None:
        """Count one request; waits, with `pause`, while the allowance is used up."""
        if self._limits == (None, None):
            return
        limit = self._limits[1]
        needed = tokens if limit is None else min(tokens, limit / self._shards)
        while self._left[0] < 1 or self._left[1] < needed:
            await self._ask()
            if self._left[0] < 1 or self._left[1] < needed:
                log.warning("the day's allowance for %s is used up: waiting for room in it", self._endpoint)
                await pause(LOOK_AGAIN_S)
        self._left = [self._left[0] - 1, self._left[1] - tokens]

    async def _ask(self) -> None:
        used = await self._journal.used_since(self._endpoint, time.time() - DAY_S)
        self._left = [
            math.inf if limit is None else max(0.0, limit - amount) / self._shards
            for limit, amount in zip(self._limits, used, strict=True)
        ]
