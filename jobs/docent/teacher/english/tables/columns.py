"""Write the question for one property of one thing: the `weight` of `Rondo 40` is `48 kg`.

For rows of documents and Markdown tables alike. A column that nobody would ask for in plain words yields nothing. Reads
and writes nothing.
"""

import re
from dataclasses import dataclass

from docent.teacher.english.grammar.clauses import is_plural
from docent.teacher.english.grammar.question import Question, finished, is_sound, short_of, who_or_what
from docent.teacher.english.grammar.verbs import PARTICIPLES, THIRD, third_of
from docent.teacher.english.tables.labels import PRICE, Label, is_basis, is_list_of_numbers, of
from docent.teacher.source.words import ENGLISH
from docent.text.sentences import count_words, words_of

MAX_VALUE_WORDS = 14
MAX_STATED_WORDS = 6
"""Most words of a value without a number, such as `oak with a coat of varnish`."""
MAX_NOTE_WORDS = 90
_PERSON = re.compile(ENGLISH["person_columns"])
_WHEN: dict[str, str] = ENGLISH["time_columns"]
_QUESTIONS: list[dict[str, str]] = ENGLISH["column_questions"]
_CLOSED_ON = re.compile(r"(?:closed|closed on|closing days?|days? closed|closed days?)")
_STATE = re.compile(r"((?:on |valid|open|closed|available|reserved|booked|insured).*?) (until|from|since)")
_DATE = re.compile(r"\d{4}-\d\d|\d{1,2} [A-Z]|[A-Z][a-z]+ \d")
_BODY = re.compile(r"(?:desk|office|department|team|company|society|staff|council|board)$")
GROUPS = re.compile(r"(?:(?:product|article|item|material) )?(?:category|kind|type|class|group|family)")
"""Columns with the group of a thing, which its name usually states already: there are no questions about them."""
_AMOUNT = re.compile(r"\d[^A-Za-z€$£\d]*+[A-Za-z€$£]|[€$£] ?\d")
_NOTE = re.compile(r"(?:.+ )?(?:notes?|remarks?|comments?)")
_DESCRIPTION = re.compile(r"(?:.+ )?(?:description|summary)")
_AVAILABLE = re.compile(r"([a-z][a-z ]{2,30}) available")
_CIRCUMSTANCE = re.compile(r" (?:in|at|during|with|without|per|on|under|for) ")
# Quantities that a bare number does not count.
_MEASURED = re.compile(ENGLISH["measured"])
APART = re.compile(r" (?:to|from|above|below|between|behind|before|of) ")
"""Prepositions of a column such as `distance to boiler`: nobody says `the distance to boiler of the silo`."""
YES, NO = frozenset("y yes true".split()), frozenset("n no false".split())


@dataclass(frozen=True)
class TablePair:
    """A question with its answer, and the words of the section that it was taken from."""

    asked: Question
    answer: str
    source: str


@dataclass(frozen=True)
class RowPairs:
    """The questions about a row of a table.

    Attributes:
        cells: questions about single cells.
        whole: one question about the complete row, or None if there is none.
    """

    cells: tuple[TablePair, ...]
    whole: TablePair | None


def table_pair(question: str, answer: str, source: str, short: str = "", kind: str = "value") -> TablePair | None:
    """Return a pair, or None if the question is incomplete."""
    asked = finished(Question(question, short, kind=kind))  # type: ignore[arg-type]
    answer = sentence(answer)
    return TablePair(asked, answer, source) if is_sound(question) and count_words(answer) > 2 else None


def sentence(words: str) -> str:
    """Return words as a sentence: with an initial capital and one full stop."""
    words = words.strip()
    ends = words[-1:] in ".!?" or words[-2:] in (".”", ".)")
    return f"{words[:1].upper()}{words[1:]}{'' if ends else '.'}"


@dataclass(frozen=True)
class Cell:
    """One value of a thing.

    Attributes:
        name: the thing's name, with its article.
        value: the value with its unit.
        source: the words of the section that it was taken from.
        is_record: whether the thing is a separate document, whose title is used as its name.
        basis: the unit of a price in the row, for example `metre`; "" for the thing itself, None if it cannot be
            determined.
    """

    name: str
    label: Label
    value: str
    source: str
    is_record: bool = False
    basis: str | None = ""

    def pair(self, question: str, answer: str, kind: str = "value") -> TablePair | None:
        """Return a pair that the value answers."""
        return table_pair(question, answer, self.source, short_of(self.value), kind)


def about_column(cell: Cell) -> TablePair | None:
    """Return the question about one value of a thing, or None if the column has no plain wording."""
    low, value = cell.label.words.lower(), cell.value
    if not value or not low or GROUPS.fullmatch(low) or _is_in_name(value, cell.name) or is_list_of_numbers(value):
        return None
    if len(value.split()) > MAX_VALUE_WORDS or _NOTE.fullmatch(low) or _DESCRIPTION.fullmatch(low):
        return _note(cell.name, low, value, cell.source)
    if value.casefold() in YES | NO:
        return _flag(cell.name, low, value, cell.source)
    if re.match(r"(?:no|not|none|without|any|all|see|varies|depends)\b", value.lower()):
        return None
    return _timed(cell, low) or _called(cell, low) or _measured(cell, low)


def _is_in_name(value: str, name: str) -> bool:
    """Check whether all words of a value occur in the name of its thing."""
    words = words_of(value)
    return bool(words) and set(words) <= set(words_of(name))


def _timed(cell: Cell, low: str) -> TablePair | None:
    """Return the question for a date or a time, or None."""
    name, value = cell.name, cell.value
    if verb := _WHEN.get(low):
        is_clock = ":" in value or re.search(r"\d [ap]\.?m", value)
        at = "" if re.match(r"(?:at|on|in|from) ", value) else "at " if is_clock else "on "
        return cell.pair(f"When does {name} {verb}?", f"{name} {third_of(verb)} {at}{value}", "when")
    if _CLOSED_ON.fullmatch(low) and re.match(r"(?:[A-Z][a-z]+day|\d|on )", value):
        return cell.pair(f"When is {name} closed?", f"{name} is closed on {value.removeprefix('on ')}", "when")
    if state := _STATE.fullmatch(low):
        asks = {"until": "Until when", "from": "From when", "since": "Since when"}[state[2]]
        return cell.pair(f"{asks} is {name} {state[1]}?", f"{name} is {low} {value}", "when")
    if low in PARTICIPLES and (_DATE.match(value) or re.fullmatch(r"\d{4}", value)):
        on = "in" if re.fullmatch(r"\d{4}|[A-Z][a-z]+ \d{4}", value) else "on"
        return cell.pair(f"When was {name} {low}?", f"{name} was {low} {on} {value}", "when")
    if (event := re.match(r"(last|latest|first|next) [a-z ]+$", low)) and _DATE.match(value):
        be = "is" if event[1] == "next" else "was"
        return cell.pair(f"When {be} the {low} of {name}?", f"the {low} of {name} {be} on {value}", "when")
    return None


def _called(cell: Cell, low: str) -> TablePair | None:
    """Return the question for a name, a group, a material or a price, or None."""
    name, value = cell.name, cell.value
    if low == "name":
        is_role = who_or_what(name) == "Who" and not _BODY.search(name)
        return cell.pair(f"Who is {name}?", f"{name} is {value}", "who") if is_role else None
    if PRICE.fullmatch(low):
        per = f" {low[low.find('per ') :]}" if " per " in low else f" per {cell.basis}" if cell.basis else ""
        if cell.basis is None or not _AMOUNT.search(value):
            return None
        return cell.pair(f"How much does {name} cost{per}?", f"{name} costs {value}{per}")
    for one in _QUESTIONS:
        if re.fullmatch(one["column"], low) and re.match(one["value"], value):
            slots = {"name": name, "column": low, "value": value, "inside": _lowered(value)}
            return cell.pair(one["question"].format(**slots), one["answer"].format(**slots), one["kind"])
    return None


def is_count(label: Label, value: str) -> bool:
    """Check whether a value is the number of things that the column names: 3 of `heating zones`."""
    low = label.words.lower()
    last = low.rpartition(" ")[2]
    is_number = re.fullmatch(r"(?!max|min|most|least|number)(?:[a-z]+ )?[a-z]+s", low) and re.fullmatch(
        r"\d{1,3}(?:,\d{3})*|\d{1,6}", value
    )
    return bool(is_number) and last not in THIRD and is_plural(last) and not (_MEASURED.fullmatch(last) or label.unit)


def _measured(cell: Cell, low: str) -> TablePair | None:
    """Return the question for a number of parts or for a property, or None."""
    name, value, label = cell.name, cell.value, cell.label
    if is_count(label, value):
        return cell.pair(f"How many {low} does {name} have?", f"{name} has {value} {low[:-1] if value == '1' else low}")
    if not re.search(r"\d", value) and len(value.split()) > MAX_STATED_WORDS:
        return None  # `Volume: one or more disks that appear as a single area` is a definition
    if APART.search(low) or PRICE.fullmatch(low) or not label.is_measure or _PERSON.fullmatch(low) or low == "name":
        return None
    belongs = f"of {name}" if cell.is_record else of(name)
    belongs = f"for {name}" if _CIRCUMSTANCE.search(low) else belongs
    return cell.pair(f"What {label.be} the {label.words} {belongs}?", f"the {label.words} {belongs} {label.be} {value}")


def _note(name: str, column: str, value: str, source: str) -> TablePair | None:
    """Return a pair for a column of notes or descriptions."""
    if count_words(value) > MAX_NOTE_WORDS or count_words(value) < 3:
        return None
    if _DESCRIPTION.fullmatch(column):
        return table_pair(f"How is {name} described?", value, source, kind="definition")
    if not _NOTE.fullmatch(column) or is_basis(value):
        return None
    topic = re.sub(r" ?(?:notes?|remarks?|comments?)$", "", column)
    is_general = topic in ("", "further", "other", "general", "staff", "internal")
    about = name if is_general else f"the {topic} of {name}"
    return table_pair(f"What is noted about {about}?", value, source, kind="what")


def _flag(name: str, column: str, value: str, source: str) -> TablePair | None:
    """Return a pair for a column of yes or no."""
    thing_available = _AVAILABLE.fullmatch(column)
    if not thing_available:
        return None
    thing = f"{'an' if thing_available[1][0] in 'aeio' else 'a'} {thing_available[1]}"
    yes = value.casefold() in YES
    answer = f"Yes, {thing} is available at {name}" if yes else f"No, {thing} is not available at {name}"
    return table_pair(f"Is {thing} available at {name}?", answer, source)


def _lowered(value: str) -> str:
    first = value.split(" ", 1)[0]
    return value[0].lower() + value[1:] if first[1:] == first[1:].lower() and len(first) > 1 else value
