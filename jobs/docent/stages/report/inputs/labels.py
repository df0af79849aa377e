"""What an exhibit or a section is called on the page. Reads and writes nothing."""

from __future__ import annotations

from docent.records import Item


def label(item: Item, documents: int) -> str:
    """The name of an exhibit as people write it; the title of a section where there is one document alone.

    Args:
        documents: how many text documents the run has.
    """
    if item.kind == "section":
        return item.title if item.title and documents == 1 else item.name
    return item.spoken_name[:1].upper() + item.spoken_name[1:] if item.spoken_name else item.name
