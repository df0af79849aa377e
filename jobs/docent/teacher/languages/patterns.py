"""Find questions that German, French, Spanish, Korean, Japanese and Chinese sentences answer, by the sentence's form.

`Der Filter besteht aus Vlies.` answers `Woraus besteht der Filter?`. A question never has a pronoun that only the
context of the sentence explains. Reads data/patterns.yaml of the package, which defines the forms; writes nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from docent.teacher.languages.question_checks import is_worth_asking
from docent.teacher.source.words import data_file, regexes

# The forms have several open groups: in longer sentences they match the wrong parts.
MAX_SENTENCE_CHARS, MAX_QUESTION_CHARS = 300, 150
MAX_SHORT_CHARS = 60
_OPEN = "".join(chr(code) for code in range(0xAC00, 0xD7A4, 28))
"""Korean syllables without a final consonant."""
_VERB_ENDS = "하되오가주보쓰나르"
"""Syllables before `는` that make a verb that describes the next noun rather than a topic: `하는`."""
_TABLES: dict[str, Any] = data_file("patterns.yaml")
_KO_PARTICLE = (
    rf"(?P<p>(?<=[{''.join(c for c in _OPEN if c not in _VERB_ENDS)}])는|"
    rf"(?<=[가-힣])(?<![{_OPEN}])은|(?<=[0-9A-Za-z])[은는])"
)
_MACROS: dict[str, str] = {"P": _KO_PARTICLE, **_TABLES["macros"]}
# What only the context of a sentence explains; tested on the parts that a question takes from the sentence.
_UNCLEAR = regexes("unclear")
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class FormQuestion:
    """A question, and the part of the sentence that answers it.

    Attributes:
        kind: the kind of question, as listed in data/patterns.yaml.
        short: the few words of the sentence that answer it, or "" if only the complete sentence does.
        leans: whether the answer needs the sentence before it.
        with_document: whether the question names the document already.
    """

    question: str
    kind: str
    short: str = ""
    leans: bool = False
    with_document: bool = False


def questions_by_form(sentence: str, code: str, document: str = "", name: str = "") -> list[FormQuestion]:
    """Return the questions that a sentence answers, the most certain first.

    Args:
        document: words like ` laut „Handbuch“`, for languages whose questions contain them in the middle.
        name: the document's name; a question whose subject is a part of it need not name the document.
    """
    bare = sentence.strip().rstrip(".。!！")
    if len(bare) > MAX_SENTENCE_CHARS or re.search(r"[\"“”„«»「」『』;；?？]", bare):
        return []
    questions = []
    for form, pattern in _forms(code):
        match = pattern.fullmatch(bare)
        if not match:
            continue
        slots = {slot: value or "" for slot, value in match.groupdict().items()}
        if not is_worth_asking(form["kind"], bare, slots, code):
            continue
        is_named = _is_named(slots.get("s", ""), name)
        if question := _question(form["ask"], match, code, "" if is_named else document):
            short = match[form["short"]].strip() if "short" in form else ""
            short = short if len(short) <= MAX_SHORT_CHARS else ""
            has_document = is_named or "{doc}" in form["ask"]
            questions.append(FormQuestion(question, form["kind"], short, form.get("leans", False), has_document))
    return questions


def _is_named(subject: str, name: str) -> bool:
    """Check whether a subject with a number or capitals, as models have, is in the document's name."""
    bare = re.sub(r"^(?:(?:Der|Die|Das|Le|La|Les|El|Los|Las) |L['’])", "", subject)
    return re.search(r"\d", bare) is not None and bare.casefold() in name.casefold()


def _question(ask: str, match: re.Match[str], code: str, document: str) -> str:
    slots = _slots(match, code)
    used = [slots[name] for name in _SLOT.findall(ask) if name != "doc"]
    if any(_UNCLEAR[code].search(value) for value in used):
        return ""
    question = _SLOT.sub(lambda slot: document if slot[1] == "doc" else slots[slot[1]], ask)
    return question if len(question) <= MAX_QUESTION_CHARS + len(document) else ""


def _slots(match: re.Match[str], code: str) -> Mapping[str, str]:
    """Return the named groups of a match, spelled as inside a sentence."""
    slots = {name: value or "" for name, value in match.groupdict().items()}
    for name in ("s", "l", "e"):
        is_bare_noun = code == "de" and name == "s" and " " not in slots.get(name, "")
        if code in ("de", "fr", "es") and name in slots and not is_bare_noun:
            slots[name] = slots[name][:1].lower() + slots[name][1:]
    verb = slots.get("i", "")
    if code == "de" and verb:
        slots["i"] = verb.lower()
    slots["i_er"] = f"{verb.lower()[:-2]}er"
    slots["i_ar"] = _infinitive_es(verb.lower())
    unit = slots.get("u", "")
    slots["de_u"] = f"d'{unit}" if unit[:1] in "aeiouéèêh" else f"de {unit}"
    slots["que_v"] = f"Qu'{slots.get('v')}" if slots.get("v", "")[:1] in ("a", "e", "i") else f"Que {slots.get('v')}"
    slots["v_q"] = _asking(slots.get("v", ""))
    return slots


def _asking(verb: str) -> str:
    """Return the end of a Korean or Japanese sentence in question form."""
    if verb.endswith("니다"):
        return f"{verb[:-1]}까?"
    for said, asked in (("できません", "できないのですか"), ("ありません", "ないのですか")):
        if verb.endswith(said):
            return f"{verb.removesuffix(said)}{asked}"
    return f"{verb}か"


def _infinitive_es(imperative: str) -> str:
    """Return the infinitive, `limpiar` for `limpie`; only for verbs that are regular except in spelling."""
    stem = imperative[:-1].replace("í", "i")
    for written, spoken in (("qu", "c"), ("gu", "g"), ("c", "z")):
        if stem.endswith(written):
            return f"{stem.removesuffix(written)}{spoken}ar"
    return f"{stem}ar"


@cache
def _forms(code: str) -> list[tuple[dict[str, Any], re.Pattern[str]]]:
    return [(form, _compiled(form["match"], code)) for form in _TABLES[code]]


def _compiled(pattern: str, code: str) -> re.Pattern[str]:
    pattern = pattern.replace("<S>", _TABLES["subjects"][code])
    for name, written in _MACROS.items():
        pattern = pattern.replace(f"<{name}>", written)
    return re.compile(pattern)
