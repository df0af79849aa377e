"""Summarize English sections: quote all sentences of the section, if they fit.

Readers found nine of ten such answers useful, but hardly any that left sentences out. So a section that is too long, or
has a part that cannot be quoted, has no summary. If it has steps or is not very short, the question asks what it says
rather than for a summary. Reads and writes nothing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from docent.teacher.english.grammar.clauses import as_inside, read_clause
from docent.teacher.english.grammar.instructions import is_order
from docent.teacher.english.section import EnglishSection
from docent.teacher.english.tables.columns import GROUPS, sentence
from docent.teacher.english.tables.labels import as_written, is_empty
from docent.teacher.english.tables.questions import sentences_of_values
from docent.teacher.english.writers.pairs import pairs_of, record_of
from docent.teacher.english.writers.steps import step_lines
from docent.teacher.section import Draft
from docent.teacher.source.blocks import Block, blocks_of
from docent.teacher.source.references import leans
from docent.teacher.source.statements import length_words
from docent.teacher.source.words import ENGLISH
from docent.text.sentences import count_words, plain

# The first stays below the 100 words that the question type demands.
SUMMARY_WORDS, SECTION_SUMMARY_WORDS = 95, 200
MIN_SUMMARY_PARTS, MIN_SUMMARY_WORDS = 3, 20
SHORT_SECTION_WORDS = 75
"""A section of at most this many words is its own summary."""
_OWN_DOCUMENT = re.compile(r"^This (?:manual|handbook|guide|leaflet|document|report)\b")
_FIRST_PERSON = re.compile(r"\b(?:[Ww]e|[Oo]ur|us|I|[Mm]y)\b")
_NO_SUBJECT = re.compile(ENGLISH["no_summary"])
_EXPLAINED = re.compile(r"[A-Z][\w ]{1,40} [–—-] \S")
_GREETING = re.compile(r"(?:Thank you|Thanks(?! to)|Congratulations|Welcome(?= to\b|[,.!]))")
# Content of another part of the document.
_AWAY = re.compile(r"(?<!and )(?<!or )\b(?:below|above|overleaf|opposite)[.)\"”]|\bas follows\.")
_LABELLED = re.compile(r"[^.:]{2,60}: \S")


@dataclass(frozen=True)
class SummaryPart:
    """A sentence, or a list, steps or a table as one unit.

    Attributes:
        parts: number of its sentences, items or rows.
        has_lines: whether it is on separate lines.
    """

    text: str
    parts: int = 1
    has_lines: bool = False


def summary(section: EnglishSection, max_words: int = SUMMARY_WORDS) -> Iterator[Draft]:
    """Yield the content of a section in at most `max_words` words."""
    most = min(max_words, section.material.max_answer_words)
    if any(s.kind == "row" for s in section.statements):
        units = _record_units(section)
        question = f"What are the main facts about {as_written(section.name)}?"
    else:
        units = units_of(section) if is_named(section) else []
        question = _question(section, units)
    answer = as_text(units)
    is_enough = sum(unit.parts for unit in units) >= MIN_SUMMARY_PARTS and count_words(answer) >= MIN_SUMMARY_WORDS
    if is_enough and _length(units) <= most:
        yield Draft(question, answer, tuple(s for s in section.statements if s.text in answer))


def is_named(section: EnglishSection) -> bool:
    """Check whether a question can name the section, unambiguously and completely.

    False for a list of words, and for a section with subsections, as far as their numbers show.
    """
    title = section.material.title.strip("# ")
    explained = sum(_EXPLAINED.match(s.text) is not None for s in section.sentences)
    if _NO_SUBJECT.search(title) or 2 * explained > len(section.sentences) > 0:
        return False
    number = re.match(r"(\d+(?:\.\d+)*)\.? ", title)
    first = re.compile(rf"{re.escape(number[1])}\.1\b") if number else None
    if first and any(first.match(other.strip("# ")) for other, _ in section.material.others):
        return False
    return section.place != section.doc or not section.material.others or plain(title) == plain(section.name)


def _question(section: EnglishSection, units: Sequence[SummaryPart]) -> str:
    """Return the question for a summary, or for the content if the section has steps or is not short."""
    steps = [unit for unit in units if unit.text.startswith("1. ")]
    has_steps = 2 * _length(steps) >= _length(units) > 0
    if not has_steps and _length(units) <= SHORT_SECTION_WORDS:
        return section.frame("summary")
    return f"Which steps does {section.place} describe?" if has_steps else f"What does {section.place} say?"


def _record_units(section: EnglishSection) -> list[SummaryPart]:
    """Return the sentences made from the cells of a one-row document, or none if a cell yields none.

    `Cut to size on request.` is not a sentence about the thing.
    """
    pairs = (pair for pair in pairs_of(section).pairs if pair.is_cell)
    cells = (pair.answer for pair in pairs if pair.kind != "what" or read_clause(pair.answer) or is_order(pair.answer))
    units = [SummaryPart(text) for text in dict.fromkeys(cells)]
    answer = plain(as_text(units))
    wanted = (
        value
        for heading, value in record_of(section.material.text)
        if not is_empty(value) and plain(value) != plain(section.name) and not GROUPS.fullmatch(heading.lower().strip())
    )
    return units if all(plain(value).rstrip(".") in answer for value in wanted) else []


def units_of(section: EnglishSection) -> list[SummaryPart]:
    """Return the complete content of a section, in order; [] if a part cannot be quoted or the beginning is unclear."""
    units: list[SummaryPart] = []
    for block in blocks_of(section.material.text, section.material.title.strip("# "), section.words):
        lead = units[-1].text if units and units[-1].text.endswith(":") else ""
        if block.kind == "code" and not lead:
            continue
        block_units = _units_of(block, lead)
        if not block_units or (lead and block.kind == "paragraph"):
            return []
        if lead and not block_units[0].has_lines:
            units.pop()
        units += block_units
    units = units[1:] if units and _GREETING.match(units[0].text) else units
    if any(_AWAY.search(unit.text) for unit in units):
        return []
    is_clear = bool(units) and not units[-1].text.endswith(":") and opens_clearly(units[0].text)
    return units if is_clear else []


def opens_clearly(text: str) -> bool:
    """Check whether a text can be understood from its first sentence on."""
    first = re.sub(r"^(?:1\.|-) ", "", text.split("\n")[0])
    if is_order(first):
        return re.match(r"\w+ (?:it|them|this|these|those)\b", first) is None
    return _OWN_DOCUMENT.match(first) is not None or not leans(_FIRST_PERSON.sub("X", first), "en")


def _units_of(block: Block, lead: str) -> list[SummaryPart]:
    """Return a block as units, or none if it cannot be quoted."""
    if block.kind == "paragraph":
        return [SummaryPart(text) for text in block.parts]
    if block.kind == "steps":
        return [SummaryPart("\n".join(step_lines(block.parts)), len(block.parts), True)]
    if block.kind == "table":
        rows = sentences_of_values("\n".join(block.parts))
        spoken = " ".join([lead, *rows]).strip()
        return [SummaryPart(spoken, len(rows))] if rows else []
    return _list_units(block.parts, lead) if block.kind == "list" else []


def _list_units(items: Sequence[str], lead: str) -> list[SummaryPart]:
    """Return items that are sentences as lines, others as one sentence after their lead-in."""
    if all(is_statement(item) for item in items):
        return [SummaryPart("\n".join(f"- {sentence(item)}" for item in items), len(items), True)]
    if not lead or any(item[-1] in ".!?" and " " in item for item in items[:-1]):
        return []
    bare = [as_inside(re.sub(r"(?:[.;,]|[,;] and)$", "", item), "") for item in items]
    mark = ";" if any("," in item for item in bare) else ","
    listed = bare[0] if len(bare) == 1 else f"{f'{mark} '.join(bare[:-1])}{';' if mark == ';' else ''} and {bare[-1]}"
    return [SummaryPart(f"{lead} {listed}.", len(items))]


def is_statement(item: str) -> bool:
    """Check whether a list item makes a statement by itself: a sentence, an order, `Door: opens to the left`."""
    probe = f"{item.rstrip('.')} now"
    return is_order(item) or _LABELLED.match(item) is not None or (item[-1] in ".!" and read_clause(probe) is not None)


def _length(units: Sequence[SummaryPart]) -> int:
    return sum(length_words(unit.text) for unit in units)


def as_text(units: Sequence[SummaryPart]) -> str:
    """Join units, with lists and steps on separate lines."""
    text = ""
    for before, unit in zip([None, *units], units, strict=False):
        is_apart = before is not None and (unit.has_lines or before.has_lines)
        text += ("\n" if is_apart else " " if before else "") + unit.text
    return text
