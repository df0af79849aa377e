"""Summarize sections in languages other than English: in full if they fit, otherwise by the beginnings of paragraphs.

Numbered steps are quoted in order.

A section with a part that cannot be quoted, such as a table with several columns of values, a list of words or code,
has no summary, because nobody could see what is missing. Reads and writes nothing.
"""

import re
from dataclasses import dataclass, field
from itertools import groupby, zip_longest

from docent.teacher.languages.cells import read_tables
from docent.teacher.languages.row_wordings import interval_sentence
from docent.teacher.languages.section import NonEnglishSection
from docent.teacher.languages.tables import TableRow
from docent.teacher.source.references import references_of
from docent.teacher.source.statements import cleaned, pieces_of, sentences_of, usable
from docent.teacher.source.words import regexes
from docent.text.sentences import is_heading, plain
from docent.text.terms import length_in_words

# The first stays below the 100 words that the question type demands.
SUMMARY_WORDS, SECTION_SUMMARY_WORDS = 95, 200
MIN_SENTENCES = 3
"""A summary of fewer sentences would be the section itself."""
MIN_SHARE, MIN_PARAGRAPHS = 0.5, 3
"""For a section with few paragraphs, the least share of its words: a smaller part leaves out main points."""
MAX_ROWS = 8
"""More rows are not a summary."""
_WARNS = regexes("warning")
"""Sentences that a summary should include."""
MIN_STEPS, MAX_STEPS = 2, 20
_STATES = regexes("no_step")
"""Numbered sentences that state how something is rather than what to do."""


@dataclass
class _Parts:
    """The content of a section.

    Attributes:
        sentences: all sentences in order, except rows of tables.
        paragraphs: the sentences of each paragraph.
        has_lists: whether `sentences` includes steps or items, which must not be separated.
        is_whole: whether nothing is missing.
    """

    sentences: list[str] = field(default_factory=list)
    paragraphs: list[list[str]] = field(default_factory=list)
    has_lists: bool = False
    is_whole: bool = True


def summary(section: NonEnglishSection, max_words: int = SUMMARY_WORDS) -> str:
    """Return a section in at most `max_words` words, or "" if it has too little content or cannot be quoted in full."""
    most = min(max_words, section.material.max_answer_words)
    parts = _parts_of(section)
    rows = [section.row_answer(row) for row in section.rows]
    plans = [row for row in section.rows if row.sort == "due"]
    sentences = [*parts.sentences, *(row for row in rows if row not in parts.sentences)]
    if not (parts.is_whole and _tables_are_covered(section)) or len(sentences) < MIN_SENTENCES or len(rows) > MAX_ROWS:
        return ""
    if len(plans) > 1 and not all(interval_sentence(row.name, row.value, section.code) for row in plans):
        return ""  # the same words at every interval
    if sum(map(length_in_words, sentences)) <= most:
        lines = (line.strip() for line in section.words.joined(sentences).splitlines())
        return "\n".join(line for line in lines if line)
    return "" if parts.has_lists or rows else _main_points(section, parts.paragraphs, most)


def _main_points(section: NonEnglishSection, paragraphs: list[list[str]], most: int) -> str:
    """Choose the first sentence of every paragraph, then warnings, then others, each with the sentences it needs."""
    sentences = [sentence for paragraph in paragraphs for sentence in paragraph]
    references = references_of(sentences, section.code)
    numbers = iter(range(len(sentences)))
    places = [[next(numbers) for _ in paragraph] for paragraph in paragraphs]
    chosen: tuple[int, ...] = references.closed([paragraph[0] for paragraph in places])
    if _length(sentences, chosen) > most:
        return ""
    rounds = [place for later in zip_longest(*places) for place in later if place is not None]
    for place in sorted(rounds, key=lambda p: _WARNS[section.code].search(sentences[p]) is None):
        more = references.closed([*chosen, place])
        chosen = more if _length(sentences, more) <= most else chosen
    share = _length(sentences, chosen) / _length(sentences, range(len(sentences)))
    if share < MIN_SHARE and len(paragraphs) < MIN_PARAGRAPHS:
        return ""
    return section.words.joined([sentences[place] for place in chosen])


def _length(sentences: list[str], chosen: tuple[int, ...] | range) -> int:
    return sum(length_in_words(sentences[place]) for place in chosen)


def _parts_of(section: NonEnglishSection) -> _Parts:
    parts = _Parts()
    listed = steps(section)
    for kind, label, text in pieces_of(cleaned(section.material.text)):
        line = f"{label}: {text}" if kind == "row" else text
        if kind == "figure" or section.words.finds("todo", text):
            continue
        if label and (row := _row_of(section, line)):
            parts.sentences.append(section.row_answer(row))
            continue
        if kind == "step":
            parts.is_whole = parts.is_whole and listed != ""
            is_told = any(part.startswith("\n") for part in parts.sentences)
            parts.sentences += [] if is_told else [f"\n{step}\n" for step in listed.splitlines()]
            parts.has_lists = True
            continue
        kept, is_whole = _sentences(section, text)
        parts.is_whole = parts.is_whole and is_whole and kind == "sentence"
        parts.has_lists = parts.has_lists or label != ""
        parts.sentences += kept
        parts.paragraphs += [kept] if kept and not label else []
    return parts


def _sentences(section: NonEnglishSection, text: str) -> tuple[list[str], bool]:
    """Return a paragraph's sentences without mere references, and whether they are complete without those."""
    kept: list[str] = []
    is_whole, is_cut = True, False
    for sentence in sentences_of(text):
        if section.words.finds("points", sentence):
            is_cut = True
            continue
        is_whole = is_whole and _is_complete(sentence) and not (is_cut and section.points_back(sentence))
        kept.append(sentence)
        is_cut = False
    return kept, is_whole


def _is_complete(sentence: str) -> bool:
    """Check whether it is a sentence, however short, and not code or a fragment."""
    return not is_heading(sentence) and (
        usable(sentence, True) or sum(c.isalpha() for c in sentence) * 2 > len(sentence)
    )


def _row_of(section: NonEnglishSection, line: str) -> TableRow | None:
    """Return the row that a `key: value` line quotes."""
    wanted = _bare(line)
    return next((row for row in section.rows if _bare(row.source) == wanted), None)


def _bare(line: str) -> str:
    return re.sub(r"[\s*_`：:]|^[-+•]", "", plain(line))


def _tables_are_covered(section: NonEnglishSection) -> bool:
    """Check whether there is a question about every row of the tables, and no row has several values."""
    sources = {row.source for row in section.rows}
    tables = read_tables(section.material.text.splitlines())
    is_plain = all(table.is_of_values or len(table.head) == len(("name", "value")) for table in tables)
    return is_plain and all(line in sources for table in tables for _, line in table.rows)


def is_procedure(told: str, code: str) -> bool:
    """Check whether most of the lines are steps, not numbered rules or facts."""
    lines = [line.partition(". ")[2] for line in told.splitlines()]
    return sum(_STATES[code].search(line) is not None for line in lines) * 2 < len(lines)


def steps(section: NonEnglishSection) -> str:
    """Return the numbered steps of a section, one per line, or "" unless there is exactly one list of them."""
    parts_of_steps = [s for s in section.every if s.kind == "step"]
    lines = [(label, [*parts]) for label, parts in groupby(parts_of_steps, key=lambda s: s.label)]
    numbers = [int(re.sub(r"\D", "", label) or 0) for label, _ in lines]
    if not MIN_STEPS <= len(lines) <= MAX_STEPS or numbers != list(range(1, len(numbers) + 1)):
        return ""
    texts = (section.words.joined([part.text for part in parts]) for _, parts in lines)
    return "\n".join(f"{number}. {text}" for number, text in enumerate(texts, 1))
