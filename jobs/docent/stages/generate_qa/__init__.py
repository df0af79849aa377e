"""Stage generate-qa: questions and answers about every item, written by a teacher at several temperatures.

Reads the items of `assemble`; writes `QAPair` rows in the order item, temperature, index. One call per item and
temperature; calls are divided over shards, rows are the same for any number of them. Run alone:
`docent stage generate-qa --config pipeline.yaml --run-dir runs/demo --shard 0/2`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import overload

import yaml

from docent.config import GenerateQA
from docent.context import Context
from docent.llm.chat import ChatReply, ChatRequest, Material, Message
from docent.llm.client import ChatClient
from docent.llm.replies import UnusableReplyError, parse_dialogue
from docent.records import Item, QAPair, Reject, make_id
from docent.text.sentences import readable_name

QUESTION_TYPE = "visitor"
TOKENS_PER_PAIR = 600
"""Room for one pair in a reply; 5 pairs get 3000 tokens, as published."""
MAX_RAW_CHARS = 2000
KEPT_OF_GRACE_S = 10
"""Of the seconds between SIGTERM and SIGKILL, left for everything but replies that are under way."""
_TAG = re.compile(r"<(?=\s*/?\s*description\b)", re.IGNORECASE)


@dataclass(frozen=True)
class Call:
    """One question to the teacher: about one item, at one temperature."""

    item: Item
    temperature: float


@dataclass(frozen=True)
class Requests(Sequence[ChatRequest]):
    """The prompts of some calls, each built when it is looked at, so that a large run holds none of them."""

    calls: Sequence[Call]
    section: GenerateQA
    seed: int

    def __len__(self) -> int:
        return len(self.calls)

    @overload
    def __getitem__(self, index: int) -> ChatRequest: ...

    @overload
    def __getitem__(self, index: slice) -> Requests: ...

    def __getitem__(self, index: int | slice) -> ChatRequest | Requests:
        if isinstance(index, slice):
            return Requests(self.calls[index], self.section, self.seed)
        return request_for(self.calls[index], self.section, self.seed)


def run(ctx: Context) -> Iterator[QAPair | Reject]:
    """Pairs of this shard's calls; a call without a usable reply is one Reject.

    Raises:
        ConfigError: a key, a price, the model or the endpoint is not as configured.
        TemporaryError: the endpoint is down; what it answered is kept in the journal.
    """
    section: GenerateQA = ctx.section
    calls = ctx.mine(plan_calls(ctx.rows("assemble", Item), section.temperatures))
    asked = [call for call in calls if call.item.text.strip()]
    requests = Requests(asked, section, ctx.config.seed)

    def problem_of(reply: ChatReply) -> str:
        return problem_with(reply, section.pairs_per_call)

    drain_s = max(1.0, ctx.config.kubernetes.grace_s - KEPT_OF_GRACE_S)
    client = ChatClient(ctx.config.llm, ctx.journal, ctx.shard.count, ctx.stop, drain_s=drain_s)
    with client, closing(client.ask(requests, problem_of)) as replies:
        for done, call in enumerate(calls, 1):
            if not call.item.text.strip():
                yield Reject(reason="no text to ask about", raw=call.item.name, parents=(call.item.id,))
                continue
            yield from rows_of(call, next(replies), section, client.teacher)
            ctx.progress.update(done, len(calls), client.line())
        next(replies, None)  # there is none: behind the last one the ledger is checked
        ctx.spend(**client.amounts())


def plan_calls(items: Sequence[Item], temperatures: Sequence[float]) -> list[Call]:
    """All calls of the run, in the order of the rows they make."""
    return [Call(item, temperature) for item in items for temperature in sorted(set(temperatures))]


def request_for(call: Call, section: GenerateQA, seed: int) -> ChatRequest:
    """The prompt of a call, and the same in structured form for the offline teacher."""
    prompts = question_types()[QUESTION_TYPE]
    system = prompts["system"].format(
        pairs=section.pairs_per_call, words=section.max_answer_words, language=section.language
    )
    # The material cannot close its own tag and go on as instructions.
    name, text = (re.sub(r"[<>]", " ", readable_name(call.item.name)), _TAG.sub("(", call.item.text))
    user = prompts["user"].replace("{name}", name).replace("{text}", text)
    return ChatRequest(
        messages=(Message("system", system), Message("user", user)),
        temperature=call.temperature,
        max_tokens=TOKENS_PER_PAIR * section.pairs_per_call,
        material=Material(
            name=call.item.name,
            text=call.item.text,
            temperatures=tuple(sorted(set(section.temperatures))),
            temperature=call.temperature,
            pairs=section.pairs_per_call,
            max_answer_words=section.max_answer_words,
            language=section.language,
            seed=seed,
        ),
    )


def problem_with(reply: ChatReply, pairs: int) -> str:
    """Why a whole reply cannot be used, "" when it can."""
    try:
        parse_dialogue(reply.text, pairs)
    except UnusableReplyError as error:
        return str(error)
    return ""


def rows_of(call: Call, reply: ChatReply, section: GenerateQA, teacher: str) -> Iterator[QAPair | Reject]:
    """The pairs of one reply, or one Reject."""
    item = call.item
    if reply.error or reply.problem:
        yield Reject(
            reason="request refused by the endpoint" if reply.error else "reply not usable",
            raw=reply.text[:MAX_RAW_CHARS],
            parents=(item.id,),
            detail=f"{item.name} at temperature {call.temperature:g}: {reply.error or reply.problem}",
        )
        return
    for index, (question, answer) in enumerate(parse_dialogue(reply.text, section.pairs_per_call)):
        yield QAPair(
            id=make_id("generate-qa", (item.id,), call.temperature, index, question, answer),
            parents=(item.id,),
            item_id=item.id,
            item_name=item.name,
            question=question,
            answer=answer,
            question_type=QUESTION_TYPE,
            language=section.language,
            temperature=call.temperature,
            index=index,
            teacher=teacher,
            sources=(item.source,),
        )


@cache
def question_types() -> dict[str, dict[str, str]]:
    """The prompts, by question type."""
    text = resources.files(__package__).joinpath("question_types.yaml").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = yaml.safe_load(text)
    return found
