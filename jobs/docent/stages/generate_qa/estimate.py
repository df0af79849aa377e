"""What stage generate-qa will ask the teacher for, before it does: `docent estimate`.

Reads the items of `assemble` and the journal; writes and sends nothing.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from docent.config import GenerateQA
from docent.context import Context
from docent.llm.client import known_replies
from docent.llm.estimate import expected, tokens_of
from docent.records import Item
from docent.stages.generate_qa import Call, Requests, plan_calls

QUESTION_CHARS = 80
"""A visitor's question and the two labels."""
CHARS_PER_WORD = 6
"""Of English, the space behind it included."""


def estimate(ctx: Context) -> dict[str, Any]:
    """Requests, tokens, USD and minutes of all shards together."""
    section: GenerateQA = ctx.section
    calls = plan_calls(ctx.rows("assemble", Item), section.temperatures)
    asked = [call for call in calls if call.item.text.strip()]
    requests = Requests(asked, section, ctx.config.seed)
    replies = [reply_tokens(call, section) for call in asked]
    known = known_replies(ctx.config.llm, ctx.journal, requests)
    return {**asdict(expected(zip(requests, replies, strict=True), ctx.config.llm)), "in_journal": known}


def reply_tokens(call: Call, section: GenerateQA) -> int:
    """A reply tells the description as often as pairs are asked for, each telling at most so many words long."""
    telling = min(len(call.item.text), section.max_answer_words * CHARS_PER_WORD)
    return section.pairs_per_call * tokens_of(telling + QUESTION_CHARS)
