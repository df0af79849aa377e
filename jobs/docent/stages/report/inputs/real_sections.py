"""Count sections as their documents have them: one that was cut at a page end or at the longest length counts once.

Reads and writes nothing.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from docent.records import Item
from docent.stages.report.inputs.titles import label
from docent.stages.report.sentences.amounts import plural, thousands

T = TypeVar("T")
MAX_UNUSED = 200
"""Sections without a row that the page names."""
_CHAPTER = re.compile(r"(\d{1,3})[.\s]")


def whole_sections(parts: Iterable[T], place: Callable[[T], tuple[str, str, int | None]]) -> Iterator[list[T]]:
    """Group parts of documents, in their order, into sections.

    Parts with one title that follow one another are one section. Text without pages is never cut: there, every part has
    a heading of its own.

    Args:
        place: id of a part's document, its title, and the page that it stands on; None in a file without pages.
    """
    numbers = itertools.count()

    def section(part: T) -> object:
        document, title, page = place(part)
        return (document, title) if title and page is not None else next(numbers)

    return (list(group) for _, group in itertools.groupby(parts, section))


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
    counts = SectionCounts()
    for parts in whole_sections(items, lambda part: _place(part[0])):
        first, used = parts[0][0], any(has_row for _, has_row in parts)
        counts.count += 1
        counts.parted += len(parts) > 1
        counts.asked += used
        if not used and len(counts.unused) < MAX_UNUSED:
            counts.unused.append(label(first, documents))
        if documents == 1 and (chapter := _CHAPTER.match(first.title)):
            counts.chapters[chapter[1]] = counts.chapters.get(chapter[1], False) or used
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


def first_parts(items: Iterable[Item]) -> dict[str, str]:
    """Map the id of every part to that of the first part of its section; an exhibit is its own."""
    return {part.id: parts[0].id for parts in whole_sections(items, _place) for part in parts}


def _place(item: Item) -> tuple[str, str, int | None]:
    return item.document_id, item.title, item.source.page if item.kind == "section" else None
