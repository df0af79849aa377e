"""Enforce spending limits: a request is sent only if even its highest possible price stays within them.

Reads and writes nothing. The costs of earlier attempts, including requests in flight when they were killed, are counted
before any request is sent.
"""

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
            problem = "one of them is 0" if self.prices else f"docent has no list prices of {llm.model!r}"
            raise ConfigError(
                f"a limit in USD requires the prices of input and output tokens, but {problem}",
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
        """Add the costs of a request in earlier attempts; `most` is counted for each try with an unknown end."""
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
                raise StoppedError("stopped before all requests were sent", next_step="docent run")

    def reserve_now(self, most: Cost) -> ConfigError | None:
        """Reserve the highest possible price of a request if it fits now, otherwise return the error."""
        for where, unit, digits, used, reserved, limit, needed in (
            ("llm.max_usd", "USD", 4, self.usd, self._reserved_usd, self.max_usd, most.usd),
            ("llm.max_tokens", "tokens", 0, self.tokens, self._reserved_tokens, self.max_tokens, most.tokens),
        ):
            if limit is not None and used + reserved + needed > limit:
                return ConfigError(
                    f"the spending limit is reached: {used:.{digits}f} of this shard's {limit:.{digits}f} {unit} are "
                    f"used, and the next reply may take up to {needed:.{digits}f}",
                    where,
                    "raise the limit (replies so far are kept, nothing is paid twice), then: docent run",
                )
        self._hold(most)
        return None

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
