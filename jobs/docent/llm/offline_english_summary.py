"""Summaries of English sections in the section's own sentences and order.

For the offline teacher. A section that fits is told whole; where it is long or has steps, the question asks what it
says rather than for a summary. Of a longer one the first sentence of every paragraph, lists, steps and tables come
first, each with the sentences that it cannot do without, then what is nearest to the centre; a section of which this is
too long, or leaves out several sentences in a row, has no summary. Reads and writes nothing.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from docent.llm.offline_blocks import Block, blocks_of
from docent.llm.offline_columns import GROUPS, sentence
from docent.llm.offline_desk import Desk, Draft
from docent.llm.offline_english_pairs import record_of, section_of
from docent.llm.offline_english_steps import step_lines
from docent.llm.offline_grammar import as_inside, read_clause
from docent.llm.offline_instructions import is_order
from docent.llm.offline_labels import as_written, is_empty
from docent.llm.offline_references import leans, references_of
from docent.llm.offline_source import length_words
from docent.llm.offline_summary import ranking_of
from docent.llm.offline_table_questions import sentences_of_values
from docent.text.sentences import count_words, plain

SUMMARY_WORDS, SECTION_SUMMARY_WORDS = 95, 200
MIN_SUMMARY_PARTS, MIN_SUMMARY_WORDS = 3, 20
SHORT_SECTION_WORDS = 75
"""A section of so many words is its own summary."""
MAX_SUMMARY_SHARE = 2 / 3
"""Of the words of a section: a summary that is longer is not shorter enough to be one."""
MIN_SUMMARY_SHARE, MAX_GAP, MAX_END_GAP = 0.45, 3, 2
"""Of the words of a section, and the sentences in a row, inside and at the end, that a summary may leave out: with less
told a main point is missing."""
_CONCLUDES = re.compile(
    r"\b(?:therefore|thus|hence|recommend\w*|conclu\w+|should|must|altogether|overall)\b", re.IGNORECASE
)
_FINDS = re.compile(
    r"\b(?:not|cannot|never|must|out of reach|missing|no longer|only|forbidden|required|ha(?:s|ve) to|but|however)\b|"
    r"n't\b|^(?:First|Then|Next|After that|Finally|Lastly)\b",
    re.IGNORECASE,
)
"""What no summary leaves out: what is not so, what must be, what limits it, and one of several steps in prose."""
_COUNTS_ON = re.compile(
    r"\b(?:an?|the) (?:second|third|fourth|fifth|further|last|other)(?: [a-z]+)? "
    r"(?:possibility|option|way|reason|problem|point|method|measure|step|proposal|solution|variant|question|finding|is|"
    r"was)\b|^(?:Another|Second(?:ly)?|Third(?:ly)?)\b",
    re.IGNORECASE,
)
_OWN_DOCUMENT = re.compile(r"^This (?:manual|handbook|guide|leaflet|document|report)\b")
_FIRST_PERSON = re.compile(r"\b(?:[Ww]e|[Oo]ur|us|I|[Mm]y)\b")
_LIST_OF_TERMS = re.compile(r"\b(?:glossary|terms|definitions|abbreviations)\b", re.IGNORECASE)
_GREETING = re.compile(r"(?:Thank you|Thanks|Congratulations|Welcome)\b")
_LABELLED = re.compile(r"[^.:]{2,60}: \S")


@dataclass(frozen=True)
class Unit:
    """A sentence, or a list, steps or a table as one.

    Attributes:
        parts: how many sentences, items or rows it has.
        is_main: whether no summary does without it.
        has_lines: whether it stands on lines of its own.
    """

    text: str
    parts: int = 1
    is_main: bool = False
    has_lines: bool = False


def summarization(desk: Desk) -> Iterator[Draft]:
    """What a section says in fewer than 100 words."""
    yield from _summary(desk, SUMMARY_WORDS)


def section_summary(desk: Desk) -> Iterator[Draft]:
    """The same at length."""
    yield from _summary(desk, SECTION_SUMMARY_WORDS)


def _summary(desk: Desk, max_words: int) -> Iterator[Draft]:
    most = min(max_words, desk.material.max_answer_words)
    if any(s.kind == "row" for s in desk.statements):
        units = _record_units(desk)
        question = f"What are the main facts about {as_written(desk.name)}?"
        chosen = units if _length(units, range(len(units))) <= most else []
    else:
        units = units_of(desk) if _is_named(desk) else []
        chosen = chosen_units(units, most, desk.words.stop)
        question = _question(desk, units, is_whole=len(chosen) == len(units))
    answer = as_text(chosen)
    if sum(unit.parts for unit in chosen) >= MIN_SUMMARY_PARTS and count_words(answer) >= MIN_SUMMARY_WORDS:
        yield Draft(question, answer, tuple(s for s in desk.statements if s.text in answer))


def _is_named(desk: Desk) -> bool:
    """Whether a question can name the section, could not mean another one as well, and it is no list of words."""
    title = desk.material.title.strip("# ")
    if _LIST_OF_TERMS.search(title):
        return False
    return desk.place != desk.doc or not desk.material.others or plain(title) == plain(desk.name)


def _question(desk: Desk, units: Sequence[Unit], is_whole: bool) -> str:
    """The question for a summary, or for what a section says where all of it is told and it is no short one."""
    has_steps = any(unit.text.startswith("1. ") for unit in units)
    if not is_whole or not (has_steps or _length(units, range(len(units))) > SHORT_SECTION_WORDS):
        return desk.frame("summary")
    return f"Which steps does {desk.place} describe?" if has_steps else f"What does {desk.place} say?"


def _record_units(desk: Desk) -> list[Unit]:
    """The sentences that the cells of a document of one row give, none where a cell gives none.

    `Cut to size on request.` is no sentence about the thing.
    """
    pairs = (pair for pair in section_of(desk).pairs if pair.is_cell)
    cells = (pair.answer for pair in pairs if pair.kind != "what" or read_clause(pair.answer) or is_order(pair.answer))
    units = [Unit(text, is_main=True) for text in dict.fromkeys(cells)]
    said = plain(as_text(units))
    wanted = (
        value
        for heading, value in record_of(desk.material.text)
        if not is_empty(value) and plain(value) != plain(desk.name) and not GROUPS.fullmatch(heading.lower().strip())
    )
    return units if all(plain(value).rstrip(".") in said for value in wanted) else []


def units_of(desk: Desk) -> list[Unit]:
    """All that a section says, in order; empty where a part of it cannot be told or its beginning needs another."""
    units: list[Unit] = []
    for block in blocks_of(desk.material.text, desk.material.title.strip("# "), desk.words):
        lead = units[-1].text if units and units[-1].text.endswith(":") else ""
        if block.kind == "code" and not lead:
            continue
        told = _told(block, lead)
        if not told or (lead and block.kind == "paragraph"):
            return []
        if lead and not told[0].has_lines:
            units.pop()
        elif lead:
            units[-1] = replace(units[-1], is_main=True)
        units += told
    units = units[1:] if units and _GREETING.match(units[0].text) else units
    is_clear = bool(units) and not units[-1].text.endswith(":") and opens_clearly(units[0].text)
    return units if is_clear else []


def opens_clearly(text: str) -> bool:
    """Whether a text can be understood from its first sentence on."""
    first = re.sub(r"^(?:1\.|-) ", "", text.split("\n")[0])
    if is_order(first):
        return re.match(r"\w+ (?:it|them|this|these|those)\b", first) is None
    return _OWN_DOCUMENT.match(first) is not None or not leans(_FIRST_PERSON.sub("X", first), "en")


def _told(block: Block, lead: str) -> list[Unit]:
    """A block as units; none where it cannot be told."""
    if block.kind == "paragraph":
        return [
            Unit(text, is_main=place == 0 or _FINDS.search(text) is not None) for place, text in enumerate(block.parts)
        ]
    if block.kind == "steps":
        return [Unit("\n".join(step_lines(block.parts)), len(block.parts), True, True)]
    if block.kind == "table":
        rows = sentences_of_values("\n".join(block.parts))
        said = " ".join([lead, *rows]).strip()
        return [Unit(said, len(rows), True)] if rows else []
    return _told_list(block.parts, lead) if block.kind == "list" else []


def _told_list(items: Sequence[str], lead: str) -> list[Unit]:
    """Items that are sentences as lines, others as one sentence behind their lead-in."""
    if all(is_statement(item) for item in items):
        return [Unit("\n".join(f"- {sentence(item)}" for item in items), len(items), True, True)]
    if not lead or any(item[-1] in ".!?" and " " in item for item in items[:-1]):
        return []
    bare = [as_inside(re.sub(r"(?:[.;,]|[,;] and)$", "", item), "") for item in items]
    mark = ";" if any("," in item for item in bare) else ","
    listed = bare[0] if len(bare) == 1 else f"{f'{mark} '.join(bare[:-1])}{';' if mark == ';' else ''} and {bare[-1]}"
    return [Unit(f"{lead} {listed}.", len(items), True)]


def is_statement(item: str) -> bool:
    """Whether an item of a list says something by itself: a sentence, an order, `Door: opens to the left`."""
    said = f"{item.rstrip('.')} now"
    return is_order(item) or _LABELLED.match(item) is not None or (item[-1] in ".!" and read_clause(said) is not None)


def chosen_units(units: Sequence[Unit], max_words: int, stop: frozenset[str]) -> list[Unit]:
    """All units, or the main ones and as many of the others as fit; none where too much is left out."""
    whole = _length(units, range(len(units)))
    if whole <= max_words:
        return list(units)
    max_words = min(max_words, int(whole * MAX_SUMMARY_SHARE))
    texts = [unit.text for unit in units]
    references = references_of(texts, "en")
    main = {place for place, unit in enumerate(units) if unit.is_main}
    main |= {len(units) - 1} if _CONCLUDES.search(texts[-1]) else set()
    chosen = references.closed(main)
    if _length(units, chosen) > max_words:
        return []
    for place in ranking_of(texts, stop):
        longer = references.closed({*chosen, place})
        if _length(units, longer) <= max_words:
            chosen = longer
    if any(_COUNTS_ON.search(texts[place]) for place in chosen):
        return []  # it counts what is left out, or points to it
    gap = max(after - before - 1 for before, after in itertools.pairwise((-1, *chosen)))
    end_gap = len(units) - 1 - chosen[-1]
    is_covered = gap <= MAX_GAP and end_gap <= MAX_END_GAP and _length(units, chosen) >= MIN_SUMMARY_SHARE * whole
    return [units[place] for place in chosen] if is_covered else []


def _length(units: Sequence[Unit], chosen: Sequence[int]) -> int:
    return sum(length_words(units[place].text) for place in chosen)


def as_text(units: Sequence[Unit]) -> str:
    """Units one after the other, lists and steps on lines of their own."""
    said = ""
    for before, unit in zip([None, *units], units, strict=False):
        is_apart = before is not None and (unit.has_lines or before.has_lines)
        said += ("\n" if is_apart else " " if before else "") + unit.text
    return said
