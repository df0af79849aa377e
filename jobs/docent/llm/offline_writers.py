"""How each question type is written from one section by the offline teacher.

A writer gives drafts, the best first, as many as the section has; the caller takes what was asked for. Every answer is
made of the section's own statements. Reads and writes nothing.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from docent.llm.offline_desk import Desk, Draft, is_instruction, longest_run
from docent.llm.offline_english import what_causes, why_question
from docent.llm.offline_exchange import BLANK, MAX_FACTOR, YEAR, blanked, contrary_of, negated, spans_of
from docent.llm.offline_source import Statement, cleaned, length_words, row_of, statements_of
from docent.llm.offline_summary import summary_of
from docent.llm.offline_terms import topics_of
from docent.text.sentences import count_words, is_heading, plain

SUMMARY_WORDS, SECTION_SUMMARY_WORDS = 95, 200
LONG_SENTENCES = (3, 4)
MAX_STEPS, MIN_EFFECT_WORDS, MAX_EXPLANATION = 20, 3, 3
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
            yield Draft(desk.frame("missing", cloze=_in_question(desk, made[0])), made[1], (statement,))


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


def boolean(desk: Desk) -> Iterator[Draft]:
    """True and false statements by turns, or as the request says; ends where one cannot be made."""
    first = zlib.crc32(desk.variety.encode()) % 2 == 0
    truths = desk.material.truths or tuple((turn % 2 == 0) == first for turn in range(desk.material.pairs))
    left = [s for s in desk.shuffled(desk.statements) if desk.is_uncounted(s) and s.alone and s.kind != "figure"]
    left.sort(key=lambda s: not any(c.isdigit() for c in s.text))
    for position, truth in enumerate(truths):
        rest_needs_false = sum(not t for t in truths[position + 1 :])
        made = _judged(desk, left, truth, rest_needs_false)
        if made is None:
            return
        left.remove(made[1])
        question = desk.frame("boolean", sentence=_in_question(desk, made[0]))
        yield _verdict(desk, question, made[1], truth)


def _judged(desk: Desk, left: Sequence[Statement], truth: bool, keep: int) -> tuple[str, Statement] | None:
    """A statement to judge: as it is, or its contrary. True ones leave what the false ones to come can be made of."""
    if not truth:
        found = ((_contrary(desk, s), s) for s in left)
        usable = [(made, s) for made, s in found if made]
        # A cell with the value of another one is better than a cell with a `not`.
        usable.sort(key=lambda pair: pair[1].kind == "row" and pair[0] == negated(desk.said(pair[1]), desk.words))
        return usable[0] if usable else None
    free = [s for s in left if not _contrary(desk, s)] or list(left[keep:]) or list(left[-1:])
    return (desk.said(free[0]), free[0]) if free else None


def _contrary(desk: Desk, statement: Statement) -> str | None:
    if statement.text not in desk.contraries:
        desk.contraries[statement.text] = _made_false(desk, statement)
    return desk.contraries[statement.text]


def _made_false(desk: Desk, statement: Statement) -> str | None:
    if statement.kind != "row":
        return contrary_of(statement, desk.statements, desk.words)
    shape = _shape(desk, statement.value)
    rows = (s for s in desk.statements if s.kind == "row" and desk.is_uncounted(s))
    others = [s.value for s in rows if s.value != statement.value and _shape(desk, s.value) == shape]
    others = [value for value in others if _alike(value, statement.value)]
    if not shape or not others:
        return negated(desk.said(statement), desk.words) if shape not in ("", "flag") else None
    return desk.said(Statement(statement.text, statement.whole, "row", statement.label, others[0]))


def _shape(desk: Desk, value: str) -> str:
    """What kind of value a cell holds; "" where it cannot be told."""
    if value.casefold() in desk.words.flags:
        return "flag"
    return re.sub(r"\d", "9", value) if len(re.findall(r"\d", value)) >= 3 else ""


def _alike(one: str, other: str) -> bool:
    """Whether two cells of one shape can be exchanged: a year for a year, an amount for one of its size."""
    if not (one.isdecimal() and other.isdecimal()) or "0" in (one[0], other[0]):
        return True  # dates, telephone numbers, codes
    is_year, is_other_year = (YEAR.fullmatch(value) is not None for value in (one, other))
    return is_year == is_other_year and (is_year or 1 / MAX_FACTOR <= int(one) / int(other) <= MAX_FACTOR)


def _verdict(desk: Desk, question: str, statement: Statement, truth: bool) -> Draft:
    answer = desk.words.joined([desk.frame("true" if truth else "false"), desk.said(statement)])
    return Draft(question, answer, (statement,))


def true_false_fill_blank(desk: Desk) -> Iterator[Draft]:
    """By turns a sentence with a blank and a statement to judge."""
    start = zlib.crc32(desk.variety.encode())
    askable = [s for s in desk.shuffled(desk.statements) if s.alone and desk.is_uncounted(s) and s.kind != "figure"]
    for turn, statement in enumerate(askable, start):
        if turn % 3 and (made := _with_blank(desk, statement, start)):
            question = desk.frame("cloze", cloze=desk.words.quoted(made))
            yield Draft(question, desk.said(statement), (statement,))
        elif false := _contrary(desk, statement):
            truth = turn % 2 == 0
            judged = desk.said(statement) if truth else false
            yield _verdict(desk, desk.frame("true_or_false", sentence=desk.words.quoted(judged)), statement, truth)


def _with_blank(desk: Desk, statement: Statement, variety: int) -> str:
    if statement.kind == "row":
        is_value = len(statement.value) > 1 and statement.value.casefold() not in desk.words.flags
        return desk.said(statement).replace(statement.value, BLANK, 1) if is_value else ""
    made = blanked(statement, desk.statements, desk.words, variety)
    return made[0] if made else ""


def _in_question(desk: Desk, sentence: str) -> str:
    return desk.words.quoted(sentence.strip().rstrip(".。!"))


def summarization(desk: Desk) -> Iterator[Draft]:
    """The main sentences, in fewer than 100 words."""
    yield from _summary(desk, SUMMARY_WORDS)


def section_summary(desk: Desk) -> Iterator[Draft]:
    """The same at length."""
    yield from _summary(desk, SECTION_SUMMARY_WORDS)


def _summary(desk: Desk, max_words: int) -> Iterator[Draft]:
    most = min(max_words, desk.material.max_answer_words)
    steps = [s for s in desk.every if s.kind == "step"]
    prose = [s for s in desk.statements if s.kind == "sentence"]
    if len({s.label for s in steps}) > max(1, len(prose)):
        yield from _summary_of_steps(desk, steps, most)
        return
    units: list[str] = []
    # Some of the steps would be a wrong instruction.
    for statement in (s for s in desk.statements if s.kind != "step" or len(prose) < 2):
        if not statement.alone and units and statement.whole.startswith(units[-1]):
            units[-1] = statement.whole
        elif statement.kind != "figure" and desk.is_uncounted(statement):
            units.append(desk.said(statement))
    chosen = summary_of(units, most, desk.words.stop)
    if len(units) > 1 and chosen:
        answer = desk.words.joined([units[place] for place in chosen])
        yield Draft(desk.frame("summary"), answer, tuple(s for s in desk.statements if s.text in answer))


def _summary_of_steps(desk: Desk, steps: Sequence[Statement], max_words: int) -> Iterator[Draft]:
    """A numbered list: the sentence before it and all of its steps, else what stands before it and no step."""
    before = [s for s in desk.statements if s.place < steps[0].place and s.kind == "sentence"]
    first, lines = before[:1], _lines(desk, steps)
    answer = "\n".join([*(s.whole for s in first), *lines])
    if length_words(answer) <= max_words:
        yield Draft(desk.frame("summary"), answer, (*first, *steps))
    elif before:
        while len(before) > 1 and sum(length_words(s.text) for s in before) > max_words:
            before = before[:-1]
        yield Draft(desk.frame("summary"), desk.words.joined([s.text for s in before]), tuple(before))


def process_workflow(desk: Desk) -> Iterator[Draft]:
    """Steps in their order: numbered ones, a list of instructions, or sentences that say first, then, finally."""
    for steps in (_numbered(desk), _instructions(desk), _sequence(desk)):
        lines = _lines(desk, steps)
        if 1 < len(lines) <= MAX_STEPS:
            answer = "\n".join(lines) if steps[0].label else desk.words.joined(lines)
            yield Draft(desk.frame("steps"), answer, tuple(steps))


def _numbered(desk: Desk) -> list[Statement]:
    """The longest run of numbered steps, none left out."""
    steps = longest_run([s for s in desk.every if s.kind == "step"])
    numbers = [int(re.sub(r"\D", "", s.label)) for s in steps]
    return steps if all(b - a in (0, 1) for a, b in pairwise(numbers)) else []


def _instructions(desk: Desk) -> list[Statement]:
    if desk.words.code != "en":
        return []
    items = [[*sentences] for label, sentences in groupby(desk.told, key=lambda s: s.label) if label]
    best: list[Statement] = []
    run: list[Statement] = []
    for item in items:
        follows = run and item[0].place == run[-1].place + 1
        run = [*(run if follows else []), *item] if is_instruction(item[0].text) else []
        best = max(best, run, key=lambda steps: len({s.label for s in steps}))
    return best


def _sequence(desk: Desk) -> list[Statement]:
    places = [place for place, s in enumerate(desk.told) if desk.words.finds("sequence", s.text)]
    return desk.told[places[0] : places[-1] + 1] if len(places) > 1 else []


def _lines(desk: Desk, steps: Sequence[Statement]) -> list[str]:
    """Every step or item with all its sentences, behind the number that it has in the section."""
    lines = []
    for label, parts in groupby(steps, key=lambda s: s.label):
        told = [*parts]
        texts = [s.text for s in told]
        if not label:
            lines += texts
        else:
            lines.append(desk.words.joined([f"{label} " if told[0].kind == "step" else "", *texts]).replace("  ", " "))
    return lines


def cause_effect(desk: Desk) -> Iterator[Draft]:
    """Sentences that give a reason or a consequence."""
    for statement in desk.shuffled(desk.prose):
        if desk.words.code == "en" and (question := what_causes(statement.text)):
            yield Draft(f"According to {desk.doc}, {question}", statement.whole, (statement,))
            continue
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
    if desk.words.code == "en" and (question := why_question(effect, desk.material.text)):
        return f"According to {desk.doc}, {question[0].lower()}{question[1:]}"
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
