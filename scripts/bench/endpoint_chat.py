"""Answer the mock endpoint's chat completions: admission, faults, delays and answers.

Reads and writes no files; used by `endpoint.py`.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import endpoint_hostile as hostile
from endpoint_answers import Body, Words, fill, spoil
from endpoint_counters import Counters
from endpoint_http import Connection, error, unknown_field
from endpoint_knobs import Knobs
from endpoint_limits import Bucket, Slots
from endpoint_typed import text_of, typed_answer, visitor_answer

NORMAL = NormalDist()
FAULTS = ("429", "500", "hang", "truncated", "fenced", "broken", "wrong_schema", "hostile")
TEXT_FAULTS = FAULTS[3:-1]


@dataclass(slots=True)
class Call:
    """One chat request in progress."""

    service: ChatService
    body: Body
    fault: str
    headers: str = ""
    timer: asyncio.TimerHandle | None = None
    in_slot: bool = False


class ChatService:
    """Answers chat requests with one set of settings; replaced at every /reset."""

    def __init__(self, knobs: Knobs) -> None:
        self.knobs = knobs
        self.count = Counters()
        self.slots = Slots(knobs.slots)
        self.random = random.Random(knobs.seed)
        shares = [getattr(knobs, f"p_{name}") for name in FAULTS]
        self.bounds = [(sum(shares[: index + 1]), name) for index, name in enumerate(FAULTS) if shares[index]]
        rate, tokens = knobs.rate_per_s, knobs.tokens_per_s
        self.requests = Bucket(rate, knobs.burst or rate) if rate else None
        self.tokens = Bucket(tokens, knobs.token_burst or tokens) if tokens else None
        self.short_for = dict(knobs.short_for)
        self.retry_after = "" if knobs.retry_after is None else f"retry-after: {knobs.retry_after:g}\r\n"

    def fault_of(self, number: float) -> str:
        """Return the fault that a number in [0, 1) maps to, or ""."""
        return next((name for bound, name in self.bounds if number < bound), "")

    def draw(self) -> str:
        """Draw the fault of the next arrival. Consumes one random number per arrival, whatever the fault rates are."""
        fault = self.fault_of(self.random.random())
        if fault:
            self.count.faults[fault] = self.count.faults.get(fault, 0) + 1
        return fault

    def take(self, connection: Connection, body: Body) -> None:
        """Admit or reject a request; an admitted one waits for a slot, then for its latency."""
        self.count.arrived(body.raw_bytes)
        connection.call = call = Call(self, body, "")
        if not self.is_let_in(connection.headers):
            return self.refuse(connection, 401, error("Incorrect API key provided.", "invalid_request_error"))
        try:
            body.end()
        except ValueError as problem:
            return self.refuse(
                connection, 400, error(f"We could not read the body: {problem}", "invalid_request_error")
            )
        if len(self.count.sent) < self.knobs.keep:
            self.count.sent.append(body.request)
        self.count.seen.add(int.from_bytes(body.digest[:8], "big"))
        call.fault = self.draw()
        full = self.full()
        if self.knobs.rate_headers:
            call.headers = "".join(
                bucket.headers(what)
                for bucket, what in ((self.requests, "requests"), (self.tokens, "tokens"))
                if bucket is not None
            )
        if full or call.fault == "429":
            message = f"Rate limit reached for {full or 'this replica'}."
            call.headers += self.retry_after
            return self.refuse(connection, 429, error(message, full or "requests", "rate_limit_exceeded"))
        wanted = (body.request.get("response_format") or {}).get("type", "text")
        if self.knobs.on_unknown_format == "400" and not self.honours(wanted):
            message = f"Invalid value: '{wanted}'. This model does not support it."
            param = "response_format"
            return self.refuse(connection, 400, error(message, "invalid_request_error", param=param))
        if refusal := unknown_field(body.request, self.knobs.unknown_fields):
            return self.refuse(connection, 400, refusal)
        if call.fault != "hang":
            self.slots.enter(lambda: self.begin(connection, call))
        return None

    def is_let_in(self, headers: dict[str, str]) -> bool:
        """Return whether the request carries the API key."""
        key = self.knobs.key
        return key is None or headers.get("authorization") == f"Bearer {key}" or headers.get("api-key") == key

    def full(self) -> str:
        """Return the bucket that has no room for this request, or "" after taking room in each."""
        cost = sum(self.knobs.usage or (0, 0))
        if self.requests and self.requests.level() < 1:
            return "requests"
        if self.tokens and self.tokens.level() < cost:
            return "tokens"
        if self.requests:
            self.requests.take(1)
        if self.tokens:
            self.tokens.take(cost)
        return ""

    def honours(self, wanted: str) -> bool:
        """Return whether a response_format of this type is supported."""
        ranks = ("text", "json_object", "json_schema")
        best = {"none": 0, "json_object": 1, "json_schema": 2}[self.knobs.honours]
        return wanted in ranks[: best + 1]

    def begin(self, connection: Connection, call: Call) -> bool:
        """Answer after the latency, now that a slot is free. Returns False if the client has disconnected."""
        if connection.call is not call or not connection.waits:
            return False
        call.in_slot = True
        latency_s = self.knobs.latency_s
        if latency_s and self.knobs.latency_sigma:
            share = (int.from_bytes(call.body.digest[12:20], "big") + 0.5) / 2**64
            latency_s *= math.exp(self.knobs.latency_sigma * NORMAL.inv_cdf(share))
        if latency_s:
            call.timer = asyncio.get_running_loop().call_later(latency_s, self.answer, connection, call)
        else:
            self.answer(connection, call)
        return True

    def answer(self, connection: Connection, call: Call) -> None:
        """Send the response, and free the slot for the next request."""
        raw = call.fault == "hostile" and self.knobs.hostile in hostile.RAW
        if call.fault == "500":
            status, body = 500, error("The server had an error while processing your request.", "server_error")
        elif raw and self.knobs.hostile == "redirect":
            status, body = 307, b""
        else:
            status, body = 200, self.completion(call.body, call.fault)
            self.count.numbers["ok"] += 1
            self.count.bill(call.body.digest, self.knobs.usage)
        self.count.ended(status)
        connection.call = None
        if raw:
            hostile.send(connection, self.knobs.hostile)
        else:
            connection.reply(status, body, call.headers)
        self.slots.leave()

    def refuse(self, connection: Connection, status: int, body: bytes) -> None:
        """Send an error immediately."""
        self.count.ended(status)
        headers, connection.call = connection.call.headers, None
        connection.reply(status, body, headers)

    def abandon(self, call: Call) -> None:
        """Free the slot of a client that has disconnected; nothing is paid."""
        self.count.numbers["in_flight"] -= 1
        self.count.numbers["abandoned"] += 1
        if call.timer:
            call.timer.cancel()
        if call.in_slot:
            self.slots.leave()

    def completion(self, body: Body, fault: str) -> bytes:
        """Return the body of a 200: the same for the same request and fault."""
        knobs, request = self.knobs, body.request
        words = Words(body.digest, knobs.answer_bytes, knobs.items)
        if knobs.tool_calls and request.get("tools"):
            message, finish = tool_call(request, words, fault)
        else:
            text, is_json = self.content(body, words)
            content: str | None
            content, finish = spoil(text, fault, is_json, words.number)
            if fault == "hostile" and knobs.hostile in hostile.TEXTS:
                content = hostile.text(knobs.hostile, text)
            message = f'{{"role":"assistant","content":{json.dumps(content)}}}'
        usage = ""
        if knobs.usage:
            one, two = knobs.usage
            usage = f',"usage":{{"prompt_tokens":{one},"completion_tokens":{two},"total_tokens":{one + two}}}'
        return (
            f'{{"id":"chatcmpl-{words.mark}","object":"chat.completion","created":1700000000,'
            f'"model":{json.dumps(request.get("model", knobs.model))},"choices":[{{"index":0,"message":{message},'
            f'"logprobs":null,"finish_reason":"{finish}"}}]{usage}}}'
        ).encode()

    def content(self, body: Body, words: Words) -> tuple[str, bool]:
        """Return the text of an answer without faults, and whether it is JSON."""
        wanted = body.request.get("response_format") or {}
        kind = wanted.get("type", "text")
        followed = kind != "text" and self.honours(kind)
        if self.knobs.typed and (schema := pairs_prompt(body, wanted)):
            return self.typed(body, words.mark, "reasoning_steps" in schema), True
        if self.knobs.typed and "[Visitor]: " in text_of(body.request["messages"][0]):
            return visitor_answer(body.request["messages"], words.mark), False
        if followed and kind == "json_schema":
            return json.dumps(fill(wanted["json_schema"]["schema"], words)), True
        shape = self.knobs.shape
        if not followed and (shape == "text" or not body.wants_json):
            return words.long(), False
        value = json.dumps([words.pair()] if shape == "list" and not followed else words.pair())
        if self.knobs.prose and not followed:
            return f"Of course, this is what the label gives:\n\n{value}\n\nTell me where you want more of it.", False
        return value, True

    def typed(self, body: Body, mark: str, reasoned: bool) -> str:
        """Return a valid answer to a question about a section, or one with a pair too few."""
        messages = body.request["messages"]
        prompt = "".join(text_of(message) for message in messages)
        short = next((word for word, times in self.short_for.items() if times and word in prompt), None)
        if short is not None:
            self.short_for[short] -= 1
        return typed_answer(messages, mark, reasoned, int(short is not None))


def pairs_prompt(body: Body, wanted: dict[str, Any]) -> str:
    """Return the text in which a request asks for pairs, its schema or its prompt; "" if it does not."""
    prompt = json.dumps(wanted) + "".join(text_of(message) for message in body.request.get("messages", [])[:1])
    return prompt if '"pairs"' in prompt else ""


def tool_call(request: dict[str, Any], words: Words, fault: str) -> tuple[str, str]:
    """Return a message that calls the requested tool, or the first one, and its finish_reason."""
    choice = request.get("tool_choice")
    name = choice["function"]["name"] if isinstance(choice, dict) else None
    tool = next(
        (t["function"] for t in request["tools"] if t["function"]["name"] == name), request["tools"][0]["function"]
    )
    text, finish = spoil(json.dumps(fill(tool.get("parameters", {}), words)), fault, fault != "fenced", words.number)
    call = {
        "id": f"call_{words.mark}",
        "type": "function",
        "function": {"name": tool["name"], "arguments": text},
    }
    message = json.dumps({"role": "assistant", "content": None, "tool_calls": [call]})
    return message, "tool_calls" if finish == "stop" else finish
