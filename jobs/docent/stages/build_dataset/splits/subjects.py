"""Keep the items that pairs are about in little memory: full rows of exhibits, only numbers for sections.

Reads the items of `assemble` once, as a stream.
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

from docent.records import Item
from docent.text.prompt_safety import hidden_in

MAX_TITLES = 10_000
"""Number of items whose names are kept for the statistics; all later items are counted together."""


@dataclass
class Subjects:
    """Items, numbered in the order in which they were read.

    Attributes:
        exhibits: full rows of exhibits, to be matched with photos.
        numbers: number of every item, by the item's id.
        titles: names of the first MAX_TITLES items.
        documents: id and title of every document.
        document_of: index of each item's document in `documents`, by item number.
        exhibit_ids: ids of all exhibits.
    """

    exhibits: list[Item] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    titles: list[str] = field(default_factory=list)
    documents: list[tuple[str, str]] = field(default_factory=list)
    document_of: "array[int]" = field(default_factory=lambda: array("L"))
    exhibit_ids: set[str] = field(default_factory=set)
    invisible: int = 0
    """Number of invisible characters in the texts of all items; pairs contain none of them."""
    tokens: int = 0
    """Number of chat-template tokens in the texts of all items; in pairs they are plain text."""

    @property
    def sections(self) -> int:
        """Return the number of items that are sections of documents."""
        return len(self.numbers) - len(self.exhibits)

    def is_section(self, item_id: str) -> bool:
        """Return whether the item is a section of a document; False for unknown items."""
        return item_id in self.numbers and item_id not in self.exhibit_ids

    def document(self, item_id: str) -> tuple[str, str]:
        """Return the id and title of the document that an item belongs to."""
        return self.documents[self.document_of[self.numbers[item_id]]]


def read_subjects(items: Iterable[Item]) -> Subjects:
    """Read all items; keep full rows only of exhibits."""
    subjects = Subjects()
    known: dict[str, int] = {}
    for item in items:
        if item.id in subjects.numbers:
            continue
        subjects.numbers[item.id] = len(subjects.numbers)
        hidden = hidden_in(item.text)
        subjects.invisible, subjects.tokens = subjects.invisible + hidden.invisible, subjects.tokens + hidden.tokens
        if len(subjects.titles) < MAX_TITLES:
            subjects.titles.append(item.name)
        if item.document_id not in known:
            known[item.document_id] = len(subjects.documents)
            subjects.documents.append((item.document_id, item.document))
        subjects.document_of.append(known[item.document_id])
        if item.kind == "exhibit":
            subjects.exhibits.append(item)
            subjects.exhibit_ids.add(item.id)
    return subjects
