"""What requests are expected to take: tokens from characters, money from prices, time from the configured rates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from docent.config.llm import Llm
from docent.llm.chat import ChatRequest, Image, Message
from docent.llm.pace.estimate import TOKENS_PER_IMAGE, expected, input_tokens, tokens_of


def request(chars: int = 400, max_tokens: int = 1000, **more: Any) -> ChatRequest:
    return ChatRequest((Message("system", "s" * 100), Message("user", "u" * (chars - 100))), 0.5, max_tokens, **more)


def llm(**fields: Any) -> Llm:
    return Llm.model_validate({"provider": "openai", "model": "gpt-4o", **fields})


@pytest.mark.feature("cost-of-requests")
def test_tokens_and_money_are_sums_over_the_requests() -> None:
    found = expected([(request(400), 200), (request(800), 2000)], llm())
    assert (found.requests, found.input_tokens) == (2, 100 + 200)
    assert (found.likely_output_tokens, found.most_output_tokens) == (200 + 1000, 2000)
    assert found.likely_usd == pytest.approx((300 * 2.5 + 1200 * 10) / 1e6, abs=1e-4)
    assert found.most_usd == pytest.approx((300 * 2.5 + 2000 * 10) / 1e6, abs=1e-4)


def test_no_price_is_no_money_rather_than_none_to_pay() -> None:
    found = expected([(request(), 200)], llm(provider="vllm"))
    assert found.likely_usd is found.most_usd is None
    free = expected([(request(), 200)], llm(provider="offline"))
    assert free.likely_usd == free.most_usd == 0


@pytest.mark.parametrize(("chars", "tokens"), [(0, 0), (1, 1), (4, 1), (5, 2)])
def test_part_of_a_token_is_one(chars: int, tokens: int) -> None:
    assert tokens_of(chars) == tokens


def test_pictures_and_schemas_are_sent_too() -> None:
    class Pair(BaseModel):
        question: str

    picture = Image(Path("a.png"), "0" * 64, "image/png")
    shown = ChatRequest((Message("user", "u" * 400, (picture, picture)),), 0.5, 100)
    assert input_tokens(shown) == 100 + 2 * TOKENS_PER_IMAGE
    assert input_tokens(request(400, schema=Pair)) > input_tokens(request(400))


TEN = [(request(400, 1000), 100)] * 10
"""10 requests of 100 + 100 tokens."""


@pytest.mark.parametrize(
    ("limits", "minutes"),
    [
        ({}, None),
        ({"max_in_flight": 1}, None),
        ({"requests_per_minute": 4}, 2.5),
        ({"tokens_per_minute": 500}, 4.0),
        ({"requests_per_minute": 4, "tokens_per_minute": 500}, 4.0),
        ({"requests_per_day": 10}, 0.0),
        ({"requests_per_day": 4}, 2 * 24 * 60),
        ({"tokens_per_day": 1000, "requests_per_minute": 1}, 24 * 60),
        ({"requests_per_minute": 4, "mode": "batch"}, None),
        ({"requests_per_minute": 4, "provider": "offline"}, None),
    ],
)
def test_the_slowest_rate_gives_the_time(limits: dict[str, Any], minutes: float | None) -> None:
    assert expected(TEN, llm(**limits)).minutes == minutes
