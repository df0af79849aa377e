"""Collect what the gates need about one pair: its texts, its source and the pairs kept before it.

Reads and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from docent.config import Curate
from docent.records import QAPair
from docent.stages.curate.gates.duplicates import Kept, Vector
from docent.stages.curate.gates.language import code_of
from docent.stages.curate.gates.sources import Source
from docent.text.repeats import Sketch, hash_of, sketch_of
from docent.text.sentences import plain

VISITOR = "visitor"


@dataclass
class Case:
    """What a gate looks at.

    Attributes:
        kept: the pairs kept so far, as far as they are remembered.
        rank: of its own section when all sections are searched with the question, from 1; None where that was not
            asked for or the pair is about an exhibit; 0 where its section was not found at all.
        vector: embedding of question and answer, where that was asked for.
    """

    pair: QAPair
    source: Source
    kept: Kept
    section: Curate
    rank: int | None = None
    vector: Vector | None = None

    @cached_property
    def code(self) -> str:
        """Code of the language that the pair should be in, "" for one that is not known."""
        return code_of(self.pair.language)

    @property
    def same_language(self) -> bool:
        """Whether the words of pair and source can be compared."""
        return not self.source.language or not self.code or self.source.language == self.code

    @property
    def scope(self) -> str:
        """Where repeats are looked for: the same words about two exhibits, or in two conversations, are two pairs."""
        alone = self.source.own.kind == "section" and not self.pair.conversation
        return "" if alone else f"{self.pair.item_id} {self.pair.conversation}"

    @cached_property
    def fingerprint(self) -> int:
        """Hash of question and answer in a form without case, accents and spacing."""
        return hash_of(self.scope, plain(self.pair.question), plain(self.pair.answer))

    @cached_property
    def question(self) -> int | None:
        """Hash of document and question; None where one question is asked about many things, as visitors do."""
        if self.source.own.kind != "section" or self.pair.conversation:
            return None
        return hash_of(self.source.own.document_id, plain(self.pair.question))

    @cached_property
    def sketch(self) -> Sketch:
        """What near repeats are found by."""
        return sketch_of(self.pair.question, self.pair.answer, self.scope)


Gate = Callable[[Case], str | None]
"""Details of what is wrong, or None when nothing is."""
