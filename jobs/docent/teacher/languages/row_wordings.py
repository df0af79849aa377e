"""Choose the wording of data/questions.yaml for a row of a table, in languages other than English.

Work that is due at an interval becomes a plain sentence, `Cada mes hay que limpiar el filtro.`, only if the cell begins
or ends in a suitable way: with a verb in French, Spanish and Chinese, with the end of a sentence in Korean and
Japanese.

Reads and writes nothing.
"""

import re

from docent.teacher.languages.articles import is_property, with_article
from docent.teacher.languages.heads import question_kind
from docent.teacher.languages.signals import polite_ko
from docent.teacher.languages.tables import TableRow
from docent.teacher.source.words import regexes, table

UNARTICLED = ("ko", "ja", "zh")
"""Languages without articles and genders, in which any column can be asked for."""
_VERBS = regexes("maintenance")
_JA_NOUN = re.compile("(?:交換|点検|清掃|確認|調整|洗浄|掃除|補充|給油|検査|校正)$")
_ASKED_FOR: dict[str, list[list[str]]] = table("asked_for")


def wording_of(row: TableRow, code: str) -> str:
    """Return the key of a row's wording: of its question, and with the suffix `_answer` of its answer."""
    if row.sort in ("meaning", "remedy", "cause_of", "due", "signal_state", "signal_do"):
        return row.sort
    if row.is_price and not row.name:
        return "price"
    end = "number" if row.is_number else "text"
    if not row.name:
        return f"{'thing' if is_known(row, code) else 'column'}_{end}"
    if code in UNARTICLED:
        return "cell_thing_number" if row.is_number else "cell"
    kind = "" if row.is_number else question_kind(row.column, row.first)
    if kind:
        return f"cell_{kind}"
    return f"cell_thing_{end}" if is_known(row, code) else "cell"


def is_articled(row: TableRow, code: str) -> bool:
    """Check whether a row is named with an article: `le programme 4`."""
    return row.is_code and row.sort == "value" and code in ("fr", "es")


def is_known(row: TableRow, code: str) -> bool:
    """Check whether the article of a column is known and a question for it is natural."""
    if code in UNARTICLED:
        return True
    is_asked = row.is_number or is_property(row.column, code)
    return is_asked and with_article(row.column, code) != ""


def place_or_time(question: str, column: str, code: str) -> str:
    """Return the question with `where` or `when` instead of `what` if the column contains places or times."""
    for pattern, what, asked in _ASKED_FOR.get(code, ()):
        if re.search(pattern, column):
            return question.replace(what, asked)
    return question


def interval_sentence(when: str, work: str, code: str) -> str:
    """Return the sentence without its full stop, or "" if the cells do not form one.

    Args:
        when: the interval, such as `Cada mes`.
        work: the work that is due then.
    """
    if code in _VERBS and not _VERBS[code].match(work):
        return ""
    small = work[:1].lower() + work[1:]
    if code == "fr":
        return f"{when}, il faut {small}"
    if code == "es":
        return f"{when} hay que {small}"
    if code == "zh":
        return f"{when}应{work}" if when.startswith("每") else ""
    if code == "ko":
        polite = polite_ko(work)
        return f"{when} {polite}" if polite else ""
    if code == "ja" and work.endswith("する"):
        return f"{when}、{work.removesuffix('する')}します"
    return f"{when}、{work}を行います" if code == "ja" and _JA_NOUN.search(work) else ""
