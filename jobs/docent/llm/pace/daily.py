"""Enforce daily allowances across all shards and runs that share the journal.

Reads the journal. Once in every minute of the wall clock, a shard takes its share of the allowance that was not used in
the last 24 hours; the part of the share that it does not use in this minute expires. So all shards together never
exceed the allowance, without communication between them. Wrong clocks are taken into account: time passes no faster
than the clock since the boot, and tries dated in the future count as begun now until a day has passed.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable

from docent.config.llm import Llm
from docent.errors import ConfigError
from docent.llm.journal.journal import Journal

log = logging.getLogger("docent.llm")

DAY_S = 86_400.0
MINUTE_S = 60.0


class DailyAllowance:
    """The requests and tokens that this shard may still use today.

    Args:
        llm: `requests_per_day`, `tokens_per_day`.
        shards: number of shards that share them.
        endpoint: the endpoint whose tries count.
        clock: returns seconds since 1970.
        since_boot: returns seconds that have really passed; `clock` if omitted.

    Raises:
        ConfigError: there are fewer requests than shards, so that no shard could ever begin one.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - two clocks, so that a test can set them
        self,
        llm: Llm,
        shards: int,
        journal: Journal,
        endpoint: str,
        clock: Callable[[], float] = time.time,
        since_boot: Callable[[], float] | None = None,
    ) -> None:
        if llm.requests_per_day is not None and llm.requests_per_day < shards:
            raise ConfigError(
                f"{llm.requests_per_day} requests a day are not enough for {shards} shards: each needs at least one",
                "llm.requests_per_day",
                f"run the stage with at most {llm.requests_per_day} shards: docent run",
            )
        self._limits = (llm.requests_per_day, llm.tokens_per_day)
        self._shards, self._journal, self._endpoint, self._clock = shards, journal, endpoint, clock
        self._since_boot = since_boot or clock
        self._boot_at_s = clock() - self._since_boot()
        self._ahead_seen_s: float | None = None
        self._left, self._minute, self._warned = [0.0, 0.0], -1, False
        self._one_asks = asyncio.Lock()

    async def take(self, tokens: float, pause: Callable[[float], Awaitable[None]]) -> None:
        """Count one request, which must be recorded in the journal at once; wait while no allowance is left.

        Args:
            tokens: estimated tokens of prompt and reply together.
            pause: waits for a number of seconds.
        """
        if self._limits == (None, None):
            return
        while not await self._is_room(tokens):
            if not self._warned:
                log.warning("waiting: this minute's share of the daily limit of %s is used up", self._endpoint)
                self._warned = True
            await pause(MINUTE_S - self._clock() % MINUTE_S)
        self._left = [self._left[0] - 1, self._left[1] - tokens]

    def give_back(self, tokens: float) -> None:
        """Undo a `take` after which nothing was sent."""
        self._left = [self._left[0] + 1, self._left[1] + tokens]

    async def _is_room(self, tokens: float) -> bool:
        async with self._one_asks:
            minute = int(self._clock() // MINUTE_S)
            if minute != self._minute:
                await self._ask(tokens)
                self._minute = minute
        limit = self._limits[1]
        needed = tokens if limit is None else min(tokens, limit / self._shards)
        return self._left[0] >= 1 and self._left[1] >= needed

    async def _ask(self, tokens: float) -> None:
        """Take this minute's share; tries without reported tokens are assumed to need as many as this request."""
        passed_s = self._since_boot()
        now_s = self._clock()
        since_s = min(now_s, self._boot_at_s + passed_s) - DAY_S
        seen_s = self._ahead_seen_s
        counts_ahead = seen_s is None or passed_s - seen_s < DAY_S
        used = await self._journal.used_since(self._endpoint, since_s, now_s, counts_ahead)
        if used.ahead and seen_s is None:
            self._ahead_seen_s = passed_s
            log.warning(
                "%d attempts at %s are dated in the future because a clock was wrong: they count as made now",
                used.ahead,
                self._endpoint,
            )
        amounts = (used.requests, used.tokens + used.unreported * tokens)
        self._left = [
            math.inf if limit is None else max(0.0, limit - amount) / self._shards
            for limit, amount in zip(self._limits, amounts, strict=True)
        ]
