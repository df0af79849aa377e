"""Turns of a conversation by the offline teacher: later questions say `it` for what the turns before named.

Reads and writes nothing. Used by offline_typed.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from docent.teacher.english.writers.section import Desk, Draft
from docent.teacher.source.terms import KOREAN_PARTICLE

MAX_NAME_WORDS = 6


def reworded(desk: Desk) -> list[Draft]:
    """The turns of a dialogue with pronouns in place of what was named in the turns before."""
    turns = list(desk.material.dialogue)
    has_name = any(c.isalpha() for c in desk.name)
    name = desk.name if has_name or len(turns) < 2 else _common_name(turns, desk)
    made = [Draft(*turns[0], ())]
    for (before, _), (question, answer) in pairwise(turns):
        made.append(Draft(_pronouns(desk, question, before, name), answer, ()))
    return made


def _pronouns(desk: Desk, question: str, before: str, name: str) -> str:
    """One question as it is asked in the midst of a conversation."""
    words = desk.words
    made = _english(question, before, name, desk) if words.code == "en" and name else question
    for named in (desk.place, desk.doc):
        if desk.doc in before:
            made = made.replace(named, words.frames["pronoun"])
    if made == question and len(name) > 1 and name in before:
        if words.code != "en":
            made = made.replace(desk.doc, words.frames["row_pronoun"]).replace(name, words.frames["row_pronoun"])
    return made[:1].upper() + made[1:]


def _english(question: str, before: str, doc_name: str, desk: Desk) -> str:
    """`the phone number of X` is `its phone number`; what the turn before asked about is `it`."""
    given, name = question, re.escape(doc_name)
    question = re.sub(
        rf"\bthe ((?:entry “[^”]{{1,60}}”)|[^“”?]{{2,60}}) of (?:the )?{name}(?=\W)", r"its \1", question, flags=re.I
    )
    if re.search(r"[A-Z0-9 ]", doc_name):  # a bare `gallery` is as often a word as the name of a file
        question = re.sub(rf"(?<!“)(?:\bthe )?\b{name}\b(?!”)", "it", question, flags=re.IGNORECASE)
    if desk.doc in before or doc_name in before:
        question = re.sub(rf"^According to {re.escape(desk.place)}, ", "", question)
        question = re.sub(rf"^According to {re.escape(desk.doc)}, ", "", question)
        question = re.sub(rf" in {re.escape(desk.place)}\?$", " there?", question)
        question = re.sub(rf" in {re.escape(desk.doc)}\?$", " there?", question)
    return question if question != given else _with_it(question, before)


def _with_it(question: str, before: str) -> str:
    """`What is the weight of model A12?` behind another question about model A12: `What is its weight?`."""
    found = re.match(r"(What|Who|When) (is|are|was) the (.+?) of ([^?]+)\?$", question)
    if found is None or not before.endswith(f" of {found[4]}?"):
        return question
    return f"{found[1]} {found[2]} its {found[3]}?"


def _common_name(turns: Sequence[tuple[str, str]], desk: Desk) -> str:
    """The longest run of words that all questions have: what a dialogue is about whose document has no name."""
    first, *others = [question.split() for question, _ in turns]
    spoken = [" ".join(words) for words in others]
    for size in range(min(len(first), MAX_NAME_WORDS), 0, -1):
        for start in range(len(first) - size + 1):
            words = [word.strip("?.,“”") for word in first[start : start + size]]
            ends = {words[0].lower(), words[-1].lower()}
            if ends & desk.words.stop or not all(words):
                continue
            name = " ".join(words)
            name = KOREAN_PARTICLE.sub("", name) if desk.words.code == "ko" else name
            if len(name) > 2 and name[:1].isalnum() and all(name in other for other in spoken):
                return name
    return ""
