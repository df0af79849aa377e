"""How each question type is written about a section in English, from the pairs of the section.

For the offline teacher. A writer gives drafts, the best first, as many as the section has; the caller takes what was
asked for. A type asks only for what the text says: for a reason where it gives one, for a consequence where it names
its condition. Reads and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from docent.llm.offline_asked import finished, is_sound
from docent.llm.offline_clarity import asked_in, stands_alone, trimmed
from docent.llm.offline_desk import Desk, Draft
from docent.llm.offline_english_pairs import Pair, section_of
from docent.llm.offline_instructions import why_questions
from docent.llm.offline_source import Statement, cleaned
from docent.text.sentences import count_words, plain

_FACTS = ("value", "when", "where", "who", "what")
_EXPLAINED = ("definition", "purpose", "how")
_BEST_FIRST = ("value", "when", "where", "who", "how", "reason", "do", "purpose", "definition", "then", "what")
_THEREFORE = re.compile(r"\b(?:therefore|thus|hence|consequently|for this reason|as a result),? ", re.IGNORECASE)
_GOES_ON = re.compile(r"(?:It|They|Its|Their|This|These|He|She|Here) ")
MAX_EXPLANATION = 3
MIN_TURNS = 2


def factual_recall(desk: Desk) -> Iterator[Draft]:
    """Names, values, places, times: those with numbers first, then what things are and are for."""
    pairs = desk.shuffled(section_of(desk).pairs)
    facts = [pair for pair in pairs if pair.kind in _FACTS]
    facts.sort(key=lambda pair: (pair.kind == "what", not any(c.isdigit() for c in pair.answer)))
    yield from _of_distinct(desk, [*facts, *(pair for pair in pairs if pair.kind in _EXPLAINED)])


def fact_based(desk: Desk) -> Iterator[Draft]:
    """Every fact for which there is a question, in order."""
    section = section_of(desk)
    captions = {plain(cleaned(caption)) for _, caption in desk.material.figures}
    for fact in desk.material.facts:
        wanted = _bare(fact)
        if wanted in captions:
            continue
        found = [pair for pair in section.rows if _bare(pair.fact) == wanted]
        found = found or [pair for pair in section.pairs if _bare(pair.fact) == wanted and not pair.is_cell]
        found = found or [pair for pair in section.pairs if _bare(pair.fact) == wanted]
        if found:
            yield min(found, key=lambda pair: _BEST_FIRST.index(pair.kind)).draft


def _bare(text: str) -> str:
    return plain(cleaned(text).replace("**", "").replace("`", "").replace("\u2019", "'")).rstrip(".")


def short_answer(desk: Desk) -> Iterator[Draft]:
    """Questions that a few words of the section answer."""
    text = plain(desk.material.text)
    for pair in desk.shuffled(section_of(desk).pairs):
        if pair.short and pair.kind in (*_FACTS, "definition", "reason") and plain(pair.short) in text:
            yield Draft(pair.question, pair.short, (pair.evidence,))


_BECAUSE = re.compile(
    r"\b(?:because|since|as (?:it|the|they)|due to|owing to|caused by|causes(?= [a-z])(?! is\b)|"
    r"cause (?:of .{1,80} )?(?:is|may be))\b"
)


def cause_effect(desk: Desk) -> Iterator[Draft]:
    """Reasons and causes that the section names as such; `so that` names a purpose."""
    pairs = [pair for pair in section_of(desk).pairs if pair.kind == "reason" and _BECAUSE.search(pair.answer)]
    drafts = [*(pair.draft for pair in pairs), *_concluded(desk)]
    yield from desk.shuffled(drafts)


def _concluded(desk: Desk) -> Iterator[Draft]:
    """`A. B therefore C.` answers why B C, with both sentences."""
    for before, statement in zip(desk.every, desk.every[1:], strict=False):
        found = _THEREFORE.search(statement.text)
        follows = statement.place == before.place + 1 and statement.block == before.block
        if not found or not follows or found.start() > 60 or not stands_alone(before):
            continue
        effect = (statement.text[: found.start()] + statement.text[found.end() :]).strip().rstrip(".")
        effect = effect[:1].upper() + effect[1:]
        for question in why_questions(effect, desk.material.text):
            asked = finished(question)
            if is_sound(asked.question) and re.search(r"[,;]", asked.question) is None:
                named = asked_in(asked.question, asked.general, desk.name, desk.doc)
                yield Draft(named, desk.words.joined([before.text, statement.text]), (before, statement))


def application(desk: Desk) -> Iterator[Draft]:
    """What to do in a situation for which the section gives an instruction."""
    yield from desk.shuffled([pair.draft for pair in section_of(desk).pairs if pair.kind == "do"])


def hypothetical(desk: Desk) -> Iterator[Draft]:
    """What happens under a condition that the section names."""
    yield from desk.shuffled([pair.draft for pair in section_of(desk).pairs if pair.kind == "then"])


def comparative_analysis(desk: Desk) -> Iterator[Draft]:
    """How two things compare of which the section gives the same property, or which it sets against each other."""
    yield from desk.shuffled([pair.draft for pair in section_of(desk).compared])


def technical_explanation(desk: Desk) -> Iterator[Draft]:
    """What something is, how it works and what it is for, with the sentences behind that go on about it."""
    pairs = [pair for pair in section_of(desk).pairs if pair.kind in _EXPLAINED]
    pairs = [pair for pair in pairs if not pair.is_cell or pair.kind == "purpose"]
    for pair in sorted(desk.shuffled(pairs), key=lambda pair: pair.is_cell):
        told = [pair.evidence] if pair.is_cell else _with_following(desk, pair.evidence)
        if len(told) == 1:
            yield pair.draft
        else:
            answer = desk.words.joined([trimmed(told[0].text), *(s.text for s in told[1:])])
            yield Draft(pair.question, answer, tuple(told))


def _with_following(desk: Desk, first: Statement) -> list[Statement]:
    """A statement and those behind it in its paragraph that go on with a pronoun."""
    told = [first]
    for following in desk.every[first.place + 1 : first.place + MAX_EXPLANATION]:
        if following.block != first.block or following.kind != "sentence" or not _GOES_ON.match(following.text):
            break
        told.append(following)
    return told


def conversation(desk: Desk) -> Iterator[Draft]:
    """Turns over statements that follow each other; every question still says what it is about."""
    turns: list[Pair] = []
    for pair in section_of(desk).pairs:
        if pair.kind in (*_FACTS, *_EXPLAINED) and all(pair.fact != turn.fact or pair.is_cell for turn in turns):
            turns.append(pair)
    latest = max(len(turns) - desk.material.pairs, 0)
    start = desk.rng.randint(0, latest)
    if len(turns) >= MIN_TURNS:
        yield from (pair.draft for pair in turns[start : start + desk.material.pairs])


def _of_distinct(desk: Desk, pairs: list[Pair]) -> Iterator[Draft]:
    """First one pair of every statement, then the others."""
    seen: set[str] = set()
    later = []
    for pair in pairs:
        if pair.fact in seen and not pair.is_cell:
            later.append(pair)
        else:
            seen.add(pair.fact)
            yield pair.draft
    yield from (pair.draft for pair in later if count_words(pair.answer) > 0)
