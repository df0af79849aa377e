"""Name what a run is about, with counts: exhibits with photos, sections of documents, or both.

Reads and writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from docent.stages.report.sentences.amounts import counted


@dataclass(frozen=True)
class Subject:
    """What the sources hold.

    Attributes:
        exhibits: with their photos.
        documents, sections: text documents and their sections, each counted once.
        pictured: whether rows about documents show figures.
        asked: sections with a row in the data set; 0: not counted.
        parted: sections that are read in several parts, each of which is an item of the run.
    """

    exhibits: int = 0
    documents: int = 0
    sections: int = 0
    pictured: bool = False
    asked: int = 0
    parted: int = 0

    @property
    def is_text(self) -> bool:
        """Whether the run is about documents alone."""
        return bool(self.documents) and not self.exhibits

    @property
    def item(self) -> str:
        """What one question is about, in the singular."""
        return "section" if self.is_text else "exhibit or section" if self.documents else "exhibit"

    @property
    def items(self) -> str:
        """The same in the plural."""
        return "exhibits and sections" if self.documents and self.exhibits else f"{self.item}s"

    @property
    def unit(self) -> str:
        """What scores are of, in the singular: a part, where sections are read in several."""
        return self.item.replace("section", "part of a section") if self.parted else self.item

    @property
    def units(self) -> str:
        """The same in the plural."""
        return self.items.replace("sections", "parts of sections") if self.parted else self.items

    @property
    def picture(self) -> str:
        """What a question shows, in the singular."""
        return "figure" if self.is_text else "picture" if self.documents else "photo"

    @property
    def tested(self) -> str:
        """What the test consists of, in the singular."""
        return "question" if self.documents else "photo"

    def __str__(self) -> str:
        counts = [counted(self.exhibits, "exhibit")] if self.exhibits or not self.documents else []
        if self.documents:
            of = f"{self.asked} of " if 0 < self.asked < self.sections else ""
            counts.append(f"{of}{counted(self.sections, 'section')} of {counted(self.documents, 'document')}")
        return " and ".join(counts)
