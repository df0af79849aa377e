"""Waiting times and checks of the OpenAI-compatible endpoint; integration/test_generate_qa.py talks to one."""

from __future__ import annotations

import email.utils
import time

import pytest

from docent.config import Llm
from docent.errors import ConfigError
from docent.llm.openai_endpoint import LONGEST_WAIT_S, OpenAIEndpoint, retry_after_s, wait_s


@pytest.mark.parametrize(("value", "seconds"), [("2", 2.0), ("0.5", 0.5), ("-3", 0.0), ("nan", None), ("soon", None)])
def test_retry_after_in_seconds(value: str, seconds: float | None) -> None:
    assert retry_after_s({"retry-after": value}) == seconds
    assert retry_after_s({}) is None


def test_retry_after_as_a_date() -> None:
    value = email.utils.formatdate(time.time() + 30, usegmt=True)
    found = retry_after_s({"retry-after": value})
    assert found is not None and 25 < found <= 30


def test_waits_are_random_below_a_doubling_bound_and_never_endless() -> None:
    assert all(0 <= wait_s(attempt, None) <= min(2 ** (attempt - 1), LONGEST_WAIT_S) for attempt in range(1, 20))
    assert len({wait_s(5, None) for _ in range(10)}) > 1
    assert 7 <= wait_s(1, 7.0) <= 7.1
    assert wait_s(1, 1e9) <= LONGEST_WAIT_S + 0.1


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://x/v1", "http:///v1", "https://user:secret@host/v1"])
def test_an_address_that_is_none_or_holds_a_password_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigError) as error:
        OpenAIEndpoint(Llm(provider="openai", base_url=url), {"OPENAI_API_KEY": "k"})
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("key", ["", "  ", "sk-canary\nX-Header: 1", "sk-canary-\u00e9"])
def test_a_key_that_is_none_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(ConfigError, match="OPENAI_API_KEY") as error:
        OpenAIEndpoint(Llm(provider="openai"), {"OPENAI_API_KEY": key})
    assert "canary" not in str(error.value) and error.value.exit_code == 43
