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

from docent.llm.offline_source import Statement, cleaned, length_words, statements_of
from docent.llm.offline_words import Words, words_of_language
from docent.llm.typed import TypedMaterial
from docent.records import canonical_json
from docent.text.sentences import count_words, plain

T = TypeVar("T")
MAX_TITLE_CHARS = 100
MAX_COLUMN_VALUE_WORDS = 6
"""What is longer is quoted: it says something by itself."""
# A fact of a table row: its first cell names what the others say something about.
# What an item of a list is about: `Rest: the turntable stands still.`
# Last words of English columns that `the lender zip of` can be said with; of others nobody knows what they are.
_KNOWN_NOUNS = frozenset(
    "name number code address price date year month zip phone extension email city country type kind size weight "
    "height width length depth diameter material colour color status time period cost fee value amount floor area "
    "owner maker lender artist author title level rate unit version capacity condition note notes place location "
    "person manager category brand model language".split()
)
# English columns that no `the ... of` goes before: `closes`, `on loan until`, `closed on`.
_NO_NOUN = re.compile(
    r"(?:(?<![sui])s|\b(?:on|in|at|by|to|from|until|since|before|after|of|for|with)|(?<!e)ed)$", re.IGNORECASE
)


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
        bare = _title(self.material.name)
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
        title = _title(self.material.title)
        if not title or plain(title) == plain(self.name) or not is_telling(title):
            return self.doc
        return self.words.frame("place", title=self.words.quoted(title), doc=self.doc)

    def frame(self, key: str, **slots: str) -> str:
        """A wording; document and place are always known."""
        place = self.place
        if plain(slots.get("topic", "")).strip("“”„«»「」 ") == plain(_title(self.material.title)):
            place = self.doc  # no "what does “Lamps” say about “lamps”"
        return self.words.frame(key, self.variety, doc=self.doc, place=place, name=self.name, **slots)

    def shuffled(self, values: Iterable[T]) -> list[T]:
        """In another order."""
        known = list(values)
        return self.rng.sample(known, len(known))

    def said(self, statement: Statement) -> str:
        """A statement as an answer."""
        if statement.kind != "row":
            return statement.whole
        return self.frame(
            f"{self._row_key(statement)}_answer", column=self._column(statement), value=self._value(statement)
        )

    def _row_key(self, statement: Statement) -> str:
        value = statement.value
        is_told = value.casefold() in self.words.flags or (value[-1:] in ".。!！" and length_words(value) > 3)
        if self.words.code == "en":
            words = _spaced(statement.label).lower().split()
            is_told |= len(words) > 1 and words[-1] not in _KNOWN_NOUNS
            is_told |= _NO_NOUN.search(_spaced(statement.label)) is not None
            is_told |= count_words(value) > MAX_COLUMN_VALUE_WORDS
        return "entry" if is_told else "column"

    def _column(self, statement: Statement) -> str:
        """Quoted where it is not part of the sentence; in English small, but for capitals of its own."""
        label = _spaced(statement.label)
        if self._row_key(statement) == "entry" or self.words.code in ("de", "fr", "es"):
            return self.words.quoted(label)
        if self.words.code != "en":
            return label
        return " ".join(word.lower() if word.istitle() else word for word in label.split())

    def _value(self, statement: Statement) -> str:
        value = statement.value.rstrip(".。")
        return self.words.quoted(value) if self._row_key(statement) == "entry" else value


@lru_cache(maxsize=32)
def section_statements(text: str, code: str) -> tuple[Statement, ...]:
    """What a section says, read once for all questions about it."""
    return tuple(statements_of(text, words_of_language(code)))


def is_telling(title: str) -> bool:
    """Whether a heading says what a section is about, as `Page 3` does not."""
    return re.fullmatch(r"(?:[^\W\d_]+\W{0,2}\s?)?[\d\s.,/–-]*", title) is None or title.strip(" .").isalpha()


def _spaced(column: str) -> str:
    """A column as people say it: `lender_zip` is the lender zip."""
    return " ".join(column.replace("_", " ").split()) or column


def _title(name: str) -> str:
    """A title as people write it, not longer than a question can bear."""
    bare = " ".join(cleaned(name).replace("*", "").replace("`", "").split()).strip("# ")
    return bare if len(bare) <= MAX_TITLE_CHARS else bare[:MAX_TITLE_CHARS].rsplit(" ", 1)[0] + "…"
