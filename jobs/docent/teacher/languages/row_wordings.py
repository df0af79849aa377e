"""Which wording of offline_questions.yaml a row of a table takes outside of English.

For the offline teacher. Reads and writes nothing.
"""

from __future__ import annotations

import re

from docent.teacher.languages.articles import is_property, with_article
from docent.teacher.languages.heads import asked_for
from docent.teacher.languages.tables import Row

UNARTICLED = ("ko", "ja", "zh")
"""Languages without articles and genders, in which any column can be asked for."""
_ASKED_FOR = {
    "ko": (
        (r"(?:장소|위치)$", "무엇입니까", "어디입니까"),
        (r"(?:담당|담당자|책임자|작가|제작자|강사)$", "무엇입니까", "누구입니까"),
        (r"(?:시간|시각|마감|개관|휴관일|날짜|요일|시기)$", "무엇입니까", "언제입니까"),
        (r"(?:연도|년도)$", "무엇입니까", "언제입니까"),
        (r"(?:주기|간격|빈도)$", "무엇입니까", "어떻게 됩니까"),
    ),
    "ja": (
        (r"(?:場所|位置)$", "何ですか", "どこですか"),
        (r"(?:担当|担当者|責任者|作者|製作者|講師)$", "何ですか", "誰ですか"),
        (r"(?:時刻|時間|日時|曜日|開始|終了|休館日|時期|年|年代)$", "何ですか", "いつですか"),
        (r"(?:周期|間隔|頻度)$", "何ですか", "どのくらいですか"),
    ),
    "zh": (
        (r"(?:地点|位置)$", "是什么", "是哪里"),
        (r"(?:负责人|责任人|作者|制作者|讲师)$", "是什么", "是谁"),
        (r"(?:时间|日期|时刻|时期)$", "是什么", "是什么时候"),
        (r"年份$", "是什么", "是哪一年"),
        (r"(?:周期|间隔)$", "是什么", "是多久"),
    ),
}


def wording_of(row: Row, code: str) -> str:
    """The name of the wording for a row: of its question, and with `_answer` of its answer."""
    if row.sort in ("meaning", "remedy", "cause_of", "due", "signal_state", "signal_do"):
        return row.sort
    if row.is_price and not row.name:
        return "price"
    end = "number" if row.is_number else "text"
    if not row.name:
        return f"{'thing' if is_known(row, code) else 'column'}_{end}"
    if code in UNARTICLED:
        return "cell_thing_number" if row.is_number else "cell"
    kind = "" if row.is_number else asked_for(row.column, row.first)
    if kind:
        return f"cell_{kind}"
    return f"cell_thing_{end}" if is_known(row, code) else "cell"


def is_articled(row: Row, code: str) -> bool:
    """Whether a row is named with an article: `le programme 4`."""
    return row.is_code and row.sort == "value" and code in ("fr", "es")


def is_known(row: Row, code: str) -> bool:
    """Whether the article of a column is known, and a question for it is natural."""
    if code in UNARTICLED:
        return True
    is_asked = row.is_number or is_property(row.column, code)
    return is_asked and with_article(row.column, code) != ""


def place_or_time(question: str, column: str, code: str) -> str:
    """The question with `where` or `when` in the place of `what`, where the column is one of places or times."""
    for pattern, what, asked in _ASKED_FOR.get(code, ()):
        if re.search(pattern, column):
            return question.replace(what, asked)
    return question
