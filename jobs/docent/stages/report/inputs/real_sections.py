"""Count sections as their documents have them: one that was cut at a page end or at the longest length counts once.

Reads and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from docent.records import Item
from docent.stages.report.inputs.titles import label
from docent.stages.report.sentences.amounts import plural, thousands

MAX_UNUSED = 200
"""Sections without a row that the page names."""
_CHAPTER = re.compile(r"(\d{1,3})[.\s]")


class Boundaries:
    """Tells parts of one section from the next section; asked about every part, in the order of the document."""

    def __init__(self) -> None:
        self._before: tuple[str, str] | None = None

    def is_new(self, document: str, title: str, page: int | None) -> bool:
        """Tell whether this part is the first of its section.

        Parts with one title that follow one another are one section. Text without pages is never cut: there, every
        part has a heading of its own.

        Args:
            document: id of its document.
            page: that it stands on; None in a file without pages.
        """
        key = (document, title) if title and page is not None else None
        new = key is None or key != self._before
        self._before = key
        return new


@dataclass
class SectionCounts:
    """Sections of documents, each counted once.

    Attributes:
        parted: read in several parts.
        asked: with a row in the data set; unused: names of the first others.
        chapters: whether any section of a numbered chapter has a row, by its number.
    """

    count: int = 0
    parted: int = 0
    asked: int = 0
    unused: list[str] = field(default_factory=list)
    chapters: dict[str, bool] = field(default_factory=dict)


def count_sections(items: Iterable[tuple[Item, bool]], documents: int) -> SectionCounts:
    """Count the sections of items of assemble.

    Args:
        items: those that are parts of sections, in their order, and whether each has a row in the data set.
        documents: how many text documents the run has.
    """
    counts, boundaries = SectionCounts(), Boundaries()
    first: Item | None = None
    parts, used = 0, False
    for item, has_row in items:
        if boundaries.is_new(item.document_id, item.title, item.source.page):
            _close(counts, first, parts, used, documents)
            first, parts, used = item, 0, False
        parts += 1
        used |= has_row
    _close(counts, first, parts, used, documents)
    return counts


def in_parts(parted: int) -> str:
    """Say how many sections are read in several parts, to go on after another sentence; "" for none.

    Args:
        parted: sections that are.
    """
    if not parted:
        return ""
    read = plural(parted, "section is", "sections are")
    return f". {thousands(parted)} {read} read in several parts, cut at page ends or at the longest length"


def _close(counts: SectionCounts, first: Item | None, parts: int, used: bool, documents: int) -> None:
    """Count one section, now that all its parts are known."""
    if first is None:
        return
    counts.count += 1
    counts.parted += parts > 1
    counts.asked += used
    if not used and len(counts.unused) < MAX_UNUSED:
        counts.unused.append(label(first, documents))
    if documents == 1 and (chapter := _CHAPTER.match(first.title)):
        counts.chapters[chapter[1]] = counts.chapters.get(chapter[1], False) or used


def first_parts(items: Iterable[Item]) -> dict[str, str]:
    """Map the id of every part to that of the first part of its section; an exhibit is its own."""
    first_of: dict[str, str] = {}
    boundaries, first = Boundaries(), ""
    for item in items:
        page = item.source.page if item.kind == "section" else None
        if boundaries.is_new(item.document_id, item.title, page):
            first = item.id
        first_of[item.id] = first
    return first_of
