"""Questions that an English table answers: about one cell, about a whole row, about two columns or rows at a time.

For the offline teacher. Cells become sentences, `The greatest load of the Rondo 40 is 12 kg.`; what has no plain
wording gives nothing. Reads and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from docent.llm.offline_columns import GROUPS, Cell, Told, about_column, sentence, told
from docent.llm.offline_english import is_sound, short_of
from docent.llm.offline_grammar import PREPOSITIONS, as_inside, is_plural, read_clause
from docent.llm.offline_instructions import is_order
from docent.llm.offline_labels import Label, is_empty, label_of, named, of, value_of
from docent.llm.offline_prices import PRICE, basis_of
from docent.llm.offline_tables import (
    CAUSE,
    DATED,
    FUNCTION,
    INTERVAL,
    LIMITS,
    MEANING,
    REMEDY,
    SIGN,
    SYMPTOM,
    TASK,
    Table,
    tables_of,
)
from docent.llm.offline_verbs import BASES, THIRD

MAX_COMPARED = 3
MAX_TOLD_ROWS = 8
_HANDLED = re.compile(
    r"(?:keys?|buttons?|switch(?:es)?|lamps?|knobs?|terminals?|valves?|ports?|connectors?|leds?|menus?|commands?)",
    re.IGNORECASE,
)
# A first cell that only numbers its row, and headings that say by themselves what such a cell is.
_CODE = re.compile(r"[A-Za-z]{0,2}-?\d{1,3}[a-z]?")
_CODED = re.compile(r"(?:year|month|quarter|season|product|article|name|code)s?")
_MODEL = re.compile(r"(?:models?|types?|versions?|sizes?|variants?|series)", re.IGNORECASE)
_OFTEN = re.compile(
    r"(?:every |daily|weekly|monthly|quarterly|yearly|annually|hourly|after |before |once |twice |"
    r"three times |at each |each |when |as "
    r"required|as needed|if )",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class RowPairs:
    """What a row of a table gives.

    Attributes:
        fact: the row in the words of its fact.
        cells: questions about one cell.
        whole: one question about all of the row, None where there is none.
    """

    fact: str
    cells: tuple[Told, ...]
    whole: Told | None


def rows_of_tables(text: str) -> list[RowPairs]:
    """The questions of every row of every table of a section."""
    return [pairs for table in tables_of(text) for pairs in _rows(table, text)]


def comparisons_of_tables(text: str) -> list[Told]:
    """Questions that compare two columns or two neighbouring rows."""
    return [pair for table in tables_of(text) for pair in _compared(table, text)]


def sentences_of_values(text: str) -> list[str]:
    """A short table of quantities as sentences, a row each; empty for any other table or where a row has none."""
    told: list[str] = []
    for table in tables_of(text):
        is_plain = table.kind == "values" and len(table.value_columns) == 1 and len(table.rows) <= MAX_TOLD_ROWS
        columns = 2 + (table.unit_column is not None)
        rows = list(_rows(table, text)) if is_plain and len(table.columns) == columns else []
        if len(rows) != len(table.rows) or any(row.whole is None for row in rows):
            return []
        told += [row.whole.answer for row in rows if row.whole is not None]
    return told


def _rows(table: Table, text: str) -> Iterator[RowPairs]:
    if table.kind == "faults":
        yield from _fault_pairs(table, text)
        return
    write = {"values": _values, "models": _models, "entities": _entities, "tasks": _tasks}[table.kind]
    for row in table.rows:
        if not table.at(row, 0):
            continue
        cells = tuple(pair for pair in write(table, row, text) if pair is not None)
        whole = _whole(table, row, cells, text)
        yield RowPairs(table.fact(row), cells, whole)


def _whole(table: Table, row: tuple[str, ...], cells: tuple[Told, ...], text: str) -> Told | None:
    """The question for all that a row says."""
    if len(cells) < 2:
        return cells[0] if cells else None
    if table.kind == "models":
        label = label_of(row[0])
        values = [(named(table.columns[p], text), value_of(table.at(row, p), label.unit)) for p in table.value_columns]
        values = [(name, value) for name, value in values if value]
        if not label.is_measure or len(values) < 2:
            return None
        listed = _listed([f"{value} for {name}" for name, value in values])
        asked = _listed([of(name) for name, _ in values])
        return told(
            f"What {label.be} the {label.words} {asked}?", f"the {label.words} {label.be} {listed}", table.fact(row)
        )
    labels = [label_of(table.columns[place]) for place in table.value_columns if table.at(row, place)]
    if any(GROUPS.fullmatch(label.words) or PRICE.fullmatch(label.words) for label in labels):
        return None
    if DATED.fullmatch(table.columns[0].strip()) or any(label.words == "name" for label in labels):
        return None
    if table.kind != "entities" or not all(label.is_measure for label in labels) or len(labels) > 4:
        return None
    parts = [
        f"the {label.words} {label.be} {value_of(table.at(row, place), label.unit or _unit(table, row))}"
        for label, place in zip(labels, [p for p in table.value_columns if table.at(row, p)], strict=True)
    ]
    name = _thing(row[0], table.columns[0], text)
    if not name:
        return None
    asked = _listed([f"the {label.words}" for label in labels])
    return told(f"What are {asked} {of(name)}?", f"for {name}, {_listed(parts)}", table.fact(row))


def _thing(cell: str, heading: str, text: str) -> str:
    """What a row is about: `model A12`, `the START key`, `the brass pantograph`."""
    kind = heading.strip().rstrip(".").lower()
    if _CODE.fullmatch(cell) and not _HANDLED.fullmatch(kind):
        if kind.startswith("no") or not re.fullmatch(r"[a-z]+(?: [a-z]+)?", kind):
            return ""
        return f"{re.sub(r'(?<![sui])s$', '', kind)} {cell}" if _CODED.fullmatch(kind) is None else cell
    if _MODEL.fullmatch(heading.strip()) and re.search(r"\d", cell) and " " not in cell and f"the {cell}" not in text:
        return f"model {cell}"
    if _HANDLED.fullmatch(heading.strip()) and heading.strip().lower() not in cell.lower() and len(cell.split()) < 3:
        return f"the {cell} {heading.strip() if heading.strip().isupper() else heading.strip().lower()}"
    return named(cell, text)


def _unit(table: Table, row: tuple[str, ...]) -> str:
    """The unit of a row; `%` is one although it is no word."""
    unit = "" if table.unit_column is None else row[table.unit_column].strip()
    return "" if re.fullmatch(r"[-–—./]*|n/a|none", unit, re.IGNORECASE) else unit


def _values(table: Table, row: tuple[str, ...], text: str) -> Iterator[Told | None]:
    label = label_of(row[0])
    unit = label.unit or _unit(table, row)
    for place in table.value_columns:
        column = label_of(table.columns[place])
        value = value_of(table.at(row, place), unit or column.unit)
        limit = LIMITS.get(table.columns[place].strip().lower().rstrip("."), "")
        known = label.is_measure or (
            re.search(r"\d", value) and re.search(r"(?:ion|ity|ance|ence|age|ure|ness|th)s?$", label.words)
        )
        if not value or not known or len(value.split()) > 14:
            continue
        words = f"{limit} {label.words}".strip() if limit not in label.words.split() else label.words
        yield told(f"What {label.be} the {words}?", f"the {words} {label.be} {value}", table.fact(row), short_of(value))


def _models(table: Table, row: tuple[str, ...], text: str) -> Iterator[Told | None]:
    label = label_of(row[0])
    for place in table.value_columns:
        unit = label.unit or _unit(table, row) or label_of(table.columns[place]).unit
        value = value_of(table.at(row, place), unit)
        name = named(table.columns[place], text)
        yield about_column(Cell(name, label, value, table.fact(row))) if label.is_measure else None


def _entities(table: Table, row: tuple[str, ...], text: str) -> Iterator[Told | None]:
    heading = label_of(table.columns[0]).words
    if DATED.fullmatch(heading):
        yield from _dated(table, row)
        return
    name = _thing(row[0], table.columns[0] if table.columns[0].isupper() else heading, text)
    for place in table.value_columns:
        label, cell = label_of(table.columns[place]), table.at(row, place)
        if not cell or not name:
            continue
        if SIGN.fullmatch(heading) and MEANING.fullmatch(label.words):
            yield _meaning(heading, row[0], cell, table.fact(row))
        elif FUNCTION.fullmatch(label.words):
            yield _function(name, cell, table.fact(row))
        else:
            is_price = PRICE.fullmatch(label.words)
            value = value_of(cell, label.unit or ("" if is_price else _unit(table, row)))
            basis = basis_of(zip(table.columns, row, strict=True)) if is_price else ""
            yield about_column(Cell(name, label, value, table.fact(row), basis=basis))


def _dated(table: Table, row: tuple[str, ...]) -> Iterator[Told | None]:
    """What was measured or counted in a year, a month or a season."""
    when = f"in {row[0]}"
    for place in table.value_columns:
        label, source = label_of(table.columns[place]), table.fact(row)
        value = value_of(table.at(row, place), label.unit)
        if not value:
            continue
        was = "were" if label.be == "are" else "was"
        if label.is_measure:
            yield told(
                f"What {was} the {label.words} {when}?",
                f"the {label.words} {when} {was} {value}",
                source,
                short_of(value),
            )
        elif re.fullmatch(r"(?:[a-z]+ )?[a-z]+s", label.words) and re.fullmatch(r"[\d.,]+", value):
            yield told(
                f"How many {label.words} were there {when}?", f"there were {value} {label.words} {when}", source, value
            )


def _meaning(heading: str, sign: str, cell: str, source: str) -> Told | None:
    """What a code, a lamp or a word means."""
    kind = heading.rstrip("s") if not heading.endswith("ss") else heading
    kind = "LED" if kind == "led" else kind
    is_named = re.fullmatch(r"[A-Z]{2,}", sign) and _HANDLED.fullmatch(kind)
    shown = (
        f"the {sign} {kind}"
        if is_named
        else f"the {kind} {sign}"
        if re.search(r"\d|^[A-Z]{2,}", sign)
        else f"the {kind} “{sign}”"
    )
    clause = read_clause(f"{sentence(cell).rstrip('.')} now")
    means = (
        f"means that {as_inside(cell, '')}" if clause and clause.verb in cell.split() else f"means “{cell.rstrip('.')}”"
    )
    return told(f"What does {shown} mean?", f"{shown} {means}", source, short_of(cell.rstrip(".")), "definition")


def _function(name: str, cell: str, source: str) -> Told | None:
    first, _, rest = cell.partition(" ")
    low = first.lower()
    if low in THIRD and rest:
        return told(f"What does {name} do?", f"{name} {low} {rest}", source, kind="purpose")
    if low in BASES and rest:
        return told(
            f"What is the function of {name}?", f"the function of {name} is to {low} {rest}", source, kind="purpose"
        )
    if len(cell.split()) > 1:
        return told(
            f"What is the function of {name}?",
            f"the function of {name} is “{cell.rstrip('.')}”",
            source,
            kind="purpose",
        )
    return None


def _fault_pairs(table: Table, text: str) -> Iterator[RowPairs]:
    """Causes and remedies of every fault; rows of one fault together, for a question has one answer."""
    symptom = table.column(SYMPTOM) or 0
    groups: dict[str, list[tuple[str, ...]]] = {}
    above = ""
    for row in table.rows:
        above = table.at(row, symptom) or above
        if above:
            groups.setdefault(above.rstrip("."), []).append(row)
    for fault, rows in groups.items():
        cells = tuple(pair for pair in _fault(table, fault, rows, text) if pair is not None)
        whole = _cause_and_remedy(cells, table.fact(rows[0])) if len(rows) == 1 else None
        yield RowPairs(table.fact(rows[0]), cells, whole)


def _fault(table: Table, fault: str, rows: list[tuple[str, ...]], text: str) -> Iterator[Told | None]:
    symptom = table.column(SYMPTOM) or 0
    cause_at, remedy_at = (place if (place := table.column(p)) != symptom else None for p in (CAUSE, REMEDY))
    heading = label_of(table.columns[symptom]).words
    source = table.fact(rows[0])
    meaning = None
    if cause_at is None and SIGN.fullmatch(heading):
        shown = next((p for p in table.value_columns if MEANING.fullmatch(table.columns[p])), None)
        meaning = _meaning(heading, fault, table.at(rows[0], shown), source) if table.at(rows[0], shown) else None
        yield meaning
    condition = _condition(fault, heading, text)
    if not condition:
        return
    causes = [_inside(table.at(row, cause_at).rstrip(".")) for row in rows if table.at(row, cause_at)]
    if causes:
        is_one = len(causes) == 1
        may = "the cause may be" if is_one else "the possible causes are"
        short = short_of(table.at(rows[0], cause_at).rstrip(".")) if is_one else ""
        yield told(
            f"What may be the cause {condition}?", f"{condition}, {may}: {'; '.join(causes)}", source, short, "reason"
        )
    remedies = [table.at(row, remedy_at).rstrip(".") for row in rows if table.at(row, remedy_at)]
    if not remedies or len(remedies) != len(rows):
        return
    question = f"What should you do {condition}?"
    needs_more = any(re.match(r"\w+ (?:it|them|this|these)\b", remedy) for remedy in remedies)
    if len(remedies) > 1 and len(causes) == len(remedies) and not needs_more:
        steps = [
            sentence(f"{sentence(cause)[:-1]}: {_inside(remedy)}")
            for cause, remedy in zip(causes, remedies, strict=True)
        ]
        yield told(question, f"{condition}, the remedy depends on the cause. {' '.join(steps)}", source, kind="do")
    elif len(remedies) == 1 and meaning is not None:
        yield told(question, f"{meaning.answer} {sentence(remedies[0])}", source, kind="do")
    elif len(remedies) == 1 and not needs_more:
        first, _, after = remedies[0].partition(" ")
        order = is_order(remedies[0]) or first.lower() in BASES or re.match(r"(?:the|an?|all|both)\b", after)
        said = _inside(remedies[0]) if order else f"do the following: {_inside(remedies[0])}"
        yield told(question, f"{condition}, {said}", source, kind="do")


def _cause_and_remedy(cells: tuple[Told, ...], source: str) -> Told | None:
    if len(cells) != 2 or cells[1].asked.kind != "do":
        return cells[0] if len(cells) == 1 else None
    if cells[0].asked.kind == "definition":
        question = cells[0].asked.question.rstrip("?") + ", and what should you do then?"
        return told(question, cells[1].answer, source, kind="do")
    question = cells[0].asked.question.rstrip("?") + ", and what should you do?"
    remedy = cells[1].answer.split(", ", 1)[1]
    return told(question, f"{cells[0].answer} {sentence(remedy)}", source, kind="do")


def _condition(fault: str, heading: str, text: str) -> str:
    """A fault as the words that follow a question: `if the pump does not start`, `in case of excessive noise`."""
    words = fault.split()
    if SIGN.fullmatch(heading) and not re.search(r"\d", fault):
        kind = re.sub(r"(?<!s)s$", "", heading)
        return f"if the {'LED' if kind == 'led' else kind} shows “{fault}”"
    is_code = re.search(r"\d", words[0]) is not None and len(words) <= 2
    if is_code or re.match(r"(?:[A-Z]{2,}\S*|[A-Z]\d+)$", words[0]):
        kind = "code" if "code" in heading.lower() or is_code else "message"
        return f"if the {kind} {fault} is shown"
    if len(words) > 2 and words[1].endswith("s") and words[1] not in THIRD and words[2] in PREPOSITIONS:
        return ""  # `Temperature fluctuates by 2 °C` or `Door seals in bad state`
    spoken = re.search(r"\b(?:is|are|does|do|has|have|will|cannot|can|was|were|not)\b", fault)
    clause = read_clause(f"{fault} now") or (spoken and len(words) > 2)
    small = (
        f"{fault[0].lower()}{fault[1:]}"
        if words[0][1:].islower() and words[1:2] and words[1][:1].islower()
        else as_inside(fault, text)
    )
    inside = small if " " in fault else fault.lower()
    if clause:
        bare = not re.match(r"(?:the|an?|no|all|some|one|two|it)\b", inside) and not words[0].endswith("s")
        return f"if the {inside}" if bare and inside[:1].islower() else f"if {inside}"
    return f"in case of {inside[0].lower() + inside[1:] if words[0][1:].islower() else inside}"


def _inside(cell: str) -> str:
    first = cell.split(" ", 1)[0]
    return cell[0].lower() + cell[1:] if first[1:] == first[1:].lower() and len(first) > 1 else cell


def _tasks(table: Table, row: tuple[str, ...], text: str) -> Iterator[Told | None]:
    """How often a task is to be done."""
    place = table.column(INTERVAL)
    tasks = (p for p in range(len(table.columns)) if p != place and TASK.search(table.columns[p]))
    often, task = table.at(row, place), table.at(row, next(tasks, None))
    if not often or not task:
        return
    often = often.rstrip(".")
    if re.match(r"(?:\d[\d.,]*|two|three|six|twelve) \w+$", often):
        often = f"every {often}"
    if not _OFTEN.match(often) or _OFTEN.match(task):
        return
    said = _inside(often)
    task = task.rstrip(".")
    if is_order(task):
        yield told(f"How often should you {_inside(task)}?", f"{task} {said}", table.fact(row), short_of(said), "when")
    elif not read_clause(f"{task} now") and len(task.split()) < 8:
        task = (
            task if is_plural(task.split()[-1]) or re.match(r"(?:the|an?) ", task.lower()) else f"the {_inside(task)}"
        )
        be = "are" if is_plural(task.split()[-1]) else "is"
        yield told(
            f"How often {be} {_inside(task)} due?", f"{task} {be} due {said}", table.fact(row), short_of(said), "when"
        )


def _compared(table: Table, text: str) -> Iterator[Told]:
    """Two columns of models in one property; two neighbouring rows of things in one column."""
    made: list[Told | None] = []
    if table.kind == "models":
        for row in table.rows:
            label = label_of(row[0])
            names = [place for place in table.value_columns if table.at(row, place)]
            for one, other in list(pairwise(names))[:MAX_COMPARED]:
                both = [
                    (named(table.columns[p], text), value_of(table.at(row, p), label.unit or _unit(table, row)))
                    for p in (one, other)
                ]
                made.append(_two(label, both, table.fact(row)))
    elif table.kind == "entities":
        for place in table.value_columns:
            label = label_of(table.columns[place])
            if PRICE.fullmatch(label.words) and any(
                basis_of(zip(table.columns, row, strict=True)) != "" for row in table.rows
            ):
                continue
            for row, other_row in list(pairwise(table.rows))[:MAX_COMPARED]:
                rows = [r for r in (row, other_row) if table.at(r, 0) and table.at(r, place)]
                both = [
                    (_thing(r[0], table.columns[0], text), value_of(table.at(r, place), label.unit or _unit(table, r)))
                    for r in rows
                ]
                made.append(_two(label, both, table.fact(row)))
    yield from (pair for pair in made if pair is not None)


def _two(label: Label, both: list[tuple[str, str]], source: str) -> Told | None:
    """How two things compare in one property."""
    is_number = re.search(r"\b(?:number|code|name|phone|address|date|version|extension|zip|year)$", label.words)
    if (
        len(both) != 2
        or not all(name for name, _ in both)
        or not label.is_measure
        or is_number
        or both[0][0] == both[1][0]
    ):
        return None
    if not all(re.search(r"\d", value) and not is_empty(value) for _, value in both):
        return None
    (one, first), (other, second) = both
    if "," in one + other or " and " in one + other:
        return None
    question = f"How do {one} and {other} compare in {label.words}?"
    if first == second:
        answer = f"the {label.words} {label.be} {first} for both {one} and {other}"
    else:
        answer = f"the {label.words} {label.be} {first} for {one} and {second} for {other}"
    return told(question, answer, source) if is_sound(question) else None


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
