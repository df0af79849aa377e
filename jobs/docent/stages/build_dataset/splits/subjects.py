"""Keep what pairs are about, small enough for a million sections: exhibits whole, sections as numbers.

Reads the items of `assemble` once, as a stream.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

from docent.records import Item
from docent.text.prompt_safety import hidden_in

MAX_TITLES = 10_000
"""Items whose names are kept for the statistics; later ones are counted together."""


@dataclass
class Subjects:
    """Items by number, in the order in which they were read.

    Attributes:
        exhibits: whole items, which meet their photos.
        numbers: number of every item by its id.
        titles: names of the first MAX_TITLES items.
        documents: id and title of every document.
        document_of: number of each item's document.
    """

    exhibits: list[Item] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    titles: list[str] = field(default_factory=list)
    documents: list[tuple[str, str]] = field(default_factory=list)
    document_of: array[int] = field(default_factory=lambda: array("L"))
    exhibit_ids: set[str] = field(default_factory=set)
    invisible: int = 0
    """Invisible characters in the texts of all items; none is in a pair."""
    tokens: int = 0
    """Tokens of chat templates in them, which are text in a pair."""

    @property
    def sections(self) -> int:
        """Return how many items are sections of documents."""
        return len(self.numbers) - len(self.exhibits)

    def is_section(self, item_id: str) -> bool:
        """Return whether an item is known and not an exhibit."""
        return item_id in self.numbers and item_id not in self.exhibit_ids

    def document(self, item_id: str) -> tuple[str, str]:
        """Return id and title of the document that an item belongs to."""
        return self.documents[self.document_of[self.numbers[item_id]]]


def read_subjects(items: Iterable[Item]) -> Subjects:
    """Read all items; keep texts and facts only of exhibits."""
    found = Subjects()
    known: dict[str, int] = {}
    for item in items:
        if item.id in found.numbers:
            continue
        found.numbers[item.id] = len(found.numbers)
        hidden = hidden_in(item.text)
        found.invisible, found.tokens = found.invisible + hidden.invisible, found.tokens + hidden.tokens
        if len(found.titles) < MAX_TITLES:
            found.titles.append(item.name)
        if item.document_id not in known:
            known[item.document_id] = len(found.documents)
            found.documents.append((item.document_id, item.document))
        found.document_of.append(known[item.document_id])
        if item.kind == "exhibit":
            found.exhibits.append(item)
            found.exhibit_ids.add(item.id)
    return found
