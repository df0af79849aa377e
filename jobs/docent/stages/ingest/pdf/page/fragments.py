"""Split the text of a PDF page into pieces, each with its place and font height.

A line is cut at a gap wider than its letters are high, at a vertical rule that crosses it, and at a narrower gap if
lines above or below have one at the same place: the gutter between two columns. Reads pages through PDFium.
"""

import ctypes
import re
import statistics
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

from docent.stages.ingest.pdf.page.classes import Box, PageText, View
from docent.stages.ingest.pdf.page.rules import Rule

WIDE_GAP, NARROW_GAP, BULLET_GAP = 1.2, 0.75, 4.0
"""Gaps in letter heights. The first always separates two pieces; the second only if neighbouring lines have it too (a
typewriter font's space is 0.6 wide); up to the third, a bullet or number stays with the text of its item."""
_MAX_GAPS = 5_000
_NEIGHBOURS = 3
ITEM_MARK = re.compile(r"\s*(?:[•◦▪‣●○■□▸►⁃∙·*–-]|\(?\w{1,3}[.)])\s*")
_MAX_MARK_CHARS = 8


@dataclass(frozen=True)
class Fragment:
    """A piece of text on one line of the page.

    Attributes:
        size: font height, in points.
        line: line of the page's text, from 1, or 0 for the value of a form.
    """

    text: str
    box: Box
    size: float
    line: int


class _Piece(NamedTuple):
    """A part of a line; `left` is the start of the gap before it, `narrow` whether that gap is only a narrow one."""

    run: list[tuple[str, Box, int]]
    line: int
    left: float
    narrow: bool


def fragments_of(
    textpage: Any, page_text: PageText, view: View, upright: Sequence[Rule] = (), *, columns: bool = True
) -> list[Fragment]:
    """Return the pieces of text on every line of a page.

    Args:
        upright: vertical rules of the page; they separate the cells of a table, however close these are.
        columns: whether a narrow gap separates two pieces if the lines around it have it too.
    """
    rules = sorted(upright)
    pieces: list[_Piece] = []
    for number, start, end in page_text.lines():
        run: list[tuple[str, Box, int]] = []
        left, narrow = 0.0, False
        for character, position in zip(page_text.text[start:end], page_text.characters[start:end], strict=True):
            box = None if character == " " else loose_box(textpage, position, view)
            if box and run:
                before = run[-1][1]
                gap = (box.left - before.right) / max(box.height, 1.0)
                crossed = bool(rules) and _crossed(rules, before, box)
                wide = crossed or gap > WIDE_GAP
                parted = wide or (columns and gap > NARROW_GAP)
                # The bullet or number of an item stays with its text.
                is_mark = len(run) <= _MAX_MARK_CHARS and ITEM_MARK.fullmatch("".join(part[0] for part in run))
                if parted and (crossed or gap > BULLET_GAP or not is_mark):
                    pieces.append(_Piece(run, number, left, narrow))
                    run, left, narrow = [], before.right, not wide
            if box or run:
                run.append((character, box or run[-1][1], position))
        pieces.append(_Piece(run, number, left, narrow))
    return [part for run, line in _joined(pieces) for part in _fragment(textpage, run, line)]


def _crossed(rules: Sequence[Rule], before: Box, box: Box) -> bool:
    """Return whether a vertical rule is between two characters of a line."""
    for number in range(bisect_left(rules, (before.right - 1.0,)), len(rules)):
        if rules[number].at > box.left + 1.0:
            return False
        if rules[number].start <= box.middle <= rules[number].end:
            return True
    return False


def _joined(pieces: Sequence[_Piece]) -> list[tuple[list[tuple[str, Box, int]], int]]:
    """Return the pieces, joined across narrow gaps that are only wide spaces, as the lines around have none there."""
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
    """Return whether at least two lines near a gap have a gap that overlaps it."""
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
    # Use the middle letter's font; skip spaces, which PDFium inserts and which have no font.
    letters = [position for character, _, position in run if not character.isspace()]
    size = font_size(textpage, letters[len(letters) // 2]) or statistics.median_low([box.height for box in boxes])
    return [Fragment(text, Box.around(boxes), size, line)]


def font_size(textpage: Any, position: int) -> float:
    """Return the font height of a character as shown, in points, or 0 if PDFium does not know it."""
    matrix = pdfium.FS_MATRIX()
    if not pdfium.FPDFText_GetMatrix(textpage.raw, position, ctypes.byref(matrix)):
        return 0.0
    scale = float((matrix.c**2 + matrix.d**2) ** 0.5)
    return round(float(pdfium.FPDFText_GetFontSize(textpage.raw, position)) * scale, 2)


def loose_box(textpage: Any, position: int, view: View) -> Box | None:
    """Return the box of a character, as high as its font, or None if PDFium has none."""
    rect = pdfium.FS_RECTF()
    if not pdfium.FPDFText_GetLooseCharBox(textpage.raw, position, ctypes.byref(rect)):
        return None
    return view.box(rect.left, rect.bottom, rect.right, rect.top)
