"""Check that English statements and questions are clear without their context.

Reads and writes nothing.
"""

import re
from collections.abc import Sequence

from docent.teacher.english.grammar.clauses import read_clause
from docent.teacher.english.tables.columns import sentence
from docent.teacher.source.statements import Statement
from docent.teacher.source.words import ENGLISH
from docent.text.sentences import plain

_LEANS = re.compile(
    rf"^(?:DANGER|WARNING|CAUTION|NOTICE|NOTE|IMPORTANT) |\b(?:{ENGLISH['leans']}|{ENGLISH['leans_alone']})\b"
)
MIN_NAMING_CHARS = 4
OPENERS = re.compile(ENGLISH["openers"])
_FIRST_PRONOUN = re.compile(r"^(?:\W*\w+\W+){0,1}(?:it|they|them|its|their|he|she|his|her|then)\b", re.IGNORECASE)
# Subjects that only their section explains.
_VAGUE = re.compile(ENGLISH["vague"])
_GENERIC = re.compile(r"(?:^|, )the (?:machine|device|unit|model|appliance|instrument|version) [a-z]+", re.IGNORECASE)
_CODED = re.compile(r"\b[A-Z][\w-]{0,20}\d")


def stands_alone(statement: Statement) -> bool:
    """Check whether a statement is clear without its context."""
    text = statement.text
    if not statement.alone or _LEANS.search(text) or _FIRST_PRONOUN.match(text):
        return False
    clause = read_clause(text)
    return clause is None or _VAGUE.match(clause.subject) is None


def is_cut_short(text: str, title: str) -> bool:
    """Check whether a subject begins a term that the heading has in full: `The declaration` of conformity."""
    noun = _the_noun(text)
    return noun != "" and re.search(rf"\b{noun} of (?!the\b)[a-z]", title, re.IGNORECASE) is not None


def _the_noun(text: str) -> str:
    """Return the noun of a two-word subject such as `the loop`, or "" for any other subject."""
    clause = read_clause(text)
    noun = re.fullmatch(r"the ([a-z]+)", clause.subject, re.IGNORECASE) if clause is not None else None
    return noun[1] if noun else ""


def is_about_another(statement: Statement, statements: Sequence[Statement]) -> bool:
    """Check whether `the machine` refers to a model named earlier in its paragraph, such as `The PT-50C`."""
    if not _GENERIC.search(statement.text):
        return False
    before = (s.text for s in statements if s.block == statement.block and s.place < statement.place)
    return any(_CODED.search(text) for text in before)


def is_unexplained(text: str, section: str, title: str, others: Sequence[str] = ()) -> bool:
    """Check whether a subject (`the loop`) is explained only in other sections, or abbreviates another term.

    Args:
        section: the section's complete text.
        title: titles of the section and the document, which explain the nouns in them.
        others: texts of other sections: a noun that two of them use is known throughout the document.
    """
    noun = _the_noun(text)
    if not noun or re.search(rf"\b{noun}s?\b", title, re.IGNORECASE):
        return False
    before = re.findall(rf"(?:\b([\w-]+) )?\b{noun}\b", section, re.IGNORECASE)
    bare = sum(word.lower() in ("", "the", "a", "an") for word in before)
    known = sum(re.search(rf"\bthe {noun}\b", other, re.IGNORECASE) is not None for other in others)
    return bare <= 1 and known < 2


def trimmed(text: str) -> str:
    """Return a statement as an answer: without the words that connect it to the one before."""
    return sentence(OPENERS.sub("", text))


def with_document(question: str, name: str, doc: str) -> str:
    """Return a question with the document's title, unless the question itself names its subject."""
    is_named = re.search(r"[A-Z0-9 ]", name) is not None and plain(name) in plain(question)
    if is_named or _names_document(question, name):
        return question
    return f"According to {doc}, {question[0].lower()}{question[1:]}"


def _names_document(question: str, name: str) -> bool:
    """Check whether a question has a name from the title, `Holm` of `Restoration of the Holm windmill`."""
    names = re.findall(r"(?<=[a-z:,] )[A-Z][\w-]{3,}|^[A-Z][a-z]+ (?=\d)|\b[A-Z]+-?\d\w*", name)
    names = [one for one in names if len(one) >= MIN_NAMING_CHARS]  # `C1` may be anything
    return any(re.search(rf"(?<=\w ){re.escape(one.strip())}\b", question) for one in names)
