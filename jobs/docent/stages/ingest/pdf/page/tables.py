"""Find the tables of a PDF page: tables with rules around their cells, and short texts aligned in columns.

A ruled table is a net of lines that cross; every mesh is a cell. Spanning cells are not recognised: their text goes
to the mesh that contains its middle. A table without rules is three or more rows of short texts with aligned left or
right edges.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from docent.connected import representatives
from docent.stages.ingest.pdf.page.classes import Box
from docent.stages.ingest.pdf.page.fragments import Fragment
from docent.stages.ingest.pdf.page.rules import Rule, Rules
from docent.text.hyphenation import Words, joined

MAX_FRAGMENTS, MAX_NETS = 50_000, 200
"""A page with more pieces of text is a drawing, and is not searched; only the first MAX_NETS ruled tables are read."""
_NEAR_PT = 3.0
_MIN_ROWS, _MAX_CELL_CHARS, _MIN_PROSE_CHARS = 3, 40, 15


@dataclass(frozen=True)
class Table:
    """A table on the page.

    Attributes:
        rows: texts of the cells; the first row is the header.
        first_line, last_line: range of the table in the lines of the page's text.
        parts: the pieces of text inside the table.
    """

    box: Box
    rows: tuple[tuple[str, ...], ...]
    first_line: int
    last_line: int
    parts: tuple[Fragment, ...]


def to_markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows as lines of a Markdown table; the first row is the header."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return [lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]]


def find_tables(rules: Rules, fragments: Sequence[Fragment], words: Words | None = None) -> list[Table]:
    """Return tables of a page, from top to bottom.

    Args:
        words: the document's words, to distinguish a divided word in a cell from one with a hyphen.
    """
    if len(fragments) > MAX_FRAGMENTS:
        return []
    ordered = sorted(fragments, key=lambda fragment: fragment.box.middle)
    middles = [fragment.box.middle for fragment in ordered]
    ruled: list[Table] = []
    for net in _nets(*rules)[:MAX_NETS]:
        ys, xs = (_distinct([rule.at for rule in side]) for side in net)
        if len(ys) < 3 or len(xs) < 3:
            continue
        near = ordered[bisect_left(middles, ys[0]) : bisect_right(middles, ys[-1])]
        if table := _ruled(ys, xs, near, words or Words()):
            ruled.append(table)
    return sorted([*ruled, *_aligned(outside(fragments, ruled))], key=lambda table: -table.box.top)


def outside(fragments: Sequence[Fragment], tables: Sequence[Table]) -> list[Fragment]:
    """Return the pieces of text that are not in a table."""
    inside = {id(part) for table in tables for part in table.parts}
    return [fragment for fragment in fragments if id(fragment) not in inside]


def _nets(across: list[Rule], upright: list[Rule]) -> list[Rules]:
    """Return groups of rules that cross each other, directly or through other rules."""
    crossings = (
        (i, j)
        for i, flat in enumerate(across)
        for j, tall in enumerate(upright, len(across))
        if flat.start - _NEAR_PT <= tall.at <= flat.end + _NEAR_PT
        and tall.start - _NEAR_PT <= flat.at <= tall.end + _NEAR_PT
    )
    nets: dict[int, Rules] = {}
    for number, root in representatives(range(len(across) + len(upright)), crossings).items():
        net = nets.setdefault(root, ([], []))
        if number < len(across):
            net[0].append(across[number])
        else:
            net[1].append(upright[number - len(across)])
    return list(nets.values())


def _ruled(ys: list[float], xs: list[float], near: Sequence[Fragment], words: Words) -> Table | None:
    """Return the table with rules at these heights and distances, or None if it has hardly any text."""
    box = Box(xs[0], ys[0], xs[-1], ys[-1])
    inside = [f for f in near if box.holds(f.box)]
    cells: dict[tuple[int, int], list[Fragment]] = {}
    for fragment in inside:
        column = bisect_right(xs, (fragment.box.left + fragment.box.right) / 2, 1, len(xs) - 1) - 1
        row = len(ys) - 1 - bisect_right(ys, fragment.box.middle, 1, len(ys) - 1)
        cells.setdefault((row, column), []).append(fragment)
    if len(cells) < 3:
        return None
    for parts in cells.values():
        parts.sort(key=lambda f: (-round(f.box.top / max(f.size, 1.0)), f.box.left))
    texts = {place: joined([f.text for f in parts], words) for place, parts in cells.items()}
    rows = [tuple(texts.get((row, column), "") for column in range(len(xs) - 1)) for row in range(len(ys) - 1)]
    filled = tuple(row for row in rows if any(row))
    return Table(box, filled, *_lines(inside), tuple(inside)) if len(filled) > 1 else None


def _lines(parts: Sequence[Fragment]) -> tuple[int, int]:
    """Return the first and last line of the page's text among the parts; form values have none."""
    known = [part.line for part in parts if part.line] or [1]
    return min(known), max(known)


def _distinct(values: list[float]) -> list[float]:
    """Return distinct positions in order; positions less than three points apart count as one."""
    distinct: list[float] = []
    for value in sorted(values):
        if not distinct or value - distinct[-1] > _NEAR_PT:
            distinct.append(value)
    return distinct


def _aligned(fragments: Sequence[Fragment]) -> list[Table]:
    """Return tables without rules: consecutive rows with the same number of short texts, in aligned columns."""
    tables: list[Table] = []
    block: list[list[Fragment]] = []
    for row in [*rows_of(fragments), []]:
        if block and not _follows(block[-1], row):
            if len(block) >= _MIN_ROWS and not all(_is_prose(column) for column in zip(*block, strict=True)):
                tables.append(_table_of(block))
            block = []
        if len(row) > 1 and all(len(f.text) <= _MAX_CELL_CHARS for f in row):
            block.append(row)
    return tables


def _is_prose(column: Sequence[Fragment]) -> bool:
    """Return whether a column is running text: most lines fill it and begin in the middle of a sentence."""
    widest = max(f.box.width for f in column)
    full = sum(f.box.width >= 0.7 * widest for f in column)
    inside = sum(f.text[0].islower() for f in column[1:])
    long = sum(len(f.text) >= _MIN_PROSE_CHARS for f in column)
    return min(full, long) >= 0.6 * len(column) and inside >= 0.6 * (len(column) - 1)


def _follows(above: list[Fragment], row: list[Fragment]) -> bool:
    """Return whether a row continues the table of the row above."""
    if len(row) != len(above) or above[0].box.bottom - row[0].box.top > 1.5 * above[0].size:
        return False
    lefts = sum(abs(a.box.left - b.box.left) <= _NEAR_PT for a, b in zip(above, row, strict=True))
    rights = sum(abs(a.box.right - b.box.right) <= _NEAR_PT for a, b in zip(above, row, strict=True))
    short = all(len(f.text) <= _MAX_CELL_CHARS for f in row)
    return short and max(lefts, rights) >= len(row) - (len(row) > 2)


def _table_of(block: list[list[Fragment]]) -> Table:
    parts = [f for row in block for f in row]
    rows = tuple(tuple(f.text for f in row) for row in block)
    return Table(Box.around([f.box for f in parts]), rows, *_lines(parts), tuple(parts))


def rows_of(fragments: Sequence[Fragment]) -> list[list[Fragment]]:
    """Return fragments grouped by line, from top to bottom and left to right, regardless of file order."""
    rows: list[list[Fragment]] = []
    for fragment in sorted(fragments, key=lambda f: (-(f.box.bottom + f.box.top), f.box.left)):
        first = rows[-1][0].box if rows else None
        if first and first.bottom + 0.2 * first.height < fragment.box.middle < first.top - 0.2 * first.height:
            rows[-1].append(fragment)
        else:
            rows.append([fragment])
    return [sorted(row, key=lambda f: f.box.left) for row in rows]
