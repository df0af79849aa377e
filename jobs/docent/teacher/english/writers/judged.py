"""Write true and false statements in English, and sentences with a blank.

A false statement is a true one with another number or an opposite, never a negation: `Four measures are not proposed`
would not be a natural statement. It is written only if it cannot be true. Reads and writes nothing.
"""

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from docent.teacher.english.grammar.amounts import NUMERAL
from docent.teacher.english.grammar.clarity import is_cut_short, is_unexplained, stands_alone, trimmed
from docent.teacher.english.grammar.clauses import read_clause
from docent.teacher.english.section import EnglishSection
from docent.teacher.english.tables.cells import is_task_order
from docent.teacher.english.writers.numbers import BLANK, is_measured, opposite_of, spans_of, with_other_number
from docent.teacher.english.writers.pairs import Pair, pairs_of
from docent.teacher.section import Draft
from docent.teacher.source.statements import Statement
from docent.teacher.source.words import ENGLISH
from docent.text.sentences import count_words, plain

MAX_JUDGED_WORDS = 32
_BOUND = re.compile(ENGLISH["bounds"])
_ONE_NUMBER = re.compile(
    r"(?<![\w.,])\d{1,3}(?:,\d{3})+(?![\d.,]*\d)|(?<![\w.,])\d+(?:\.\d+)?(?![\d]|[.,]\d)(?!\w*-\d)"
)
# A year that is off by 12 still looks like a year; percentages above half would exceed 100 when doubled.
YEARS_OFF, HALF = 12, 50
_SEQUEL = re.compile(ENGLISH["sequel"])
_NO_PHRASE = re.compile(ENGLISH["no_phrase"])
_COMPARES = re.compile(ENGLISH["compares"])

MIN_TOLD_WORDS = 5
"""Fewest words of a statement in addition to its blank: `The switch has ____` has too many answers."""
_NUMBERED = re.compile(ENGLISH["numbered_names"])
_RANGE_AHEAD = re.compile(ENGLISH["range_ahead"])
_RANGE_BEHIND = re.compile(r" ?(?:to|[–-]) ?\d")


def boolean(section: EnglishSection) -> Iterator[Draft]:
    """Yield true and false statements as the request demands; end when one cannot be written."""
    first = zlib.crc32(section.variety.encode()) % 2 == 0
    truths = section.material.truths or tuple((turn % 2 == 0) == first for turn in range(section.material.pairs))
    every = statements_to_judge(section)
    left = section.shuffled(every)
    left.sort(key=lambda s: not any(c.isdigit() for c in s.text))
    false = {s.text: untrue for s in left if (untrue := false_of(section, s, every))}
    for position, truth in enumerate(truths):
        needed = sum(not later for later in truths[position + 1 :])
        usable = [s for s in left if s.text in false]
        if truth:
            rest = [s for s in left if s.text not in false]
            usable = rest or usable[needed:] or usable[-1:]
        if not usable:
            return
        chosen = usable[0]
        left.remove(chosen)
        statement_shown = chosen.text if truth else false[chosen.text]
        yield verdict(section, _judge(section, "boolean", statement_shown), chosen, truth)


def true_false_fill_blank(section: EnglishSection) -> Iterator[Draft]:
    """Yield alternately a sentence with a blank and a statement to judge."""
    start = zlib.crc32(section.variety.encode())
    every = statements_to_judge(section)
    pairs = pairs_of(section).pairs
    for turn, statement in enumerate(section.shuffled(every), start):
        blank = with_blank(statement, pairs, section.name)
        false = false_of(section, statement, every)
        if blank and (turn % 3 or not false):
            cloze = _quoted(section, blank)
            is_named = plain(section.name) in plain(blank)
            question = f"Fill in the blank: {cloze}" if is_named else section.frame("cloze", cloze=cloze)
            yield Draft(question, statement.text, (statement,))
        elif false:
            truth = turn % 2 == 0
            judged = statement.text if truth else false
            yield verdict(section, _judge(section, "true_or_false", judged), statement, truth)


def _judge(section: EnglishSection, key: str, sentence: str) -> str:
    """Return a question that asks whether a statement is true; it names the document if the statement does not."""
    quoted = _quoted(section, sentence.strip().rstrip(".!") if key == "boolean" else sentence)
    if plain(section.name) in plain(sentence):
        return f"Is this statement true: {quoted}?" if key == "boolean" else f"True or false: {quoted}"
    return section.frame(key, sentence=quoted)


def verdict(section: EnglishSection, question: str, statement: Statement, truth: bool) -> Draft:
    """Return the judgement, with the correct statement."""
    answer = section.words.joined([section.frame("true" if truth else "false"), statement.text])
    return Draft(question, answer, (statement,))


def statements_to_judge(section: EnglishSection) -> list[Statement]:
    """Return sentences whose subject is clear without context, and table cells as sentences."""
    titles, others = f"{section.material.title} {section.name}", [text for _, text in section.material.others]
    prose = [
        replace(s, text=trimmed(s.text), whole=trimmed(s.text))
        for s in section.statements
        if s.kind == "sentence"
        and stands_alone(s)
        and read_clause(s.text)
        and MIN_TOLD_WORDS <= count_words(s.text) <= MAX_JUDGED_WORDS
        and not _is_sequel(section, s)
        and not is_cut_short(s.text, section.material.title)
        and not is_unexplained(s.text, section.material.text, titles, others)
        and not _leaves_open(s.text)
    ]
    if any(s.kind == "row" for s in section.statements):
        prose = [s for s in prose if plain(section.name) in plain(s.text)]  # an object states nothing
    pairs = (pair for pair in pairs_of(section).pairs if pair.is_cell and pair.kind in ("value", "when", "who"))
    cells = [s for pair in pairs if count_words((s := pair.evidence).text) <= MAX_JUDGED_WORDS]
    unfit = ("Yes,", "No,", "The interval for “")
    return [*prose, *(s for s in cells if not s.text.startswith(unfit) and not is_task_order(s.text.rstrip(".")))]


def _is_sequel(section: EnglishSection, statement: Statement) -> bool:
    """Check whether a sentence states the next event, so that it is true only after the preceding text."""
    if _SEQUEL.search(statement.text):
        return True
    before = section.every[statement.place - 1] if statement.place else None
    clause = read_clause(statement.text)
    is_event = clause is not None and clause.tense in ("singular", "plural") and not clause.lead
    return before is not None and before.kind == "step" and is_event


def _leaves_open(text: str) -> bool:
    """Check whether a sentence compares with something that it does not name, or depends on the text before it."""
    is_bare_count = re.match(rf"{NUMERAL} \w+ (?:is|are) ", text, re.IGNORECASE)  # `Three types are available.`
    return is_bare_count is not None or re.search(r"\b[Tt]he two\b", text) is not None or bool(_COMPARES.search(text))


def false_of(section: EnglishSection, statement: Statement, every: Sequence[Statement]) -> str:
    """Return a statement that contradicts the section, or "" if none is certain."""
    text = statement.text
    is_bound = _BOUND.search(text) is not None and statement.place >= 0
    untrue = "" if is_bound else with_other_number(statement, every) or _with_wrong_number(text)
    untrue = untrue or opposite_of(text) or ""
    others = {other.folded for other in every}
    renames = plain(section.name) in plain(text) and plain(section.name) not in plain(untrue)
    return untrue if untrue and untrue.casefold() not in others and not renames else ""


def _with_wrong_number(text: str) -> str:
    """Change the number of a statement: double it, halve a percentage above 50, or move a year by YEARS_OFF."""
    numbers = [
        m for m in _ONE_NUMBER.finditer(text) if not re.search(r"[:/-]", text[max(0, m.start() - 1) : m.start()])
    ]
    if (
        len(numbers) != 1
        or not is_measured(text, *numbers[0].span())
        or re.search(r"\d[:/.-]\d+[:/.-]\d|(?<![A-Z])[A-Z]{2,}+-?\d|\d:\d\d|\d ?[x×] ?\d", text)
    ):
        return ""
    digits = numbers[0][0]
    if re.match(r"0\d", digits):
        return ""  # a code, not an amount
    decimals = len(digits.partition(".")[2])
    value = float(digits.replace(",", ""))
    if decimals == 0 and re.fullmatch(r"1\d{3}|20\d\d", digits):
        other = value - YEARS_OFF
    elif re.match(r" ?(?:%|percent)", text[numbers[0].end() :]) and value > HALF:
        other = value / 2
    else:
        other = value * 2
    shown = f"{other:,.{decimals}f}" if "," in digits else f"{other:.{decimals}f}"
    return text[: numbers[0].start()] + shown + text[numbers[0].end() :] if other != value else ""


def with_blank(statement: Statement, pairs: Sequence[Pair], name: str) -> str:
    """Replace a number with its unit by a blank, or else a noun phrase that answers a question about the statement."""
    text = statement.text
    numbers = [text[start:end] for start, end in spans_of(text) if not _is_given_away(text, start, end, name)]
    phrases = (p.short for p in pairs if p.short and p.kind != "what" and p.evidence.text in (text, text.rstrip(".")))
    candidates = [
        *(n for n in numbers if not re.search(rf"\d:{re.escape(n)}|{re.escape(n)}(?::\d|[(/])", text)),
        *(phrase for phrase in phrases if not _NO_PHRASE.match(phrase) and not re.search(r"\d", phrase)),
    ]
    candidates = [
        words
        for words in candidates
        if text.count(words) == 1
        and len(words) * 2 < len(text)
        and not text.startswith(words)
        and words not in name
        and count_words(text) - count_words(words) >= MIN_TOLD_WORDS
    ]
    if statement.place < 0:  # a cell: its name stays, its value is blanked out
        candidates = [words for words in candidates if text.rfind(words) > max(text.rfind(" is "), text.rfind(" are "))]
    return text.replace(candidates[0], BLANK, 1) if candidates else ""


def _is_given_away(text: str, start: int, end: int, name: str) -> bool:
    """Check whether a number is one end of a range or part of a name, or occurs a second time in the question."""
    is_end = _RANGE_AHEAD.search(text[:start]) is not None or _RANGE_BEHIND.match(text[end:]) is not None
    is_end = is_end or _NUMBERED.search(text[:start]) is not None
    number = re.search(r"\d[\d.,]*", text[start:end])
    if is_end or number is None:
        return is_end
    pattern = rf"(?<![\d.,]){re.escape(number[0])}(?!\d|[.,]\d)"
    return re.search(pattern, f"{text[:start]} {text[end:]} {name}") is not None


def _quoted(section: EnglishSection, sentence: str) -> str:
    """Return a sentence in quotation marks; those around the document's name are removed."""
    return section.words.quoted(sentence.replace(section.words.quoted(section.name), section.name))
