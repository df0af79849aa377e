"""What is sent to each kind of endpoint, and what its answers and refusals mean; nothing is sent here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from tests.photo_files import attached

from docent.config.llm import Llm
from docent.errors import ConfigError
from docent.llm.chat import ChatRequest, Message, RequestRefusedError
from docent.llm.journal.records import Entry
from docent.llm.pace.retry import TryFailedError
from docent.llm.wire.endpoint import OpenAIEndpoint
from docent.llm.wire.providers import KINDS, check_address, key_of, url_of
from docent.llm.wire.transport import Reply

KEY = "sk-canary-1234567890"
ENVIRON = {"OPENAI_API_KEY": KEY}
TEXT = ChatRequest((Message("system", "Be brief."), Message("user", "What is it?")), 0.4, 99)


class Pair(BaseModel):
    question: str


SHAPED = ChatRequest(TEXT.messages, 0.4, 99, schema=Pair)


def endpoint(**settings: Any) -> OpenAIEndpoint:
    return OpenAIEndpoint(Llm(**{"provider": "openai", "base_url": "https://host/v1", **settings}), ENVIRON)


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({"provider": "openai", "base_url": "https://host/v1"}, "https://host/v1/chat/completions"),
        ({"provider": "openai", "base_url": "https://host/v1/"}, "https://host/v1/chat/completions"),
        ({"provider": "openrouter", "base_url": "https://host/api/v1"}, "https://host/api/v1/chat/completions"),
        ({"provider": "vllm", "base_url": "http://[::1]:8000/v1"}, "http://[::1]:8000/v1/chat/completions"),
        ({"provider": "lmdeploy", "base_url": "http://host:23333/v1"}, "http://host:23333/v1/chat/completions"),
        ({"provider": "azure", "base_url": "https://name"}, "https://name/openai/v1/chat/completions"),
        ({"provider": "azure", "base_url": "https://name/openai/v1/"}, "https://name/openai/v1/chat/completions"),
        (
            {"provider": "azure", "base_url": "https://name/", "api_version": "2024-10-21", "model": "my model/x"},
            "https://name/openai/deployments/my%20model%2Fx/chat/completions?api-version=2024-10-21",
        ),
    ],
)
def test_addresses(settings: dict[str, str], url: str) -> None:
    llm = Llm(**settings)
    check_address(llm)
    assert url_of(llm) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8000",
        "ftp://x/v1",
        "http:///v1",
        "https://user:secret@host/v1",
        "https://secret@host/v1",
        "http://[secret/v1",
        "http://host:secret/v1",
        "http://host:99999/v1",
    ],
)
@pytest.mark.parametrize("provider", ["openai", "azure", "vllm"])
def test_an_address_that_is_none_or_holds_a_password_is_refused_without_repeating_it(provider: str, url: str) -> None:
    # An address with a password is refused with the configuration (test_masking.py); here the endpoint stands alone.
    with pytest.raises(ConfigError) as error:
        OpenAIEndpoint(Llm(provider=provider).model_copy(update={"base_url": url}), ENVIRON)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("key", ["", "  ", "sk-canary\nX-Header: 1", "sk-canary-\u00e9", "sk-canary\x7f"])
@pytest.mark.parametrize("provider", ["openai", "azure", "openrouter"])
def test_a_key_that_is_none_is_refused_without_repeating_it(provider: str, key: str) -> None:
    with pytest.raises(ConfigError, match="OPENAI_API_KEY") as error:
        OpenAIEndpoint(Llm(provider=provider), {"OPENAI_API_KEY": key})
    assert "canary" not in str(error.value) and error.value.exit_code == 43


@pytest.mark.parametrize("provider", ["vllm", "lmdeploy"])
def test_a_server_of_ones_own_needs_no_key_and_takes_one(provider: str) -> None:
    llm = Llm(provider=provider, base_url="http://host/v1")
    assert "Authorization" not in OpenAIEndpoint(llm, {})._transport._headers
    assert OpenAIEndpoint(llm, ENVIRON)._transport._headers["Authorization"] == f"Bearer {KEY}"
    with pytest.raises(ConfigError):
        key_of(llm, {"OPENAI_API_KEY": "two\nlines"})


def test_the_key_is_in_the_header_its_endpoint_knows_and_only_there() -> None:
    azure = endpoint(provider="azure")._transport._headers
    assert azure["api-key"] == KEY and "Authorization" not in azure
    plain = endpoint()._transport._headers
    assert plain["Authorization"] == f"Bearer {KEY}" and "api-key" not in plain
    other = OpenAIEndpoint(Llm(provider="openai", api_key_env="MINE"), {"MINE": " key \n", **ENVIRON})
    assert other._transport._headers["Authorization"] == "Bearer key"
    assert KEY not in json.dumps(endpoint(provider="azure").body(SHAPED))


def test_a_plain_request_is_the_one_an_older_journal_knows() -> None:
    """Field for field what was sent before there were more settings: paid replies must be found again."""
    assert endpoint(model="m").body(TEXT) == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is it?"}],
        "temperature": 0.4,
        "max_tokens": 99,
    }


@pytest.mark.feature("teachers")
@pytest.mark.parametrize(("field", "value"), [("top_p", 0.9), ("frequency_penalty", 0.0), ("presence_penalty", -2.0)])
def test_sampling_settings_are_sent_when_set_and_only_then(field: str, value: float) -> None:
    assert field not in endpoint().body(TEXT)
    assert endpoint(**{field: value}).body(TEXT)[field] == value


def test_further_fields_are_sent_replace_and_remove() -> None:
    plain = endpoint().body(TEXT)
    assert endpoint(extra_body={"top_k": 40, "n": {"a": [1]}}).body(TEXT) == {**plain, "top_k": 40, "n": {"a": [1]}}
    assert endpoint(extra_body={"temperature": 1.5}).body(TEXT) == {**plain, "temperature": 1.5}
    other = endpoint(extra_body={"max_tokens": None, "max_completion_tokens": 99, "unknown": None}).body(TEXT)
    assert "max_tokens" not in other and other["max_completion_tokens"] == 99 and "unknown" not in other
    assert "top_p" not in endpoint(top_p=0.9, extra_body={"top_p": None}).body(TEXT)


@pytest.mark.parametrize("provider", sorted(KINDS))
def test_only_openrouter_is_told_to_look_for_who_keeps_to_a_schema(provider: str) -> None:
    asked = endpoint(provider=provider)
    assert "provider" not in asked.body(TEXT)
    assert ("provider" in asked.body(SHAPED)) == (provider == "openrouter")


def test_a_picture_is_known_by_its_content_and_its_place(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"a")
    (tmp_path / "copy.png").write_bytes(b"a")
    bodies = [
        endpoint().body(ChatRequest((Message("user", "look", (attached(tmp_path / name),)),), 0, 9))
        for name in ("a.png", "copy.png")
    ]
    assert bodies[0] == bodies[1] and str(tmp_path) not in json.dumps(bodies)


def reply(status: int, body: Any, **headers: str) -> Reply:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, data)


def completion(message: dict[str, Any], usage: Any = None, finish_reason: str | None = "stop") -> Reply:
    return reply(200, {"choices": [{"message": message, "finish_reason": finish_reason}], "usage": usage, "x": 1})


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}, (3, 4)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, (0, 0)),
        (None, (0, 0)),
        ({}, (0, 0)),
        ({"prompt_tokens": 3}, (0, 0)),
        ({"completion_tokens": 4, "prompt_tokens": None}, (0, 0)),
        ({"prompt_tokens": -3, "completion_tokens": 4}, (0, 0)),
        ({"prompt_tokens": 10**30, "completion_tokens": 4}, (0, 0)),
    ],
)
def test_an_answer_and_what_it_cost(usage: Any, told: tuple[int, int]) -> None:
    assert endpoint().answer_of(completion({"content": "It is a jar."}, usage)) == Entry("It is a jar.", "stop", *told)


def test_an_answer_without_text_is_an_answer() -> None:
    assert endpoint().answer_of(completion({"content": None}, None, "length")) == Entry("", "length")
    assert endpoint().answer_of(completion({}, None, None)) == Entry("", "")


def test_a_model_that_declines_refuses_this_request_alone() -> None:
    with pytest.raises(RequestRefusedError, match="declined: I cannot"):
        endpoint().answer_of(completion({"content": None, "refusal": "I cannot"}))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not a chat completion"),
        (b"{", "not a chat completion"),
        (b"[]", "not a chat completion"),
        (b'{"choices": []}', "no choices"),
        (b'{"choices": [{}]}', "not a chat completion"),
        (b'{"choices": [{"message": {"content": "\xff\xfe"}}]}', "not a chat completion"),
        (b'{"choices": [{"message": {"content": "\\ud800"}}]}', "not a chat completion"),
        (b"[" * 100_000, "not a chat completion"),
        (b"\n <!doctype html><p>Log in", "web page"),
    ],
)
def test_what_is_no_completion_may_pass(body: bytes, why: str) -> None:
    with pytest.raises(TryFailedError, match=why):
        endpoint().answer_of(reply(200, body))


def test_a_page_that_says_it_is_one_is_named_so() -> None:
    with pytest.raises(TryFailedError, match="web page"):
        endpoint().answer_of(reply(200, b"Log in", Content_Type="text/html; charset=utf-8"))


@pytest.mark.parametrize(
    ("status", "body", "error", "why"),
    [
        (400, {"error": {"message": "too long"}}, RequestRefusedError, "too long"),
        (413, b"<html>", RequestRefusedError, "413"),
        (422, {"detail": [{"msg": "bad"}]}, RequestRefusedError, "bad"),
        (401, {}, ConfigError, "rejected the key"),
        (403, {}, ConfigError, "rejected the key"),
        (402, {"error": {"message": "pay"}}, ConfigError, "no credit: pay"),
        (429, {"error": {"code": "insufficient_quota", "message": "pay"}}, ConfigError, "no credit: pay"),
        (404, {"error": {"message": "no such model"}}, ConfigError, "no such model"),
        (405, b"", ConfigError, "llm.base_url is wrong"),
        (301, b"", ConfigError, "elsewhere.example"),
        (408, b"", TryFailedError, "408"),
        (409, b"", TryFailedError, "409"),
        (425, b"", TryFailedError, "425"),
        (429, {"error": "slow down"}, TryFailedError, "slow down"),
        (500, "a string", TryFailedError, "a string"),
        (503, b"\xff\xfe", TryFailedError, "503"),
        (529, [1, 2], TryFailedError, "529"),
        (502, b"[" * 100_000, TryFailedError, "502"),
    ],
)
def test_what_each_status_means(status: int, body: Any, error: type[Exception], why: str) -> None:
    found = endpoint().refused(reply(status, body, Location="https://elsewhere.example/v1"))
    assert isinstance(found, error) and why in str(found)


def test_only_a_429_says_that_it_was_too_much_and_for_how_long() -> None:
    busy = endpoint().refused(reply(429, b"", **{"retry_after": "3"}))
    assert isinstance(busy, TryFailedError) and (busy.how, busy.wait_s) == ("busy", 3.0)
    assert busy.headers is not None and busy.headers["retry-after"] == "3"
    broken = endpoint().refused(reply(503, b"", **{"retry_after": "3"}))
    assert isinstance(broken, TryFailedError) and (broken.how, broken.wait_s) == ("failed", 3.0)


@pytest.mark.parametrize("status", [301, 400, 401, 402, 404, 429, 500])
@pytest.mark.parametrize("shape", ["{}", "key {} is wrong", "\n" * 3000 + "{}", "x" * (300 - 5) + "{}"])
def test_no_message_repeats_the_key(status: int, shape: str) -> None:
    said = shape.format(KEY)
    location = f"https://{KEY}/v1"
    for body in ({"error": {"message": said, "code": KEY}}, {"detail": said}, said.encode(), [said], {"error": said}):
        found = str(endpoint().refused(reply(status, body, Location=location)))
        assert "canary" not in found and len(found) < 3 * 300
    with pytest.raises(RequestRefusedError) as declined:
        endpoint().answer_of(completion({"refusal": said}))
    assert "canary" not in str(declined.value)


@given(st.text())
def test_a_message_is_one_short_printable_line(text: str) -> None:
    found = endpoint().clean(text)
    assert len(found) <= 300 and found.isprintable() and KEY not in found


def test_an_endpoint_without_a_key_has_nothing_to_hide() -> None:
    keyless = OpenAIEndpoint(Llm(provider="vllm", base_url="http://host/v1"), {})
    assert keyless.clean("a b") == "a b"
