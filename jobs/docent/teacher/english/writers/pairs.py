"""Collect all pairs of an English section: every question with its answer, once, for all question types.

A question with two answers in a section is left out, so that no data set has both; a statement has to be clear without
the statements around it. Reads and writes nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from docent.teacher.english.grammar.clarity import (
    OPENERS,
    is_about_another,
    is_cut_short,
    is_unexplained,
    stands_alone,
    trimmed,
    with_document,
)
from docent.teacher.english.grammar.instructions import instructions_of
from docent.teacher.english.grammar.question import Kind, Question
from docent.teacher.english.grammar.sentences import questions_of
from docent.teacher.english.section import EnglishSection, section_statements
from docent.teacher.english.tables.columns import Cell, TablePair, about_column, table_pair
from docent.teacher.english.tables.compared import comparisons_of_tables
from docent.teacher.english.tables.labels import as_written, basis_of, is_empty, label_of, value_of
from docent.teacher.english.tables.names import belonging, owner_of
from docent.teacher.english.tables.questions import rows_of_tables
from docent.teacher.english.writers.contrasts import compared_in
from docent.teacher.section import Draft
from docent.teacher.source.statements import Statement, row_of
from docent.text.sentences import plain

_VALUE_ITEM = re.compile(
    r"^[ \t]*+[-*+•][ \t]++\**+([A-Z][^:*|\n]{2,50}?)\**+:\**+[ \t]++(\S[^\n]{0,60})$", re.MULTILINE
)


@dataclass(frozen=True)
class Pair:
    """A question that the section answers.

    Attributes:
        question: the question, with the document's title if it needs one.
        short: words of the statement that answer it, or "" if only the complete statement does.
        fact: the row's fact for tables, otherwise the statement's text.
        is_cell: whether it is about one cell of a table.
    """

    question: str
    answer: str
    short: str
    kind: Kind
    fact: str
    evidence: Statement
    is_cell: bool = False

    @property
    def draft(self) -> Draft:
        """Return the pair as a draft of the reply."""
        return Draft(self.question, self.answer, (self.evidence,))


@dataclass(frozen=True)
class SectionPairs:
    """The pairs of one section.

    Attributes:
        pairs: all pairs, in section order.
        rows: one pair per table row, covering all its cells.
        compared: pairs that compare two things.
    """

    pairs: tuple[Pair, ...]
    rows: tuple[Pair, ...]
    compared: tuple[Pair, ...]


@dataclass(frozen=True)
class _Source:
    """A section and its names: of the document, of the document in quotation marks, of the section in it.

    Attributes:
        owner: the model that its values belong to, see owner_of.
    """

    text: str
    title: str
    name: str
    doc: str
    place: str
    owner: str | None


def pairs_of(section: EnglishSection) -> SectionPairs:
    """Return the pairs of a request's section."""
    material = section.material
    owner = owner_of(material.title, material.text, tuple(text for _, text in material.others))
    return _section(_Source(material.text, material.title, section.name, section.doc, section.place, owner))


# Requests for one section follow each other: its pairs are found once for all types and temperatures.
@lru_cache(maxsize=32)
def _section(source: _Source) -> SectionPairs:
    text, name, doc = source.text, source.name, source.doc
    statements = section_statements(text, "en")
    is_record = any(s.kind == "row" for s in statements)
    prose_pairs = [*(_of_rows(text, name) if is_record else ()), *_of_prose(statements, source)]
    if is_record:  # a thing states nothing: no `according to “Brass hook”`
        prose_pairs = [pair for pair in prose_pairs if not pair.question.startswith("According to ")]
    else:
        prose_pairs += _of_items(source)
    rows = rows_of_tables(text, source.owner)
    cells = [_of_cell(one, name, doc, is_cell=True) for row in rows for one in row.cells]
    wholes = [_of_cell(row.whole, name, doc) for row in rows if row.whole is not None]
    compared = [_of_cell(one, name, doc) for one in comparisons_of_tables(text)]
    compared += _contrasts(statements, source)
    return SectionPairs(_unambiguous([*prose_pairs, *cells]), _unambiguous(wholes), _unambiguous(compared))


def _of_prose(statements: tuple[Statement, ...], source: _Source) -> Iterator[Pair]:
    text, name = source.text, source.name
    for statement in statements:
        if statement.kind not in ("sentence", "step") or not statement.is_askable or not stands_alone(statement):
            continue
        if is_cut_short(statement.text, source.title) or is_about_another(statement, statements):
            continue
        sentence = OPENERS.sub("", statement.text)
        sentence = sentence[:1].upper() + sentence[1:]
        is_open = is_unexplained(sentence, text, f"{source.title} {name}")
        for asked in [*instructions_of(sentence), *questions_of(sentence, text)]:
            is_told = statement.kind == "sentence" and asked.kind == "do"  # a condition needs the sentence before
            if is_told or (is_open and asked.kind == "reason"):
                continue  # `Why was the loop switched off?`: which one?
            # A step within a procedure is not a general rule.
            yield _pair(
                asked, trimmed(sentence), statement, name, source.place if statement.kind == "step" else source.doc
            )


def _of_items(source: _Source) -> Iterator[Pair]:
    """Ask about list items that give a value: `Weight of an empty box: 4.2 kg`."""
    if source.owner is None:
        return
    for item in _VALUE_ITEM.finditer(source.text):
        label, value = label_of(item[1]), item[2].strip().rstrip(".")
        if not label.is_measure or is_empty(value) or len(value.split()) > 6 or re.search(r"[:;|{}]|\d, \d", value):
            continue
        value = value_of(value, label.unit)
        words = f"{label.words}{belonging(label.words, source.owner)}"
        fact = f"{item[1]}: {item[2].strip()}"
        pair = table_pair(f"What {label.be} the {words}?", f"the {words} {label.be} {value}", fact, value)
        if pair is not None:
            yield _of_cell(pair, source.name, source.doc, is_cell=True)


def _pair(asked: Question, answer: str, statement: Statement, name: str, doc: str) -> Pair:
    short = asked.short if asked.short and asked.short in statement.text else ""
    question = with_document(asked.question, name, doc)
    return Pair(question, answer, short, asked.kind, statement.text, statement)


def _of_rows(text: str, name: str) -> Iterator[Pair]:
    """Yield pairs about a document that is one row of a table: columns and their values, texts in cells in full."""
    thing = as_written(name)
    record = record_of(text)
    for heading, value in record:
        if is_empty(value) or plain(value) == plain(name):
            continue
        label = label_of(heading)
        source = f"{heading}: {value}"
        cell = Cell(thing, label, value_of(value, label.unit), source, is_record=True, basis=basis_of(record))
        pair = about_column(cell)
        if pair is not None:
            short = pair.asked.short if pair.asked.short in value else ""
            evidence = Statement(pair.answer, pair.answer, "row", heading, place=-1)
            yield Pair(pair.asked.question, pair.answer, short, pair.asked.kind, source, evidence, is_cell=True)


def record_of(text: str) -> list[tuple[str, str]]:
    """Return headings and cells of a document that is one row of a table; a cell may have several lines."""
    cells: list[tuple[str, str]] = []
    for line in text.splitlines():
        if row := row_of(line):
            cells.append(row)
        elif line.strip() and cells:
            cells[-1] = (cells[-1][0], f"{cells[-1][1]} {line.strip()}")
    return cells


def _of_cell(one: TablePair, name: str, doc: str, is_cell: bool = False) -> Pair:
    evidence = Statement(one.answer, one.answer, "row", place=-1)
    question = with_document(one.asked.question, name, doc)
    # A number and its unit may be in two cells.
    short = one.asked.short if all(word in one.source for word in one.asked.short.split()) else ""
    return Pair(question, one.answer, short, one.asked.kind, one.source, evidence, is_cell)


def _contrasts(statements: tuple[Statement, ...], source: _Source) -> Iterator[Pair]:
    """Ask about sentences that compare two things."""
    for statement in statements:
        if statement.kind == "sentence" and statement.is_askable and stands_alone(statement):
            if question := compared_in(statement.text, source.text):
                yield _pair(question, trimmed(statement.text), statement, source.name, source.doc)


def _unambiguous(pairs: list[Pair]) -> tuple[Pair, ...]:
    """Return the pairs except questions that have several answers."""
    answers: dict[str, set[str]] = {}
    for pair in pairs:
        answers.setdefault(plain(pair.question), set()).add(plain(pair.answer))
    first = {plain(pair.question): pair for pair in reversed(pairs)}
    return tuple(pair for pair in pairs if first[key := plain(pair.question)] is pair and len(answers[key]) == 1)
