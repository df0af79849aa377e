"""How each question type is written from one section by the offline teacher.

A writer gives drafts, the best first, as many as the section has; the caller takes what was asked for. Every answer is
made of the section's own statements. Reads and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from docent.llm.offline_desk import Desk, Draft
from docent.llm.offline_exchange import BLANK, blanked, spans_of
from docent.llm.offline_judged import in_question
from docent.llm.offline_source import Statement, cleaned, row_of, statements_of
from docent.llm.offline_terms import topics_of
from docent.text.sentences import count_words, is_heading, plain

LONG_SENTENCES = (3, 4)
MIN_EFFECT_WORDS, MAX_EXPLANATION = 3, 3
MAX_LINES = 2_000


def factual_recall(desk: Desk) -> Iterator[Draft]:
    """Something that the section states: surest questions first, those about numbers before others."""
    askable = [s for s in desk.shuffled(desk.statements) if desk.is_uncounted(s)]
    worded = [(wording, s) for s in askable for wording in desk.wordings(s)[:1]]
    for wording, statement in sorted(worded, key=lambda w: (w[0].rank, not any(c.isdigit() for c in w[1].text))):
        yield Draft(wording.question, desk.said(statement), (statement,))


def fact_based(desk: Desk) -> Iterator[Draft]:
    """Every fact, in order; not a figure's caption, which says nothing that its question would not."""
    captions = {plain(cleaned(caption)) for _, caption in desk.material.figures}
    for fact in desk.material.facts:
        statement = _of_fact(desk, fact)
        if statement is None or not desk.is_uncounted(statement) or plain(statement.text) in captions:
            continue
        if worded := desk.wordings(statement):
            yield Draft(worded[0].question, desk.said(statement), (statement,))


def _of_fact(desk: Desk, fact: str) -> Statement | None:
    """The statement of the section that a fact is; where there is none the fact itself."""
    wanted = plain(cleaned(fact).replace("**", "").replace("`", ""))
    for statement in desk.statements:
        if wanted.rstrip(".") == plain(statement.text).rstrip("."):
            return statement
    row = row_of(fact)
    is_table = any(s.kind == "row" for s in desk.statements)
    is_row = is_table and row is not None and any(s.text in cleaned(row[1]) for s in desk.prose)
    if is_heading(fact) and any(wanted == plain(line) for line in desk.material.text.splitlines()[:MAX_LINES]):
        return None  # a subtitle, not an item
    # A fact of a list may end without a mark; the list is gone here.
    found = [s for s in statements_of(row[1] if row and is_row else f"- {fact}", desk.words) if s.asked]
    if not found:
        return None
    first, rest = found[0], [s.text for s in found[1:]]
    known = next((s for s in desk.statements if s.text == first.text), first)
    return replace(known, whole=desk.words.joined([known.whole, *rest])) if rest else known


def short_answer(desk: Desk) -> Iterator[Draft]:
    """Questions whose answer is a few words of the section; missing words where grammar finds no question."""
    text = plain(desk.material.text)
    askable = [s for s in desk.shuffled(desk.statements) if desk.is_uncounted(s) and s.kind != "figure"]
    for statement in askable:
        for wording in desk.wordings(statement):
            if wording.short and plain(wording.short) in text:
                yield Draft(wording.question, wording.short, (statement,))
                break
    sentences = [s for s in askable if s.kind != "row"]
    for statement in sorted(sentences, key=lambda s: not spans_of(s.text)):
        term = next((statement.text[a:b] for a, b in spans_of(statement.text)), "")
        made = (statement.text.replace(term, BLANK), term) if term and statement.text.count(term) == 1 else None
        made = made or blanked(statement, desk.statements, desk.words, 0)
        if made and count_words(made[1]) <= 5 and plain(made[1]) in text:
            yield Draft(desk.frame("missing", cloze=in_question(desk, made[0])), made[1], (statement,))


def long_answer(desk: Desk) -> Iterator[Draft]:
    """Three or four sentences that follow each other and share a topic."""
    least, most = LONG_SENTENCES
    windows = []
    for start, first in enumerate(desk.told):
        for size in (most, least):
            window = desk.told[start : start + size]
            together = window[-1].place - first.place == size - 1
            if first.asked and first.alone and len(window) == size and together:
                windows.append(window)
                break
    taken: set[int] = set()
    for window in sorted(desk.shuffled(windows), key=lambda w: w[0].place % least):
        places = {s.place for s in window}
        topic = _topic_of(desk, window)
        if taken & places or not topic:
            continue
        taken |= places
        answer = desk.words.joined([s.text for s in window])
        yield Draft(desk.frame("detail", topic=desk.words.quoted(topic)), answer, tuple(window))


def _topic_of(desk: Desk, window: Sequence[Statement]) -> str:
    """The term that most sentences of a window have."""
    found: dict[str, tuple[int, int]] = {}
    for order, statement in enumerate(window):
        for term in topics_of(statement, window, desk.words):
            if plain(term) not in plain(desk.name):
                folded = term.casefold()
                found.setdefault(term, (-sum(folded in s.folded for s in window), order))
    return min(found, key=lambda term: (found[term], -len(term)), default="")


def cause_effect(desk: Desk) -> Iterator[Draft]:
    """Sentences that give a reason or a consequence."""
    for statement in desk.shuffled(desk.prose):
        if because := desk.words.finds("because", statement.text):
            if question := _why(desk, statement, because):
                yield Draft(question, statement.whole, (statement,))
                continue
        if because or desk.words.finds("therefore", statement.text):
            topics = topics_of(statement, desk.statements, desk.words)
            if topics and (statement.alone or because or len(statement.whole) > len(statement.text)):
                yield Draft(desk.frame("cause", topic=desk.words.quoted(topics[0])), statement.whole, (statement,))


def _why(desk: Desk, statement: Statement, because: re.Match[str]) -> str:
    """The question for the reason, where the sentence says first what it is the reason of."""
    effect = statement.text[: because.start()].strip(" ,")
    if desk.words.code in ("ko", "ja", "zh") or count_words(effect) < MIN_EFFECT_WORDS or not statement.alone:
        return ""
    return desk.frame("reason", effect=desk.words.quoted(effect))


def technical_explanation(desk: Desk) -> Iterator[Draft]:
    """Definitions with the sentences behind them that go on about the same."""
    for statement in desk.shuffled(desk.prose):
        topics = topics_of(statement, desk.statements, desk.words)
        define = desk.words.finds("define", statement.text)
        if not statement.alone or not topics or not define:
            continue
        topic = min(topics[:4], key=statement.text.casefold().find)
        if not 0 <= statement.text.casefold().find(topic.casefold()) < define.end():
            continue  # what is explained stands before what it is
        told = [statement]
        for following in desk.every[statement.place + 1 : statement.place + MAX_EXPLANATION]:
            if following.alone and topic.casefold() not in following.folded or following.kind != "sentence":
                break
            told.append(following)
        answer = desk.words.joined([s.text for s in told])
        yield Draft(desk.frame("technical", topic=desk.words.quoted(topic)), answer, tuple(told))
