"""Define one section for typed questions: its material, its wordings and its random choices.

`EnglishSection` and `NonEnglishSection` add the statements that questions are made of. Reads and writes nothing.
"""

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from docent.llm.structure.typed import TypedMaterial
from docent.records import canonical_json
from docent.teacher.source.statements import Statement, cleaned
from docent.teacher.source.words import Words, words_of_language
from docent.text.terms import length_in_words

T = TypeVar("T")


@dataclass(frozen=True)
class Draft:
    """A question with its answer, and the statements that the answer was taken from."""

    question: str
    answer: str
    evidence: tuple[Statement, ...]


@dataclass(frozen=True)
class TeacherSection:
    """The section of one request.

    Attributes:
        temperature: the request's temperature; another one leads to other random choices.
    """

    material: TypedMaterial
    temperature: float

    @cached_property
    def words(self) -> Words:
        """Return the wordings and word lists of the language."""
        return words_of_language(self.material.language)

    @property
    def name(self) -> str:
        """Return the document's bare title."""
        raise NotImplementedError

    @cached_property
    def doc(self) -> str:
        """Return the document's title in quotation marks."""
        return self.words.quoted(self.name)

    @cached_property
    def variety(self) -> str:
        """Return the key of all random choices, without the text."""
        m = self.material
        return canonical_json([m.seed, self.temperature, m.question_type, cleaned(m.name), cleaned(m.title)])

    @cached_property
    def rng(self) -> random.Random:
        """Return a random number generator that is seeded by the request."""
        return random.Random(self.variety + cleaned(self.material.text))

    def shuffled(self, values: Iterable[T]) -> list[T]:
        """Return the values in a random order."""
        known = list(values)
        return self.rng.sample(known, len(known))

    def frame(self, key: str, **slots: str) -> str:
        """Return a wording of the language with its slots filled; the document is filled automatically."""
        return self.words.frame(key, self.variety, doc=self.doc, **slots)

    def length(self, answer: str) -> int:
        """Return the length of an answer in words, as a reader of the language would count them."""
        return length_in_words(answer)

    def shows(self, caption: str, evidence: str) -> bool:
        """Check, by the caption alone, whether a figure belongs to the text that an answer was taken from."""
        return False


def is_telling(title: str) -> bool:
    """Check whether a heading states what a section is about, unlike `Page 3`."""
    return re.fullmatch(r"(?:[^\W\d_]+\W{0,2}\s?)?[\d\s.,/–-]*", title) is None or title.strip(" .").isalpha()
