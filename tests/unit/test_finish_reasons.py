"""What finish reasons say, in the words of many vendors."""

from __future__ import annotations

import pytest

from docent.llm.wire.finish_reasons import CUT, FILTERED_OUT, is_whole, noted, problem_of


@pytest.mark.parametrize(
    "reason", ["stop", "STOP", "end_turn", "eos", "eos_token", "stop_sequence", "COMPLETE", "FinishReason.STOP", ""]
)
def test_only_known_words_mean_a_whole_reply(reason: str) -> None:
    assert is_whole(reason) and problem_of(reason) == "" and is_whole(noted(reason, "text in reasoning only"))


@pytest.mark.parametrize("reason", ["length", "max_tokens", "MAX_TOKENS", "model_length", "FinishReason.MAX_TOKENS"])
def test_every_word_for_a_cut_is_named_as_one(reason: str) -> None:
    assert problem_of(reason) == f"{CUT} (finish_reason {reason})"


@pytest.mark.parametrize("reason", ["content_filter", "SAFETY", "RECITATION", "guardrail_intervened"])
def test_a_filter_has_a_reason_of_its_own(reason: str) -> None:
    assert problem_of(reason) == f"{FILTERED_OUT} (finish_reason {reason})"


@pytest.mark.parametrize("reason", ["abort", "error", "tool_calls", "insufficient_system_resource", "x", "stopped"])
def test_any_other_word_means_that_the_reply_is_incomplete(reason: str) -> None:
    assert problem_of(reason) == f"not complete (finish_reason {reason})"
