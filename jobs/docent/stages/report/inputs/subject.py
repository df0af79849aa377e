"""Describe in words what a run is about: exhibits with photos, sections of documents, or both, with counts."""

from dataclasses import dataclass

from docent.stages.report.sentences.amounts import counted


@dataclass(frozen=True)
class Subject:
    """What the run's sources are about.

    Attributes:
        exhibits: number of exhibits.
        documents: number of text documents.
        sections: number of their sections; one that was cut into parts counts once.
        pictured: whether the documents have figures.
        asked: number of sections with a row in the data set; 0 if not counted.
        parted: number of sections that were cut into several parts, each of which is an item of the run.
    """

    exhibits: int = 0
    documents: int = 0
    sections: int = 0
    pictured: bool = False
    asked: int = 0
    parted: int = 0

    @property
    def is_text(self) -> bool:
        """Whether the run is only about documents."""
        return bool(self.documents) and not self.exhibits

    @property
    def item(self) -> str:
        """Word for what a question is about, singular."""
        return "section" if self.is_text else "exhibit or section" if self.documents else "exhibit"

    @property
    def items(self) -> str:
        """Word for what questions are about, plural."""
        return "exhibits and sections" if self.documents and self.exhibits else f"{self.item}s"

    @property
    def unit(self) -> str:
        """Word for what is scored, singular: a part of a section if sections were cut into parts."""
        return self.item.replace("section", "part of a section") if self.parted else self.item

    @property
    def units(self) -> str:
        """Word for what is scored, plural."""
        return self.items.replace("sections", "parts of sections") if self.parted else self.items

    @property
    def picture(self) -> str:
        """Word for the picture of a question, singular."""
        return "figure" if self.is_text else "picture" if self.documents else "photo"

    @property
    def tested(self) -> str:
        """Word for what the test consists of, singular."""
        return "question" if self.documents else "photo"

    def __str__(self) -> str:
        counts = [counted(self.exhibits, "exhibit")] if self.exhibits or not self.documents else []
        if self.documents:
            of = f"{self.asked} of " if 0 < self.asked < self.sections else ""
            counts.append(f"{of}{counted(self.sections, 'section')} of {counted(self.documents, 'document')}")
        return " and ".join(counts)
