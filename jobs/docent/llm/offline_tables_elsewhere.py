"""What tables and `key: value` lines of a section say, for the offline teacher's questions outside of English.

A table of two columns whose second one is called value, or whose heads say nothing, lists properties of the thing that
the document is about; in any other one the first cell of a row names what its other cells are of. Reads and writes
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from docent.llm.offline_words import Words
from docent.text.terms import length_in_words

MAX_ROWS = 200
MAX_CELL_CHARS, MAX_COLUMN_CHARS = 200, 50
MAX_VALUE_WORDS = 8
"""A longer value behind a colon is a sentence."""
_LINE = re.compile(r"^\s*(?:[-*+•]\s+)?\**([^\W\d_][^:：|{}*`]{0,48}?)\**\s*(?::\**\s+|：\**\s*)(\S[^|{}]*)$")
_RULE = re.compile(r"^(?=[\s:|]*+-)[\s:|-]*+$")
_BARE = re.compile(r"\*\*|__|`|<br\s*/?>|\\(?=\|)")
_NUMBER = re.compile(
    r"^(?:ca\.|env\.|aprox\.|etwa|max\.?|min\.?|bis|jusqu'à|hasta|約|最大|最小|약|최대|최소|约|不超过)?"
    r"\s*[<>≤≥±~+-]?\s*\d"
)
_MAX_NUMBER_WORDS = 7
_NO_MEASURE = re.compile(r"[×x*] ?\d|\d ?(?:h|Uhr|時|시|时|点)\b|\d:\d\d")
"""Dimensions, and times of the day."""
_MONEY = re.compile(r"[€$£¥]|\b(?:Euro|euros?|EUR|CHF|Franken|francs?|pesos?|Cent)\b|\d ?(?:원|円|元)")
_CODE_NAME = re.compile(
    r"nummer|\bnr\b|telefon|\bfax|팩스|ファックス|传真|plz|code|numéro|téléphone|número|teléfono|postal|번호|코드|番号|コード|编号|号码|编码|邮编|电话",
    re.IGNORECASE,
)
"""Columns whose numbers are read rather than measured."""
_PRICE_NAME = re.compile(
    r"preis|gebühr|kosten|betrag|entgelt|prix|tarif|coût|frais|precio|coste?|cuota|importe|가격|요금|비용|금액|料金|価格|値段|代金|"
    r"费用|价格|金额|费|价",
    re.IGNORECASE,
)
_MEANINGS = {
    "value": r"wert|angabe|daten|valeur|données?|valor(?:es)?|datos?|값|내용|사양|値|仕様|内容|数值|规格|参数值|"
    r"值",
    "unit": r"einheit|unités?|unidad(?:es)?|단위|単位|单位",
    "meaning": r"bedeutung|beschreibung|signification|description|significado|descripción|의미|뜻|설명|意味|説明|"
    r"含义|意思|说明",
    "remedy": r"abhilfe|maßnahmen?|lösung|behebung|remède|solution|mesures?|action|solución|remedio|acción|"
    r"조치|조치 방법|해결 방법|대처|대처 방법|対処|対処方法|処置|対策|处理方法|解决方法|措施|处理",
    "cause_of": r"(?:mögliche )?ursachen?|causes?(?: possibles?)?|causas?(?: posibles?)?|원인|예상 원인|原因|"
    r"考えられる原因|可能原因",
}


@dataclass(frozen=True)
class Row:
    """One thing that a table says.

    Attributes:
        name: what the value is of; "" for the thing that the whole document is about.
        column: which property.
        value: as it stands there, with its unit.
        sort: `value`, or what the column's name says of it: meaning, remedy, cause_of.
        source: the line.
    """

    name: str
    column: str
    value: str
    sort: str
    source: str

    @property
    def is_number(self) -> bool:
        """Whether the value is a number, with or without a unit."""
        is_short = length_in_words(self.value) <= _MAX_NUMBER_WORDS and not _NO_MEASURE.search(self.value)
        return is_short and _NUMBER.match(self.value) is not None and not _CODE_NAME.search(self.column)

    @property
    def is_price(self) -> bool:
        """Whether the value is an amount of money and the column says what it is paid for."""
        return self.is_number and _MONEY.search(self.value) is not None and not _PRICE_NAME.search(self.column)


def is_row_of_table(text: str) -> bool:
    """Whether a text is one row of a CSV or a workbook: `column: value` lines and little else."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    pairs = [line for line in lines if line[0] not in "|-*+•#>" and _LINE.match(line)]
    return len(lines) > 1 and len(pairs) * 2 > len(lines)


def rows_of(text: str, words: Words, name: str = "") -> list[Row]:
    """Rows of the tables and lines of a section, in order, each once.

    Args:
        name: what the lines `key: value` are of, where the text is one row of a table.
    """
    found: dict[tuple[str, str], Row] = {}
    twice: set[tuple[str, str]] = set()
    lines = text.splitlines()
    for row in (*_tables(lines), *_pairs(lines, words, name)):
        key = (row.name.casefold(), row.column.casefold())
        if key in found and found[key].value != row.value:
            twice.add(key)
        found.setdefault(key, row)
        if len(found) >= MAX_ROWS:
            break
    return [row for key, row in found.items() if key not in twice and _is_usable(row, words)]


def rows_of_fact(fact: str, rows: Sequence[Row]) -> list[Row]:
    """The rows that a fact of a table, `Column: cell; Column: cell`, is made of."""
    cells = [cell.partition(": ")[2].strip() or cell for cell in fact.split("; ")]
    return [row for row in rows if [cell for cell in _cells(row.source) if cell] == cells]


def _is_usable(row: Row, words: Words) -> bool:
    values = (row.value.casefold(), row.column.casefold())
    return (
        row.value not in ("", "-", "–", "—", "/", "?")
        and any(c.isalnum() for c in row.value)
        and any(c.isalpha() for c in row.column)
        and values[0] not in words.flags
        and values[1] not in words.numbered
        and "://" not in row.value
        and len(row.value) <= MAX_CELL_CHARS
        and len(row.column) <= MAX_COLUMN_CHARS
        and (not row.name or any(c.isalnum() for c in row.name))
    )


def _pairs(lines: Sequence[str], words: Words, name: str) -> Iterator[Row]:
    """`Key: value` lines with a short value; in a row of a table with any."""
    for line in lines:
        found = None if line.lstrip().startswith(("|", "#", ">")) else _LINE.match(line)
        if not found:
            continue
        key, value = (_BARE.sub("", part).strip() for part in found.groups())
        is_sentence = value.endswith(("!", "?", "。", "！", "？")) or (value.endswith(".") and " " in value)
        is_short = length_in_words(value) <= MAX_VALUE_WORDS and length_in_words(key) <= words_of_key(words)
        if name or (is_short and not is_sentence):
            yield Row(name, key, value.rstrip("."), "value", line.strip())


def words_of_key(words: Words) -> int:
    """Most words of a key; Chinese and Japanese are counted by their letters."""
    return 8 if words.code in ("ja", "zh") else 4


def _tables(lines: Sequence[str]) -> Iterator[Row]:
    head: list[str] = []
    for number, line in enumerate(lines):
        if not line.lstrip().startswith("|"):
            head = []
        elif not head:
            is_head = number + 1 < len(lines) and _RULE.match(lines[number + 1])
            head = _cells(line) if is_head else []
        elif not _RULE.match(line):
            yield from _row(head, line)


def _row(head: Sequence[str], line: str) -> Iterator[Row]:
    cells = _cells(line)
    if len(cells) != len(head) or not cells[0]:
        return
    sorts = [_sort(column) for column in head]
    if len(head) in (2, 3) and "value" in sorts[1:] and all(sort in ("value", "unit") for sort in sorts[1:]):
        unit = cells[sorts.index("unit")] if "unit" in sorts else ""
        value = cells[sorts.index("value", 1)]
        yield Row("", cells[0], f"{value} {unit}".strip() if value else "", "value", line.strip())
        return
    for column, cell, sort in list(zip(head, cells, sorts, strict=True))[1:]:
        kept = sort if sort in ("meaning", "remedy", "cause_of") else "value"
        yield Row(cells[0], column, cell.rstrip("."), kept, line.strip())


def _sort(column: str) -> str:
    folded = column.casefold().strip()
    return next((sort for sort, pattern in _MEANINGS.items() if re.fullmatch(pattern, folded)), "")


def _cells(line: str) -> list[str]:
    inner = line.strip().strip("|")
    return [" ".join(_BARE.sub("", cell).split()) for cell in re.split(r"(?<!\\)\|", inner)]
