"""A number of thousands of digits anywhere in a reply costs nothing but itself."""

from __future__ import annotations

import pytest

from docent.llm.wire.completions import read_completion

HUGE = "9" * 6000
CHOICES = '"choices": [{"message": {"content": "A good reply."}, "finish_reason": "stop"}]'


@pytest.mark.parametrize(
    "body",
    [
        f'{{"created": {HUGE}, {CHOICES}}}',
        f'{{{CHOICES}, "usage": {{"prompt_tokens": {HUGE}, "completion_tokens": 3}}}}',
        f'{{{CHOICES}, "score": -{HUGE}, "other": NaN}}',
    ],
)
def test_a_reply_with_a_huge_number_is_read(body: str) -> None:
    found = read_completion(body.encode())
    assert (found.text, found.finish_reason) == ("A good reply.", "stop")
    assert found.input_tokens is None
