"""What the writers of typed questions have before them: the statements of a section, its names, wordings, chance.

For the offline teacher. Reads and writes nothing.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeVar

from docent.llm.structure.typed import TypedMaterial
from docent.records import canonical_json
from docent.teacher.source.statements import Statement, bare_title, cleaned, statements_of
from docent.teacher.source.words import Words, words_of_language
from docent.text.sentences import count_words, plain

T = TypeVar("T")


@dataclass(frozen=True)
class Draft:
    """A question with its answer, and what the answer was taken from."""

    question: str
    answer: str
    evidence: tuple[Statement, ...]


@dataclass(frozen=True)
class Desk:
    """One request.

    Attributes:
        temperature: another one gives another choice.
    """

    material: TypedMaterial
    temperature: float

    @cached_property
    def words(self) -> Words:
        """The language."""
        return words_of_language(self.material.language)

    @cached_property
    def variety(self) -> str:
        """What all chance depends on."""
        m = self.material
        return canonical_json([m.seed, self.temperature, m.question_type, cleaned(m.name), cleaned(m.title)])

    @cached_property
    def rng(self) -> random.Random:
        """Chance, the same for the same request."""
        return random.Random(self.variety + cleaned(self.material.text))

    @cached_property
    def every(self) -> list[Statement]:
        """What the section says."""
        return list(section_statements(self.material.text, self.words.code))

    @cached_property
    def statements(self) -> list[Statement]:
        """What of it can be asked about."""
        return [statement for statement in self.every if statement.asked]

    @cached_property
    def prose(self) -> list[Statement]:
        """Its sentences and steps."""
        return [statement for statement in self.statements if statement.kind in ("sentence", "step")]

    @cached_property
    def told(self) -> list[Statement]:
        """Its sentences one after the other, also those that only follow from others."""
        return [statement for statement in self.every if statement.kind == "sentence"]

    @cached_property
    def name(self) -> str:
        """The document, in bare words; the row's first name where the document is a numbered row."""
        bare = bare_title(self.material.name)
        rows = (s.value for s in self.statements if s.kind == "row")
        if re.search(r"[^\W\d_]", bare):
            return bare
        return next((v for v in rows if re.search(r"[^\W\d_]", v) and count_words(v) <= 6), bare)

    @cached_property
    def doc(self) -> str:
        """The document in quotation marks."""
        return self.words.quoted(self.name)

    @cached_property
    def place(self) -> str:
        """The document and the heading in it."""
        title = bare_title(self.material.title)
        if not title or plain(title) == plain(self.name) or not is_telling(title):
            return self.doc
        return self.words.frame("place", title=self.words.quoted(title), doc=self.doc)

    def frame(self, key: str, **slots: str) -> str:
        """A wording; document and place are always known."""
        place = self.place
        if plain(slots.get("topic", "")).strip("“”„«»「」 ") == plain(bare_title(self.material.title)):
            place = self.doc  # no "what does “Lamps” say about “lamps”"
        return self.words.frame(key, self.variety, doc=self.doc, place=place, name=self.name, **slots)

    def shuffled(self, values: Iterable[T]) -> list[T]:
        """In another order."""
        known = list(values)
        return self.rng.sample(known, len(known))


@lru_cache(maxsize=32)
def section_statements(text: str, code: str) -> tuple[Statement, ...]:
    """What a section says, read once for all questions about it."""
    return tuple(statements_of(text, words_of_language(code)))


def is_telling(title: str) -> bool:
    """Whether a heading says what a section is about, as `Page 3` does not."""
    return re.fullmatch(r"(?:[^\W\d_]+\W{0,2}\s?)?[\d\s.,/–-]*", title) is None or title.strip(" .").isalpha()
