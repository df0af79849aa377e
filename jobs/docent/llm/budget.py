"""The spending limit: a request is sent only when even its dearest reply would stay below the limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from docent.config import Llm
from docent.errors import ConfigError
from docent.llm.chat import ChatRequest
from docent.llm.journal import Entry

_TOKENS_PER_MESSAGE = 16
LOOK_AGAIN_S = 0.05


class Budget:
    """Money spent on replies, and the limit of one shard.

    Args:
        llm: prices and `max_usd`, which is divided over `shards` so that no shard needs to know of another.
        shards: how many share the limit.

    Raises:
        ConfigError: a limit without prices.
    """

    def __init__(self, llm: Llm, shards: int) -> None:
        self.limit_usd = None if llm.max_usd is None else llm.max_usd / shards
        self.input_usd = llm.usd_per_million_input_tokens / 1e6
        self.output_usd = llm.usd_per_million_output_tokens / 1e6
        self.spent_usd = self._reserved_usd = 0.0
        if self.limit_usd is not None and not (self.input_usd and self.output_usd):
            raise ConfigError(
                "a spending limit needs both prices",
                "llm.max_usd",
                "set llm.usd_per_million_input_tokens and llm.usd_per_million_output_tokens",
            )

    def cost_usd(self, entry: Entry) -> float:
        """What a reply cost."""
        return entry.input_tokens * self.input_usd + entry.output_tokens * self.output_usd

    def count(self, entry: Entry) -> None:
        """Add a reply that was paid in an earlier attempt."""
        self.spent_usd += self.cost_usd(entry)

    @asynccontextmanager
    async def reserved(self, request: ChatRequest, body: dict[str, Any]) -> AsyncIterator[list[Entry]]:
        """Hold back the dearest price while a request is out; put the reply into the list to pay its real price.

        Raises:
            ConfigError: the limit is reached, and no request is out that may yet turn out cheaper.
        """
        most_usd = self._most_usd(request, body)
        await self._wait_for_room(most_usd)
        self._reserved_usd += most_usd
        paid: list[Entry] = []
        try:
            yield paid
        finally:
            self._reserved_usd -= most_usd
            # An endpoint that does not say how many tokens it used is taken to have used the most.
            self.spent_usd += sum(self.cost_usd(e) if e.input_tokens or e.output_tokens else most_usd for e in paid)

    def _most_usd(self, request: ChatRequest, body: dict[str, Any]) -> float:
        """No token is shorter than one byte, so the bytes of the messages bound the tokens of the prompt."""
        sent = sum(len(message.content.encode()) + _TOKENS_PER_MESSAGE for message in request.messages)
        return sent * self.input_usd + int(body.get("max_tokens", 0)) * self.output_usd

    async def _wait_for_room(self, most_usd: float) -> None:
        while self.limit_usd is not None and self.spent_usd + self._reserved_usd + most_usd > self.limit_usd:
            if self._reserved_usd <= 1e-12:
                raise ConfigError(
                    f"the spending limit is reached: {self.spent_usd:.4f} of this shard's {self.limit_usd:.4f} USD "
                    f"are spent, the next reply may cost {most_usd:.4f}",
                    "llm.max_usd",
                    "raise it, then: docent run (replies so far are kept, nothing is paid twice)",
                )
            await asyncio.sleep(LOOK_AGAIN_S)
