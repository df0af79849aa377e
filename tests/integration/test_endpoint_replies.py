"""Every form that endpoints give a reply or an error, sent word for word by a server in a process of its own."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from tests.mock_endpoint import KEY, ScriptedEndpoint, asked, questions, scripted_endpoint

from docent.errors import ConfigError, TemporaryError
from docent.llm.chat import ChatReply

SAID = "The lantern was lit each evening by the harbour master."


class Pair(BaseModel):
    question: str
    answer: str


class Pairs(BaseModel):
    pairs: list[Pair]


@pytest.fixture(scope="module")
def running() -> Iterator[ScriptedEndpoint]:
    with scripted_endpoint() as found:
        yield found


@pytest.fixture
def endpoint(running: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch) -> ScriptedEndpoint:
    monkeypatch.setattr("docent.llm.pace.retry.FIRST_WAIT_S", 0.01)
    return running


def completion(content: Any, finish_reason: Any = "stop", **message: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": 30, "completion_tokens": 12}
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}}
    return {"id": "1", "choices": [{**choice, "finish_reason": finish_reason}], "usage": usage}


def sent(*bodies: Any, status: int = 200, media_type: str = "application/json") -> list[dict[str, Any]]:
    texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    return [{"status": status, "type": media_type, "body": text} for text in texts]


def answered(endpoint: ScriptedEndpoint, tmp_path: Path, *bodies: Any, schema: Any = None, **llm: Any) -> ChatReply:
    """The reply to one request when these bodies come, the last one again and again."""
    endpoint.reset(replies=sent(*bodies))
    found, _ = asked(endpoint.llm(structured_output="prompt", **llm), tmp_path / "j.sqlite", questions(1, schema))
    return found[0]


def chunk(finish_reason: str | None = None, **delta: Any) -> str:
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta, 'finish_reason': finish_reason}]})}\n\n"


USAGE = 'data: {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 9}}\n\n'
HALVES = chunk(role="assistant", content=SAID[:20]) + chunk(content=SAID[20:])
READ: dict[str, Any] = {
    "parts of text": completion([{"type": "text", "text": SAID[:9]}, {"type": "text", "text": SAID[9:]}]),
    "thoughts in a part of their own": completion(
        [{"type": "thinking", "thinking": [{"type": "text", "text": "no"}]}, {"type": "text", "text": SAID}]
    ),
    "reasoning beside the text": completion(SAID, reasoning_content="no", reasoning="no"),
    "no usage": {"choices": completion(SAID)["choices"], "usage": None},
    "an empty error": {**completion(SAID), "error": {}},
    "no finish reason": completion(SAID, None),
    "another word for stop": completion(SAID, "end_turn"),
    "a word in capitals": completion(SAID, "STOP"),
    "no numbers": json.dumps({**completion(SAID), "logprobs": [float("nan"), float("-inf")]}),
    "comments before it": f": PROCESSING\n\n: PROCESSING\n\n{json.dumps(completion(SAID))}",
    "a stream": HALVES + chunk("stop") + USAGE + "data: [DONE]\n\n",
    "a stream that thinks first": ": wait\n\n"
    + chunk(reasoning_content="no")
    + HALVES
    + chunk("stop")
    + "data: [DONE]",
    "a stream of parts": chunk(content=[{"type": "text", "text": SAID}]) + chunk("stop") + "data: [DONE]\n\n",
    "thoughts in the text": completion(f"<think>Perhaps: no.</think>\n\n{SAID}"),
    "thoughts that the template opened": completion(f"Perhaps: no.\n</think>\n\n{SAID}"),
    "channels": completion(f"<|channel|>analysis<|message|>no<|end|><|channel|>final<|message|>{SAID}<|return|>"),
}


@pytest.mark.parametrize("body", READ.values(), ids=READ.keys())
def test_a_whole_reply_is_read_in_every_form(endpoint: ScriptedEndpoint, tmp_path: Path, body: Any) -> None:
    reply = answered(endpoint, tmp_path, body)
    assert (reply.text.strip(), reply.problem, reply.error, reply.asks) == (SAID, "", "", 1)


@pytest.mark.parametrize(
    "reason",
    ["length", "max_tokens", "MAX_TOKENS", "model_length", "content_filter", "SAFETY", "tool_calls", "abort", "error"],
)
@pytest.mark.parametrize("schema", [None, Pair], ids=["text", "json"])
def test_nothing_of_an_incomplete_reply_is_used_and_its_reason_is_named(
    endpoint: ScriptedEndpoint, tmp_path: Path, reason: str, schema: Any
) -> None:
    text = SAID if schema is None else Pair(question="Who lit it?", answer=SAID).model_dump_json()
    reply = answered(endpoint, tmp_path, completion(text, reason), schema=schema)
    assert reason in reply.problem and reply.value is None and not reply.whole and reply.asks == 3


def test_a_reply_without_a_finish_reason_that_used_all_its_tokens_is_cut(
    endpoint: ScriptedEndpoint, tmp_path: Path
) -> None:
    body = {**completion(SAID, None), "usage": {"prompt_tokens": 9, "completion_tokens": 200}}
    assert "all 200 tokens are used" in answered(endpoint, tmp_path, body).problem


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (completion(None, reasoning_content=SAID), "text in reasoning_content only"),
        (completion("", reasoning=SAID), "text in reasoning only"),
        (completion([{"type": "thinking", "thinking": SAID}]), "parts with thoughts only"),
        (completion([{"type": "image_url", "image_url": {"url": "x"}}]), "a part of type image_url only"),
        (completion(None, "tool_calls", tool_calls=[{"id": "1"}]), "empty reply (tool_calls)"),
        (completion(None, tool_calls=[{"id": "1"}]), "a tool call only"),
        (completion(f"<think>{SAID}"), "thoughts"),
    ],
)
def test_a_reply_without_text_says_where_its_words_are(
    endpoint: ScriptedEndpoint, tmp_path: Path, body: Any, why: str
) -> None:
    reply = answered(endpoint, tmp_path, body)
    assert why in reply.problem and reply.asks == 3


@pytest.mark.parametrize(
    "body",
    [
        completion([{"type": "refusal", "refusal": "I will not tell."}]),
        completion(None, refusal="I will not tell."),
        chunk(refusal="I will ") + chunk("stop", refusal="not tell.") + "data: [DONE]\n\n",
    ],
)
def test_a_refusal_is_quoted_and_not_asked_again(endpoint: ScriptedEndpoint, tmp_path: Path, body: Any) -> None:
    assert answered(endpoint, tmp_path, body).error == "the model declined: I will not tell."
    assert endpoint.stats()["requests"] == 1


@pytest.mark.parametrize(
    "error",
    [
        {"error": {"message": "upstream is busy", "code": 429}},
        {"error": {"message": "upstream is busy", "code": "rate_limit_exceeded"}},
        {"error": {"message": "upstream broke", "code": 502}, "choices": []},
        {"choices": [{"error": {"message": "upstream broke", "code": 503}, "finish_reason": "error", "message": {}}]},
        {"object": "error", "message": "upstream broke", "code": 500},
        {"error": "something went wrong"},
        'data: {"error": {"message": "upstream is busy", "code": 429}}\n\n',
        HALVES,
    ],
)
def test_an_error_in_a_good_reply_that_may_pass_is_asked_again(
    endpoint: ScriptedEndpoint, tmp_path: Path, error: Any
) -> None:
    reply = answered(endpoint, tmp_path, error, error, completion(SAID))
    assert (reply.text, endpoint.stats()["requests"]) == (SAID, 3)


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        ({"message": "Invalid key given", "code": 401}, ConfigError, "rejected the key in the variable"),
        ({"message": "Pay first", "code": "insufficient_quota"}, ConfigError, "no credit: Pay first"),
        ({"message": "No such model", "code": 404}, ConfigError, "No such model"),
        ({"message": "Overloaded", "code": 529}, TemporaryError, "HTTP 529 in a reply with HTTP 200: Overloaded"),
        ({"message": "Slow down", "code": 429}, TemporaryError, "HTTP 429 in a reply with HTTP 200: Slow down"),
        ("Something else", TemporaryError, "HTTP 200 with an error: Something else"),
    ],
)
def test_an_error_in_every_reply_ends_the_stage_with_its_words(
    endpoint: ScriptedEndpoint, tmp_path: Path, error: Any, kind: Any, says: str
) -> None:
    with pytest.raises(kind, match=says):
        answered(endpoint, tmp_path, {"error": error}, max_attempts=2, deadline_s=0.2)


def test_an_error_about_one_prompt_in_a_good_reply_is_one_record(endpoint: ScriptedEndpoint, tmp_path: Path) -> None:
    body = {"error": {"message": "This model's maximum context length is 10", "code": 400}}
    assert "maximum context length is 10" in answered(endpoint, tmp_path, body).error


def test_a_moderated_prompt_is_one_record_that_names_the_moderation(endpoint: ScriptedEndpoint, tmp_path: Path) -> None:
    details = {"reasons": ["self-harm"], "flagged_input": "the key of the account"}
    error = {"error": {"message": "Your input was flagged", "code": 403, "metadata": details}}
    endpoint.reset(refused={"number 2": {"status": 403, "body": json.dumps(error)}})
    replies, used = asked(endpoint.llm(), tmp_path / "j.sqlite", questions(4))
    assert used["kept"] == 3 and "moderation: Your input was flagged (self-harm)" in replies[2].error


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, f"Incorrect API key provided: {KEY}"),
        (403, f"The key {KEY} has no permission for this model"),
        (403, "Your account was suspended because it violated our usage policy"),
        (403, ""),
    ],
)
def test_a_refused_key_stops_the_stage_with_the_words_of_the_endpoint_but_not_the_key(
    endpoint: ScriptedEndpoint, tmp_path: Path, status: int, message: str
) -> None:
    endpoint.reset(replies=sent({"error": {"message": message}}, status=status))
    with pytest.raises(ConfigError, match="OPENAI_API_KEY") as raised:
        asked(endpoint.llm(max_in_flight=1), tmp_path / "j.sqlite", questions(9))
    assert message.replace(KEY, "***") in str(raised.value) and KEY not in str(raised.value)
    assert endpoint.stats()["requests"] <= 2, "the next one may be on its way already"


def test_a_refusal_without_reason_is_one_record_where_others_are_answered(
    endpoint: ScriptedEndpoint, tmp_path: Path
) -> None:
    """As a firewall before the endpoint refuses some words."""
    endpoint.reset(refused={"number 5": {"status": 403, "body": "<html>Blocked</html>"}})
    replies, used = asked(endpoint.llm(max_in_flight=1, max_attempts=2), tmp_path / "j.sqlite", questions(8))
    assert used["kept"] == 7 and "HTTP 403" in replies[5].error


def test_after_a_resume_too_a_refusal_without_reason_is_held_against_the_key_only_where_nobody_is_answered(
    endpoint: ScriptedEndpoint, tmp_path: Path
) -> None:
    llm = endpoint.llm(max_in_flight=1, max_attempts=2)
    endpoint.reset()
    asked(llm, tmp_path / "j.sqlite", questions(3))
    endpoint.reset(refused={"number 3": {"status": 403, "body": "Blocked"}})
    replies, _ = asked(llm, tmp_path / "j.sqlite", questions(4))
    assert "HTTP 403: Blocked" in replies[3].error
    endpoint.reset(always=403)
    with pytest.raises(ConfigError, match="rejects every request: HTTP 403: never"):
        asked(llm, tmp_path / "j.sqlite", questions(5))


UNSUPPORTED = {
    "message": "Unsupported parameter: 'max_tokens' is not supported here. Use 'max_completion_tokens' instead.",
    "param": "max_tokens",
    "code": "unsupported_parameter",
}
NO_TEMPERATURE = {"message": "Unsupported value: 'temperature' does not support 0.2 with this model.", "code": "x"}


def test_an_endpoint_is_asked_as_it_wants_after_one_refusal_and_replies_are_found_again(
    endpoint: ScriptedEndpoint, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint.reset(unknown_fields={"max_tokens": UNSUPPORTED, "temperature": NO_TEMPERATURE})
    llm = endpoint.llm(max_in_flight=1)
    with caplog.at_level(logging.INFO, "docent.llm"):
        replies, used = asked(llm, tmp_path / "j.sqlite", questions(6))
    fields = [request["fields"] for request in endpoint.stats()["sent"]]
    assert used["kept"] == 6 and len(fields) == 6 + 2, "one refusal for each field"
    assert fields[2:] == [["max_completion_tokens", "messages", "model"]] * 6
    assert [r.levelname for r in caplog.records if "temperature" in r.message] == ["WARNING"]
    endpoint.reset()
    again, used = asked(llm, tmp_path / "j.sqlite", questions(6))
    assert [reply.text for reply in again] == [reply.text for reply in replies]
    assert endpoint.stats()["requests"] == 0, "the key of a request does not depend on how it had to be sent"


@pytest.mark.parametrize(
    "message",
    [
        "max_tokens is too large: 9999. This model supports at most 4096 completion tokens",
        "max_tokens or max_completion_tokens is too large",
        "Unsupported language",
    ],
)
def test_a_refusal_about_something_else_is_not_sent_again(
    endpoint: ScriptedEndpoint, tmp_path: Path, message: str
) -> None:
    endpoint.reset(replies=sent({"error": {"message": message}}, status=400))
    replies, _ = asked(endpoint.llm(), tmp_path / "j.sqlite", questions(1))
    assert message[:40] in replies[0].error and endpoint.stats()["requests"] == 1


def test_an_endpoint_that_refuses_both_names_comes_to_an_end(endpoint: ScriptedEndpoint, tmp_path: Path) -> None:
    endpoint.reset(unknown_fields={"max_tokens": UNSUPPORTED, "max_completion_tokens": UNSUPPORTED})
    replies, _ = asked(endpoint.llm(), tmp_path / "j.sqlite", questions(1))
    assert "HTTP 400" in replies[0].error and endpoint.stats()["requests"] == 2


def test_a_field_that_is_refused_with_http_200_is_learned_as_well(endpoint: ScriptedEndpoint, tmp_path: Path) -> None:
    reply = answered(endpoint, tmp_path, {"error": {**UNSUPPORTED, "code": 400}}, completion(SAID))
    fields = [request["fields"] for request in endpoint.stats()["sent"]]
    assert reply.text == SAID and len(fields) == 2 and "max_completion_tokens" in fields[1]


def test_a_field_of_extra_body_that_is_not_taken_stops_the_stage(endpoint: ScriptedEndpoint, tmp_path: Path) -> None:
    error = {"message": "Unrecognized request argument supplied: top_k"}
    endpoint.reset(unknown_fields={"top_k": error})
    with pytest.raises(ConfigError, match="'top_k' of llm.extra_body"):
        asked(endpoint.llm(extra_body={"top_k": 3}, max_in_flight=1), tmp_path / "j.sqlite", questions(5))
    assert endpoint.stats()["requests"] <= 2, "the next one may be on its way already"


def test_the_address_may_hold_the_path_of_completions(endpoint: ScriptedEndpoint, tmp_path: Path) -> None:
    endpoint.reset()
    llm = endpoint.llm()
    replies, _ = asked(llm, tmp_path / "j.sqlite", questions(2))
    whole = llm.model_copy(update={"base_url": f"{llm.base_url}/chat/completions/"})
    again, used = asked(whole, tmp_path / "j.sqlite", questions(2))
    assert [r.text for r in again] == [r.text for r in replies] and used["from_journal"] == 2


GOOD = Pair(question="Which law is on the plate?", answer=r"It is \frac{a}{b} = \rho \times \nu, with \beta.")
IN_JSON: dict[str, Any] = {
    "LaTeX with single backslashes": (GOOD.model_dump_json().replace("\\\\", "\\"), Pair),
    "LaTeX as JSON wants it": (GOOD.model_dump_json(), Pair),
    "behind a draft": (f'{{"question": "no", "answer": "no"}}</think>{GOOD.model_dump_json()}', Pair),
    "a list": (f"[{GOOD.model_dump_json()}]", Pairs),
    "a list in a fence": (f"Here:\n```json\n[\n {GOOD.model_dump_json()}\n]\n```", Pairs),
}


@pytest.mark.parametrize(("text", "schema"), IN_JSON.values(), ids=IN_JSON.keys())
def test_json_is_read_as_it_was_meant(endpoint: ScriptedEndpoint, tmp_path: Path, text: str, schema: Any) -> None:
    reply = answered(endpoint, tmp_path, completion(text), schema=schema)
    assert reply.value == (GOOD if schema is Pair else Pairs(pairs=[GOOD])), reply.problem
    assert reply.asks == 1


def test_a_list_that_does_not_fit_is_named(endpoint: ScriptedEndpoint, tmp_path: Path) -> None:
    reply = answered(endpoint, tmp_path, completion('```json\n[{"q": "a"}]\n```'), schema=Pairs)
    assert "a list in place of an object" in reply.problem
