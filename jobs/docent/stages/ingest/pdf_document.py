"""The document of one PDF that is open: its pages read one at a time, put in order, and cut into sections.

Every page is read before the first section is made, for only then is known which lines run through the document and
how it writes its words. Runs in the child process that pdf_reader.py is, and for the layout `docling` in the stage.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import pypdfium2 as pypdfium
import pypdfium2.raw as pdfium

from docent.records import Document, Figure, ImageFile, Reject, Section
from docent.stages.ingest import docling_layout, partition
from docent.stages.ingest.images import Intake
from docent.stages.ingest.pdf_blocks import Block, Line, Placed, blocks_of, to_markdown_lines
from docent.stages.ingest.pdf_cleaning import (
    EdgeLine,
    edge_lines,
    running_lines,
    said_of,
    undivided,
    undivided_blocks,
    without_running,
)
from docent.stages.ingest.pdf_figures import Cropper, PageImage, caption_of, find_images, token
from docent.stages.ingest.pdf_forms import Value, values_of, with_values
from docent.stages.ingest.pdf_fragments import (
    NARROW_GAP,
    FontSizes,
    Fragment,
    MeasuredLine,
    fragments_of,
    headings_of,
    measured_lines,
)
from docent.stages.ingest.pdf_pages import PageText, Sheet, class_of, is_garbled, opened, read_text
from docent.stages.ingest.pdf_sections import SectionMaker, cutter, uncut
from docent.stages.ingest.pdf_tables import MAX_FRAGMENTS, Rules, find_tables, rules_of
from docent.stages.ingest.sources import MAX_NAME_CHARACTERS, ListedFile, shorten
from docent.text.hyphenation import Words, is_divided
from docent.text.sentences import count_words, readable_name

log = logging.getLogger("docent.ingest")

NO_CONTENT = "document without content"
ENCRYPTED = "PDF is encrypted"
CANNOT_BE_READ = "PDF cannot be read"
TOO_MANY_PAGES = "PDF has too many pages"
PAGE_CANNOT_BE_READ = "page cannot be read"
GARBLED = "page text is garbled"
FORM_NOT_READ = "form of the PDF is not read"
MIN_PAGE_WORDS = 8
"""A picture page with fewer words is left to who describes it; one with more is read as mixed where nobody does."""
MAX_PLACED_CHARS = 200_000
"""A page of more text is a drawing or a list: it is read in the order of the file."""
_MIN_SHAPES = 20
"""Of a page that is not empty although it has no text."""
_MIN_BESIDE, _MAX_UPWARD_SHARE = 3, 0.25
"""Lines beside each other, and the share of lines above the one before, from which on a page is put in order."""
# PDF properties that say what the document is; dates and programs say only how the file was made.
_PROPERTIES = ("Title", "Author", "Subject", "Keywords")


@dataclass(frozen=True)
class Watch:
    """What the reader tells while it reads, and which pages it leaves out.

    Attributes:
        report: called with the number of a page before it is opened, and again before it is cut into sections.
        left_out: why, by number of the page.
    """

    report: Callable[[int], None] = lambda _number: None
    left_out: Mapping[int, str] = field(default_factory=dict)


UNWATCHED = Watch()


def rejected(listed: ListedFile, reason: str, detail: str) -> Reject:
    """A file that is no document, or a part of it that is not read."""
    return Reject(reason=reason, raw=shorten(listed.name), parents=(listed.document_id,), detail=detail)


def document_in(listed: ListedFile, intake: Intake, watch: Watch = UNWATCHED) -> Iterator[Document | Reject]:
    """The document of a file behind what of it cannot be used, or why it is none.

    Raises:
        ConfigError: the layout is `docling`, which is not installed.
    """
    try:
        pdf = pypdfium.PdfDocument(listed.path)
    except (pypdfium.PdfiumError, OSError) as error:
        if getattr(error, "err_code", None) == pdfium.FPDF_ERR_PASSWORD:
            yield rejected(listed, ENCRYPTED, "it opens with a password only: save it without one")
        else:
            yield rejected(listed, CANNOT_BE_READ, str(error)[:200])
        return
    try:
        if len(pdf) > intake.section.pdf.max_pages:
            detail = f"{len(pdf)} pages, ingest.pdf.max_pages is {intake.section.pdf.max_pages}"
            yield rejected(listed, TOO_MANY_PAGES, detail)
            return
        if pdf.get_formtype() != pdfium.FORMTYPE_NONE:
            pdf.init_forms()
        yield from _document(listed, intake, pdf, watch)
    finally:
        pdf.close()


def _document(listed: ListedFile, intake: Intake, pdf: Any, watch: Watch) -> Iterator[Document | Reject]:
    """Rejects of the pages, then the document with all sections."""
    settings = intake.section.pdf
    if pdf.get_formtype() in (pdfium.FORMTYPE_XFA_FULL, pdfium.FORMTYPE_XFA_FOREGROUND):
        yield rejected(listed, FORM_NOT_READ, "it is an XFA form: print it to a PDF of its own, and read that")
    reader = Reader(listed, intake, pdf, watch)
    made = docling_layout.sections(reader.cropper, listed) if settings.layout == "docling" else reader.sections()
    sections: list[Section] = []
    for row in made:
        if isinstance(row, Section):
            sections.append(row)
        else:
            yield row
    if not sections:
        yield rejected(listed, NO_CONTENT, f"{len(pdf)} pages")
        return
    meta = _meta(pdf)
    yield Document(
        id=listed.document_id,
        kind="pdf",
        name=meta.get("title") or readable_name(PurePosixPath(listed.name).stem)[:MAX_NAME_CHARACTERS] or listed.name,
        sections=tuple(sections),
        language=listed.source.language,
        meta=meta,
    )


def _meta(pdf: Any) -> dict[str, str]:
    """What the file says of itself, on one line each and short."""
    try:
        said = {name: pdf.get_metadata_value(name) for name in _PROPERTIES}
    except (pypdfium.PdfiumError, UnicodeDecodeError):
        return {}
    clean = {
        name.lower(): " ".join("".join(c if c.isprintable() else " " for c in text).split())[:MAX_NAME_CHARACTERS]
        for name, text in said.items()
    }
    return {name: text for name, text in clean.items() if text}


@dataclass(frozen=True)
class Reading:
    """One page while it is open."""

    sheet: Sheet
    text: PageText
    images: list[PageImage]
    values: list[Value]


@dataclass
class Page:
    """One page as it was read, before it is put in order.

    Attributes:
        kind: `text` has lines, `blocks` pieces of text with their places, `picture` its figure and then lines.
        body: height of the document's text as far as it was read.
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

    def texts(self) -> Iterator[str]:
        """All of its text, in pieces that end where lines do."""
        yield from (line.text for line in self.lines)
        yield from (fragment.text for fragment in self.fragments)


class Reader:
    """Reads one open file."""

    def __init__(self, listed: ListedFile, intake: Intake, pdf: Any, watch: Watch = UNWATCHED) -> None:
        self.listed, self.settings, self.pdf, self.watch = listed, intake.section.pdf, pdf, watch
        self.cropper = Cropper(listed, intake)
        self.maker = SectionMaker(listed.name)
        self.clean = self.settings.clean or self.settings.layout == "partition"
        self._described = intake.section.describe.enabled
        self._sizes = FontSizes()

    def sections(self) -> Iterator[Section | Reject]:
        """Sections of every page that is not skipped, behind rejects of what cannot be used."""
        pages: list[Page] = []
        for number in range(self.settings.skip_first_pages + 1, len(self.pdf) + 1):
            if number in self.watch.left_out:
                yield self._page_reject(PAGE_CANNOT_BE_READ, number, self.watch.left_out[number])
                continue
            self.watch.report(number)
            try:
                with opened(self.pdf, number) as sheet:
                    yield from self._read(sheet, pages)
            except pypdfium.PdfiumError as error:
                yield self._page_reject(PAGE_CANNOT_BE_READ, number, str(error)[:200])
        running = self._running(pages) if self.clean else {}
        words = Words()
        if self.clean and any(is_divided(text) for page in pages for text in page.texts()):
            words = Words.of(text for page in pages for text in page.texts())
        for page in pages:
            self.watch.report(page.number)
            yield from self._sections_of(page, running.get(page.number, frozenset()), words)

    def _page_reject(self, reason: str, number: int, detail: str) -> Reject:
        where = f"{self.listed.name} page {number}"
        return Reject(reason=reason, raw=where, parents=(self.listed.document_id,), detail=detail)

    def _running(self, pages: Sequence[Page]) -> dict[int, frozenset[int]]:
        """Lines of every page that are headers, footers and page numbers."""
        body = pages[-1].body if pages else 0.0
        edges: list[EdgeLine] = [edge for page in pages for edge in edge_lines(page.number, page.measured, body)]
        running = running_lines(edges, len(pages))
        if said := list(said_of(running, edges)):
            shown = "; ".join(repr(text[:80]) for text in said[:6])
            log.info("%s: left out as running headers and footers: %s", self.listed.name, shown)
        return running

    def _read(self, sheet: Sheet, pages: list[Page]) -> Iterator[Reject]:
        """Add a page to `pages`; gives what of it cannot be used."""
        form = self.pdf.formenv.raw if self.pdf.formenv else None
        reading = Reading(sheet, read_text(sheet.textpage), find_images(sheet), values_of(sheet, form))
        if is_garbled(reading.text.text):
            yield self._page_reject(GARBLED, sheet.number, "its fonts do not say what their shapes mean")
            reading = Reading(sheet, PageText("", ()), reading.images, reading.values)
        says_something = reading.text.text.strip() or reading.images or reading.values
        if not says_something and not _is_drawn(sheet):
            log.warning("%s page %d is empty: skipped", self.listed.name, sheet.number)
            return
        measured = measured_lines(sheet, reading.text)
        body = self._sizes.add((line.size, len(line.text)) for line in measured)
        kind = self._kind(reading, measured) if says_something else "picture"
        page = Page(sheet.number, kind, body, measured)
        pages.append(page)
        if page.kind == "text":
            page.lines = [Line(text, number, number) for number, text in enumerate(reading.text.text.split("\n"), 1)]
        elif page.kind == "blocks":
            yield from self._add_blocks(page, reading)
        else:
            yield from self._add_picture(page, reading)

    def _kind(self, reading: Reading, measured: Sequence[MeasuredLine]) -> str:
        """How a page is read: as lines, as pieces with their places, or as a picture."""
        if self.settings.layout == "partition":
            return "blocks" if len(reading.text.text) <= MAX_PLACED_CHARS else "text"
        if self.settings.layout == "pictures":
            return "picture"
        kind = class_of(len(reading.text.text), len(reading.images), self.settings.text_page_chars)
        if kind == "text":
            if not self.clean or len(reading.text.text) > MAX_PLACED_CHARS:
                return "text"
            return "text" if not reading.values and _is_simple(measured, rules_of(reading.sheet)) else "blocks"
        few = self._described or count_words(reading.text.text) < MIN_PAGE_WORDS
        return "picture" if kind == "picture" and few and not reading.values else "blocks"

    def _add_blocks(self, page: Page, reading: Reading) -> Iterator[Reject]:
        sheet = reading.sheet
        page.rules = rules_of(sheet)
        upright = page.rules[1] if self.clean else ()
        fragments = fragments_of(sheet.textpage, reading.text, sheet.view, upright, columns=self.clean)
        page.fragments = with_values(fragments, reading.values)
        is_text = class_of(len(reading.text.text), len(reading.images), self.settings.text_page_chars) == "text"
        page.max_chars = self.settings.chunk_chars if is_text else self.settings.mixed_chunk_chars
        near = fragments if len(fragments) <= MAX_FRAGMENTS else []
        for image, kept in self.cropper.figures(sheet, reading.images):
            if isinstance(kept, Reject):
                yield kept
                continue
            mark = token(sheet.number, len(page.figures) + 1)
            page.figures.append(Placed(Figure(token=mark, caption=caption_of(image.box, near), image=kept), image.box))

    def _add_picture(self, page: Page, reading: Reading) -> Iterator[Reject]:
        """A page as a picture; its text stands below where that is wanted."""
        kept: ImageFile | Reject = self.cropper.page_picture(reading.sheet, reading.images)
        if isinstance(kept, Reject):
            yield kept
        else:
            figure = Figure(token=token(page.number, 1), image=kept)
            page.figures = [Placed(figure, reading.sheet.view.box(0, 0, 0, 0))]
        if self.settings.layout == "pictures":
            page.lines = [Line(text, i, i) for i, text in enumerate(reading.text.text.rstrip().split("\n"), 1)]
            page.lines += [Line(f"{value.name}: {value.text}".removeprefix(": ")) for value in reading.values]

    def _sections_of(self, page: Page, running: frozenset[int], words: Words) -> Iterator[Section]:
        figures = [placed.figure for placed in page.figures]
        if page.kind == "blocks":
            yield from self._of_blocks(page, self._blocks(page, running, words), figures, words)
            return
        lines = self._cleaned(page.lines, running, words)
        titles = headings_of([line for line in page.measured if line.number not in running], page.body)
        if page.kind == "text":
            headings = {index: titles[line.first] for index, line in enumerate(lines) if line.first in titles}
            cut = cutter(self.settings, self.settings.chunk_chars)
            yield from self.maker.sections(page.number, lines, cut, headings)
            return
        last = max((line.number for line in page.measured), default=1)
        shown = [Line(figure.token, 1, last) for figure in figures]
        if any(line.text.strip() for line in lines):
            shown += [*([Line("")] if shown else []), *lines]
        title = next(iter(titles.values()), "")
        yield from self.maker.sections(page.number, shown, uncut, {0: title} if title else {}, figures)

    def _cleaned(self, lines: Sequence[Line], running: frozenset[int], words: Words) -> list[Line]:
        return undivided(without_running(lines, running), words) if self.clean else list(lines)

    def _blocks(self, page: Page, running: frozenset[int], words: Words) -> list[Block]:
        """The blocks of a page, in reading order."""
        fragments = [fragment for fragment in page.fragments if fragment.line not in running]
        tables = find_tables(page.rules, fragments, words)
        blocks = blocks_of(fragments, tables, page.figures, page.body)
        return undivided_blocks(blocks, words) if self.clean else blocks

    def _of_blocks(
        self, page: Page, blocks: Sequence[Block], figures: Sequence[Figure], words: Words
    ) -> Iterator[Section]:
        if self.settings.layout == "partition":
            for group in partition.by_title(partition.elements_of(blocks, words)):
                lines = partition.lines_of(group)
                titles = {element.lines[0].text for element in group if element.is_title}
                headings = {number: line.text for number, line in enumerate(lines) if line.text in titles}
                yield from self.maker.sections(page.number, lines, uncut, headings, figures)
            return
        lines = to_markdown_lines(blocks)
        headings = {i: line.text[3:] for i, line in enumerate(lines) if line.text.startswith("## ") and line.first}
        cut = cutter(self.settings, page.max_chars)
        yield from self.maker.sections(page.number, lines, cut, headings, figures)


def _is_drawn(sheet: Sheet) -> bool:
    """Whether a page without text and images shows shapes all the same, as one does whose letters are outlines."""
    shapes = sheet.page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH, pdfium.FPDF_PAGEOBJ_SHADING], max_depth=4)
    return sum(1 for _ in itertools.islice(shapes, _MIN_SHAPES)) >= _MIN_SHAPES


def _is_simple(lines: Sequence[MeasuredLine], rules: Rules) -> bool:
    """Whether the lines of a page of text can be read in the order of the file: no table, no columns out of order."""
    if min(len(rules[0]), len(rules[1])) >= 3 or any(line.gap > NARROW_GAP for line in lines):
        return False
    beside = upward = 0
    # A header or footer may come first or last in the file, wherever it stands.
    for above, below in zip(lines[1:-1], lines[2:-1], strict=False):
        apart = below.box.left >= above.box.right or below.box.right <= above.box.left
        rises = below.box.top - above.box.top
        if apart and rises > above.box.height and below.box.right <= above.box.left:
            return False  # from a column to the one on its left
        beside += apart and abs(rises) < 0.5 * above.box.height
        upward += not apart and rises > above.box.height
    return beside < _MIN_BESIDE and upward <= len(lines) * _MAX_UPWARD_SHARE
