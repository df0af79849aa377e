"""Replies whose JSON is a little off are kept: they are paid for, and their text is whole."""

from __future__ import annotations

import io
import json

import pytest

from docent.config.llm import Llm
from docent.llm.batch.files import results
from docent.llm.structure.lenient_json import read_json
from docent.llm.wire.completions import NoCompletionError, read_completion
from docent.llm.wire.endpoint import OpenAIEndpoint
from docent.llm.wire.transport import Reply

KEY = "zq81-Lm0c_Tt7-Gh29Xw"


def endpoint() -> OpenAIEndpoint:
    llm = Llm(provider="openai", base_url="http://127.0.0.1:9/v1", api_key_env="A_KEY")
    return OpenAIEndpoint(llm, {"A_KEY": KEY})


def body(content: str, more: str = "") -> bytes:
    return f'{{"choices":[{{"message":{{"content":"{content}"}},"finish_reason":"stop"}}]{more}}}'.encode()


@pytest.mark.parametrize("digits", [400, 5000, 100_000])
def test_a_count_of_thousands_of_digits_does_not_discard_the_reply(digits: int) -> None:
    found = read_completion(body("A jar.", f',"usage":{{"prompt_tokens":{"7" * digits},"completion_tokens":1}}'))
    assert (found.text, found.input_tokens, found.usage_unreadable) == ("A jar.", None, True)


def test_line_breaks_that_stand_in_a_string_as_they_are_stay() -> None:
    assert read_completion(body("A jar.\nIt is blue.\t")).text == "A jar.\nIt is blue.\t"


def test_a_character_cut_in_two_between_chunks_of_a_stream_is_whole_again() -> None:
    pieces = ["A jar \\ud83d", "\\ude00."]
    lines = [f'data: {{"choices":[{{"delta":{{"content":"{piece}"}}}}]}}\n\n' for piece in pieces]
    end = 'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    assert read_completion("".join([*lines, end]).encode()).text == "A jar \U0001f600."


def test_half_of_a_character_is_refused_and_named() -> None:
    with pytest.raises(NoCompletionError, match="half of a surrogate pair"):
        read_completion(body("A jar \\ud83d."))


@pytest.mark.parametrize("data", [b"", b"{", b"[" * 100_000, b'{"a": "\xff"}', b"{} {}", b'{"a": 1,}'])
def test_what_is_no_json_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        read_json(data)


def test_a_key_that_the_endpoint_repeats_reaches_neither_text_nor_finish_reason() -> None:
    choice = {"message": {"content": f"Authorization was {KEY}. A jar."}, "finish_reason": f"stop {KEY}"}
    answer = endpoint().answer_of(Reply(200, {}, json.dumps({"choices": [choice]}).encode()))
    assert answer.text == "Authorization was ***. A jar."
    assert KEY not in answer.finish_reason


def test_a_key_in_the_address_of_a_redirect_is_masked_although_hosts_are_in_lower_case() -> None:
    refused = endpoint().refused(Reply(302, {"Location": f"http://{KEY}.example/{KEY}"}, b""))
    assert KEY.lower() not in str(refused).lower() and "***.example" in str(refused)


def test_a_line_of_a_batch_is_kept_although_a_count_in_it_has_thousands_of_digits() -> None:
    whole = body("A jar.", f',"usage":{{"prompt_tokens":{"7" * 5000},"completion_tokens":1}}').decode()
    line = f'{{"custom_id":"6b","response":{{"status_code":200,"body":{whole}}}}}\n'
    found = list(results(io.BytesIO(line.encode()), 1_000_000))
    assert [endpoint().answer_of(one.reply).text for one in found if one.reply] == ["A jar."]
