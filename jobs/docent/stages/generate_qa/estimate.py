"""What stage generate-qa will ask the teacher for, before it does: `docent estimate`.

Reads the items of `assemble`; writes and sends nothing.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from docent.config import GenerateQA
from docent.context import Context
from docent.llm.estimate import expected, tokens_of
from docent.records import Item
from docent.stages.generate_qa import Call, plan_calls, request_for

QUESTION_CHARS = 80
"""A visitor's question and the two labels."""
CHARS_PER_WORD = 6
"""Of English, the space behind it included."""


def estimate(ctx: Context) -> dict[str, Any]:
    """Requests, tokens, USD and minutes of all shards together."""
    section: GenerateQA = ctx.section
    calls = plan_calls(ctx.rows("assemble", Item), section.temperatures)
    asked = (call for call in calls if call.item.text.strip())
    requests = ((request_for(call, section, ctx.config.seed), reply_tokens(call, section)) for call in asked)
    return asdict(expected(requests, ctx.config.llm))


def reply_tokens(call: Call, section: GenerateQA) -> int:
    """A reply tells the description as often as pairs are asked for, each telling at most so many words long."""
    telling = min(len(call.item.text), section.max_answer_words * CHARS_PER_WORD)
    return section.pairs_per_call * tokens_of(telling + QUESTION_CHARS)
