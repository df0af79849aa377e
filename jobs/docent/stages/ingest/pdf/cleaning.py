"""Remove running headers, footers and page numbers from PDF pages, and join words divided at line ends.

A line at the top or bottom of a page is a running line if it appears at the same height on at least three pages and on
a third of all pages, ignoring numbers that stay constant or grow with the pages. On most of these pages it must be
separated from the text by a gap or differ from it in size, so that text repeated on every sheet of a catalogue is kept.
Reads and writes no files.
"""

import re
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from docent.stages.ingest.pdf.page.blocks import Block, Line
from docent.stages.ingest.pdf.page.lines import MeasuredLine, is_heading
from docent.text.hyphenation import Words, is_divided, whole_word

EDGE_ROWS = 3
"""Rows at the top and at the bottom of a page that may be running lines."""
_MIN_PAGES, _MIN_SHARE = 3, 1 / 3
_SAME_HEIGHT_PT, _GAP_RATIO, _SIZE_RATIO = 8.0, 1.4, 0.08
_GROWING_SHARE, _APART_SHARE = 0.6, 0.5
_NUMBER = re.compile(r"\d{1,9}")
_ROMAN = re.compile(r"[ivxlc]{1,7}|[IVXLC]{1,7}")
_PAGE_LABEL = re.compile(
    r"\W{0,9}(?:page|seite|pagina|página|p\.|s\.|p|s)?\s{0,9}#\s{0,9}(?:(?:of|von|de|di|/|\|)\s{0,9}#)?\W{0,9}",
    re.IGNORECASE,
)
_LISTED = ("- ", "## ", "| ")


@dataclass(frozen=True)
class EdgeLine:
    """A line at the top or bottom of its page.

    Attributes:
        number: number of the line in the page's text.
        middle: height of the line's middle on the page, in points.
        is_apart: whether a gap or its size separates it from the text.
        is_large: whether it is set like a heading.
    """

    page: int
    number: int
    text: str
    middle: float
    is_apart: bool
    is_large: bool


def edge_lines(page: int, lines: Sequence[MeasuredLine], body: float) -> list[EdgeLine]:
    """Return the top and bottom lines of a page, which may be running lines; `body` is the text height in points."""
    rows = _rows(lines)
    middles = [row[0].box.middle for row in rows]
    steps = [above - below for above, below in zip(middles, middles[1:], strict=False)]
    usual = statistics.median(steps) if len(steps) >= 4 else 1.5 * body
    edges: dict[int, EdgeLine] = {}
    for order in (range(len(rows)), range(len(rows) - 1, -1, -1)):
        outer = list(order)[:EDGE_ROWS]
        inward = [abs(middles[a] - middles[b]) for a, b in zip(outer, list(order)[1:], strict=False)]
        gaps = [number for number, step in enumerate(inward) if step > _GAP_RATIO * usual]
        for place, at in enumerate(outer):
            inside = (not gaps or place > gaps[-1]) and len(rows) > 1
            for line in rows[at]:
                apart = not (inside and abs(line.size - body) <= _SIZE_RATIO * body)
                large = is_heading(line.text, line.size, body)
                edge = EdgeLine(page, line.number, line.text, middles[at], apart, large)
                if line.number not in edges or apart:
                    edges[line.number] = edge
    return list(edges.values())


def _rows(lines: Sequence[MeasuredLine]) -> list[list[MeasuredLine]]:
    """Return groups of lines at the same height, from top to bottom."""
    rows: list[list[MeasuredLine]] = []
    for line in sorted(lines, key=lambda line: -line.box.middle):
        if rows and rows[-1][0].box.middle - line.box.middle < 0.4 * max(line.box.height, 1.0):
            rows[-1].append(line)
        else:
            rows.append([line])
    return rows


def running_lines(edges: Iterable[EdgeLine], pages: int) -> dict[int, frozenset[int]]:
    """Return the numbers of the running lines by page; a large one is kept on the first page that has it."""
    groups: dict[str, list[EdgeLine]] = defaultdict(list)
    for edge in edges:
        groups[_key(edge.text)].append(edge)
    running: dict[int, set[int]] = defaultdict(set)
    for key, group in groups.items():
        usual = statistics.median_low([edge.middle for edge in group])
        same = [edge for edge in group if abs(edge.middle - usual) <= _SAME_HEIGHT_PT]
        on = len({edge.page for edge in same})
        enough = on >= max(_MIN_PAGES, pages * _MIN_SHARE) or (on == pages == 2 and _PAGE_LABEL.fullmatch(key))
        apart = sum(edge.is_apart for edge in same) >= _APART_SHARE * len(same)
        if enough and apart and _is_numbered_by_pages(same):
            for edge in same[1:] if same[0].is_large else same:
                running[edge.page].add(edge.number)
    return {page: frozenset(numbers) for page, numbers in running.items()}


def _key(line: str) -> str:
    text = " ".join(line.split())
    return "#" if _ROMAN.fullmatch(text) else _NUMBER.sub("#", text)[:200]


def _is_numbered_by_pages(group: Sequence[EdgeLine]) -> bool:
    """Return whether most steps of every number in the lines are 0 or follow the pages, unlike chapter numbers."""
    ordered = sorted(group, key=lambda edge: edge.page)
    numbers = [[int(number) for number in _NUMBER.findall(edge.text)] for edge in ordered]
    steps = [later.page - edge.page for edge, later in zip(ordered, ordered[1:], strict=False)]
    for slot in zip(*numbers, strict=False):
        moves = [b - a for a, b in zip(slot, slot[1:], strict=False)]
        regular = sum(move in (0, step) for move, step in zip(moves, steps, strict=True))
        if regular < _GROWING_SHARE * len(moves):
            return False
    return True


def without_running(lines: Sequence[Line], running: frozenset[int]) -> list[Line]:
    """Return the lines of a page without running headers and footers."""
    return [line for line in lines if not (line.first and line.first == line.last and line.first in running)]


def undivided(lines: Sequence[Line], words: Words) -> list[Line]:
    """Return the lines with divided words joined on the line where they begin; lines left empty are dropped."""
    whole: list[Line] = []
    for line in lines:
        before = whole[-1] if whole else None
        if before is None or not is_divided(before.text) or not line.text.strip() or line.text.startswith(_LISTED):
            whole.append(line)
            continue
        head = before.text.rpartition(" ")[2]
        tail, _, rest = line.text.strip().partition(" ")
        if (word := whole_word(head, tail, words)) is None:
            whole.append(line)
            continue
        whole[-1] = Line(before.text[: len(before.text) - len(head)] + word, before.first, max(before.last, line.first))
        if rest:
            whole.append(replace(line, text=rest))
        else:
            whole[-1] = replace(whole[-1], last=max(whole[-1].last, line.last))
    return whole


def undivided_blocks(blocks: Sequence[Block], words: Words) -> list[Block]:
    """Return the blocks of a page with divided words joined, also across a column break."""
    whole: list[Block] = []
    for block in blocks:
        lines = block.lines
        if block.kind in ("text", "list", "heading"):
            lines = undivided(lines, words)
            if whole and whole[-1].kind == block.kind == "text" and is_divided(whole[-1].lines[-1].text):
                joined = undivided([whole[-1].lines[-1], lines[0]], words)
                whole[-1].lines = [*whole[-1].lines[:-1], joined[0]]
                lines = [*joined[1:], *lines[1:]]
        if lines:
            whole.append(Block(block.kind, lines, block.figures))
    return whole


def running_texts(running: dict[int, frozenset[int]], edges: Iterable[EdgeLine]) -> list[str]:
    """Return the texts of running lines, each once, for the log."""
    first: dict[str, str] = {}
    for edge in edges:
        if edge.number in running.get(edge.page, ()):
            first.setdefault(_key(edge.text), edge.text)
    return list(first.values())
