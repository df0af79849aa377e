"""Estimate the requests and costs of generate-qa before it runs, for `docent estimate`.

Reads the items of `assemble` and the journal; writes and sends nothing. The second step of a conversation is estimated
with turns of the expected length, because its text does not exist yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from docent.config.llm import Llm
from docent.config.stages import GenerateQA
from docent.context import Context
from docent.llm.chat import ChatRequest
from docent.llm.client import known_replies
from docent.llm.pace.estimate import expected, tokens_of
from docent.records import Item
from docent.stages.generate_qa import requests_for
from docent.stages.generate_qa.calls import Call, ItemIndex, part_of, plan_calls
from docent.stages.generate_qa.conversation import rewording_request
from docent.stages.generate_qa.own_language import with_own_language
from docent.stages.generate_qa.prompts import answer_words
from docent.stages.generate_qa.question_types import language_of
from docent.stages.generate_qa.views import Asking

QUESTION_CHARS = 80
"""Length of a question with its labels or field names."""
CHARS_PER_WORD = 6
"""Mean length of an English word, including the space after it."""
TYPED_WORDS = 60
"""Words of a usual answer about a section, if the limit allows that many."""
REASONING_CHARS = 400


def estimate(ctx: Context) -> dict[str, Any]:
    """Estimate requests, tokens, USD and minutes of all shards together.

    Raises:
        ConfigError: a question type or a language is unknown.
    """
    items, _ = with_own_language(ctx.rows(Item), ctx.config)
    asking = Asking(ctx.section, ctx.config.seed, ItemIndex.of(items), ctx.image_path)
    asked = asked_calls(items, asking)
    visitors = requests_for([call for call in asked if part_of(call.kind) == "visitor"], asking)
    return {**costs(asked, asking, ctx.config.llm), "in_journal": known_replies(ctx.config.llm, ctx.journal, visitors)}


def costs(asked: Sequence[Call], asking: Asking, llm: Llm) -> dict[str, Any]:
    """Estimate requests, tokens, USD and minutes of some calls."""
    return asdict(expected(_requests(asked, asking), llm))


def asked_calls(items: Sequence[Item], asking: Asking) -> list[Call]:
    """Return the calls of a run that are possible."""
    return [call for call in plan_calls(items, asking.section) if not asking.why_not(call)]


def reply_tokens(call: Call, section: GenerateQA) -> int:
    """Return the usual length of a reply in tokens; visitors' replies repeat the description in each pair."""
    if part_of(call.kind) == "visitor":
        words = section.max_answer_words
    else:
        words = min(answer_words(call, section), TYPED_WORDS)
    telling = min(len(call.item.text), words * CHARS_PER_WORD)
    steps = REASONING_CHARS if section.reasoning and part_of(call.kind) != "visitor" else 0
    return call.kind.quota * tokens_of(telling + QUESTION_CHARS + steps)


def _requests(asked: Sequence[Call], asking: Asking) -> Iterator[tuple[ChatRequest, int]]:
    """Yield every request with the expected number of tokens in its reply."""
    for call, request in zip(asked, requests_for(asked, asking), strict=True):
        tokens = reply_tokens(call, asking.section)
        yield request, tokens
        if part_of(call.kind) == "conversation" and call.kind.quota > 1:
            turn = ("x" * QUESTION_CHARS, "x" * TYPED_WORDS * CHARS_PER_WORD)
            code = language_of(call.item.language, asking.section).code
            yield rewording_request(call, [turn] * call.kind.quota, code, asking), tokens
