"""Split the blocks of a page into clean elements, and group them by title into sections of bounded length.

A section ends before a title, or once it has 1,200 characters; neighbouring sections are combined while the first has
under 1,000; no section is longer than 1,500. Sections end with their page, so that each span has one page.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from docent.stages.ingest.pdf.page.blocks import Block, Line
from docent.stages.ingest.pdf.page.figures import TOKEN
from docent.stages.ingest.pdf.page.lines import BULLET
from docent.text import hyphenation
from docent.text.chunks import chunk_text

MAX_CHARS, NEW_AFTER_CHARS, COMBINE_UNDER_CHARS = 1500, 1200, 1000


@dataclass(frozen=True)
class Element:
    """A title, paragraph, list item, table or figure.

    Attributes:
        is_title: whether it is a title.
        lines: the text, each line with the lines of the page it came from.
    """

    is_title: bool
    lines: tuple[Line, ...]

    @property
    def chars(self) -> int:
        """Return the number of characters, including line breaks."""
        return sum(len(line.text) for line in self.lines) + len(self.lines) - 1


def elements_of(blocks: Sequence[Block], words: hyphenation.Words | None = None) -> list[Element]:
    """Return the elements of a page, without bullets, repeated spaces and hyphens that divide words at line ends.

    Args:
        words: the document's words, to distinguish a divided word from one with a hyphen.
    """
    elements: list[Element] = []
    for block in blocks:
        if block.kind in ("table", "figure"):
            elements += _bounded(Element(False, tuple(block.lines))) if block.lines else []
            continue
        text = joined([line.text for line in block.lines], words)
        if text:
            whole = Line(text, block.lines[0].first, block.lines[-1].last)
            elements += _bounded(Element(block.kind == "heading", (whole,)))
    return elements


def joined(lines: Sequence[str], words: hyphenation.Words | None = None) -> str:
    """Return lines as one paragraph, without bullets and repeated spaces, with divided words joined."""
    return hyphenation.joined([BULLET.sub("", line) for line in lines], words or hyphenation.Words())


def _bounded(element: Element) -> list[Element]:
    """Return the element in parts of at most MAX_CHARS; cut a table between rows, with its header in each part."""
    if element.chars <= MAX_CHARS:
        return [element]
    if len(element.lines) > 2:
        return _bounded_rows(element.lines)
    return [
        Element(element.is_title, (Line(line.text[start:end], line.first, line.last),))
        for line in element.lines
        for start, end in chunk_text(line.text, MAX_CHARS, 0, TOKEN)
    ]


def _bounded_rows(lines: Sequence[Line]) -> list[Element]:
    head, rows = tuple(lines[:2]), lines[2:]
    room = MAX_CHARS - sum(len(line.text) + 1 for line in head)
    parts: list[list[Line]] = []
    for row in rows:
        if room < 200 or len(row.text) > room:  # the header leaves no room, or a row alone exceeds it
            return [part for line in lines for part in _bounded(Element(False, (line,)))]
        if parts and sum(len(line.text) + 1 for line in parts[-1]) + len(row.text) <= room:
            parts[-1].append(row)
        else:
            parts.append([row])
    return [Element(False, (*head, *part)) for part in parts]


def by_title(elements: Sequence[Element]) -> list[list[Element]]:
    """Return the elements of a page, grouped into sections."""
    groups: list[list[Element]] = []
    for element in elements:
        size = _chars(groups[-1]) if groups else 0
        fits = bool(groups) and size + 2 + element.chars <= MAX_CHARS
        # A title must not end a section, as it belongs to the text after it.
        if fits and (groups[-1][-1].is_title or not (element.is_title or size >= NEW_AFTER_CHARS)):
            groups[-1].append(element)
        else:
            groups.append([element])
    return _combined(groups)


def _combined(groups: Sequence[list[Element]]) -> list[list[Element]]:
    """Return the sections with neighbours combined while the first is short and both fit into one."""
    combined: list[list[Element]] = []
    for group in groups:
        size = _chars(combined[-1]) if combined else MAX_CHARS
        if size < COMBINE_UNDER_CHARS and size + 2 + _chars(group) <= MAX_CHARS:
            combined[-1] = combined[-1] + group
        else:
            combined.append(group)
    return combined


def _chars(group: Sequence[Element]) -> int:
    return sum(element.chars for element in group) + 2 * (len(group) - 1)


def lines_of(group: Sequence[Element]) -> list[Line]:
    """Return the elements of a section as lines, with empty lines between them."""
    lines: list[Line] = []
    for element in group:
        lines += [*([Line("")] if lines else []), *element.lines]
    return lines
