"""Bodies of replies as completions: forms, streams that break, errors, counts of tokens."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docent.llm.wire.completions import ErrorInReplyError, NoCompletionError, read_completion
from docent.llm.wire.endpoint_errors import error_in, error_of


def body(content: Any = "It is a jar.", usage: Any = None, **choice: Any) -> bytes:
    message = {"role": "assistant", "content": content}
    return json.dumps({"choices": [{"message": message, "finish_reason": "stop", **choice}], "usage": usage}).encode()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("a", "a"),
        (["a", "b"], "ab"),
        ([{"text": "a"}, {"type": "output_text", "text": "b"}], "ab"),
        ({"type": "text", "text": "a"}, "a"),
        ([{"type": "text", "text": {"value": "a"}}], "a"),
        ([{"type": "text", "text": "a"}, {"type": "reference", "reference_ids": [1]}, {"text": "b"}], "ab"),
        ([{"text": "no", "thought": True}, {"text": "a"}], "a"),
        ([{"type": "reasoning", "text": "no"}, {"type": "text", "text": "a"}], "a"),
        ([], ""),
        (None, ""),
    ],
)
def test_texts_of_all_parts_are_joined_and_thoughts_are_left_out(content: Any, text: str) -> None:
    assert read_completion(body(content)).text == text


@pytest.mark.parametrize("content", [5, [5], True, [["a"]]])
def test_content_that_is_no_text_is_no_completion(content: Any) -> None:
    with pytest.raises(NoCompletionError):
        read_completion(body(content))


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        ({"prompt_tokens": "12", "completion_tokens": 3.0}, (12, 3)),
        ({"prompt_tokens": 1.5, "completion_tokens": 3}, (2, 3)),
        ({"prompt_tokens": True, "completion_tokens": 3}, (None, None)),
        ("12", (None, None)),
        ([1], (None, None)),
    ],
)
def test_counts_of_tokens_never_cost_a_reply(usage: Any, told: tuple[int | None, int | None]) -> None:
    found = read_completion(body(usage=usage))
    assert (found.text, found.input_tokens, found.output_tokens) == ("It is a jar.", *told)


def event(**choice: Any) -> str:
    return f"data: {json.dumps({'choices': [choice]})}\n"


@pytest.mark.parametrize(
    ("stream", "text"),
    [
        (event(delta={"content": "a"}) + event(delta={"content": "b"}) + event(delta={}, finish_reason="stop"), "ab"),
        (event(delta={"content": "a"}) + "data: [DONE]\n", "a"),
        (event(delta={"content": "a"}) + event(index=1, delta={"content": "b"}) + "data: [DONE]", "a"),
        (event(delta={"content": "a"}) + event(message={"content": "ab"}, finish_reason="stop"), "ab"),
        ("event: message\r\n" + event(delta={"content": "a"}) + "\r\n: still here\r\n\r\ndata:[DONE]\r\n", "a"),
    ],
)
def test_a_stream_is_one_reply(stream: str, text: str) -> None:
    assert read_completion(stream.encode()).text == text


@pytest.mark.parametrize("end", ["", ": waiting\n", 'data: {"choi', 'data: "text"\n', "data: 5\ndata: [DONE]\n"])
def test_a_stream_that_breaks_off_is_no_reply(end: str) -> None:
    with pytest.raises(NoCompletionError, match="stream"):
        read_completion((event(delta={"content": "It is a"}) + end).encode())


@pytest.mark.parametrize("line", ['{"error": {"message": "lost", "code": 502}}', '{"message": "lost", "code": 502}'])
def test_an_error_in_a_stream_is_an_error(line: str) -> None:
    with pytest.raises(ErrorInReplyError) as raised:
        read_completion(f"event: error\ndata: {line}\n\n".encode())
    assert error_of(raised.value.error).status == 502


def test_the_length_of_a_stream_tells_at_the_end_what_it_cost() -> None:
    usage = 'data: {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 9}}\ndata: [DONE]\n'
    found = read_completion((event(delta={"content": "a"}, finish_reason="length") + usage).encode())
    assert (found.finish_reason, found.input_tokens, found.output_tokens) == ("length", 7, 9)


def test_a_reply_that_is_whole_is_used_although_something_calls_itself_an_error() -> None:
    whole = {**json.loads(body()), "error": {"message": "deprecated model"}}
    assert read_completion(json.dumps(whole).encode()).text == "It is a jar."
    cut = {**json.loads(body(finish_reason="error")), "error": {"message": "lost", "code": 502}}
    with pytest.raises(ErrorInReplyError) as raised:
        read_completion(json.dumps(cut).encode())
    assert raised.value.begun, "what came of it may have been paid for"


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        ({"error": {"code": "429", "message": "slow"}}, 429, "slow"),
        ({"error": {"type": "overloaded_error", "message": "busy"}}, 503, "busy"),
        ({"error": {"status": "RESOURCE_EXHAUSTED", "code": 429, "message": "quota"}}, 429, "quota"),
        ({"errors": [{"message": "no", "code": 400}]}, 400, "no"),
        ({"object": "error", "message": "no", "code": 40301}, None, "no"),
        ({"error": {"message": "no", "metadata": {"raw": "the server said so"}}}, None, "no (the server said so)"),
        ({"detail": "no"}, None, "no"),
        ({"error": "no"}, None, "no"),
    ],
)
def test_an_error_is_read_in_every_shape(error: Any, status: int | None, message: str) -> None:
    found = error_of(error)
    assert (found.status, found.message) == (status, message)


@pytest.mark.parametrize(
    ("error", "about"),
    [
        ({"message": "flagged", "metadata": {"reasons": ["violence"]}}, "prompt"),
        ({"message": "No", "metadata": {"flagged_input": "the api key"}}, "prompt"),
        ({"code": "content_filter", "message": "The prompt was filtered"}, "prompt"),
        ({"message": "x", "innererror": {"code": "y", "content_filter_result": {"hate": 1}}}, "prompt"),
        ({"message": "Invalid API key"}, "key"),
        ({"message": "You do not have access to the model"}, "key"),
        ({"message": "Country, region, or territory not supported"}, "key"),
        ({"message": "Your account violated our content policy"}, "unknown"),
        ({"message": "Forbidden by rule 17 of the content filter"}, "unknown"),
        ({"message": ""}, "unknown"),
    ],
)
def test_what_a_refusal_is_about_is_told_by_details_first_and_then_by_words(error: Any, about: str) -> None:
    assert error_of({"error": error}).about == about


NAMES = st.sampled_from(["error", "choices", "message", "content", "code", "data", "finish_reason"])
ANY_JSON = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=12
)


@given(st.binary(max_size=200) | ANY_JSON.map(lambda value: json.dumps(value).encode()))
def test_no_body_breaks_the_reader(data: bytes) -> None:
    error_in(data)
    try:
        read_completion(data)
    except (NoCompletionError, ErrorInReplyError) as error:
        assert str(error)
