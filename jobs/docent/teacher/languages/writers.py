"""Write typed questions in German, French, Spanish, Korean, Japanese and Chinese.

They come from sentences whose form determines their question (patterns.py), rows of tables (tables.py), numbered steps,
summaries, blanks and false statements. Every answer consists of words of the section. Reads and writes nothing.
"""

import zlib
from collections.abc import Callable, Iterator
from functools import partial
from itertools import zip_longest

from docent.teacher.languages.cells import BARE
from docent.teacher.languages.heads import is_bare
from docent.teacher.languages.judged import judged, with_blank
from docent.teacher.languages.section import NonEnglishSection
from docent.teacher.languages.summary import SECTION_SUMMARY_WORDS, SUMMARY_WORDS, is_procedure, steps, summary
from docent.teacher.languages.tables import TableRow
from docent.teacher.section import Draft
from docent.teacher.source.blocks import cells_of
from docent.teacher.source.statements import Statement, cleaned
from docent.text.sentences import plain
from docent.text.terms import length_in_words

TYPED_LANGUAGE_VERSION = 3
"""Raised when replies in these languages change: part of the request."""
MAX_SHORT_WORDS = 5
_CAUSAL = ("cause", "effect")


def _drafted(question: str, answer: str, source: str) -> Draft:
    """Return a pair with the words of the section that it was taken from."""
    return Draft(question, answer, (Statement(cleaned(source), cleaned(source)),))


def _recall(section: NonEnglishSection) -> Iterator[Draft]:
    """Yield the questions about sentences and rows, in random order."""
    drafts = [pair for statement in section.sentences for pair in _of_sentence(section, statement, ())]
    drafts += [_of_row(section, row) for row in section.rows]
    yield from section.shuffled(drafts)


def _of_fact(section: NonEnglishSection) -> Iterator[Draft]:
    """Yield a question about each requested fact: a sentence, or a complete row of a table."""
    for fact in section.material.facts:
        wanted = _bare_line(fact)
        rows = _rows_of_fact(fact, section.rows) or [row for row in section.rows if _bare_line(row.source) == wanted]
        if rows:
            one = rows[zlib.crc32(fact.encode()) % len(rows)]
            whole = next((row for row in rows if row.cause), one)  # a remedy is quoted with its cause
            yield _drafted(section.row_question(whole), section.full_row_answer(whole), fact)
            continue
        for statement in section.sentences:
            if _bare_line(statement.text) == wanted:
                yield from list(_of_sentence(section, statement, ()))[:1]


def _rows_of_fact(fact: str, rows: list[TableRow]) -> list[TableRow]:
    """Return the rows with the cells of a fact: `Column: cell; Column: cell`."""
    cells = [cell.partition(": ")[2].strip() or cell for cell in fact.split("; ")]
    return [row for row in rows if [cell for cell in cells_of(row.source, BARE) if cell] == cells]


def _bare_line(text: str) -> str:
    """Return a line without its marker, Markdown markup and full stop, for comparisons."""
    return plain(cleaned(text).replace("**", "").replace("`", "")).strip("-*+• ").rstrip(".。")


def _short(section: NonEnglishSection) -> Iterator[Draft]:
    """Yield the questions whose answer is a few words of the section."""
    text = plain(section.material.text)
    # Instructions are not short answers, and neither are numbers whose subject is unclear.
    rows = (row for row in section.rows if row.sort in ("value", "signal_state") and not is_bare(row.value))
    drafts = [_drafted(section.row_question(row), row.value, row.source) for row in rows]
    for statement in section.sentences:
        drafts += [_drafted(a.question, a.short, statement.text) for a in section.questions_of(statement) if a.short]
    for pair in section.shuffled(drafts):
        if length_in_words(pair.answer) <= MAX_SHORT_WORDS and plain(pair.answer) in text:
            yield pair


def _cause_effect(section: NonEnglishSection) -> Iterator[Draft]:
    """Yield questions for reasons and consequences that a sentence states."""
    yield from section.shuffled(pair for s in section.sentences for pair in _of_sentence(section, s, _CAUSAL))
    for row in section.shuffled(row for row in section.rows if row.sort == "cause_of"):
        yield _of_row(section, row)


def _of_sentence(section: NonEnglishSection, statement: Statement, kinds: tuple[str, ...]) -> Iterator[Draft]:
    answer = statement.text if statement.alone else statement.whole
    for asked in section.questions_of(statement):
        if not kinds or asked.kind in kinds:
            yield _drafted(asked.question, answer, answer)


def _of_row(section: NonEnglishSection, row: TableRow) -> Draft:
    return _drafted(section.row_question(row), section.full_row_answer(row), row.source)


def _steps(section: NonEnglishSection) -> Iterator[Draft]:
    if section.title and (numbered := steps(section)) and is_procedure(numbered, section.code):
        yield _drafted(section.frame("steps", title=section.words.quoted(section.title)), numbered, numbered)


def _summary(section: NonEnglishSection, key: str = "summary", max_words: int = SUMMARY_WORDS) -> Iterator[Draft]:
    text = summary(section, max_words)
    if text and section.title:
        yield _drafted(section.frame(key, title=section.words.quoted(section.title)), text, text)
    elif text:
        yield _drafted(section.frame("summary_doc"), text, text)


def _boolean(section: NonEnglishSection) -> Iterator[Draft]:
    truths = section.material.truths or tuple(turn % 2 == 0 for turn in range(section.material.pairs))
    yield from (_verdict(section, "boolean", *one) for one in judged(section, truths))


def _true_false_fill_blank(section: NonEnglishSection) -> Iterator[Draft]:
    """Yield alternately a sentence with a blank and a statement to judge."""
    start = zlib.crc32(section.variety.encode())
    blanks = []
    for original, cloze in with_blank(section):
        question = section.frame("cloze", cloze=section.words.quoted(cloze.rstrip(".。")))
        blanks.append(_drafted(question, original, original))
    truths = tuple((start // 2 + turn) % 2 == 0 for turn in range(section.material.pairs))
    verdicts = [_verdict(section, "true_or_false", *one) for one in judged(section, truths)]
    turns = zip_longest(blanks, verdicts) if start % 2 else zip_longest(verdicts, blanks)
    yield from (draft for turn in turns for draft in turn if draft)


def _verdict(section: NonEnglishSection, key: str, shown: str, original: str, truth: bool) -> Draft:
    question = section.frame(key, sentence=section.words.quoted(shown.rstrip(".。")))
    answer = section.words.joined([section.frame("true" if truth else "false"), original])
    return _drafted(question, answer, original)


WRITERS: dict[str, Callable[[NonEnglishSection], Iterator[Draft]]] = {
    "factual_recall": _recall,
    "fact_based": _of_fact,
    "short_answer": _short,
    "boolean": _boolean,
    "true_false_fill_blank": _true_false_fill_blank,
    "summarization": _summary,
    "summary": _summary,
    "section_summary": partial(_summary, key="section_summary", max_words=SECTION_SUMMARY_WORDS),
    "process_workflow": _steps,
    "cause_effect": _cause_effect,
}
TOO_LOW: dict[str, frozenset[str]] = {
    "ja": frozenset({"true_false_fill_blank"}),
    "ko": frozenset({"short_answer", "summarization", "summary"}),
    "zh": frozenset({"short_answer", "boolean", "true_false_fill_blank"}),
}
"""Types left out in a language: fewer than four of five pairs were graded useful (docs/benchmarks.md)."""


def types_in(code: str) -> frozenset[str]:
    """Return the question types that are written in a language, by its code."""
    return frozenset(WRITERS) - TOO_LOW.get(code, frozenset())
