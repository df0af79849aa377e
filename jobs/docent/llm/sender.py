"""Send one paid request: reserve its price, record the try, wait for the rate limits, send it, record its end, retry.

Writes the journal; the modules named here do everything else. A request is sent at most `llm.max_attempts` times, not
counting refusals because of too many requests (HTTP 429), and not later than `llm.deadline_s` after its first failure:
the time before that, in which it waited for the rate limits, does not count.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from docent.config.llm import Llm
from docent.errors import ConfigError, StoppedError
from docent.llm.accounting import RequestCounts
from docent.llm.chat import ChatRequest, Message, RequestRefusedError
from docent.llm.journal.journal import Entry, Journal, Try, TryState, journal_key
from docent.llm.pace.budget import Budget, Cost
from docent.llm.pace.daily import DailyAllowance
from docent.llm.pace.deadline import since_boot_s
from docent.llm.pace.pacing import Pacer
from docent.llm.pace.retry import RetryBudget, TryFailedError, no_reply, wait_s
from docent.llm.structure.structure import response_format
from docent.messages.masking import mask
from docent.records import canonical_json

log = logging.getLogger("docent.llm")

LOGGED_EVERY_S = 15.0
BYTES_PER_TOKEN = 4
MAX_WHY_CHARS = 200
LONGEST_CLAIM_S = 3600.0
"""After this time a request is sent although another running process has sent it as well."""
HARMLESS = ChatRequest((Message("user", "Answer with the word yes."),), 0.0, 16)
"""Sent after all tries of a request failed, to find out whether the request or the endpoint is the cause."""
_PLACEHOLDER = secrets.token_hex(16)
"""Random, so that no text of a request can contain it."""


class Provider(Protocol):
    """One kind of teacher: the offline one, or an endpoint of a kind in wire/providers.py."""

    name: str
    teacher: str
    base_url: str
    has_answered: bool

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """Return all fields that determine the reply, without credentials; the journal's key is their hash."""

    async def send(self, body: bytes, request: ChatRequest) -> tuple[Entry, Mapping[str, str]]:
        """Make one try; return the reply and its headers.

        Raises:
            TryFailedError: the try failed for a reason that may be temporary.
            RequestRefusedError: this request will never be answered, but others may be.
            ConfigError: no request will be answered.
        """

    async def close(self) -> None:
        """Close connections; `send` reopens them."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One ask of a request, which is the request itself, its repetition after an unusable reply, or its correction.

    Attributes:
        first: key of the request's first ask.
        key: key of this ask.
        body: canonical JSON, with images replaced by their hashes.
        corrects: whether it is the turn of correction.
        is_probe: whether it is sent even if the journal has a reply, to see whether the endpoint answers now.
    """

    request: ChatRequest
    first: bytes
    key: bytes
    body: bytes
    corrects: bool = False
    is_probe: bool = False


def asked(
    provider: Provider, request: ChatRequest, body: Mapping[str, Any], number: int = 0, first: bytes = b""
) -> Ask:
    """Return one ask of a request.

    Args:
        number: number of earlier asks of the request.
        first: key of its first ask; omitted for the first ask.
    """
    data = _encoded(body, request).encode()
    key = journal_key(provider.name, provider.base_url, data, number)
    return Ask(request, first or key, key, data)


def _encoded(body: Mapping[str, Any], request: ChatRequest) -> str:
    """Return the canonical JSON of a body; its schema, the same for thousands of requests, is encoded only once."""
    if request.schema is not None:
        form, encoded = response_format(request.schema)
        if body.get("response_format") is form:
            return canonical_json({**body, "response_format": _PLACEHOLDER}).replace(f'"{_PLACEHOLDER}"', encoded, 1)
    return canonical_json(body)


class GaveUpError(RequestRefusedError):
    """Raised if a request got no reply in all its tries, although other requests got theirs."""


class Sender:
    """Sends asks; once `closing` is set, no further ask is sent."""

    def __init__(self, llm: Llm, provider: Provider, journal: Journal, budget: Budget, shards: int) -> None:
        self.llm, self.provider, self.journal, self.budget = llm, provider, journal, budget
        self.pacer, self.retries, self.counts = Pacer(llm, shards), RetryBudget(), RequestCounts()
        self.endpoint = f"{provider.base_url} {provider.teacher}"
        self._daily = DailyAllowance(llm, shards, journal, self.endpoint, since_boot=since_boot_s)
        self.closing = asyncio.Event()
        self._logged_s = time.monotonic()

    def most(self, ask: Ask) -> Cost:
        """Return the highest possible cost of one try."""
        messages = ask.request.messages
        longest = max(ask.request.max_tokens, 0, *self.configured_limits())
        return self.budget.most(len(ask.body), len(messages), sum(len(one.images) for one in messages), longest)

    def configured_limits(self) -> list[int]:
        """Return the limits of a reply in tokens that `llm.extra_body` sets."""
        configured = (self.llm.extra_body.get(name) for name in ("max_tokens", "max_completion_tokens"))
        return [tokens for tokens in configured if isinstance(tokens, int)]

    def start(self) -> None:
        """Allow sending again after a stop."""
        self.closing.clear()
        self.budget.stopped = False

    def stop(self) -> None:
        """Stop starting requests, and raise StoppedError in all waiting calls."""
        self.closing.set()
        self.pacer.stop()
        self.budget.stop()

    async def send(self, ask: Ask) -> Entry:
        """Return the reply to a request, durable in the journal.

        Raises:
            RequestRefusedError, GaveUpError: there is no reply to this request.
            ConfigError: key, model, URL, credit or a spending limit: there is no reply to any request.
            TemporaryError: the endpoint is down.
            StoppedError: `closing` was set.
        """
        give_up_s, answered, counted, tries = 0.0, 0, 0, 0
        while True:
            tries += 1
            try:
                entry = await self._try(ask)
                self.retries.earn()
                return entry
            except TryFailedError as failed:
                why, counted = str(failed), counted + (failed.how != "busy")
                if tries == 1:
                    give_up_s, answered = time.monotonic() + self.llm.deadline_s, self.counts.tries["replied"]
                pause_s = wait_s(tries, failed.wait_s)
                was_busy = failed.how == "busy"
                self._log_failures(why)
            if counted >= self.llm.max_attempts or time.monotonic() + pause_s > give_up_s:
                if self.counts.tries["replied"] > answered or await self._answers_others():
                    raise GaveUpError(f"no reply in {tries} tries; the last: {why}")
                raise no_reply(why, tries, self.llm, self.provider.base_url)
            await self._pause(pause_s)
            while not was_busy and (earned_in_s := self.retries.wait_s()) > 0 and time.monotonic() < give_up_s:
                await self._pause(earned_in_s)
            if not was_busy:
                self.retries.spend()

    async def _try(self, ask: Ask) -> Entry:
        """Return the reply of one try, or the reply that another process gets to the same ask."""
        claims = not ask.is_probe
        while (entry := await self._within_budget(ask, claims)) is None:
            if self.closing.is_set():
                raise StoppedError("stopped before all requests were sent", next_step="docent run")
            claims = await self.journal.wait_for_others(ask.key, LONGEST_CLAIM_S, self._pause)
        return entry

    async def _within_budget(self, ask: Ask, claims: bool) -> Entry | None:
        """Make one try within the budget; return None if another process has sent the same ask."""
        most = self.most(ask)
        tokens = len(ask.body) / BYTES_PER_TOKEN + ask.request.max_tokens
        await self.budget.reserve(most)
        paid: Entry | None = None
        in_doubt = False
        try:
            paid = await self._noted(ask, tokens, claims)
        except (TryFailedError, asyncio.CancelledError) as error:
            in_doubt = not isinstance(error, TryFailedError) or error.how == "lost"
            raise
        finally:
            self.budget.settle(most, paid, in_doubt)
        return paid

    async def _noted(self, ask: Ask, tokens: float, claims: bool) -> Entry | None:
        """Make one try, recorded in the journal before and after; its place is free once the endpoint has replied."""
        await self.pacer.place()
        try:
            await self._daily.take(tokens, self._pause)
            if self.closing.is_set():
                raise StoppedError("stopped before all requests were sent", next_step="docent run")
            note = self.journal.claim if claims else self.journal.begin
            attempt = await note(ask.first, ask.key, self.endpoint)
            if not isinstance(attempt, Try):
                self._daily.give_back(tokens)
                return attempt
            self.counts.tries["begun"] += 1
            entry, error, state = None, None, TryState.REPLIED
            try:
                entry = await self._sent(ask, attempt, tokens)
            except (TryFailedError, RequestRefusedError, ConfigError, StoppedError) as raised:
                is_lost = isinstance(raised, TryFailedError) and raised.how == "lost"
                error, state = raised, TryState.LOST if is_lost else TryState.REFUSED
        finally:
            self.pacer.leave()
        self.counts.tries[state.name.lower()] += 1
        kept = await self.journal.end(attempt, state, entry, mask(str(error or ""))[:MAX_WHY_CHARS])
        if error is not None:
            raise error
        assert kept is not None
        return kept

    async def _sent(self, ask: Ask, attempt: Try, tokens: float) -> Entry:
        """Send one try, report its end to the pacer, and return its reply."""
        if self.closing.is_set():
            raise StoppedError("stopped before all requests were sent", next_step="docent run")
        send = await self.pacer.admit(tokens)
        if self.journal.has_lost(attempt):
            self.pacer.ended(send, "failed")
            raise TryFailedError("not sent: this process was suspended, and another one may be asking", "busy", 0.0)
        try:
            entry, headers = await self.provider.send(ask.body, ask.request)
        except TryFailedError as failed:
            self.pacer.ended(send, failed.how, wait_s=failed.wait_s, headers=failed.headers)
            raise
        except (RequestRefusedError, ConfigError):
            self.pacer.ended(send, "failed")
            raise
        self.pacer.ended(send, "replied", entry.input_tokens + entry.output_tokens or None, headers=headers)
        return entry

    async def _pause(self, seconds: float) -> None:
        """Wait `seconds`, or raise StoppedError once `closing` is set."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.closing.wait(), seconds)
            raise StoppedError("stopped while waiting for the endpoint", next_step="docent run")

    async def _answers_others(self) -> bool:
        """Return whether the endpoint, if it has replied before, replies to a harmless request now.

        Without this, a request that always fails could not be distinguished from an endpoint that is down once all
        others have their replies, and every later attempt would fail.
        """
        if not self.provider.has_answered:
            return False
        try:
            await self._try(replace(asked(self.provider, HARMLESS, self.provider.body(HARMLESS)), is_probe=True))
        except (TryFailedError, RequestRefusedError) as error:
            return isinstance(error, RequestRefusedError)
        return True

    def _log_failures(self, why: str) -> None:
        """Log failed tries from time to time: otherwise a run whose requests all fail looks idle."""
        if time.monotonic() - self._logged_s >= LOGGED_EVERY_S:
            self._logged_s = time.monotonic()
            failed = self.counts.tries["refused"] + self.counts.tries["lost"]
            log.warning("%d attempts failed so far and are retried; last error: %s", failed, mask(why))
