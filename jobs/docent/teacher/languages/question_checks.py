"""Reject questions that fit the form of a sentence but are not useful, in languages other than English.

These are questions for the definition of a quantity, about any single thing of its kind, about incomplete conditions,
and about faults, whose remedies are in a table. Reads and writes nothing.
"""

import re

from docent.teacher.source.words import regexes, table

_INDEFINITE = regexes("indefinite")
_ASKED_OF_ANY = ("define", "parts", "quantity", "time", "often", "do")
"""Kinds of questions that make sense for any thing: `Was ist ein Takt?`, but not `Was erzeugt ein Ventilator?`."""
_HEADS = regexes("head")
"""The noun that a subject is about."""
_QUANTITIES: dict[str, str] = table("quantities")
_DEFINES = re.compile("말합|의미합|とは|のこと|是指|指的是")
"""Words of sentences that do define a quantity."""
_FAULTS = regexes("fault")
"""Faults of the complete machine, which have more remedies than one sentence gives."""
_JA_TIME = re.compile("(?:前|後|あと)(?:に|は|には)$")
_JA_END = re.compile("(?:(?:場合|とき|時|際)(?:には|は)?|には)$")
_JA_ARGUMENT = re.compile("を|が(?![らっういえり])|(?<=[㐀-鿿々ァ-ヿ0-9A-Za-z）」])[はも]")
_JA_EVENT = re.compile("停電|断水|故障|地震|火災|落雷|感電|漏電|発火|異常|緊急|非常|初めて|使わな|使用しな")
"""Events without a subject, and the time in which the machine is not used."""
_JA_VAGUE = re.compile(table("vague_object"))
_KO_OPEN = re.compile("[가-힣]+게 하면")


def is_worth_asking(kind: str, sentence: str, slots: dict[str, str], code: str) -> bool:
    """Check whether a question that a sentence form yields is useful.

    Args:
        kind: the form's kind, as listed in data/patterns.yaml.
        slots: named groups of the form: `s` is the subject of the sentence, `c` its condition.
    """
    subject, condition = slots.get("s", ""), slots.get("c", "")
    if code in _INDEFINITE and kind not in _ASKED_OF_ANY and _INDEFINITE[code].match(subject):
        return False
    if kind == "define" and not _DEFINES.search(sentence) and _is_quantity(subject, code):
        return False
    if kind == "do" and _FAULTS[code].search(condition):
        return False
    if code == "ja" and condition:
        return _is_complete_ja(condition)
    return not (code == "ko" and _KO_OPEN.fullmatch(condition))


def _is_quantity(subject: str, code: str) -> bool:
    if code in _HEADS:
        head = _HEADS[code].match(subject)
        noun = head["noun"].lower() if head else ""
        names = _QUANTITIES[code].split()
        return noun.endswith(tuple(names)) if code == "de" else noun in names
    return subject.strip().endswith(tuple(_QUANTITIES[code].split()))


def _is_complete_ja(condition: str) -> bool:
    """Check whether a Japanese condition has a subject or an object: `氷が溶けると`, not `短くすると`."""
    if _JA_TIME.search(condition):
        return True
    bare = _JA_END.sub("", condition)
    if _JA_VAGUE.match(bare):
        return False
    return _JA_ARGUMENT.search(bare) is not None or _JA_EVENT.search(bare) is not None
