"""Find the straight horizontal and vertical lines on a PDF page: the rules of tables. Reads pages through PDFium."""

import ctypes
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

from docent.stages.ingest.pdf.page.classes import Sheet

MAX_PATHS, MAX_SEGMENTS, MAX_RULES = 20_000, 40_000, 1_000
"""A page with more of them is a drawing, and is not searched for tables."""


class Rule(NamedTuple):
    """A horizontal or vertical line: `at` is its height, or its distance from the left; `start` and `end` its ends."""

    at: float
    start: float
    end: float


Rules = tuple[list[Rule], list[Rule]]
"""Horizontal and vertical rules of a page."""


def rules_of(sheet: Sheet) -> Rules:
    """Return horizontal and vertical rules: segments of paths, and filled rectangles as thin as a line."""
    across: list[Rule] = []
    upright: list[Rule] = []
    segments = 0
    for count, item in enumerate(sheet.page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH], max_depth=2)):
        segments += pdfium.FPDFPath_CountSegments(item.raw)
        if count >= MAX_PATHS or segments > MAX_SEGMENTS:
            return [], []
        for ends in _lines_of(item):
            box = sheet.view.box(*ends)
            if box.height < 1.0 and box.width > 6:
                across.append(Rule((box.bottom + box.top) / 2, box.left, box.right))
            elif box.width < 1.0 and box.height > 4:
                upright.append(Rule((box.left + box.right) / 2, box.bottom, box.top))
    return (across, upright) if max(len(across), len(upright)) <= MAX_RULES else ([], [])


def _lines_of(item: Any) -> list[tuple[float, float, float, float]]:
    """Return the straight lines that a path draws, each as left, bottom, right, top."""
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDFPath_GetDrawMode(item.raw, ctypes.byref(fill), ctypes.byref(stroke))
    if not stroke.value:
        left, bottom, right, top = item.get_bounds()
        thin = fill.value and min(right - left, top - bottom) < 2.5
        if not thin:
            return []
        middle_x, middle_y = (left + right) / 2, (bottom + top) / 2
        flat = right - left > top - bottom
        return [(left, middle_y, right, middle_y) if flat else (middle_x, bottom, middle_x, top)]
    matrix = item.get_matrix()
    points: list[tuple[float, float]] = []
    lines: list[tuple[float, float, float, float]] = []
    x, y = ctypes.c_float(), ctypes.c_float()
    for number in range(pdfium.FPDFPath_CountSegments(item.raw)):
        segment = pdfium.FPDFPath_GetPathSegment(item.raw, number)
        pdfium.FPDFPathSegment_GetPoint(segment, ctypes.byref(x), ctypes.byref(y))
        point = matrix.on_point(x.value, y.value)
        kind = pdfium.FPDFPathSegment_GetType(segment)
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            points = []
        elif kind == pdfium.FPDF_SEGMENT_LINETO and points:
            lines.append(_sorted(points[-1], point))
        points.append(point)
        if pdfium.FPDFPathSegment_GetClose(segment):
            lines.append(_sorted(point, points[0]))
    return lines


def _sorted(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float, float, float]:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1])
