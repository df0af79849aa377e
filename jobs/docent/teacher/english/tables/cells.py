"""Write questions about the cells of one row of an English table, by the kind of the table.

Reads and writes nothing.
"""

import re
from collections.abc import Iterator

from docent.teacher.english.grammar.clauses import is_plural, read_clause
from docent.teacher.english.grammar.instructions import is_order
from docent.teacher.english.grammar.question import short_of
from docent.teacher.english.grammar.verbs import BASES, THIRD
from docent.teacher.english.tables.columns import Cell, TablePair, about_column, is_count, table_pair
from docent.teacher.english.tables.labels import PRICE, basis_of, is_list_of_numbers, label_of, named, value_of
from docent.teacher.english.tables.names import belonging, is_explained, lowered, meaning_of, thing_of, unit_of
from docent.teacher.english.tables.table import DATED, FUNCTION, INTERVAL, LIMITS, MEANING, SIGN, TASK, Table
from docent.teacher.source.words import ENGLISH

_OFTEN = re.compile(ENGLISH["intervals"])


def of_values(table: Table, row: tuple[str, ...], text: str, owner: str = "") -> Iterator[TablePair | None]:
    """Yield the questions about a quantity, one for each column of values; `owner` is the model that has them."""
    label = label_of(row[0])
    unit = label.unit or unit_of(table, row)
    for place in table.value_columns:
        column = label_of(table.columns[place])
        value = value_of(table.at(row, place), unit or column.unit)
        limit = LIMITS.get(table.columns[place].strip().lower().rstrip("."), "")
        known = label.is_measure or (
            re.search(r"\d", value) and re.search(r"(?:ion|ity|ance|ence|age|ure|ness|th)s?$", label.words)
        )
        if not value or not known or len(value.split()) > 14 or is_list_of_numbers(value) or is_count(label, value):
            continue
        words = f"{limit} {label.words}".strip() if limit not in label.words.split() else label.words
        words = f"{words}{belonging(words, owner)}"
        yield table_pair(
            f"What {label.be} the {words}?", f"the {words} {label.be} {value}", table.fact(row), short_of(value)
        )


def of_models(table: Table, row: tuple[str, ...], text: str) -> Iterator[TablePair | None]:
    """Yield the questions about a property, one for each model."""
    label = label_of(row[0])
    for place in table.value_columns:
        unit = label.unit or unit_of(table, row) or label_of(table.columns[place]).unit
        value = value_of(table.at(row, place), unit)
        name = named(table.columns[place], text)
        is_told = (label.is_measure and re.search(r"\d[^,]*$", value)) or is_count(label, value)  # no `12 mm, fixed`
        is_clear = is_told and is_explained(table.columns[place], text)
        yield about_column(Cell(name, label, value, table.fact(row))) if is_clear else None


def of_entities(table: Table, row: tuple[str, ...], text: str) -> Iterator[TablePair | None]:
    """Yield the questions about a thing, one for each of its columns."""
    heading = label_of(table.columns[0]).words
    if DATED.fullmatch(heading):
        yield from _dated(table, row)
        return
    name = thing_of(row[0], table.columns[0] if table.columns[0].isupper() else heading, text)
    for place in table.value_columns:
        label, cell = label_of(table.columns[place]), table.at(row, place)
        if not cell or not name:
            continue
        if SIGN.fullmatch(heading) and MEANING.fullmatch(label.words):
            yield meaning_of(heading, row[0], cell, table.fact(row))
        elif FUNCTION.fullmatch(label.words):
            yield _function(name, label.words, cell, table.fact(row))
        else:
            is_price = PRICE.fullmatch(label.words)
            value = value_of(cell, label.unit or ("" if is_price else unit_of(table, row)))
            basis = basis_of(zip(table.columns, row, strict=True)) if is_price else ""
            yield about_column(Cell(name, label, value, table.fact(row), basis=basis))


def _dated(table: Table, row: tuple[str, ...]) -> Iterator[TablePair | None]:
    """Yield questions about values that were measured or counted in a year, a month or a season."""
    when = f"in {row[0]}"
    for place in table.value_columns:
        label, source = label_of(table.columns[place]), table.fact(row)
        value = value_of(table.at(row, place), label.unit)
        if not value:
            continue
        was = "were" if label.be == "are" else "was"
        if label.is_measure:
            question, answer = f"What {was} the {label.words} {when}?", f"the {label.words} {when} {was} {value}"
            yield table_pair(question, answer, source, short_of(value))
        elif re.fullmatch(r"(?:[a-z]+ )?[a-z]+s", label.words) and re.fullmatch(r"[\d.,]+", value):
            question = f"How many {label.words} were there {when}?"
            yield table_pair(question, f"there were {value} {label.words} {when}", source, value)


def _function(name: str, heading: str, cell: str, source: str) -> TablePair | None:
    first, _, rest = cell.partition(" ")
    low = first.lower()
    question = f"What is the function of {name}?"
    if low in THIRD and rest:
        question, answer = f"What does {name} do?", f"{name} {low} {rest}"
    elif low in BASES and rest:
        answer = f"the function of {name} is to {low} {rest}"
    elif heading in ("use", "uses") or len(cell.split()) < 2:
        return None  # `the function of the rinse is “Glasses and cups”`
    else:
        answer = f"the function of {name} is “{cell.rstrip('.')}”"
    return table_pair(question, answer, source, kind="purpose")


def is_task_order(task: str) -> bool:
    """Check whether a task is an instruction; an unknown verb before an article counts as one: `Descale the boiler`."""
    return is_order(task) or re.match(r"[A-Z][a-z]+(?<!ing)(?<!ion) (?:the|an?|all|both|each|every) ", task) is not None


def _is_list_of_orders(task: str) -> bool:
    """Check whether a task has several verbs, or parts that may be verbs: `Clean the lenses, calibrate`."""
    if re.search(r"[,;]", task):
        return True
    verbs = re.findall(r"\b(?:and|then) (?:then )?([a-z]+)\b", task)
    is_second = re.search(r"\band (?!the|an?|all|both|each|every)[a-z]+ (?:the|an?|all|both|each|every) ", task)
    return is_task_order(task) and (is_second is not None or any(verb in BASES for verb in verbs))


def of_tasks(table: Table, row: tuple[str, ...], text: str) -> Iterator[TablePair | None]:
    """Yield the question how often a task has to be done."""
    place = table.column(INTERVAL)
    tasks = (p for p in range(len(table.columns)) if p != place and TASK.search(table.columns[p]))
    often, task = table.at(row, place), table.at(row, next(tasks, None))
    if not often or not task or (place != 0 and not TASK.search(table.columns[0])):
        return  # `Drive belt | Replace | every 2,000 hours`: the task does not name its object
    often = often.rstrip(".")
    if re.match(r"(?:\d[\d.,]*|two|three|six|twelve) \w+$", often):
        often = f"every {often}"
    if not _OFTEN.match(often) or _OFTEN.match(task):
        return
    spoken = lowered(often)
    task = task.rstrip(".")
    if _is_list_of_orders(task):
        is_adverb = re.fullmatch(r"(?:bi)?[a-z]+ly", spoken)
        spoken = re.sub(r"^every (?=\d|two|three|six|twelve)", "", spoken)
        is_stated = is_adverb or not spoken.startswith(("after", "before", "every"))
        told_when = f"is {spoken}" if is_stated else f"is: {spoken}"
        question, answer = f"What is the interval for “{task}”?", f"the interval for “{task}” {told_when}"
    elif is_task_order(task):
        question, answer = f"How often should you {lowered(task)}?", f"{task} {spoken}"
    elif not read_clause(f"{task} now") and len(task.split()) < 8:
        is_many = is_plural(task.split()[-1])
        task = task if is_many or re.match(r"(?:the|an?) ", task.lower()) else f"the {lowered(task)}"
        be = "are" if is_many else "is"
        question, answer = f"How often {be} {lowered(task)} due?", f"{task} {be} due {spoken}"
    else:
        return
    yield table_pair(question, answer, table.fact(row), short_of(spoken), "when")
