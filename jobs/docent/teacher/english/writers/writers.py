"""Write the English question types that choose from the pairs of a section.

A writer yields drafts, the best first, as many as the section has; the caller takes the number requested. Reads and
writes nothing.
"""

from collections.abc import Iterator

from docent.teacher.english.section import EnglishSection
from docent.teacher.english.writers.pairs import Pair, pairs_of
from docent.teacher.section import Draft
from docent.teacher.source.statements import cleaned
from docent.text.sentences import plain

_FACTS = ("value", "when", "where", "who", "what")
_EXPLAINED = ("definition", "purpose", "how")
_BEST_FIRST = ("value", "when", "where", "who", "how", "reason", "do", "purpose", "definition", "then", "what")
MIN_TURNS = 2


def factual_recall(section: EnglishSection) -> Iterator[Draft]:
    """Yield questions for names, values, places and times (numbers first), then for definitions and purposes."""
    pairs = section.shuffled(pairs_of(section).pairs)
    facts = [pair for pair in pairs if pair.kind in _FACTS]
    facts.sort(key=lambda pair: (pair.kind == "what", not any(c.isdigit() for c in pair.answer)))
    yield from _of_distinct(section, [*facts, *(pair for pair in pairs if pair.kind in _EXPLAINED)])


def fact_based(section: EnglishSection) -> Iterator[Draft]:
    """Yield a pair for every fact that answers a question, in order."""
    known = pairs_of(section)
    captions = {plain(cleaned(caption)) for _, caption in section.material.figures}
    for fact in section.material.facts:
        wanted = _bare(fact)
        if wanted in captions:
            continue
        candidates = [pair for pair in known.rows if _bare(pair.fact) == wanted]
        candidates = candidates or [pair for pair in known.pairs if _bare(pair.fact) == wanted and not pair.is_cell]
        candidates = candidates or [pair for pair in known.pairs if _bare(pair.fact) == wanted]
        if candidates:
            yield min(candidates, key=lambda pair: _BEST_FIRST.index(pair.kind)).draft


def _bare(text: str) -> str:
    return plain(cleaned(text).replace("**", "").replace("`", "").replace("\u2019", "'")).rstrip(".")


def short_answer(section: EnglishSection) -> Iterator[Draft]:
    """Yield the questions that a few words of the section answer."""
    text = plain(section.material.text)
    for pair in section.shuffled(pairs_of(section).pairs):
        if pair.short and pair.kind in (*_FACTS, "definition", "reason") and plain(pair.short) in text:
            yield Draft(pair.question, pair.short, (pair.evidence,))


def application(section: EnglishSection) -> Iterator[Draft]:
    """Yield the questions what to do in situations that the section has instructions for."""
    yield from section.shuffled([pair.draft for pair in pairs_of(section).pairs if pair.kind == "do"])


def comparative_analysis(section: EnglishSection) -> Iterator[Draft]:
    """Yield questions that compare two things, if the section states the same property of both or contrasts them."""
    yield from section.shuffled([pair.draft for pair in pairs_of(section).compared])


def conversation(section: EnglishSection) -> Iterator[Draft]:
    """Yield turns over consecutive statements; every question still names its subject."""
    turns: list[Pair] = []
    for pair in pairs_of(section).pairs:
        if pair.kind in (*_FACTS, *_EXPLAINED) and all(pair.fact != turn.fact or pair.is_cell for turn in turns):
            turns.append(pair)
    latest = max(len(turns) - section.material.pairs, 0)
    start = section.rng.randint(0, latest)
    if len(turns) >= MIN_TURNS:
        yield from (pair.draft for pair in turns[start : start + section.material.pairs])


def _of_distinct(section: EnglishSection, pairs: list[Pair]) -> Iterator[Draft]:
    """Yield first one pair of every statement, then the others."""
    first = {pair.fact: pair for pair in reversed(pairs)}
    yield from (pair.draft for pair in sorted(pairs, key=lambda p: first[p.fact] is not p and not p.is_cell))
