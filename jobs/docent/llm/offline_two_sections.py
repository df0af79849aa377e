"""Typed questions of the offline teacher that need more than one statement's own section: two sections, conversations.

Reads and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from docent.llm.offline_desk import Desk, Draft, is_telling
from docent.llm.offline_source import Statement, statements_of
from docent.llm.offline_terms import KOREAN_PARTICLE, shared_term
from docent.text.sentences import plain

MAX_TERMS = 5
MAX_NAME_WORDS = 6


def comparative_analysis(desk: Desk) -> Iterator[Draft]:
    """What each of two sections says about a term that both have."""
    yield from _of_both(desk, "compare")


def multi_hop_reasoning(desk: Desk) -> Iterator[Draft]:
    """What both say about it together."""
    yield from _of_both(desk, "combine")


def _of_both(desk: Desk, key: str) -> Iterator[Draft]:
    if not desk.material.others:
        return
    title, text = desk.material.others[0]
    own = desk.prose
    others = [s for s in statements_of(text, desk.words) if s.kind in ("sentence", "step")]
    avoid = desk.name
    titles = [desk.words.quoted(_bare(t)) for t in (desk.material.title, title)]
    named = (
        all(map(is_telling, map(_bare, (desk.material.title, title))))
        and all(len(t) > 2 for t in titles)
        and plain(titles[0]) != plain(titles[1])
    )
    for _ in range(MAX_TERMS):
        term = shared_term(own, others, desk.words, avoid)
        if not term:
            return
        avoid += f" {term}"
        both = (_about(desk, own, term), _about(desk, others, term))
        if both[0].text == both[1].text:
            continue
        quoted = desk.words.quoted(term)
        if named:
            question = desk.frame(key, first=titles[0], second=titles[1], topic=quoted)
        else:
            question = desk.frame(f"{key}_doc", topic=quoted)
        answers = [s.whole for s in both]
        if key == "compare" and named and not any(c.isdigit() for c in "".join(titles)):
            parts = zip(titles, answers, strict=True)
            answers = [desk.words.frame("from_section", title=title, sentence=said) for title, said in parts]
        yield Draft(question, desk.words.joined(answers), both)


def _about(desk: Desk, statements: Sequence[Statement], term: str) -> Statement:
    """The statement that says most about a term: one that begins with it, has numbers, needs no other one."""
    folded = term.casefold()
    having = [s for s in statements if folded in s.folded]
    return min(having, key=lambda s: (not s.alone, not any(c.isdigit() for c in s.text), s.folded.find(folded)))


def conversation(desk: Desk) -> Iterator[Draft]:
    """Turns over statements that follow each other; every question still says what it is about."""
    worded = [(w[0], s) for s in desk.statements if desk.is_uncounted(s) and (w := desk.wordings(s))]
    worded = [(wording, s) for wording, s in worded if wording.rank < 3]
    latest = max(len(worded) - desk.material.pairs, 0)
    start = desk.rng.randint(0, latest)
    for wording, statement in worded[start : start + desk.material.pairs]:
        yield Draft(wording.question, desk.said(statement), (statement,))


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


def _bare(title: str) -> str:
    return " ".join(title.split()).strip("# ")[:100]
