"""Put work that is due at an interval into a plain sentence, in languages other than English.

`Cada mes hay que limpiar el filtro.` Only where the cell begins or ends in a way that makes one: a verb in French,
Spanish and Chinese, the end of a sentence in Korean and Japanese. Reads and writes nothing.
"""

from __future__ import annotations

import re

from docent.teacher.languages.signals import polite_ko
from docent.teacher.source.words import regexes

_VERBS = regexes("maintenance")
_JA_NOUN = re.compile("(?:交換|点検|清掃|確認|調整|洗浄|掃除|補充|給油|検査|校正)$")


def interval_sentence(when: str, work: str, code: str) -> str:
    """Return the sentence without its stop mark; "" where the cells do not make one.

    Args:
        when: the interval: `Cada mes`.
        work: what is done then.
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
