"""Stage generate-qa: let a teacher write questions and answers about every item, at several temperatures.

Reads the items of `assemble` and the figures of `ingest`; writes `QAPair` rows: visitors' pairs, then pairs about
sections, then conversations, each by item, question type, temperature, fact, index. Calls are divided among shards; the
rows do not depend on the number of shards. calls.py plans the calls, views.py and prompts.py build the prompts,
typed.py and visitor.py turn replies into rows. Start reading at calls.py.
Run alone: `docent stage generate-qa --config pipeline.yaml --run-dir runs/demo --shard 0/2`.
"""

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from docent.context import Context
from docent.llm.chat import ChatReply, ChatRequest
from docent.llm.client import ChatClient
from docent.records import Item, QAPair, Reject
from docent.stages.generate_qa import typed, visitor
from docent.stages.generate_qa.calls import Call, ItemIndex, part_of, plan_calls, unwritten
from docent.stages.generate_qa.conversation import reworded, rewording_request
from docent.stages.generate_qa.own_language import language_notice, with_own_language
from docent.stages.generate_qa.question_types import language_of
from docent.stages.generate_qa.shortfall import Tally
from docent.stages.generate_qa.views import Asking
from docent.text.prompt_safety import hidden_in

log = logging.getLogger("docent.generate_qa")

KEPT_OF_GRACE_S = 10
"""Seconds between SIGTERM and SIGKILL that are reserved for everything except waiting for pending replies."""
CONVERSATIONS_AT_ONCE = 5000
"""Number of conversations held in memory until their second step; a batch API gets two batches for each group."""
Rows = Iterator[QAPair | Reject]


@dataclass(frozen=True)
class Requests(Sequence[ChatRequest]):
    """The requests of some calls; each is built when it is accessed, so that large runs never hold all of them."""

    calls: Sequence[Call]
    build: Callable[[Call], ChatRequest]

    def __len__(self) -> int:
        return len(self.calls)

    def __getitem__(self, index: Any) -> Any:
        calls = self.calls[index]
        return Requests(calls, self.build) if isinstance(index, slice) else self.build(calls)


@dataclass
class Work:
    """The calls of one shard and everything that is needed to process them."""

    ctx: Context
    asking: Asking
    client: ChatClient
    calls: Sequence[Call]
    tally: Tally = field(default_factory=Tally)
    done: int = 0

    def of(self, part: str) -> list[Call]:
        """Return the calls of one part."""
        return [call for call in self.calls if part_of(call.kind) == part]

    def replies(self, calls: Sequence[Call]) -> Iterator[tuple[Call, list[QAPair | Reject], ChatReply | None]]:
        """Yield every call with its rows and its reply; an impossible call has one Reject and no reply."""
        asking, teacher = self.asking, self.client.teacher
        if not calls:
            return
        asked = [call for call in calls if not asking.why_not(call)]
        with closing(self.client.ask(requests_for(asked, asking))) as replies:
            for call in calls:
                self.done += 1
                if why := asking.why_not(call):
                    yield call, [unwritten(call, why, call.item.name)], None
                    continue
                reply = next(replies)
                yield call, list(_module_of(call).rows_of(call, reply, asking, teacher)), reply
                self.ctx.progress.update(self.done, len(self.calls), self.client.line())
            next(replies, None)  # yields nothing, but lets the client check its counts after the last reply


def run(ctx: Context) -> Rows:
    """Yield the pairs of this shard's calls; a call without a usable reply yields one Reject.

    Raises:
        ConfigError: a question type, language, key, price, model or the endpoint does not work as configured.
        TemporaryError: the endpoint is down; its replies so far are kept in the journal.
    """
    items, counts = with_own_language(ctx.rows(Item), ctx.config)
    for item in items:
        language_of(item.language, ctx.section, f"language of {item.name}")
    if line := language_notice(counts, ctx.section.language):
        log.info("%s", line)
    _warn_about_hidden(items)
    asking = Asking(
        ctx.section,
        ctx.config.seed,
        ItemIndex.of(items),
        ctx.image_path,
        by_title=ctx.config.llm.provider == "offline",
    )
    calls = ctx.mine(plan_calls(items, ctx.section))
    drain_s = max(1.0, ctx.config.kubernetes.grace_s - KEPT_OF_GRACE_S)
    client = ChatClient(ctx.config.llm, ctx.journal, ctx.shard.count, ctx.stop, drain_s=drain_s, run_dir=ctx.run_dir)
    with client:
        work = Work(ctx, asking, client, calls)
        for part in ("visitor", "typed"):
            for call, rows, reply in work.replies(work.of(part)):
                work.tally.count(call, rows, reply)
                yield from rows
        yield from _conversations(work)
        ctx.spend(**client.amounts())
    for line in work.tally.lines():
        log.warning("%s", line) if line.startswith("short") else log.info("%s", line)


def _warn_about_hidden(items: Sequence[Item]) -> None:
    """Log how many texts contain hidden content that is removed or sent as plain text."""
    found = [hidden_in(f"{item.name}\n{item.title}\n{item.text}") for item in items]
    texts = sum(bool(hidden.invisible or hidden.tokens) for hidden in found)
    if texts:
        invisible, tokens = sum(hidden.invisible for hidden in found), sum(hidden.tokens for hidden in found)
        log.warning(
            "%d of %d texts contain invisible characters (%d, removed) or chat-template tokens (%d, sent as text)",
            texts, len(items), invisible, tokens,
        )  # fmt: skip


def requests_for(calls: Sequence[Call], asking: Asking) -> Requests:
    """Return the requests of the calls, which must all belong to one part."""
    return Requests(calls, lambda call: _module_of(call).request_for(call, asking))


def _module_of(call: Call) -> ModuleType:
    return visitor if part_of(call.kind) == "visitor" else typed


def _conversations(work: Work) -> Rows:
    """Yield the rows of conversations in groups, so that large runs hold only a few in memory."""
    calls, kept = work.of("conversation"), 0
    for start in range(0, len(calls), CONVERSATIONS_AT_ONCE):
        kept += yield from _some_conversations(work, calls[start : start + CONVERSATIONS_AT_ONCE])
    if kept:
        log.warning("conversations that keep full names because the rewording reply was unusable: %d", kept)


def _some_conversations(work: Work, calls: Sequence[Call]) -> Generator[QAPair | Reject, None, int]:
    """Run both steps: write all conversations, then reword those with several turns; yield rows in call order.

    Returns:
        The number of conversations that could not be reworded.
    """
    first: list[tuple[Call, list[QAPair | Reject]]] = []
    for call, rows, reply in work.replies(calls):
        work.tally.count(call, rows, reply)
        first.append((call, rows))
    requests = [
        rewording_request(call, [(pair.question, pair.answer) for pair in pairs], pairs[0].language, work.asking)
        for call, rows in first
        if len(pairs := _pairs(rows)) > 1  # a single pair has nothing to refer back to
    ]
    kept = 0
    with closing(work.client.ask(requests)) as replies:
        for _, rows in first:
            if len(pairs := _pairs(rows)) > 1:
                second = next(replies)
                kept += second.value is None
                yield from reworded(pairs, second)
                yield from (row for row in rows if isinstance(row, Reject))
            else:
                yield from rows
        next(replies, None)
    return kept


def _pairs(rows: Sequence[QAPair | Reject]) -> tuple[QAPair, ...]:
    return tuple(row for row in rows if isinstance(row, QAPair))
