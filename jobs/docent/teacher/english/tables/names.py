"""Name the rows of an English table inside a sentence: things, codes, units, the meaning of a sign.

Also determines the model of technical data, because `What is the rated output?` has three answers in a document about
three models. Reads and writes nothing.
"""

import re
from collections import defaultdict
from collections.abc import Sequence

from docent.teacher.english.grammar.clauses import as_inside, read_clause
from docent.teacher.english.grammar.question import short_of
from docent.teacher.english.tables.columns import TablePair, sentence, table_pair
from docent.teacher.english.tables.labels import named
from docent.teacher.english.tables.table import Table
from docent.teacher.source.words import ENGLISH

HANDLED = re.compile(ENGLISH["handled"])
# A first cell that only numbers its row, and headings that explain such a cell by themselves.
_CODE = re.compile(r"[A-Za-z]{0,2}-?\d{1,3}[a-z]?")
_CODED = re.compile(r"(?:year|month|quarter|season|product|article|name|code)s?")
_MODEL = re.compile(r"(?:models?|types?|versions?|sizes?|variants?|series)", re.IGNORECASE)
# A capitalized word followed by a number: `Rondo 40`, `TX-200`.
_NUMBERED_MODEL = re.compile(r"(?<![\w“])([A-Z][A-Za-z]+)(?: |-)?(\d{1,4}[A-Za-z]?)(?![\w.,]*\d|\w)")
_NO_MODELS = frozenset(ENGLISH["no_models"].split())
_YEAR = re.compile(r"1[5-9]\d\d|20\d\d")
_BARE_HEADING = re.compile(r"^#*\s*(?:\d+(?:\.\d+)*\.?|[A-Z]\.)\s")
_PREPOSITION = re.compile(r" (?:in|at|during|with|without|per|on|under|to|from|above|below|between|behind|before|for) ")
_JOINED = re.compile(r"\s{0,3}(?:,|and|or|to|/)\s{0,3}(?:[A-Z][A-Za-z]{0,20} )?\d")


def thing_of(cell: str, heading: str, text: str) -> str:
    """Return the name of a row's thing: `model A12`, `the START key`, `the brass pantograph`."""
    kind = heading.strip().rstrip(".").lower()
    if cell.isdigit() and HANDLED.fullmatch(kind):
        return ""  # `the length of the 3 key` is that of what the key starts
    if _CODE.fullmatch(cell) and not HANDLED.fullmatch(kind):
        if kind.startswith("no") or not re.fullmatch(r"[a-z]+(?: [a-z]+)?", kind):
            return ""
        return f"{re.sub(r'(?<![sui])s$', '', kind)} {cell}" if _CODED.fullmatch(kind) is None else cell
    if _MODEL.fullmatch(heading.strip()) and re.search(r"\d", cell) and " " not in cell and f"the {cell}" not in text:
        return f"model {cell}"
    if HANDLED.fullmatch(heading.strip()) and heading.strip().lower() not in cell.lower() and len(cell.split()) < 3:
        return f"the {cell} {heading.strip() if heading.strip().isupper() else heading.strip().lower()}"
    return named(cell, text)


def is_explained(name: str, text: str) -> bool:
    """Check whether the name of a column is understandable: not `B`, nor a bare `Pip` that no sentence contains."""
    prose = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("|"))
    if len(name) == 1:
        return False  # the column `B`
    return re.fullmatch(r"[A-Z][a-z]+", name) is None or re.search(rf"\b{name}\b", prose, re.IGNORECASE) is not None


def unit_of(table: Table, row: tuple[str, ...]) -> str:
    """Return the unit of a row; `%` is one although it is not a word."""
    unit = "" if table.unit_column is None else row[table.unit_column].strip()
    return "" if re.fullmatch(r"[-–—./]*|n/a|none", unit, re.IGNORECASE) else unit


def meaning_of(heading: str, sign: str, cell: str, source: str) -> TablePair | None:
    """Return the question for the meaning of a code, a lamp or a word."""
    kind = heading.rstrip("s") if not heading.endswith("ss") else heading
    kind = "LED" if kind == "led" else kind
    is_named = re.fullmatch(r"[A-Z]{2,}", sign) and HANDLED.fullmatch(kind)
    written = sign if re.search(r"\d|^[A-Z]{2,}", sign) else f"“{sign}”"
    shown = f"the {sign} {kind}" if is_named else f"the {kind} {written}"
    clause = read_clause(f"{sentence(cell).rstrip('.')} now")
    means = (
        f"means that {as_inside(cell, '')}" if clause and clause.verb in cell.split() else f"means “{cell.rstrip('.')}”"
    )
    return table_pair(f"What does {shown} mean?", f"{shown} {means}", source, short_of(cell.rstrip(".")), "definition")


def lowered(cell: str) -> str:
    """Return a cell as it is written inside a sentence."""
    first = cell.split(" ", 1)[0]
    is_word = first[1:] == first[1:].lower() and (len(first) > 1 or (first == "A" and " " in cell))
    return cell[0].lower() + cell[1:] if is_word else cell


def enumerated(parts: list[str]) -> str:
    """Join parts as an enumeration: `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def owner_of(title: str, text: str, others: Sequence[str]) -> str | None:
    """Return the model that the values of a section belong to, such as `the Rondo 40`.

    Args:
        title: the section's title.
        others: texts of other sections of the document.

    Returns:
        "" if only one thing can be meant; None if several models can and the heading does not show which.
    """
    heading = _BARE_HEADING.sub("", title)
    named = _models_in(heading)
    if len(named) == 1 and not _JOINED.search(heading):
        place = re.search(rf"\b(the )?{re.escape(named[0])}", heading)
        article = "the " if place and (place[1] or re.search(rf"\b[Tt]he {re.escape(named[0])}", text)) else ""
        return f"{article}{named[0]}"
    numbers: dict[str, set[str]] = defaultdict(set)
    for part in (heading, text, *others):
        for model in _models_in(part):
            numbers[re.split(r"[ -]?(?=\d)", model, maxsplit=1)[0]].add(model)
    return None if any(len(models) > 1 for models in numbers.values()) else ""


def _models_in(text: str) -> list[str]:
    models = (
        m[0] for m in _NUMBERED_MODEL.finditer(text) if m[1].lower() not in _NO_MODELS and not _YEAR.fullmatch(m[2])
    )
    return list(dict.fromkeys(models))


def belonging(label: str, owner: str) -> str:
    """Return the words after a property that name its owner: ` of the Rondo 40`, or "" if the owner is known."""
    if not owner:
        return ""
    return f" {'for' if _PREPOSITION.search(label) else 'of'} {owner}"
