"""Reword the questions of an English conversation: use `it` for things that earlier turns named.

Reads and writes nothing.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from docent.teacher.english.section import EnglishSection
from docent.teacher.section import Draft

# A longer run of words that all questions share is the form of the question rather than a name.
MAX_NAME_WORDS = 6


def reworded(section: EnglishSection) -> list[Draft]:
    """Return the turns of a dialogue with pronouns for things that earlier turns named."""
    turns = list(section.material.dialogue)
    has_name = any(c.isalpha() for c in section.name)
    name = section.name if has_name or len(turns) < 2 else _common_name(turns, section)
    drafts = [Draft(*turns[0], ())]
    for (before, _), (question, answer) in pairwise(turns):
        drafts.append(Draft(_with_pronouns(section, question, before, name), answer, ()))
    return drafts


def _with_pronouns(section: EnglishSection, question: str, before: str, name: str) -> str:
    """Return one question as it is asked in the middle of a conversation."""
    spoken = _without_name(question, before, name, section) if name else question
    if section.doc in before:
        spoken = spoken.replace(section.place, "it").replace(section.doc, "it")
    return spoken[:1].upper() + spoken[1:]


def _without_name(question: str, before: str, doc_name: str, section: EnglishSection) -> str:
    """Replace the document's name: `the phone number of X` by `its phone number`, other uses by `it`."""
    given, name = question, re.escape(doc_name)
    question = re.sub(
        rf"\bthe ((?:entry “[^”]{{1,60}}”)|[^“”?]{{2,60}}) of (?:the )?{name}(?=\W)", r"its \1", question, flags=re.I
    )
    if re.search(r"[A-Z0-9 ]", doc_name):  # a bare `gallery` may be a word as well as the name of a file
        question = re.sub(rf"(?<!“)(?:\bthe )?\b{name}\b(?!”)", "it", question, flags=re.IGNORECASE)
    if section.doc in before or doc_name in before:
        for place in map(re.escape, (section.place, section.doc)):
            question = re.sub(rf"^According to {place}, ", "", question)
            question = re.sub(rf" in {place}\?$", " there?", question)
    return question if question != given else _with_it(question, before)


def _with_it(question: str, before: str) -> str:
    """Return `What is its weight?` for `... the weight of model A12?` after another question about model A12."""
    parts = re.match(r"(What|Who|When) (is|are|was) the (.+?) of ([^?]+)\?$", question)
    if parts is None or not before.endswith(f" of {parts[4]}?"):
        return question
    return f"{parts[1]} {parts[2]} its {parts[3]}?"


def _common_name(turns: Sequence[tuple[str, str]], section: EnglishSection) -> str:
    """Return the longest run of words that all questions share: the subject of a dialogue without a name."""
    first, *others = [question.split() for question, _ in turns]
    spoken = [" ".join(words) for words in others]
    for size in range(min(len(first), MAX_NAME_WORDS), 0, -1):
        for start in range(len(first) - size + 1):
            words = [word.strip("?.,“”") for word in first[start : start + size]]
            if {words[0].lower(), words[-1].lower()} & section.words.stop or not all(words):
                continue
            name = " ".join(words)
            if len(name) > 2 and name[:1].isalnum() and all(name in other for other in spoken):
                return name
    return ""
