"""Typed questions in German, French, Spanish, Korean, Japanese and Chinese by the offline teacher.

Sentences whose form tells their question (offline_patterns.py), rows of tables (offline_tables_elsewhere.py), numbered
steps, summaries, blanks and false statements. Types that need the grammar of a whole language are not written.
Every answer is made of the section's own words. Reads and writes nothing.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from docent.llm.chat import RequestRefusedError
from docent.llm.structure.typed import TypedMaterial
from docent.teacher.languages.cells import cells_of
from docent.teacher.languages.heads import is_bare
from docent.teacher.languages.judged import judged, with_blank
from docent.teacher.languages.section import Page
from docent.teacher.languages.steps import is_procedure, steps
from docent.teacher.languages.summary import section_summary, summary
from docent.teacher.languages.tables import Row
from docent.teacher.source.statements import Statement, cleaned
from docent.teacher.source.words import LANGUAGES
from docent.text.sentences import plain
from docent.text.terms import length_in_words

TYPED_LANGUAGE_VERSION = 3
"""Raised when replies in these languages change: it is part of the request."""
MAX_SHORT_WORDS, MAX_FIGURES, MAX_STEPS = 5, 4, 4
_CAUSAL = ("cause", "effect")


@dataclass(frozen=True)
class Pair:
    """A question with its answer, and what of the section it was taken from."""

    question: str
    answer: str
    evidence: str


def _recall(page: Page) -> Iterator[Pair]:
    """What sentences and rows state, in another order each time."""
    found = [pair for statement in page.sentences for pair in _of_sentence(page, statement, ())]
    found += [_of_row(page, row) for row in page.rows]
    yield from page.shuffled(found)


def _of_fact(page: Page) -> Iterator[Pair]:
    """The fact that is asked about: a sentence, or a row of a table with all that it says."""
    for fact in page.material.facts:
        wanted = _bare_line(fact)
        rows = _rows_of_fact(fact, page.rows) or [row for row in page.rows if _bare_line(row.source) == wanted]
        if rows:
            one = rows[zlib.crc32(fact.encode()) % len(rows)]
            whole = next((row for row in rows if row.cause), one)  # a remedy is told with its cause
            yield Pair(page.row_question(whole), page.row_told(whole), fact)
            continue
        for statement in page.sentences:
            if _bare_line(statement.text) == wanted:
                yield from list(_of_sentence(page, statement, ()))[:1]


def _rows_of_fact(fact: str, rows: list[Row]) -> list[Row]:
    """The rows that a fact of a table, `Column: cell; Column: cell`, is made of."""
    cells = [cell.partition(": ")[2].strip() or cell for cell in fact.split("; ")]
    return [row for row in rows if [cell for cell in cells_of(row.source) if cell] == cells]


def _bare_line(text: str) -> str:
    """A line without its marker, marks of Markdown and stop mark, for comparisons."""
    return plain(cleaned(text).replace("**", "").replace("`", "")).strip("-*+• ").rstrip(".。")


def _short(page: Page) -> Iterator[Pair]:
    """Questions whose answer is a few words of the section."""
    text = plain(page.material.text)
    found = [Pair(page.row_question(row), row.value, row.source) for row in page.rows if _is_short(row)]
    for statement in page.sentences:
        found += [Pair(a.question, a.short, statement.text) for a in page.asked(statement) if a.short]
    for pair in page.shuffled(found):
        if length_in_words(pair.answer) <= MAX_SHORT_WORDS and plain(pair.answer) in text:
            yield pair


def _is_short(row: Row) -> bool:
    """Whether a cell is an answer: not an instruction, nor a number that does not say of what."""
    return row.sort in ("value", "signal_state") and not is_bare(row.value)


def _cause_effect(page: Page) -> Iterator[Pair]:
    """Reasons and consequences that a sentence gives."""
    yield from page.shuffled(pair for s in page.sentences for pair in _of_sentence(page, s, _CAUSAL))
    for row in page.shuffled(row for row in page.rows if row.sort == "cause_of"):
        yield _of_row(page, row)


def _of_sentence(page: Page, statement: Statement, kinds: tuple[str, ...]) -> Iterator[Pair]:
    answer = statement.text if statement.alone else statement.whole
    for asked in page.asked(statement):
        if not kinds or asked.kind in kinds:
            yield Pair(asked.question, answer, answer)


def _of_row(page: Page, row: Row) -> Pair:
    return Pair(page.row_question(row), page.row_told(row), row.source)


def _steps(page: Page) -> Iterator[Pair]:
    if page.title and (told := steps(page)) and is_procedure(told, page.code):
        yield Pair(page.frame("steps", title=page.words.quoted(page.title)), told, told)


def _summary(page: Page) -> Iterator[Pair]:
    yield from _summed_up(page, "summary", summary(page))


def _section_summary(page: Page) -> Iterator[Pair]:
    yield from _summed_up(page, "section_summary", section_summary(page))


def _summed_up(page: Page, key: str, told: str) -> Iterator[Pair]:
    if told and page.title:
        yield Pair(page.frame(key, title=page.words.quoted(page.title)), told, told)
    elif told:
        yield Pair(page.frame("summary_doc"), told, told)


def _boolean(page: Page) -> Iterator[Pair]:
    truths = page.material.truths or tuple(turn % 2 == 0 for turn in range(page.material.pairs))
    for one in judged(page, truths):
        question = page.frame("boolean", sentence=page.words.quoted(one.said.rstrip(".。")))
        yield Pair(question, page.words.joined([page.frame("true" if one.truth else "false"), one.told]), one.told)


def _true_false_fill_blank(page: Page) -> Iterator[Pair]:
    """By turns a sentence with a blank and a statement to judge."""
    blanks = [
        Pair(page.frame("cloze", cloze=page.words.quoted(cloze.rstrip(".。"))), told, told)
        for told, cloze in with_blank(page)
    ]
    verdicts = []
    start = zlib.crc32(page.variety.encode())
    for one in judged(page, tuple((start // 2 + turn) % 2 == 0 for turn in range(page.material.pairs))):
        question = page.frame("true_or_false", sentence=page.words.quoted(one.said.rstrip(".。")))
        answer = page.words.joined([page.frame("true" if one.truth else "false"), one.told])
        verdicts.append(Pair(question, answer, one.told))
    first, second = (blanks, verdicts) if start % 2 else (verdicts, blanks)
    for number in range(max(len(first), len(second))):
        yield from (*first[number : number + 1], *second[number : number + 1])


WRITERS: dict[str, Callable[[Page], Iterator[Pair]]] = {
    "factual_recall": _recall,
    "fact_based": _of_fact,
    "short_answer": _short,
    "boolean": _boolean,
    "true_false_fill_blank": _true_false_fill_blank,
    "summarization": _summary,
    "summary": _summary,
    "section_summary": _section_summary,
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
    """The question types that are written in a language, by its code."""
    return frozenset(WRITERS) - TOO_LOW.get(code, frozenset())


def write_elsewhere(material: TypedMaterial, temperature: float) -> str:
    """The reply to a request, as JSON of TypedReply or ReasonedReply.

    Raises:
        RequestRefusedError: the question type is not written in the language.
    """
    if material.question_type not in types_in(material.language):
        raise RequestRefusedError(
            f"the offline teacher does not write {material.question_type} in {LANGUAGES[material.language]}: "
            "that needs a model (llm.provider: openai)"
        )
    page = Page(material, temperature)
    return json.dumps({"pairs": [_as_json(page, pair) for pair in _chosen(page)]}, ensure_ascii=False)


def _chosen(page: Page) -> list[Pair]:
    """As many pairs as were asked for: none too long, no question or answer twice."""
    material = page.material
    kept: list[Pair] = []
    seen: set[str] = set()
    for pair in WRITERS[material.question_type](page):
        if len(kept) >= material.pairs:
            break
        keys = {f"q {plain(pair.question)}", f"a {plain(pair.answer)}"}
        too_long = length_in_words(pair.answer) > material.max_answer_words
        if too_long and material.question_type == "boolean":
            break  # what follows would no longer be in turn
        if not too_long and not (seen & keys and material.question_type != "boolean"):
            seen |= keys
            kept.append(pair)
    return kept


def _as_json(page: Page, pair: Pair) -> dict[str, object]:
    told: dict[str, object] = {"question": cleaned(pair.question), "answer": cleaned(pair.answer)}
    said = pair.evidence.casefold()
    shown = (
        token
        for token, caption in page.material.figures
        if (name := token.strip("{} ").replace("_", " ").casefold())
        and len(name) > 3
        and name in said
        or (caption.strip() and caption.strip().casefold() in said)
    )
    told["figures"] = list(shown)[:MAX_FIGURES]
    if page.material.reasoning:
        told["reasoning_steps"] = [page.frame("step_found", sentence=page.words.quoted(cleaned(pair.evidence)))]
    return told
