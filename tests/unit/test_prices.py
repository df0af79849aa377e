"""Prices of a model: the configuration's own, else the list's, and none where none is known."""

from __future__ import annotations

import re
from typing import Any

import pytest

from docent.config.llm import Llm
from docent.llm.pace.prices import PRICES, Prices, prices_of


def prices(**fields: Any) -> tuple[float, float] | None:
    """USD per million tokens of input and output."""
    found = prices_of(Llm.model_validate({"provider": "openai", **fields}))
    return None if found is None else (round(found.input_usd * 1e6, 6), round(found.output_usd * 1e6, 6))


OWN = {"usd_per_million_input_tokens": 7.0, "usd_per_million_output_tokens": 9.0}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"model": "gpt-4o-mini"}, (0.15, 0.6)),
        ({"model": "gpt-4o-mini-2024-07-18"}, (0.15, 0.6)),
        ({"model": "gpt-4o-2024-05-13"}, (5, 15)),
        ({"model": "gpt-4o", "provider": "azure"}, (2.5, 10)),
        ({"model": "openai/gpt-4o-mini", "provider": "openrouter"}, (0.15, 0.6)),
        ({"model": "openai/gpt-4o-mini:free", "provider": "openrouter"}, None),
        ({"model": "openai/gpt-4o-mini"}, None),
        ({"model": "a-model-nobody-knows"}, None),
        ({"model": "gpt-4o-mini", "provider": "vllm"}, None),
        ({"model": "gpt-4o-mini", "provider": "lmdeploy"}, None),
        ({"model": "gpt-4o-mini", **OWN}, (7, 9)),
        ({"model": "mine", "provider": "vllm", **OWN}, (7, 9)),
        ({"model": "gpt-4o-mini", "usd_per_million_output_tokens": 9}, (0.15, 9)),
        ({"model": "gpt-4o-mini", "usd_per_million_input_tokens": 0}, (0, 0.6)),
        ({"model": "mine", "provider": "vllm", "usd_per_million_input_tokens": 7}, None),
        ({"model": "gpt-4o", "mode": "batch"}, (1.25, 5)),
        ({"model": "gpt-4o", "mode": "batch", "batch_price": 0.25}, (0.625, 2.5)),
        ({"model": "gpt-4o", "batch_price": 0.25}, (2.5, 10)),
        ({"provider": "offline"}, (0, 0)),
    ],
)
def test_what_a_million_tokens_cost(fields: dict[str, Any], expected: tuple[float, float] | None) -> None:
    assert prices(**fields) == expected


def test_a_list_price_says_when_it_was_seen() -> None:
    listed = prices_of(Llm(provider="openai", model="gpt-4o"))
    own = prices_of(Llm.model_validate({"provider": "openai", "model": "gpt-4o", **OWN}))
    assert listed and re.fullmatch(r"\d{4}-\d{2}", listed.noted)
    assert own and own.noted == ""


def test_every_row_of_the_list_is_whole() -> None:
    for model, row in PRICES.items():
        assert set(row) == {"input", "output", "noted"}, model
        assert 0 < float(row["input"]) <= float(row["output"]), model
        assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", str(row["noted"])), model


def test_the_default_model_of_the_configuration_has_a_price() -> None:
    assert prices(model=Llm().model)


def test_tokens_are_turned_into_money() -> None:
    assert Prices(2e-6, 8e-6).usd(1_000_000, 500_000) == pytest.approx(6.0)


@pytest.mark.feature("cost-of-requests")
@pytest.mark.parametrize(
    ("model", "input_tokens", "output_tokens", "usd"),
    [("gpt-4o-mini", 136_209, 216_127, 0.15), ("gpt-4o", 61_984, 6_654, 0.22)],
)
def test_the_published_runs_cost_what_was_published(
    model: str, input_tokens: int, output_tokens: int, usd: float
) -> None:
    found = prices_of(Llm(provider="openai", model=model))
    assert found and round(found.usd(input_tokens, output_tokens), 2) == usd
