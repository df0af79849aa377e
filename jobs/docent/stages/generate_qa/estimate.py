"""Show the requests of generate-qa and their cost before it runs, for `docent estimate` and `docent preview`.

Reads the items of `assemble` and the journal for an estimate, and nothing for a preview; writes and sends nothing. The
second step of a conversation is estimated with turns of the expected length, because its text does not exist yet.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from docent.config import PipelineConfig
from docent.config.llm import Llm
from docent.config.stages import GenerateQA
from docent.context import Context
from docent.llm.chat import ChatRequest
from docent.llm.client import known_replies
from docent.llm.pace.estimate import expected, tokens_of
from docent.records import ImageFile, Item
from docent.stages.generate_qa import requests_for
from docent.stages.generate_qa.calls import Call, ItemIndex, part_of, plan_calls, planned
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
    asking, calls = _possible_calls(ctx.rows(Item), ctx.config, ctx.image_path)
    visitors = requests_for([call for call in calls if part_of(call.kind) == "visitor"], asking)
    return {**_costs(calls, asking, ctx.config.llm), "in_journal": known_replies(ctx.config.llm, ctx.journal, visitors)}


def preview(items: Sequence[Item], config: PipelineConfig) -> dict[str, Any]:
    """Return what a run over some items, which need not belong to a run, would request.

    Returns:
        `calls`: number of requests by question type, without impossible ones; `prompts`: the first request of each type
        with its messages and the names of its pictures; `planned`: number of pairs by question type; `cost`: the same
        estimate as `docent estimate` shows.

    Raises:
        ConfigError: a question type or a language is unknown.
    """
    # Only the file names of pictures: the pictures are not read here, so they need not exist.
    asking, calls = _possible_calls(items, config, lambda image: Path(image.file))
    counts = Counter(call.kind.name for call in calls)
    first = [next(call for call in calls if call.kind.name == name) for name in counts]
    prompts = [
        {
            "type": call.kind.name,
            "item": call.item.name,
            "temperature": request.temperature,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "images": [str(image.path) for message in request.messages for image in message.images],
        }
        for call, request in zip(first, requests_for(first, asking), strict=True)
    ]
    return {
        "calls": dict(counts),
        "prompts": prompts,
        "planned": planned(items, asking.section),
        "cost": _costs(calls, asking, config.llm),
    }


def _possible_calls(
    items: Sequence[Item], config: PipelineConfig, path_of: Callable[[ImageFile], Path]
) -> tuple[Asking, list[Call]]:
    items, _ = with_own_language(items, config)
    asking = Asking(config.generate_qa or GenerateQA(), config.seed, ItemIndex.of(items), path_of)
    return asking, [call for call in plan_calls(items, asking.section) if not asking.why_not(call)]


def _costs(calls: Sequence[Call], asking: Asking, llm: Llm) -> dict[str, Any]:
    """Estimate requests, tokens, USD and minutes of some calls."""
    return asdict(expected(_requests(calls, asking), llm))


def reply_tokens(call: Call, section: GenerateQA) -> int:
    """Return the usual length of a reply in tokens; visitors' replies repeat the description in each pair."""
    if part_of(call.kind) == "visitor":
        words = section.max_answer_words
    else:
        words = min(answer_words(call, section), TYPED_WORDS)
    telling = min(len(call.item.text), words * CHARS_PER_WORD)
    steps = REASONING_CHARS if section.reasoning and part_of(call.kind) != "visitor" else 0
    return call.kind.quota * tokens_of(telling + QUESTION_CHARS + steps)


def _requests(calls: Sequence[Call], asking: Asking) -> Iterator[tuple[ChatRequest, int]]:
    """Yield every request with the expected number of tokens in its reply."""
    for call, request in zip(calls, requests_for(calls, asking), strict=True):
        tokens = reply_tokens(call, asking.section)
        yield request, tokens
        if part_of(call.kind) == "conversation" and call.kind.quota > 1:
            turn = ("x" * QUESTION_CHARS, "x" * TYPED_WORDS * CHARS_PER_WORD)
            code = language_of(call.item.language, asking.section).code
            yield rewording_request(call, [turn] * call.kind.quota, code, asking), tokens
