"""Group a PDF page into blocks (headings, paragraphs, lists, tables, figures) in reading order; write them as Markdown.

Columns are separated at gutters that no text crosses; if there are none, the page is first cut at horizontal gaps
(recursive XY cut, Nagy and Seth 1984). Every line of Markdown records the lines of the page it came from.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from docent.records import Figure
from docent.stages.ingest.pdf.headings import MAX_JOINED_CHARS, same_size, section_number
from docent.stages.ingest.pdf.page.classes import Box
from docent.stages.ingest.pdf.page.fragments import Fragment
from docent.stages.ingest.pdf.page.lines import BULLET, is_heading
from docent.stages.ingest.pdf.page.tables import Table, outside, rows_of, to_markdown

# A page with more pieces is a drawing with text, such as a map; its pieces stay in the order of their lines.
_MAX_CUT = 400
_GUTTER_PT, _MIN_COLUMN_SHARE, _MIN_COLUMN_LINES = 10.0, 0.2, 3
_SURE_GUTTER_PT, _MIN_LINES_AT_GAP = 24.0, 6
"""A narrower gutter must separate more lines, as it may be a gap between words that happens to align in a few lines."""


@dataclass(frozen=True)
class Placed:
    """A figure and its box on the page."""

    figure: Figure
    box: Box


Part = Fragment | Table | Placed


@dataclass(frozen=True)
class Line:
    """A line of a block, and its first and last line in the page's text, or 0 if it has none, like a figure.

    Attributes:
        title: text of the heading if the line is one, or "".
    """

    text: str
    first: int = 0
    last: int = 0
    title: str = ""


@dataclass
class Block:
    """Consecutive lines of one kind: a heading, paragraph, list item, table or figure."""

    kind: Literal["heading", "text", "list", "table", "figure"]
    lines: list[Line]
    figures: list[Figure] = field(default_factory=list)


def blocks_of(
    fragments: Sequence[Fragment],
    tables: Sequence[Table],
    figures: Sequence[Placed],
    body: float,
    numbered: frozenset[int] = frozenset(),
) -> list[Block]:
    """Return the blocks of a page, in reading order.

    Args:
        body: height of the document's text, in points.
        numbered: numbers of the page's lines that are headings by their section number.
    """
    parts: list[Part] = [*outside(fragments, tables), *tables, *figures]
    width = max((f.box.right for f in fragments), default=0.0)
    return [block for leaf in _cut(parts, width) for block in _grouped(leaf, body, numbered)]


def _cut(parts: list[Part], width: float) -> list[list[Part]]:
    """Return the parts in groups, one column after another."""
    if len(parts) < 2 * _MIN_COLUMN_LINES or len(parts) > _MAX_CUT:
        return [parts]
    if columns := _columns(parts, width):
        return [leaf for column in columns for leaf in _cut(column, width)]
    # If columns appear only below or above a horizontal gap, cut there, and read the part above it first.
    ordered = sorted(parts, key=lambda part: -part.box.top)
    lowest, gaps = ordered[0].box.bottom, []
    for number, part in enumerate(ordered[1:], 1):
        gaps.append((lowest - part.box.top, number))
        lowest = min(lowest, part.box.bottom)
    for gap, number in sorted(gaps, reverse=True)[:8]:
        below = ordered[number:]
        if gap >= 0 and (_columns(below, width) or _columns(ordered[:number], width)):
            return [*_cut(ordered[:number], width), *_cut(below, width)]
    return [parts]


def _columns(parts: Sequence[Part], width: float) -> list[list[Part]]:
    """Return the parts left and right of a gutter, or an empty list if a side is too narrow or short for a column."""
    right_end = 0.0
    ordered = sorted(parts, key=lambda part: part.box.left)
    for number, part in enumerate(ordered):
        sides = ordered[:number], ordered[number:]
        gutter = part.box.left - right_end
        least = _MIN_COLUMN_LINES if gutter >= _SURE_GUTTER_PT else _MIN_LINES_AT_GAP
        if number and gutter >= _GUTTER_PT and all(_is_column(side, width, least) for side in sides):
            return [list(side) for side in sides]
        right_end = max(right_end, part.box.right)
    return []


def _is_column(parts: Sequence[Part], width: float, least: int) -> bool:
    span = max(part.box.right for part in parts) - min(part.box.left for part in parts)
    return len({round(part.box.top) for part in parts}) >= least and span >= _MIN_COLUMN_SHARE * width


def _grouped(parts: Sequence[Part], body: float, numbered: frozenset[int]) -> list[Block]:
    """Return the blocks of one column from top to bottom, with the lines of a paragraph in one block."""
    rows = rows_of([part for part in parts if isinstance(part, Fragment)])
    placed: list[tuple[float, list[Fragment] | Table | Placed]] = [(row[0].box.top, row) for row in rows]
    placed += [(part.box.top, part) for part in parts if not isinstance(part, Fragment)]
    blocks: list[Block] = []
    above: list[Fragment] | None = None
    for _, item in sorted(placed, key=lambda entry: -entry[0]):
        if isinstance(item, Table):
            lines = [Line(text, item.first_line, item.last_line) for text in to_markdown(item.rows)]
            blocks.append(Block("table", lines))
        elif isinstance(item, Placed):
            blocks.append(Block("figure", [Line(item.figure.token)], [item.figure]))
        else:
            _add_row(blocks, item, above, body, numbered)
        above = item if isinstance(item, list) else None
    return blocks


def _add_row(
    blocks: list[Block], row: list[Fragment], above: list[Fragment] | None, body: float, numbered: frozenset[int]
) -> None:
    """Add a row of text to the block above it, or begin a new block."""
    text, size = _joined(row), max(fragment.size for fragment in row)
    known = [f.line for f in row if f.line] or [0]  # form values are not part of the page's text, and have line 0
    line = Line(text, min(known), max(known))
    heading = is_heading(text, size, body) or all(fragment.line in numbered for fragment in row)
    bullet = bool(BULLET.match(text))
    kind: Literal["heading", "text", "list"] = "heading" if heading else "list" if bullet else "text"
    last = blocks[-1] if blocks else None
    close = above is not None and above[0].box.bottom - row[0].box.top < 0.8 * size
    size_above = max(fragment.size for fragment in above or row)
    alike = same_size(size_above, size) if heading else abs(size_above - size) < 0.12 * size
    continues = last is not None and (last.kind == kind or (last.kind == "list" and kind == "text"))
    begins = bullet or (heading and section_number(text) is not None)
    if last is not None and continues and close and alike and not begins:
        last.lines.append(line)
    else:
        blocks.append(Block(kind, [line]))


def _joined(row: list[Fragment]) -> str:
    text = row[0].text
    for before, fragment in zip(row, row[1:], strict=False):
        gap = fragment.box.left - before.box.right
        text += (" " if gap > 0.12 * fragment.size else "") + fragment.text
    return text


def to_markdown_lines(blocks: Sequence[Block]) -> list[Line]:
    """Return the blocks as lines of Markdown, with empty lines between them."""
    lines: list[Line] = []
    for block in blocks:
        if lines:
            lines.append(Line(""))
        if block.kind == "heading":
            title = " ".join(line.text for line in block.lines)
            mark = "#" * (1 + len(section_number(title) or "1"))
            lines.append(Line(f"{mark} {title}", block.lines[0].first, block.lines[-1].last, title[:MAX_JOINED_CHARS]))
        elif block.kind == "list":
            first = block.lines[0]
            lines.append(Line("- " + BULLET.sub("", first.text), first.first, first.last))
            lines += [Line("  " + line.text, line.first, line.last) for line in block.lines[1:]]
        else:
            lines += block.lines
    return lines
