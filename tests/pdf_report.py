"""A report of nine pages about the sample museum, as a PDF: five pages of text, four with text and figures.

Reads `samples/museum/raw_data.csv`; writes the PDF where a test wants it. The texts are those of the exhibits, line by
line as they stand on the pages, so that tests can work out what a loader must find without reading the PDF.
"""

from __future__ import annotations

import csv
import textwrap
from pathlib import Path

import numpy as np

from tests.pdf_files import PdfImage, PdfPage, noise, text_lines, write_pdf

MUSEUM = Path(__file__).resolve().parents[1] / "samples" / "museum" / "raw_data.csv"
TEXT_PAGES, MIXED_PAGES = (1, 2, 4, 6, 9), (3, 5, 7, 8)
FIGURE_PAGES = (3, 5, 7, 8, 8)
TERMINAL_POINTS = (404.0, 76.0)
"""Width and height of the figure of page 3, which is nearly black."""
LINE_CHARS = 80
TITLE_SIZE = 18.0


def exhibits() -> list[tuple[str, list[str]]]:
    """Name and description, in lines, of every exhibit."""
    with MUSEUM.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return [(title_of(row["item_name"]), wrapped(row["description"])) for row in rows]


def title_of(name: str) -> str:
    """`klein-bottle` as a heading."""
    return name.replace("-", " ").capitalize()


def wrapped(text: str) -> list[str]:
    """Lines of at most LINE_CHARS characters, no word of which is cut."""
    return textwrap.wrap(text, LINE_CHARS, break_long_words=False, break_on_hyphens=False)


def lines_of_pages() -> dict[int, list[str]]:
    """What stands on each page, line by line: two exhibits on a page of text, one on the last and on mixed pages."""
    found: dict[int, list[str]] = {}
    left = iter(exhibits())
    for page in range(1, 10):
        count = 2 if page in TEXT_PAGES[:-1] else 1
        found[page] = [line for title, lines in (next(left) for _ in range(count)) for line in (title, *lines)]
    return found


def write_report(path: Path) -> Path:
    """Write the PDF."""
    titles = {title for title, _ in exhibits()}
    pages = []
    for number, lines in lines_of_pages().items():
        if number in TEXT_PAGES:
            pages.append(PdfPage(with_titles(lines, titles, 780)))
        else:
            half = len(lines) // 2
            text = [*with_titles(lines[:half], titles, 780), *with_titles(lines[half:], titles, 180)]
            pages.append(PdfPage(text, images=figures_of(number)))
    return write_pdf(path, pages, {"Title": "Report on a cabinet of forms"})


def with_titles(lines: list[str], titles: set[str], top: float) -> list[tuple[float, float, float, str]]:
    """Lines below each other, headings in larger letters."""
    placed = text_lines(lines, top)
    return [(x, y, TITLE_SIZE if line in titles else size, line) for x, y, size, line in placed]


def figures_of(page: int) -> list[PdfImage]:
    """The figures of a mixed page, between its two halves of text."""
    if page == FIGURE_PAGES[0]:
        dark = np.where(noise(800, 300, seed=page) > 240, 255, 0)
        return [PdfImage(dark, (60, 400, *TERMINAL_POINTS))]
    places = [(60.0, 440.0, 300.0, 130.0), (60.0, 260.0, 300.0, 130.0)][: FIGURE_PAGES.count(page)]
    return [PdfImage(noise(seed=10 * page + number), place) for number, place in enumerate(places)]
