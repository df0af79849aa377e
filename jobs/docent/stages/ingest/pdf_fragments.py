"""Pieces of text on a page of a PDF, each with its place and the height of its font; and which of them are headings.

A line is cut where a gap is wider than its letters are high, where a vertical rule crosses it, and at a narrower gap
that lines above or below it have at the same place: the gutter between two columns. Reads pages through PDFium.
"""

from __future__ import annotations

import ctypes
import re
import statistics
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

from docent.stages.ingest.pdf_pages import Box, PageText, Sheet, View

BULLET = re.compile(r"^\s*[•◦▪‣●○■□▸►⁃∙·*–-]\s+")
_MIN_HEADING_RATIO, MAX_HEADING_CHARS = 1.15, 120
WIDE_GAP, NARROW_GAP, BULLET_GAP = 1.2, 0.75, 4.0
"""Gaps in heights of letters: one always parts two pieces, the other where its neighbours have it too (the blank of a
typewriter's font is 0.6 high); the last one belongs to a bullet or number and the text of its item."""
_MAX_GAPS = 5_000
_NEIGHBOURS = 3
_ITEM_MARK = re.compile(r"\s*(?:[•◦▪‣●○■□▸►⁃∙·*–-]|\(?\w{1,3}[.)])\s*")
_MAX_MARK_CHARS = 8


class Rule(NamedTuple):
    """A straight line along the page: `at` is its height (or its distance from the left), the others its ends."""

    at: float
    start: float
    end: float


@dataclass(frozen=True)
class Fragment:
    """Text that stands together on one line of the page.

    Attributes:
        size: height of its font, in points.
        line: 1-based line of the page's text.
    """

    text: str
    box: Box
    size: float
    line: int


class _Piece(NamedTuple):
    """A part of a line; `left` is where the gap in front of it begins, and `narrow` whether that alone parts it."""

    run: list[tuple[str, Box, int]]
    line: int
    left: float
    narrow: bool


def fragments_of(
    textpage: Any, page_text: PageText, view: View, upright: Sequence[Rule] = (), *, columns: bool = True
) -> list[Fragment]:
    """The pieces of every line of the text.

    Args:
        upright: vertical rules of the page, which part the cells of a table however near they stand.
        columns: whether a narrow gap parts two pieces where the lines around it have it too.
    """
    rules = sorted(upright)
    pieces: list[_Piece] = []
    for number, start, end in page_text.lines():
        run: list[tuple[str, Box, int]] = []
        left, narrow = 0.0, False
        for character, position in zip(page_text.text[start:end], page_text.characters[start:end], strict=True):
            box = None if character == " " else _loose_box(textpage, position, view)
            if box and run:
                before = run[-1][1]
                gap = (box.left - before.right) / max(box.height, 1.0)
                crossed = bool(rules) and _crossed(rules, before, box)
                wide = crossed or gap > WIDE_GAP
                parted = wide or (columns and gap > NARROW_GAP)
                if parted and (crossed or gap > BULLET_GAP or not _is_item_mark(run)):
                    pieces.append(_Piece(run, number, left, narrow))
                    run, left, narrow = [], before.right, not wide
            if box or run:
                run.append((character, box or run[-1][1], position))
        pieces.append(_Piece(run, number, left, narrow))
    return [part for run, line in _joined(pieces) for part in _fragment(textpage, run, line)]


def _is_item_mark(run: Sequence[tuple[str, Box, int]]) -> bool:
    """Whether a part of a line is only the bullet or number of a list's item."""
    return len(run) <= _MAX_MARK_CHARS and _ITEM_MARK.fullmatch("".join(part[0] for part in run)) is not None


def _crossed(rules: Sequence[Rule], before: Box, box: Box) -> bool:
    """Whether a vertical rule stands between two characters of a line."""
    middle = (box.bottom + box.top) / 2
    for number in range(bisect_left(rules, (before.right - 1.0,)), len(rules)):
        if rules[number].at > box.left + 1.0:
            return False
        if rules[number].start <= middle <= rules[number].end:
            return True
    return False


def _joined(pieces: Sequence[_Piece]) -> list[tuple[list[tuple[str, Box, int]], int]]:
    """The pieces put together again where a narrow gap is only a wide blank: the lines around have none there."""
    gaps = [(piece.run[0][1], piece) for piece in pieces if piece.run and piece.left]
    crowded = len(gaps) > _MAX_GAPS
    gaps.sort(key=lambda gap: gap[0].bottom)
    bottoms = [box.bottom for box, _ in gaps]
    joined: list[tuple[list[tuple[str, Box, int]], int]] = []
    for piece in pieces:
        if piece.narrow and joined and (crowded or not _is_gutter(piece, gaps, bottoms)):
            joined[-1][0].extend([(" ", joined[-1][0][-1][1], joined[-1][0][-1][2]), *piece.run])
        else:
            joined.append((list(piece.run), piece.line))
    return joined


def _is_gutter(piece: _Piece, gaps: Sequence[tuple[Box, _Piece]], bottoms: Sequence[float]) -> bool:
    """Whether two lines near a gap have one that overlaps it."""
    box = piece.run[0][1]
    reach = _NEIGHBOURS * 1.6 * max(box.height, 1.0)
    rows: set[int] = set()
    for number in range(bisect_left(bottoms, box.bottom - reach), len(gaps)):
        other, near = gaps[number]
        if other.bottom > box.bottom + reach:
            break
        overlap = min(box.left, other.left) - max(piece.left, near.left)
        if abs(other.bottom - box.bottom) > 0.3 * box.height and overlap > 0.35 * box.height:
            rows.add(round((other.bottom - box.bottom) / max(box.height, 1.0)))
    return len(rows) >= 2


def _fragment(textpage: Any, run: list[tuple[str, Box, int]], line: int) -> list[Fragment]:
    text = " ".join("".join(character for character, _, _ in run).split())
    if not text:
        return []
    boxes = [box for _, box, _ in run]
    whole = Box(
        min(box.left for box in boxes),
        min(box.bottom for box in boxes),
        max(box.right for box in boxes),
        max(box.top for box in boxes),
    )
    high = statistics.median_low([box.height for box in boxes])
    middle = _middle([(character, position) for character, _, position in run])
    return [Fragment(text, whole, _font_size(textpage, middle) or high, line)]


class MeasuredLine(NamedTuple):
    """A line of the page's text and its place.

    Attributes:
        size: height of its font, in points.
        gap: its widest gap, in heights of its letters.
    """

    number: int
    text: str
    box: Box
    size: float
    gap: float


def measured_lines(sheet: Sheet, page_text: PageText) -> list[MeasuredLine]:
    """The lines of a page that hold a character, in the order of the file; measures the ends of words only."""
    found: list[MeasuredLine] = []
    for number, start, end in page_text.lines():
        text, positions = page_text.text[start:end], page_text.characters[start:end]
        begin, behind_last = len(text) - len(text.lstrip()), len(text.rstrip())
        if begin >= behind_last:
            continue
        first = _loose_box(sheet.textpage, positions[begin], sheet.view)
        last = _loose_box(sheet.textpage, positions[behind_last - 1], sheet.view)
        if first is None or last is None:
            continue
        mark = _ITEM_MARK.match(text, begin)
        gap, at = 0.0, text.find(" ", mark.end() if mark else begin)
        while 0 <= at < behind_last:
            behind = at + 1
            while text[behind] == " ":
                behind += 1
            gap = max(gap, _gap(sheet, positions[at - 1], positions[behind]))
            at = text.find(" ", behind)
        box = Box(first.left, min(first.bottom, last.bottom), last.right, max(first.top, last.top))
        middle = (begin + behind_last - 1) // 2
        middle += text[middle] == " "  # PDFium makes up spaces, which have no font
        size = _font_size(sheet.textpage, positions[middle]) or box.height
        found.append(MeasuredLine(number, text.strip(), box, size, gap))
    return found


_BEFORE, _BEHIND = pdfium.FS_RECTF(), pdfium.FS_RECTF()


def _gap(sheet: Sheet, before: int, behind: int) -> float:
    """Gap between two characters of a line in heights of the second; 0 where PDFium has no box of one.

    Asked for every word of a document, and so without boxes of Python.
    """
    a, b, ask = _BEFORE, _BEHIND, pdfium.FPDFText_GetLooseCharBox
    if not (ask(sheet.textpage.raw, before, a) and ask(sheet.textpage.raw, behind, b)):
        return 0.0
    if sheet.view.rotation % 180:
        return float(max(b.bottom - a.top, a.bottom - b.top) / max(b.right - b.left, 1.0))
    return float(max(b.left - a.right, a.left - b.right) / max(b.top - b.bottom, 1.0))


def _middle(written: Sequence[tuple[str, int]]) -> int:
    """Position of the letter in the middle: PDFium makes up spaces, which have no font."""
    seen = [position for character, position in written if not character.isspace()]
    return seen[len(seen) // 2]


def _font_size(textpage: Any, position: int) -> float:
    """Height of the font of a character as it is shown, in points; 0 where PDFium does not know it."""
    matrix = pdfium.FS_MATRIX()
    if not pdfium.FPDFText_GetMatrix(textpage.raw, position, ctypes.byref(matrix)):
        return 0.0
    scale = float((matrix.c**2 + matrix.d**2) ** 0.5)
    return round(float(pdfium.FPDFText_GetFontSize(textpage.raw, position)) * scale, 2)


def _loose_box(textpage: Any, position: int, view: View) -> Box | None:
    """Box of a character, as high as its font; None where PDFium has none."""
    rect = pdfium.FS_RECTF()
    if not pdfium.FPDFText_GetLooseCharBox(textpage.raw, position, ctypes.byref(rect)):
        return None
    return view.box(rect.left, rect.bottom, rect.right, rect.top)


class FontSizes:
    """How many characters of a document so far are set in fonts of which height."""

    def __init__(self) -> None:
        self._counts: Counter[float] = Counter()

    def add(self, sizes: Iterable[tuple[float, int]]) -> float:
        """Count a page's fonts, each with its characters; gives the height that half of all characters reach."""
        for size, count in sizes:
            self._counts[round(size, 1)] += count
        total, passed = self._counts.total(), 0
        for size, count in sorted(self._counts.items()):
            passed += count
            if passed * 2 >= total:
                return size
        return 0.0


def is_heading(text: str, size: float, body: float) -> bool:
    """Whether a line is set larger than the document's text, and is short, no list item and no address."""
    large = body > 0 and size >= _MIN_HEADING_RATIO * body
    words = len(text) <= MAX_HEADING_CHARS and any(character.isalpha() for character in text)
    return large and words and not BULLET.match(text) and "://" not in text


def headings_of(lines: Sequence[MeasuredLine], body: float) -> dict[int, str]:
    """Titles on a page of plain text, by line; `body` is the height of the document's text."""
    return {line.number: line.text for line in lines if is_heading(line.text, line.size, body)}
