"""Enforce spending limits: a request is sent only if even its highest possible price stays within them.

Reads and writes nothing. What earlier attempts paid, or may have paid when they were killed, is counted before anything
is sent.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from docent.config.llm import Llm
from docent.errors import ConfigError, StoppedError
from docent.llm.journal.journal import Entry, Spent
from docent.llm.pace.prices import Prices, prices_of

TOKENS_PER_MESSAGE = 16
TOKENS_PER_IMAGE = 3_000
"""Assumed for an image until the reply reports its tokens; some models count more."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Tokens of prompt and reply, and their price in USD (0 if no price is known)."""

    tokens: float
    usd: float


class Budget:
    """Spent and reserved amounts, and the limits of one shard.

    Args:
        llm: prices, `max_usd` and `max_tokens`; limits are divided by `shards`, so that shards need not coordinate.
        shards: number of shards that share the limits.

    Raises:
        ConfigError: there is a limit in USD, but no prices.
    """

    def __init__(self, llm: Llm, shards: int) -> None:
        self.prices = prices_of(llm)
        self.max_usd = None if llm.max_usd is None else llm.max_usd / shards
        self.max_tokens = None if llm.max_tokens is None else llm.max_tokens / shards
        self._price = self.prices or Prices(0.0, 0.0)
        self.usd = self.tokens = self._reserved_usd = self._reserved_tokens = 0.0
        self._out, self.stopped = 0, False
        self._changed = asyncio.Event()
        if self.max_usd is not None and (self.prices is None or not (self._price.input_usd and self._price.output_usd)):
            known = "one of them is set to 0" if self.prices else f"none are listed for {llm.model!r}"
            raise ConfigError(
                f"a spending limit needs both prices, and {known}",
                "llm.max_usd",
                "set llm.usd_per_million_input_tokens and llm.usd_per_million_output_tokens",
            )

    @property
    def limited(self) -> bool:
        """Return whether there is any limit."""
        return self.max_usd is not None or self.max_tokens is not None

    def most(self, body_bytes: int, messages: int, images: int, max_tokens: int) -> Cost:
        """Return the highest possible cost: no token is shorter than a byte, so bytes bound the prompt's tokens."""
        sent = body_bytes + messages * TOKENS_PER_MESSAGE + images * TOKENS_PER_IMAGE
        return Cost(sent + max_tokens, self._price.usd(sent, max_tokens))

    def count(self, spent: Spent, most: Cost) -> None:
        """Add what earlier attempts paid for a request whose highest possible price is `most`."""
        self.usd += self._price.usd(spent.input_tokens, spent.output_tokens) + spent.in_doubt * most.usd
        self.tokens += spent.input_tokens + spent.output_tokens + spent.in_doubt * most.tokens

    async def reserve(self, most: Cost) -> None:
        """Reserve the highest possible price of a request; wait while replies in flight may turn out cheaper.

        Raises:
            ConfigError: a limit is reached.
        """
        while reached := self.reserve_now(most):
            if self._out == 0:
                raise reached
            self._changed.clear()
            await self._changed.wait()
            if self.stopped:
                raise StoppedError("stopped before all was asked", next_step="docent run")

    def reserve_now(self, most: Cost) -> ConfigError | None:
        """Reserve the highest possible price of a request if it fits now, otherwise return the error."""
        usd, tokens = self.usd + self._reserved_usd + most.usd, self.tokens + self._reserved_tokens + most.tokens
        if self.max_usd is not None and usd > self.max_usd:
            spent = f"{self.usd:.4f} of this shard's {self.max_usd:.4f} USD are spent, the next reply may cost"
            spent, where = f"{spent} {most.usd:.4f}", "llm.max_usd"
        elif self.max_tokens is not None and tokens > self.max_tokens:
            spent = f"{self.tokens:.0f} of this shard's {self.max_tokens:.0f} tokens are used, the next reply may need"
            spent, where = f"{spent} {most.tokens:.0f}", "llm.max_tokens"
        else:
            self._hold(most)
            return None
        return ConfigError(
            f"the spending limit is reached: {spent}",
            where,
            "raise it (replies so far are kept, nothing is paid twice), then: docent run",
        )

    def reserve_again(self, counted: Cost, most: Cost) -> None:
        """Reserve `most` for an earlier attempt's request that is still awaited and was counted as in doubt."""
        if self.limited:
            self.usd, self.tokens = self.usd - counted.usd, self.tokens - counted.tokens
        self._hold(most)

    def settle(self, most: Cost, paid: Entry | None, in_doubt: bool = False) -> None:
        """Release the reservation of a try and count its real cost, or the highest possible one if that is unknown."""
        self._out -= 1
        self._reserved_usd -= most.usd
        self._reserved_tokens -= most.tokens
        if in_doubt or (paid and not paid.input_tokens + paid.output_tokens):
            self.usd, self.tokens = self.usd + most.usd, self.tokens + most.tokens
        elif paid:
            self.usd += self._price.usd(paid.input_tokens, paid.output_tokens)
            self.tokens += paid.input_tokens + paid.output_tokens
        self._changed.set()

    def stop(self) -> None:
        """Raise StoppedError in all waiting calls."""
        self.stopped = True
        self._changed.set()

    def _hold(self, most: Cost) -> None:
        self._out += 1
        self._reserved_usd += most.usd
        self._reserved_tokens += most.tokens
