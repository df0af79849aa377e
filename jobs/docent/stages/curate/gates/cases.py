"""Collect the inputs of the gates for a pair: its texts, its source and the pairs that were kept before it.

Reads and writes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from docent.config.stages import Curate
from docent.records import QAPair
from docent.stages.curate.gates.duplicates import Kept, Vector
from docent.stages.curate.gates.language import code_of
from docent.stages.curate.gates.sources import Source
from docent.text.repeats import Sketch, hash_of, sketch_of
from docent.text.sentences import plain

VISITOR = "visitor"


@dataclass
class Case:
    """A pair to be judged, with all inputs of the gates.

    Attributes:
        kept: hashes and vectors of the pairs that were kept so far.
        rank: rank of the pair's own section, from 1, when all sections are searched with the question; 0 if the search
            did not find it; None if the search is not configured or the pair is about an exhibit.
        vector: embedding of question and answer, if configured.
    """

    pair: QAPair
    source: Source
    kept: Kept
    section: Curate
    rank: int | None = None
    vector: Vector | None = None

    @cached_property
    def code(self) -> str:
        """Return the code of the language that the pair should be in, or "" if unknown."""
        return code_of(self.pair.language)

    @property
    def same_language(self) -> bool:
        """Return whether the pair and the source are in the same language, so that their words can be compared."""
        return not self.source.language or not self.code or self.source.language == self.code

    @property
    def scope(self) -> str:
        """Return the scope of repeats: the pair's item and conversation, or "" for the complete run."""
        alone = self.source.own.kind == "section" and not self.pair.conversation
        return "" if alone else f"{self.pair.item_id} {self.pair.conversation}"

    @cached_property
    def fingerprint(self) -> int:
        """Return a hash of question and answer, ignoring case, accents and spacing."""
        return hash_of(self.scope, plain(self.pair.question), plain(self.pair.answer))

    @cached_property
    def question(self) -> int | None:
        """Return a hash of document and question, or None if the question may be asked about many items."""
        if self.source.own.kind != "section" or self.pair.conversation:
            return None
        return hash_of(self.source.own.document_id, plain(self.pair.question))

    @cached_property
    def sketch(self) -> Sketch:
        """Return the sketch of question and answer, which is compared to find near repeats."""
        return sketch_of(self.pair.question, self.pair.answer, self.scope)


Gate = Callable[[Case], str | None]
"""Returns the problem with the pair, or None if there is none."""
