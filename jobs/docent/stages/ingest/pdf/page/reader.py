"""Read one PDF page while it is open: as lines, as pieces of text with their places, or as a picture.

The layout and the class of the page decide which. Sorting the text into reading order is done later, in layouts.py.
"""

import itertools
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pypdfium2.raw as pdfium

from docent.records import Figure, ImageFile, Reject
from docent.stages.ingest.pdf.page.blocks import Line, Placed
from docent.stages.ingest.pdf.page.classes import PageText, Sheet, class_of, is_garbled, read_text
from docent.stages.ingest.pdf.page.figures import Cropper, PageImage, caption_of, find_images, token
from docent.stages.ingest.pdf.page.forms import Value, values_of, with_values
from docent.stages.ingest.pdf.page.fragments import NARROW_GAP, Fragment, fragments_of
from docent.stages.ingest.pdf.page.lines import MeasuredLine, measured_lines, median_size
from docent.stages.ingest.pdf.page.rules import Rules, rules_of
from docent.stages.ingest.pdf.page.tables import MAX_FRAGMENTS
from docent.stages.ingest.sources import ListedFile
from docent.text.terms import length_in_words

log = logging.getLogger("docent.ingest")

GARBLED = "page text is garbled"
MIN_PAGE_WORDS = 8
"""A picture page with fewer words stays a picture; one with more is read as text if descriptions are disabled."""
MAX_PLACED_CHARS = 200_000
"""A page with more text is a drawing or a list, and is read in file order."""
_MIN_SHAPES = 20
"""A page without text is not empty if it has at least this many shapes."""
_MIN_BESIDE, _MAX_UPWARD_SHARE = 3, 0.25
"""From this number of lines next to each other, or this share of lines that jump upwards, a page must be sorted."""


def page_reject(listed: ListedFile, reason: str, number: int, detail: str) -> Reject:
    """Return the reject for a page that is not read, or for a part of it."""
    where = f"{listed.name} page {number}"
    return Reject(reason=reason, raw=where, parents=(listed.document_id,), detail=detail)


@dataclass(frozen=True)
class OpenPage:
    """One page while it is open."""

    sheet: Sheet
    text: PageText
    images: list[PageImage]
    values: list[Value]


@dataclass
class Page:
    """One page as read, before its text is in reading order.

    Attributes:
        kind: `text` has lines, `blocks` has pieces of text with their places, `picture` has a figure and, in the
            layout `pictures`, either of them.
        body: height of the document's text, from the pages so far, later from all pages.
        headings: numbers of lines that are headings by their section number, set later.
        running: numbers of lines that are headers, footers or page numbers, set later.
    """

    number: int
    kind: str
    body: float
    measured: list[MeasuredLine]
    lines: list[Line] = field(default_factory=list)
    fragments: list[Fragment] = field(default_factory=list)
    rules: Rules = ([], [])
    figures: list[Placed] = field(default_factory=list)
    max_chars: int = 0
    headings: frozenset[int] = frozenset()
    running: frozenset[int] = frozenset()

    @property
    def shown(self) -> list[MeasuredLine]:
        """Return the page's lines without the running ones."""
        return [line for line in self.measured if line.number not in self.running]

    def texts(self) -> Iterator[str]:
        """Yield all of the page's text, in pieces that end at line ends."""
        yield from (line.text for line in self.lines)
        yield from (fragment.text for fragment in self.fragments)


class PageReader:
    """Reads the pages of one document, one after another."""

    def __init__(self, cropper: Cropper, *, clean: bool) -> None:
        section = cropper.intake.section
        self.listed, self.settings, self.cropper, self.clean = cropper.listed, section.pdf, cropper, clean
        self._described = section.describe.enabled
        self._chars_by_size: Counter[float] = Counter()

    def read(self, sheet: Sheet, form: Any, pages: list[Page]) -> Iterator[Reject]:
        """Append a page to `pages`; yield rejects for its unusable parts.

        Args:
            form: handle of the document's form, or None if there is none.
        """
        open_page = OpenPage(sheet, read_text(sheet.textpage), find_images(sheet), values_of(sheet, form))
        if is_garbled(open_page.text.text):
            yield page_reject(self.listed, GARBLED, sheet.number, "its fonts do not say what their shapes mean")
            open_page = OpenPage(sheet, PageText("", ()), open_page.images, open_page.values)
        says_something = open_page.text.text.strip() or open_page.images or open_page.values
        if not says_something and not _is_drawn(sheet):
            log.warning("%s: skipped page %d, which is empty", self.listed.name, sheet.number)
            return
        measured = measured_lines(sheet, open_page.text)
        for line in measured:
            self._chars_by_size[round(line.size, 1)] += len(line.text)
        kind = self._kind(open_page, measured) if says_something else "picture"
        page = Page(sheet.number, kind, median_size(self._chars_by_size), measured)
        pages.append(page)
        if page.kind == "text":
            page.lines = [Line(text, number, number) for number, text in enumerate(open_page.text.text.split("\n"), 1)]
        elif page.kind == "blocks":
            yield from self._add_blocks(page, open_page)
        else:
            yield from self._add_picture(page, open_page)

    def _kind(self, open_page: OpenPage, measured: Sequence[MeasuredLine]) -> str:
        """Return how to read a page: as lines, as pieces with their places, or as a picture."""
        if self.settings.layout == "partition":
            return "blocks" if len(open_page.text.text) <= MAX_PLACED_CHARS else "text"
        if self.settings.layout == "pictures":
            return "picture"
        kind = class_of(len(open_page.text.text), len(open_page.images), self.settings.text_page_chars)
        if kind == "text":
            if not self.clean or len(open_page.text.text) > MAX_PLACED_CHARS:
                return "text"
            return "text" if not open_page.values and _is_simple(measured, rules_of(open_page.sheet)) else "blocks"
        few = self._described or length_in_words(open_page.text.text) < MIN_PAGE_WORDS
        return "picture" if kind == "picture" and few and not open_page.values else "blocks"

    def _add_blocks(self, page: Page, open_page: OpenPage) -> Iterator[Reject]:
        sheet = open_page.sheet
        fragments = self._place_text(page, open_page)
        is_text = class_of(len(open_page.text.text), len(open_page.images), self.settings.text_page_chars) == "text"
        page.max_chars = self.settings.chunk_chars if is_text else self.settings.mixed_chunk_chars
        near = fragments if len(fragments) <= MAX_FRAGMENTS else []
        for image, kept in self.cropper.figures(sheet, open_page.images):
            if isinstance(kept, Reject):
                yield kept
                continue
            mark = token(sheet.number, len(page.figures) + 1)
            page.figures.append(Placed(Figure(token=mark, caption=caption_of(image.box, near), image=kept), image.box))

    def _place_text(self, page: Page, open_page: OpenPage) -> list[Fragment]:
        """Set a page's text to pieces with their places; return the pieces before form values are added."""
        sheet = open_page.sheet
        page.rules = rules_of(sheet)
        upright = page.rules[1] if self.clean else ()
        fragments = fragments_of(sheet.textpage, open_page.text, sheet.view, upright, columns=self.clean)
        page.fragments = with_values(fragments, open_page.values)
        return fragments

    def _add_picture(self, page: Page, open_page: OpenPage) -> Iterator[Reject]:
        """Add a page as a picture, followed by its text if the layout is `pictures`; yield its rejects."""
        kept: ImageFile | Reject = self.cropper.page_picture(open_page.sheet, open_page.images)
        if isinstance(kept, Reject):
            yield kept
        else:
            figure = Figure(token=token(page.number, 1), image=kept)
            page.figures = [Placed(figure, open_page.sheet.view.box(0, 0, 0, 0))]
        if self.settings.layout != "pictures":
            return
        placeable = self.clean and len(open_page.text.text) <= MAX_PLACED_CHARS
        if placeable and not _is_simple(page.measured, rules_of(open_page.sheet)):
            self._place_text(page, open_page)
        else:
            page.lines = [Line(text, i, i) for i, text in enumerate(open_page.text.text.rstrip().split("\n"), 1)]
            page.lines += [Line(f"{value.name}: {value.text}".removeprefix(": ")) for value in open_page.values]


def _is_drawn(sheet: Sheet) -> bool:
    """Return whether a page without text and images has many shapes, as letters may be drawn as outlines."""
    shapes = sheet.page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH, pdfium.FPDF_PAGEOBJ_SHADING], max_depth=4)
    return sum(1 for _ in itertools.islice(shapes, _MIN_SHAPES)) >= _MIN_SHAPES


def _is_simple(lines: Sequence[MeasuredLine], rules: Rules) -> bool:
    """Return whether the lines of a page can be read in file order, as it has no table and no unsorted columns."""
    if min(len(rules[0]), len(rules[1])) >= 3 or any(line.gap > NARROW_GAP for line in lines):
        return False
    beside = upward = 0
    # A header or footer may come first or last in the file, whatever its place on the page.
    for above, below in zip(lines[1:-1], lines[2:-1], strict=False):
        apart = below.box.left >= above.box.right or below.box.right <= above.box.left
        rises = below.box.top - above.box.top
        if apart and rises > above.box.height and below.box.right <= above.box.left:
            return False  # the text jumps from a column to one on its left
        beside += apart and abs(rises) < 0.5 * above.box.height
        upward += not apart and rises > above.box.height
    return beside < _MIN_BESIDE and upward <= len(lines) * _MAX_UPWARD_SHARE
