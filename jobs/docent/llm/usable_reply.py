"""Get a usable reply to a request: send it, check the reply, repeat the request or request one correction, or give up.

Looks for a reply in the journal before each ask (see Ask); sends through sender.py. Only complete replies are used. If
a reply does not fit the request's schema, the model may correct it once. structure.py defines how JSON is requested.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from docent.config.llm import Llm
from docent.llm.chat import ChatReply, ChatRequest, Message, RequestRefusedError
from docent.llm.journal.records import Entry
from docent.llm.sender import Ask, Provider, Sender, asked
from docent.llm.structure.json_reply import ParsedReply, read_reply
from docent.llm.structure.structure import (
    PROBE_MAX_TOKENS,
    PROBE_QUESTION,
    Probe,
    Rung,
    ask_for_json,
    choose_rung,
    correction,
)
from docent.llm.wire.finish_reasons import CUT, CUT_BY_LENGTH, FILTERED, problem_of, word_of
from docent.llm.wire.thoughts import without_thoughts

MAX_ASKS = 3
"""Most asks of one request before it is given up."""


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
        """Determine once how to request JSON from this endpoint; the probe is recorded in the journal, too.

        Raises:
            PipelineError: the endpoint is down or refuses key or model.
        """
        if llm.structured_output != "auto":
            self.rung = llm.structured_output
            return

        async def probed(rung: Rung) -> Entry:
            probe = ChatRequest((Message("user", PROBE_QUESTION),), 0.0, PROBE_MAX_TOKENS, schema=Probe)
            # With the settings of every request: without some of them it would be refused or routed elsewhere.
            body = self.provider.body(probe)
            if "temperature" not in llm.extra_body:  # some models accept none
                body.pop("temperature", None)
            ask = asked(self.provider, probe, ask_for_json(body, Probe, rung))
            entry = (await self.sender.journal.find([ask.key])).get(ask.key)
            # A GaveUpError leads to the next rung: other questions are answered, so this way of asking does not work.
            return entry or await self.sender.send(ask)

        self.rung = "prompt" if self.provider.name == "offline" else await choose_rung(probed)

    def uncounted(self) -> "Ladder":
        """Return a ladder that does not count usage, for looking up replies in advance."""
        twin = Ladder(self.provider, self.sender, Counter())
        twin.rung, twin.send = self.rung, self.send
        return twin

    def first(self, request: ChatRequest) -> Ask:
        """Return the first ask of a request."""
        return asked(self.provider, request, self._body(request))

    def firsts(self, requests: Sequence[ChatRequest], indexes: Sequence[int], at_once: int) -> Iterator[dict[int, Ask]]:
        """Yield the first asks of the requests at these indexes, by index, `at_once` at a time."""
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
        incomplete, text = self._incomplete(entry, request), entry.text
        if incomplete:
            read = ParsedReply(None, incomplete)
        elif request.schema is not None:
            read = read_reply(text, request.schema)
            usage["repaired"] += read.repaired
        else:
            text = without_thoughts(text)
            read = ParsedReply(None, "" if text.strip() else "nothing stands behind the model's thoughts")
        reply = ChatReply(
            entry.text if read.problem else text,
            entry.finish_reason,
            entry.input_tokens,
            entry.output_tokens,
            problem=read.problem,
            asks=asks,
            value=read.value,
            repaired=read.repaired,
            whole=not incomplete,
        )
        if not reply.problem and request.problem_of and (problem := request.problem_of(reply)):
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
        most = min(self.sender.configured_limits(), default=request.max_tokens)
        if not word and entry.output_tokens >= most:
            return f"{CUT} (no finish_reason, and all {most} tokens are used)"
        return incomplete

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        body = self.provider.body(request)
        if request.schema is None:
            return body
        if self.rung is None:  # else the same request would have another key in another shard
            raise ValueError("requests with a schema and requests without one must be passed in separate calls")
        return ask_for_json(body, request.schema, self.rung)
