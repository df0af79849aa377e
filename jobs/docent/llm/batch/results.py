"""Record the results of a batch: end the try of each line in the journal, with the same outcome as online.

Reads result files; writes the journal. Nothing is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from docent.errors import ConfigError
from docent.llm.batch.api import BatchApi
from docent.llm.batch.files import Line, Result, results
from docent.llm.chat import RequestRefusedError
from docent.llm.journal.journal import Entry, TryState
from docent.llm.pace.retry import TryFailedError
from docent.llm.sender import MAX_WHY_CHARS, Sender
from docent.llm.wire.endpoint import OpenAIEndpoint
from docent.llm.wire.parameters import ADAPTED
from docent.messages.masking import mask

if TYPE_CHECKING:
    from openai.types import Batch

ENDED_AT_ONCE = 500
QUEUE_IS_FULL = "token_limit_exceeded"
"""Error code of a batch that failed only because too many requests of the account's other batches are queued."""


@dataclass
class Outcome:
    """Lines of one batch that have no reply.

    Attributes:
        again: reasons by key, for lines that are sent again.
        refused: reasons by key, for lines that will never get a reply.
        queue_is_full: whether the batch was not run because other batches have to finish first.
    """

    again: dict[bytes, str] = field(default_factory=dict)
    refused: dict[bytes, str] = field(default_factory=dict)
    queue_is_full: bool = False


class Results:
    """Records the outcome of lines in the journal.

    Args:
        max_reply_bytes: longer replies are skipped.

    Attributes:
        replied: number of lines with a reply.
    """

    def __init__(self, endpoint: OpenAIEndpoint, sender: Sender, max_reply_bytes: int) -> None:
        self.endpoint, self._sender, self._max_reply_bytes = endpoint, sender, max_reply_bytes
        self.replied = 0

    async def collect(self, api: BatchApi, batch: Batch, lines: Mapping[bytes, Line]) -> Outcome:
        """Record the results of a batch that has ended, complete or not; all are durable when this returns.

        Raises:
            ConfigError: the batch was cancelled, or it or one of its lines was refused for a reason that applies to
                all.
            TemporaryError: the results cannot be fetched now.
        """
        outcome, left = Outcome(), dict(lines)
        refusal: ConfigError | None = None
        gone = False
        for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
            file = await api.download(file_id)
            if file is None:
                gone = True
                continue
            with file:
                known = (result for result in results(file, self._max_reply_bytes) if result.key in left)
                while some := list(islice(known, ENDED_AT_ONCE)):
                    ends = [self._end(left.pop(result.key), result, outcome) for result in some if result.key in left]
                    refusal = next(filter(None, await asyncio.gather(*ends)), refusal)
        words = self._words(batch)
        # A completed batch has charged for all its lines, even if the reply cannot be read.
        await self.refuse(left, words, TryState.LOST if gone or batch.status == "completed" else TryState.REFUSED)
        outcome.again |= dict.fromkeys(left, words)
        codes = [error.code for error in (batch.errors.data if batch.errors else None) or []]
        outcome.queue_is_full = batch.status == "failed" and QUEUE_IS_FULL in codes
        if refusal := refusal or self._refusal(batch, words, outcome):
            raise refusal
        return outcome

    async def refuse(self, lines: Mapping[bytes, Line], why: str, state: TryState = TryState.REFUSED) -> None:
        """End the tries of lines without a result."""
        rest = iter(lines.values())
        while some := list(islice(rest, ENDED_AT_ONCE)):
            await asyncio.gather(*(self._close(line, state, None, why) for line in some))

    async def _end(self, line: Line, result: Result, outcome: Outcome) -> ConfigError | None:
        """End the try of one line; return the error that applies to all lines, if any."""
        refusal: ConfigError | None = None
        try:
            if result.reply is None:
                raise TryFailedError(self.endpoint.clean(result.why))
            if self.endpoint.takes_otherwise(result.reply, ADAPTED):
                raise TryFailedError("the endpoint rejects a field of the request: it is renamed or left out")
            entry = self.endpoint.answer_of(result.reply)
        except TryFailedError as failed:
            why = outcome.again[line.key] = str(failed)
        except RequestRefusedError as refused:
            why = outcome.refused[line.key] = str(refused)
        except ConfigError as refused:
            refusal, why = refused, refused.what
        else:
            self.replied += 1
            await self._close(line, TryState.REPLIED, entry, "")
            return None
        await self._close(line, TryState.REFUSED, None, why)
        return refusal

    async def _close(self, line: Line, state: TryState, entry: Entry | None, why: str) -> None:
        self._sender.counts.tries[state.name.lower()] += 1
        self._sender.budget.settle(line.most, entry, state is TryState.LOST)
        assert line.attempt is not None  # set before its batch is created
        await self._sender.journal.end(line.attempt, state, entry, mask(why)[:MAX_WHY_CHARS])

    def _words(self, batch: Batch) -> str:
        """Return why lines of a batch have no result."""
        if batch.status == "completed":
            return "its batch has no readable result for it (a reply longer than llm.max_reply_mb has none)"
        errors = (batch.errors.data if batch.errors else None) or []
        messages = "; ".join(f"line {e.line}: {e.message}" if e.line else str(e.message or e.code) for e in errors[:3])
        details = f": {self.endpoint.clean(messages)}" if messages else ""
        return f"its batch {'was cancelled' if batch.status == 'cancelled' else batch.status}{details}"

    def _refusal(self, batch: Batch, words: str, outcome: Outcome) -> ConfigError | None:
        """Return the error for a batch that failed as a whole, or None."""
        where = f"{self.endpoint.base_url} (batch {batch.id})"
        if batch.status == "cancelled":
            return ConfigError(
                "a batch was cancelled at the endpoint, not by docent",
                where,
                "finished replies are kept; to send the other requests in a new batch: docent run",
            )
        if batch.status == "failed" and not outcome.queue_is_full:
            return ConfigError(
                f"the endpoint rejected a batch: {words}", where, "fix the reported cause, or set llm.mode to online"
            )
        return None
