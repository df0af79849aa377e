"""Statements to be judged or filled in by who is asked: true or false, and the sentence with a blank.

A false statement is a true one in which a number, an opposite or a negation was exchanged; its answer gives the true
one. Reads and writes nothing. Used by offline_typed.py.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence

from docent.llm.offline_desk import Desk, Draft
from docent.llm.offline_exchange import BLANK, MAX_FACTOR, YEAR, blanked, contrary_of, negated
from docent.llm.offline_source import Statement


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
        question = desk.frame("boolean", sentence=in_question(desk, made[0]))
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


def in_question(desk: Desk, sentence: str) -> str:
    """A sentence in the quotation marks of the language, without its full stop."""
    return desk.words.quoted(sentence.strip().rstrip(".。!"))
