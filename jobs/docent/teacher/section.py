"""Define one section as typed questions are asked about it: its material, its wordings and its random choices.

`EnglishSection` and `NonEnglishSection` add what can be asked about. Reads and writes nothing.
"""

from __future__ import annotations

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

T = TypeVar("T")


@dataclass(frozen=True)
class Draft:
    """A question with its answer, and what the answer was taken from."""

    question: str
    answer: str
    evidence: tuple[Statement, ...]


@dataclass(frozen=True)
class TeacherSection:
    """The section of one request.

    Attributes:
        temperature: another one gives another choice.
    """

    material: TypedMaterial
    temperature: float

    @cached_property
    def words(self) -> Words:
        """Wordings and word lists of the language."""
        return words_of_language(self.material.language)

    @property
    def name(self) -> str:
        """The document's title in bare words."""
        raise NotImplementedError

    @cached_property
    def doc(self) -> str:
        """The document in quotation marks."""
        return self.words.quoted(self.name)

    @cached_property
    def variety(self) -> str:
        """What all random choices depend on, beside the text."""
        m = self.material
        return canonical_json([m.seed, self.temperature, m.question_type, cleaned(m.name), cleaned(m.title)])

    @cached_property
    def rng(self) -> random.Random:
        """Random numbers, the same for the same request."""
        return random.Random(self.variety + cleaned(self.material.text))

    def shuffled(self, values: Iterable[T]) -> list[T]:
        """Return the values in another order."""
        known = list(values)
        return self.rng.sample(known, len(known))

    def frame(self, key: str, **slots: str) -> str:
        """Return a wording of the language with its slots filled; the document is always known."""
        return self.words.frame(key, self.variety, doc=self.doc, **slots)

    def length(self, answer: str) -> int:
        """Return the length of an answer in words."""
        raise NotImplementedError

    def shows(self, caption: str, evidence: str) -> bool:
        """Check by its caption alone whether a figure belongs to what an answer was taken from."""
        return False


def is_telling(title: str) -> bool:
    """Check whether a heading says what a section is about, as `Page 3` does not."""
    return re.fullmatch(r"(?:[^\W\d_]+\W{0,2}\s?)?[\d\s.,/–-]*", title) is None or title.strip(" .").isalpha()
