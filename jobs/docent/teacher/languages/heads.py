"""Parse heads of table columns in languages other than English: their units, their numbers, the question for them.

`Température finale (°C)` is the column `Température finale` in °C; `精米時間（20 kg）` applies to 20 kg only. Reads and
writes nothing.
"""

import re

from docent.teacher.source.words import COLUMNS

_SYMBOL = COLUMNS["unit_symbols"]
_WORD = COLUMNS["unit_words"]
UNIT = rf"(?:{_SYMBOL}|{_WORD})(?:[/·](?:{_SYMBOL}|{_WORD}|[a-z]{{1,8}}))?"
_END = re.compile(
    rf"(?:[（(\[] ?(?:in |en )?(?P<a>{UNIT}) ?[)）\]]|(?<=\s)(?:in|en) (?P<b>{UNIT})|, ?(?P<c>{UNIT})|"
    rf"(?<!\d)/ ?(?P<d>{_SYMBOL}))\Z"
)
_BARE = re.compile(COLUMNS["bare_number"])
_PRODUCT = re.compile(r"\d[\d.,]*(?: ?[×x*] ?\d[\d.,]*)+")
COUNTS = re.compile(COLUMNS["count"])
"""Columns whose numbers count things and therefore have no unit."""
_YEAR = re.compile(r"jahr$|année|\baño|연도$|년도$|년$|年$|年份$|年代$", re.IGNORECASE)
_CODE = re.compile(r"(?:[A-Z]{1,3}[-. ]?)?\d{1,4}[A-Za-z]?|[A-Z]")
_CJK_WORD = re.compile(r"[가-힣぀-ヿ㐀-鿿]")
_NO_MEASURE = re.compile(COLUMNS["no_measure"])
"""Dimensions, times of day, dates, and frequencies."""
MONEY = re.compile(r"[€$£¥]|\b(?:Euro|euros?|EUR|CHF|Franken|francs?|pesos?|Cent)\b|\d ?(?:원|円|元)")
CODE_NAME = re.compile(COLUMNS["code"])
"""Columns whose numbers are codes rather than measurements."""
PRICE_NAME = re.compile(COLUMNS["price"])
"""Columns that do not state the purpose of an amount of money."""
_WORK = re.compile(COLUMNS["work"])
_TASK = re.compile(r"작업|작업 내용|점검 내용|할 일|内容|作業|作業内容|点検内容|工作|工作内容|保养内容|任务")
_INTERVAL = re.compile(r"주기|간격|빈도|시기|周期|頻度|間隔|時期|频率|间隔|时间")
_WHEN = re.compile(COLUMNS["when"])
SIGNAL = re.compile(COLUMNS["signal"])
"""Columns of signals of lamps and displays, which are unclear without the column's name."""
_ASKED_FOR: dict[str, str] = COLUMNS["asked_for"]


def label_and_unit(head: str) -> tuple[str, str]:
    """Return the name of a column and the unit of its values, or "" if the head has no unit."""
    end = _END.search(head.strip())
    label = head.strip()[: end.start()].rstrip(" /") if end else ""
    if not end or not label or re.search(r"[()（）\[\]]", label):
        return head, ""
    return label, next(unit for unit in end.group("a", "b", "c", "d") if unit)


def with_unit(value: str, unit: str, code: str) -> str:
    """Return a bare number followed by its unit as the language writes it; return any other value unchanged."""
    if not unit or not is_bare(value):
        return value
    close = unit == "°" or (
        code in ("ko", "ja", "zh") and (code == "ko" or unit in ("%", "℃") or _CJK_WORD.search(unit))
    )
    return f"{value}{'' if close else ' '}{unit}"


def is_due(first: str, head: str, cell: str) -> bool:
    """Check whether the columns are those of a maintenance plan: intervals and the work that is due.

    Args:
        first: head of the first column, which contains `cell`.
    """
    heads = (first.lower().strip(), head.lower().strip())  # `ß` is kept
    is_interval = re.fullmatch(_ASKED_FOR["often"], heads[0]) or _INTERVAL.fullmatch(heads[0])
    is_work = _WORK.fullmatch(heads[1]) or _TASK.fullmatch(heads[1])
    return bool(is_interval and is_work) and _WHEN.match(cell) is not None


def is_bare(value: str) -> bool:
    """Check whether a value is a number, a range of numbers or a product of them such as `6×50`, without a unit."""
    return _BARE.fullmatch(value) is not None or _PRODUCT.fullmatch(value) is not None


def is_measure(value: str) -> bool:
    """Check whether a number is not a dimension, time, date, frequency or part of a name."""
    named = re.match(r"[\d.,]+ ?(?=[가-힣぀-ヿ㐀-鿿])", value)
    is_name = named is not None and re.match(rf"[천만억]? ?(?:{_WORD})|[~～〜至]", value[named.end() :]) is None
    return _NO_MEASURE.search(value) is None and not is_name


def is_year(head: str, value: str) -> bool:
    """Check whether a value is a year and its column is one of years."""
    return re.fullmatch(r"\d{4}[年년]?", value) is not None and _YEAR.search(head) is not None


def has_condition(head: str) -> bool:
    """Check whether a head has an amount in brackets, which its values apply to."""
    inside = re.split(r"[（(\[]", head.rstrip())
    return len(inside) > 1 and inside[-1].endswith((")", "）", "]")) and any(c.isdigit() for c in inside[-1])


def is_code(cell: str) -> bool:
    """Check whether a cell is a number or short code, which is unclear without the name of its column."""
    return _CODE.fullmatch(cell) is not None


def question_kind(head: str, first: str) -> str:
    """Return `use`, `often`, `material`, `year` or `place` if a column is one of those, otherwise "".

    Args:
        first: head of the column with the names; `often` is returned only if those are names of work.
    """
    folded = head.casefold().strip()
    kind = next((kind for kind, pattern in _ASKED_FOR.items() if re.fullmatch(pattern, folded)), "")
    return "" if kind == "often" and not _WORK.fullmatch(first.lower().strip()) else kind
