"""Estimate tokens, cost, and time at the configured rates before anything is sent.

Tokens are estimated from characters, not counted, because every model counts differently. Reads the price list; writes
and sends nothing.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from docent.config.llm import Llm
from docent.llm.chat import ChatRequest
from docent.llm.pace.prices import prices_of
from docent.llm.structure.structure import ask_for_json

CHARS_PER_TOKEN = 4
"""For English; other languages need up to one token per character."""
TOKENS_PER_IMAGE = 1_000
"""About what a photograph of one megapixel takes in full detail."""
MINUTES_PER_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Expected:
    """Expected usage if each request gets a usable reply on the first try.

    Attributes:
        input_tokens: estimated tokens of the prompts.
        likely_output_tokens: estimated tokens of replies of usual length.
        most_output_tokens: tokens if every reply is as long as allowed.
        likely_usd: estimated price, or None if no price is known; `most_usd` likewise.
        minutes: shortest time that the configured rates allow; None if there are none, or in batch mode.
    """

    requests: int
    input_tokens: int
    likely_output_tokens: int
    most_output_tokens: int
    likely_usd: float | None
    most_usd: float | None
    minutes: float | None


def expected(requests: Iterable[tuple[ChatRequest, int]], llm: Llm) -> Expected:
    """Sum over requests, each given with the likely number of tokens of its reply."""
    count = sent = likely = most = 0
    for request, reply_tokens in requests:
        count += 1
        sent += input_tokens(request)
        likely += min(reply_tokens, request.max_tokens)
        most += request.max_tokens
    prices = prices_of(llm)
    return Expected(
        requests=count,
        input_tokens=sent,
        likely_output_tokens=likely,
        most_output_tokens=most,
        likely_usd=None if prices is None else round(prices.usd(sent, likely), 4),
        most_usd=None if prices is None else round(prices.usd(sent, most), 4),
        minutes=_minutes(llm, count, sent + likely),
    )


def input_tokens(request: ChatRequest) -> int:
    """Estimate the tokens of a prompt: a quarter of its characters, its images, and the schema if there is one."""
    messages = [{"role": message.role, "content": message.content} for message in request.messages]
    if request.schema is not None:  # the schema is sent on every rung, in one place or another
        messages = ask_for_json({"messages": messages}, request.schema, "prompt")["messages"]
    pictures = sum(len(message.images) for message in request.messages)
    return tokens_of(sum(len(message["content"]) for message in messages)) + pictures * TOKENS_PER_IMAGE


def tokens_of(chars: int) -> int:
    """Convert a number of characters to tokens, rounded up."""
    return math.ceil(chars / CHARS_PER_TOKEN)


def _minutes(llm: Llm, requests: int, tokens: int) -> float | None:
    """Return the minutes at the slowest of the four rates; a day's allowance may be used at once at its beginning."""
    if llm.mode == "batch" or llm.provider == "offline":
        return None
    minutes = [
        amount / limit
        for amount, limit in ((requests, llm.requests_per_minute), (tokens, llm.tokens_per_minute))
        if limit is not None
    ]
    minutes += [
        max(0, math.ceil(amount / limit) - 1) * MINUTES_PER_DAY
        for amount, limit in ((requests, llm.requests_per_day), (tokens, llm.tokens_per_day))
        if limit is not None
    ]
    return round(max(minutes), 1) if minutes else None
