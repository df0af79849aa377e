"""Define an English question that a statement answers, and check that it is complete.

Reads and writes nothing.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

from docent.teacher.source.words import ENGLISH

Kind = Literal["value", "what", "when", "where", "who", "how", "definition", "purpose", "reason", "do", "then"]
MAX_QUESTION_WORDS, MIN_QUESTION_WORDS = 26, 4
# `short_answer` allows five words; a longer adverbial makes a question that nobody would ask.
MAX_SHORT_WORDS, MAX_ADVERBIAL_WORDS = 5, 8
_PERSONS = re.compile(ENGLISH["persons"])
_NAME = re.compile(r"(?:(?:Dr|Prof|Mr|Mrs|Ms)\.? )?[A-Z][a-zÀ-ÿ]+(?: (?:[A-Z]\.|[A-Z][a-zÀ-ÿ-]+|van|von|de)){1,3}$")
_NO_PERSON = re.compile(ENGLISH["no_person"])
PRONOUN = re.compile(r"\b(?:it|its|they|them|their|this|these|those|he|she|his|her|we|our|us|I|my)\b")


@dataclass(frozen=True)
class Question:
    """A question, and the words of the sentence that answer it, or "" if only the complete sentence does."""

    question: str
    short: str = ""
    kind: Kind = "what"


def finished(asked: Question, lead: str = "") -> Question:
    """Return a question with the adverbial that begins the sentence appended."""
    question = re.sub(r" only\?$", "?", asked.question)
    if lead:
        question = f"{question.rstrip('?')} {lead[0].lower()}{lead[1:]}?"
    return replace(asked, question=question)


def is_sound(question: str) -> bool:
    """Check whether a question is complete: no pronoun, no dangling word, a usual length."""
    words = question.rstrip("?").split()
    loose = re.search(r"\b(?:and|or|than|the|a|an|which|that|both|when|if|,)\?$", question)
    if " between " not in question and re.search(r" and (?:\d+|two|three|four|five|six) (?!\w+s\b)", question):
        return False  # `are needed to lift the one and four to lift the other`
    return MIN_QUESTION_WORDS <= len(words) <= MAX_QUESTION_WORDS and not loose and not PRONOUN.search(question)


def short_of(words: str) -> str:
    """Return words as a short answer if they are few, otherwise ""."""
    words = words.strip(" ,.")
    return words if 1 <= len(words.split()) <= MAX_SHORT_WORDS and not PRONOUN.search(words) else ""


def who_or_what(subject: str, predicate: str = "") -> str:
    """Return the interrogative for a subject: `Who` for people, otherwise `What`."""
    bare = re.sub(r"^(?:the|an?|two|three|four|all|every|each) ", "", subject, flags=re.IGNORECASE)
    is_person = bare == subject and re.match(
        r"an? (?:\w+ ){0,2}\w+(?:ist|ician|maker|painter|engineer|architect)\b", predicate
    )
    is_named = _NO_PERSON.search(subject) is None and (
        (bare == subject and _NAME.fullmatch(subject) is not None)
        or re.search(r"[a-z]{4} [A-Z][a-z]+ [A-Z][a-z]+$", bare) is not None
    )
    return "Who" if is_person or is_named or _PERSONS.search(bare) else "What"
