"""Summaries and steps by the offline teacher: what a whole section says, in its own sentences and in their order.

Reads and writes nothing. Used by offline_typed.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from docent.llm.offline_desk import Desk, Draft, is_instruction, longest_run
from docent.llm.offline_source import Statement, length_words
from docent.llm.offline_summary import summary_of

SUMMARY_WORDS, SECTION_SUMMARY_WORDS = 95, 200
MAX_STEPS = 20


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


def numbered_runs(desk: Desk) -> list[list[Statement]]:
    """The numbered lists of a section, each whole and counted from 1, or with the same number at every item."""
    runs: list[list[Statement]] = []
    for step in (s for s in desk.every if s.kind == "step"):
        number = int(re.sub(r"\D", "", step.label))
        last = runs[-1][-1] if runs else None
        goes_on = last is not None and step.place == last.place + 1
        if goes_on and last is not None and number - int(re.sub(r"\D", "", last.label)) in (0, 1):
            runs[-1].append(step)
        else:
            runs.append([step])
    return [run for run in runs if int(re.sub(r"\D", "", run[0].label)) == 1 and len({s.block for s in run}) > 1]


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
