"""Measure the lines of text on a PDF page, and decide which are larger than the document's text.

Only the ends of words are measured, so that a long document takes little more time than reading its text. Reads pages
through PDFium.
"""

import re
from collections import Counter
from typing import NamedTuple

import pypdfium2.raw as pdfium

from docent.stages.ingest.pdf.page.classes import Box, PageText, Sheet
from docent.stages.ingest.pdf.page.fragments import ITEM_MARK, font_size, loose_box

BULLET = re.compile(r"^\s*[•◦▪‣●○■□▸►⁃∙·*–-]\s+")
_BLANKS = re.compile(" +")
_MIN_HEADING_RATIO, MAX_HEADING_CHARS = 1.15, 120


class MeasuredLine(NamedTuple):
    """A line of the page's text with its place and font.

    Attributes:
        number: number of the line in the page's text, from 1.
        size: font height, in points.
        gap: its widest gap, in letter heights.
    """

    number: int
    text: str
    box: Box
    size: float
    gap: float


def measured_lines(sheet: Sheet, page_text: PageText) -> list[MeasuredLine]:
    """Return the lines of a page that have a visible character, in file order; measure only the ends of words."""
    measured: list[MeasuredLine] = []
    for number, start, end in page_text.lines():
        text, positions = page_text.text[start:end], page_text.characters[start:end]
        begin, behind_last = len(text) - len(text.lstrip()), len(text.rstrip())
        if begin >= behind_last:
            continue
        first = loose_box(sheet.textpage, positions[begin], sheet.view)
        last = loose_box(sheet.textpage, positions[behind_last - 1], sheet.view)
        if first is None or last is None:
            continue
        mark = ITEM_MARK.match(text, begin)
        blanks = _BLANKS.finditer(text, mark.end() if mark else begin, behind_last)
        gap = max([0.0, *(_gap(sheet, positions[run.start() - 1], positions[run.end()]) for run in blanks)])
        box = Box(first.left, min(first.bottom, last.bottom), last.right, max(first.top, last.top))
        middle = (begin + behind_last - 1) // 2
        middle += text[middle] == " "  # PDFium inserts spaces, which have no font
        size = font_size(sheet.textpage, positions[middle]) or box.height
        measured.append(MeasuredLine(number, text.strip(), box, size, gap))
    return measured


_BEFORE, _BEHIND = pdfium.FS_RECTF(), pdfium.FS_RECTF()


def _gap(sheet: Sheet, before: int, behind: int) -> float:
    """Return the gap between two characters of a line, in heights of the second, or 0 if PDFium lacks a box.

    Called for every word of a document, so it reuses two structures instead of creating boxes.
    """
    a, b, ask = _BEFORE, _BEHIND, pdfium.FPDFText_GetLooseCharBox
    if not (ask(sheet.textpage.raw, before, a) and ask(sheet.textpage.raw, behind, b)):
        return 0.0
    if sheet.view.rotation % 180:
        return float(max(b.bottom - a.top, a.bottom - b.top) / max(b.right - b.left, 1.0))
    return float(max(b.left - a.right, a.left - b.right) / max(b.top - b.bottom, 1.0))


def median_size(counts: Counter[float]) -> float:
    """Return the median font height of all characters; `counts` has the number of characters by font height."""
    total, passed = counts.total(), 0
    for size, count in sorted(counts.items()):
        passed += count
        if passed * 2 >= total:
            return size
    return 0.0


def is_heading(text: str, size: float, body: float) -> bool:
    """Return whether a line is larger than the document's text, is short, and is not a list item or a URL."""
    large = body > 0 and size >= _MIN_HEADING_RATIO * body
    words = len(text) <= MAX_HEADING_CHARS and any(character.isalpha() for character in text)
    return large and words and not BULLET.match(text) and "://" not in text
