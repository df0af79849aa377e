"""Write questions about an English table of faults: for causes and remedies.

Reads and writes nothing.
"""

import re
from collections.abc import Iterator

from docent.teacher.english.grammar.clauses import PREPOSITIONS, as_inside, is_plural, read_clause
from docent.teacher.english.grammar.instructions import is_order
from docent.teacher.english.grammar.question import short_of
from docent.teacher.english.grammar.verbs import BASES, THIRD, is_participle
from docent.teacher.english.tables.columns import RowPairs, TablePair, sentence, table_pair
from docent.teacher.english.tables.labels import label_of
from docent.teacher.english.tables.names import lowered, meaning_of
from docent.teacher.english.tables.table import CAUSE, MEANING, REMEDY, SIGN, SYMPTOM, Table
from docent.teacher.source.words import ENGLISH

_ELSEWHERE = re.compile(ENGLISH["remedies_elsewhere"])
_TIMES = frozenset("during after before while since".split())
_NO_SUBJECT = frozenset("does do is are has will cannot can won't doesn't shows".split())


def rows_of_faults(table: Table, text: str) -> Iterator[RowPairs]:
    """Yield causes and remedies of every fault; rows of one fault are combined, because a question has one answer."""
    symptom = table.column(SYMPTOM) or 0
    groups: dict[str, list[tuple[str, ...]]] = {}
    above = ""
    for row in table.rows:
        above = table.at(row, symptom) or above
        if above:
            groups.setdefault(above.rstrip("."), []).append(row)
    for fault, rows in groups.items():
        cells = tuple(pair for pair in _fault(table, fault, rows, text) if pair is not None)
        whole = _cause_and_remedy(cells, fault, table.fact(rows[0])) if len(rows) == 1 else None
        yield RowPairs(cells, whole)


def _fault(table: Table, fault: str, rows: list[tuple[str, ...]], text: str) -> Iterator[TablePair | None]:
    symptom = table.column(SYMPTOM) or 0
    cause_at, remedy_at = (place if (place := table.column(p)) != symptom else None for p in (CAUSE, REMEDY))
    heading = label_of(table.columns[symptom]).words
    if cause_at is not None and heading.lower().rstrip("s") == "sign":
        heading = "fault"  # a fault with a cause is not a sign on the wall
    source = table.fact(rows[0])
    meaning = None
    if cause_at is None and SIGN.fullmatch(heading):
        shown = next((p for p in table.value_columns if MEANING.fullmatch(table.columns[p])), None)
        meaning = meaning_of(heading, fault, table.at(rows[0], shown), source) if table.at(rows[0], shown) else None
        yield meaning
    condition = _condition(fault, heading, text)
    if not condition:
        return
    causes = [lowered(table.at(row, cause_at).rstrip(".")) for row in rows if table.at(row, cause_at)]
    if causes:
        is_one = len(causes) == 1
        short = short_of(table.at(rows[0], cause_at).rstrip(".")) if is_one else ""
        if condition == _quoted(fault):
            may = f"the cause of “{fault}” may be" if is_one else f"the possible causes of “{fault}” are"
            question = f"What may be the cause of “{fault}”?"
        else:
            may = f"{condition}, {'the cause may be' if is_one else 'the possible causes are'}"
            question = f"What may be the cause {condition}?"
        yield table_pair(question, f"{may}: {'; '.join(causes)}", source, short, "reason")
    remedies = [_one_order(table.at(row, remedy_at).rstrip(".")) for row in rows if table.at(row, remedy_at)]
    if not remedies or len(remedies) != len(rows) or any(_ELSEWHERE.search(remedy) for remedy in remedies):
        return
    question = f"What should you do {condition}?"
    needs_more = any(re.match(r"\w+ (?:it|them|this|these)\b", remedy) for remedy in remedies)
    if len(remedies) > 1 and len(causes) == len(remedies) and not needs_more:
        steps = [
            sentence(f"{sentence(cause)[:-1]}: {lowered(remedy)}")
            for cause, remedy in zip(causes, remedies, strict=True)
        ]
        yield table_pair(
            question, f"{condition}, the remedy depends on the cause. {' '.join(steps)}", source, kind="do"
        )
    elif len(remedies) == 1 and meaning is not None:
        yield table_pair(question, f"{meaning.answer} {sentence(remedies[0])}", source, kind="do")
    elif len(remedies) == 1 and not needs_more:
        first, _, after = remedies[0].partition(" ")
        order = is_order(remedies[0]) or first.lower() in BASES or re.match(r"(?:the|an?|all|both)\b", after)
        spoken = lowered(remedies[0]) if order else f"do the following: {lowered(remedies[0])}"
        because = f"{may}: {'; '.join(causes)}. {sentence(remedies[0])}" if causes else f"{condition}, {spoken}"
        yield table_pair(question, because, source, kind="do")


def _one_order(remedy: str) -> str:
    """Join two instructions in a cell by `and` instead of a comma: `Empty the tank and air the box`."""
    first, _, second = remedy.partition(", ")
    is_pair = (
        first and second and "," not in second and all(is_order(part[0].upper() + part[1:]) for part in (first, second))
    )
    return f"{first} and {second}" if is_pair else remedy


def _cause_and_remedy(cells: tuple[TablePair, ...], fault: str, source: str) -> TablePair | None:
    if len(cells) != 2 or cells[1].asked.kind != "do":
        return cells[0] if len(cells) == 1 else None
    then = " then" if cells[0].asked.kind == "definition" else ""
    question = f"{cells[0].asked.question.rstrip('?')}, and what should you do{then}?"
    return table_pair(question, cells[1].answer, source, kind="do")


def _condition(fault: str, heading: str, text: str) -> str:
    """Return a fault as the condition in a question: `if the pump does not start`, `in case of “Loud noise”`."""
    fault = re.sub(r"(?<=\d) (?:on|in) (?:the )?(?:display|screen|panel)$", "", fault)
    words = fault.split()
    is_name = (
        len(words) == 2 and words[1].endswith("s") and words[1] not in ("leaks", "stops", "fails", "sticks", "slips")
    )
    if is_name or "," in fault or words[0].lower() in (*_NO_SUBJECT, *THIRD):
        return _quoted(fault)  # `Pump loud, little coffee`, `Does not start`
    if SIGN.fullmatch(heading) and not re.search(r"\d", fault):
        kind = re.sub(r"(?<!s)s$", "", heading)
        return f"if the {'LED' if kind == 'led' else kind} shows “{fault}”"
    if re.match(r"[A-Z]{1,4}-?\d+: ", fault):
        return f"if “{fault}” is shown"
    if re.fullmatch(ENGLISH["numbered_faults"], fault):
        return f"if {fault[0].lower()}{fault[1:]} is shown"
    is_code = re.search(r"\d", words[0]) is not None and len(words) <= 2
    if is_code or re.match(r"(?:[A-Z]{2,}\S*|[A-Z]\d+)$", words[0]):
        kind = "code" if "code" in heading.lower() or is_code else "message"
        return f"if the {kind} {fault} is shown"
    if len(words) > 2 and words[1].endswith("s") and words[1] not in THIRD and words[2] in PREPOSITIONS:
        return ""  # `Temperature fluctuates by 2 °C` or `Door seals in bad state`
    if re.fullmatch(r"[A-Z][a-z]+ed [a-z]+", fault):
        return _quoted(fault)  # `Smudged prints` is not a statement
    is_passive = len(words) > 2 and is_participle(words[1]) and words[2] in PREPOSITIONS - _TIMES
    if is_passive or (len(words) == 3 and words[1] == "not" and is_participle(words[2])):
        words[1:1] = ["are" if is_plural(words[0]) else "is"]  # `Card refused at the desk`
        fault = " ".join(words)
    spoken = re.search(r"\b(?:is|are|does|do|has|have|will|cannot|can|was|were|not)\b", fault)
    clause = read_clause(f"{fault} now") or (spoken and len(words) > 2)
    is_plain = words[0][1:].islower() and words[1:2] and words[1][:1].islower()
    small = f"{fault[0].lower()}{fault[1:]}" if is_plain else as_inside(fault, text)
    inside = small if " " in fault else fault.lower()
    if clause:
        is_many = words[0].endswith("s") and not words[0].endswith("ss")
        bare = not re.match(r"(?:the|an?|no|all|some|one|two|it)\b|\w+ \d", inside) and not is_many
        return f"if the {inside}" if bare and inside[:1].islower() else f"if {inside}"
    has_determiner = re.match(r"(?:the|an?) \w", inside, re.IGNORECASE)
    return f"in case of {inside[0].lower()}{inside[1:]}" if has_determiner else _quoted(fault)


def _quoted(fault: str) -> str:
    """Return the condition for a fault that does not fit into a clause, for example `Double beep missing`."""
    return f"in case of “{fault}”"
