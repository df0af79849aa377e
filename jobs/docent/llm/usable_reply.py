"""Get a usable reply to a request: ask, check the reply, ask again or request one correction, or give up.

Reads the journal before each ask; sends through sender.py. Only a complete reply is used. A reply that does not fit the
request's schema gets one turn of correction. structure.py defines how JSON is requested.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from docent.config.llm import Llm
from docent.llm.chat import ChatReply, ChatRequest, Message, RequestRefusedError
from docent.llm.journal.records import Entry
from docent.llm.sender import Ask, Provider, Sender, asked
from docent.llm.structure.json_reply import ParsedReply, read_reply
from docent.llm.structure.structure import Probe, Rung, ask_for_json, choose_rung, correction
from docent.llm.wire.finish_reasons import CUT, CUT_BY_LENGTH, FILTERED, problem_of, word_of
from docent.llm.wire.thoughts import without_thoughts

MAX_ASKS = 3
"""Most asks of one request before it is given up: the first and two more."""
NOTHING_READ = ParsedReply(None)


class Ladder:
    """Gets one usable reply per call; calls may run concurrently.

    Args:
        usage: counter to which `requests`, `from_journal`, `input_tokens`, `output_tokens`, `repaired` are added.
    """

    def __init__(self, provider: Provider, sender: Sender, usage: Counter[str]) -> None:
        self.provider, self.sender, self.usage = provider, sender, usage
        self.rung: Rung | None = None
        self.send: Callable[[Ask], Awaitable[Entry]] = sender.send

    async def find_rung(self, llm: Llm) -> None:
        """Determine once how to request JSON from this endpoint: the probe is in the journal like every request.

        Raises:
            PipelineError: the endpoint is down or refuses key or model.
        """
        if llm.structured_output != "auto":
            self.rung = llm.structured_output
            return

        async def probed(body: dict[str, Any]) -> Entry:
            most = int(body.pop("max_tokens"))
            probe = ChatRequest((Message("user", ""),), 0.0, most, schema=Probe)
            # With the settings of every request: without some of them it would be refused or routed elsewhere.
            settings = self.provider.body(probe)
            if "temperature" not in llm.extra_body:
                settings.pop("temperature", None)
            ask = asked(self.provider, probe, {**settings, **body})
            entry = (await self.sender.journal.find([ask.key])).get(ask.key)
            # A GaveUpError leads to the next rung: other questions are answered, so this way of asking does not work.
            return entry or await self.sender.send(ask)

        self.rung = "prompt" if self.provider.name == "offline" else await choose_rung(probed, llm.model)

    def uncounted(self) -> Ladder:
        """Return a ladder that does not count in `usage`, for looking ahead."""
        twin = Ladder(self.provider, self.sender, Counter())
        twin.rung, twin.send = self.rung, self.send
        return twin

    def first(self, request: ChatRequest) -> Ask:
        """Return the first ask of a request."""
        return asked(self.provider, request, self._body(request))

    def firsts(self, requests: Sequence[ChatRequest], indexes: Sequence[int], at_once: int) -> Iterator[dict[int, Ask]]:
        """Yield the first asks of the requests at some indexes, by index, `at_once` at a time."""
        for start in range(0, len(indexes), at_once):
            yield {index: self.first(requests[index]) for index in indexes[start : start + at_once]}

    async def answer(self, ask: Ask, entry: Entry | None = None, looked_up: bool = False) -> ChatReply:
        """Return a usable reply, or the last unusable one with its problem, or the reason why there is none.

        Args:
            ask: the first ask of the request.
            entry: its reply, if the caller has looked it up.
            looked_up: whether the caller has looked it up and found none.

        Raises:
            ConfigError, TemporaryError, StoppedError: see Sender.send.
        """
        request = ask.request
        reply, asks = ChatReply("", ""), 0
        following: Ask | None = ask
        while following is not None:
            ask, asks = following, asks + 1
            if entry is None and not (looked_up and asks == 1):
                entry = (await self.sender.journal.find([ask.key])).get(ask.key)
            self.usage["from_journal"] += entry is not None
            try:
                entry = entry or await self.send(ask)
                self.usage["from_journal"] += entry.by_another
            except RequestRefusedError as error:
                return ChatReply("", "", error=str(error), asks=asks)
            reply = self.judged(entry, request, asks)
            following = self.following(ask, reply) if reply.problem else None
            entry = None
        return reply

    def judged(self, entry: Entry, request: ChatRequest, asks: int) -> ChatReply:
        """Return the reply with its value, or with its problem."""
        usage = self.usage
        usage["requests"] += 1
        usage["input_tokens"] += entry.input_tokens
        usage["output_tokens"] += entry.output_tokens
        problem, read, text = self._incomplete(entry, request), NOTHING_READ, entry.text
        whole = not problem
        if not problem and request.schema is not None:
            read = read_reply(text, request.schema)
            problem = read.problem
            usage["repaired"] += read.repaired
        elif not problem:
            text = without_thoughts(text)
            problem = "" if text.strip() else "nothing stands behind the model's thoughts"
        reply = ChatReply(
            text if not problem else entry.text,
            entry.finish_reason,
            entry.input_tokens,
            entry.output_tokens,
            problem=problem,
            asks=asks,
            value=read.value,
            repaired=read.repaired,
            whole=whole,
        )
        if not problem and request.problem_of and (problem := request.problem_of(reply)):
            return replace(reply, problem=problem, value=None)
        return reply

    def following(self, ask: Ask, reply: ChatReply) -> Ask | None:
        """Return the ask that follows an unusable reply, or None after the last one.

        A complete reply that does not fit its schema is shown to the model once, with the problem; any other request is
        repeated unchanged.
        """
        request = ask.request
        if reply.asks >= MAX_ASKS or ask.corrects:
            return None
        body = self._body(request)
        if request.schema is not None and reply.whole and reply.text.strip():
            corrected = correction(body, reply.text, reply.problem)
            return replace(asked(self.provider, request, corrected, reply.asks, ask.first), corrects=True)
        return asked(self.provider, request, body, reply.asks, ask.first)

    def _incomplete(self, entry: Entry, request: ChatRequest) -> str:
        """Return why a reply is incomplete, or "" if it is complete."""
        incomplete, word = problem_of(entry.finish_reason), word_of(entry.finish_reason)
        if word in CUT_BY_LENGTH | FILTERED:
            return incomplete
        if not entry.text or entry.text.isspace():
            return f"empty reply ({entry.finish_reason or 'no reason given'})"
        configured = [self.sender.llm.extra_body.get(name) for name in ("max_tokens", "max_completion_tokens")]
        most = min((tokens for tokens in configured if isinstance(tokens, int)), default=request.max_tokens)
        if not word and entry.output_tokens >= most:
            return f"{CUT} (no finish_reason, and all {most} tokens are used)"
        return incomplete

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        body = self.provider.body(request)
        if request.schema is None:
            return body
        if self.rung is None:  # else the same request would have another key in another shard
            raise ValueError("requests with and without a schema were mixed: ask for them in two calls")
        return ask_for_json(body, request.schema, self.rung)
