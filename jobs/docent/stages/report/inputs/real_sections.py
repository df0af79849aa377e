"""Count the sections of documents: one that was cut at page ends or at the maximum length counts once."""

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
"""The page names at most this many sections without a row."""
_CHAPTER = re.compile(r"(\d{1,3})[.\s]")


def whole_sections(parts: Iterable[T], place: Callable[[T], tuple[str, str, int | None]]) -> Iterator[list[T]]:
    """Group the parts of documents into sections, in document order.

    Consecutive parts with the same title are one section. Text without pages is never cut, so each part is a section.

    Args:
        parts: the parts in document order.
        place: function that returns a part's document id, its title and its page (None in a file without pages).
    """
    numbers = itertools.count()

    def section(part: T) -> object:
        document, title, page = place(part)
        return (document, title) if title and page is not None else next(numbers)

    return (list(group) for _, group in itertools.groupby(parts, section))


@dataclass
class SectionCounts:
    """Counts of the sections of documents; one that was cut into parts counts once.

    Attributes:
        count: number of sections.
        parted: number of sections that were cut into several parts.
        asked: number of sections with a row in the data set.
        unused: names of the first MAX_UNUSED sections without a row.
        chapters: chapter number -> whether any section of the chapter has a row.
    """

    count: int = 0
    parted: int = 0
    asked: int = 0
    unused: list[str] = field(default_factory=list)
    chapters: dict[str, bool] = field(default_factory=dict)


def count_sections(items: Iterable[tuple[Item, bool]], documents: int) -> SectionCounts:
    """Count the sections that assemble's items are parts of.

    Args:
        items: (item, whether it has a row in the data set) of parts of sections, in document order.
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
    """Return a sentence about sections that were cut into parts, to append to a text, or "" if there are none.

    Args:
        parted: number of sections that were cut into several parts.
    """
    if not parted:
        return ""
    read = plural(parted, "section is", "sections are")
    return f". {thousands(parted)} {read} read in several parts, cut at page ends or at the longest length"


def first_parts(items: Iterable[Item]) -> dict[str, str]:
    """Return item id -> id of the first part of its section; an exhibit maps to itself."""
    return {part.id: parts[0].id for parts in whole_sections(items, _place) for part in parts}


def _place(item: Item) -> tuple[str, str, int | None]:
    return item.document_id, item.title, item.source.page if item.kind == "section" else None
