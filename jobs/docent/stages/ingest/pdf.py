"""Loader `pdf`: one document per file, in one of four layouts; pages are read one at a time.

`classes` (the default): text pages in chunks, mixed pages as Markdown with tables and figures at their places, picture
pages as pictures. `partition`: title-aware elements. `pictures`: every page as a picture, then its text. `docling`: see
docling_layout.py. Spans hold the file's own page numbers, and the lines of the page's text. Run alone:
`docent ingest report.pdf`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import pypdfium2 as pypdfium
import pypdfium2.raw as pdfium

from docent.config import Source
from docent.records import Document, Figure, ImageFile, Reject, Section
from docent.stages.ingest import docling_layout, partition
from docent.stages.ingest.images import Intake
from docent.stages.ingest.pdf_blocks import Block, Line, Placed, blocks_of, to_markdown_lines
from docent.stages.ingest.pdf_figures import Cropper, PageImage, caption_of, find_images, token
from docent.stages.ingest.pdf_pages import (
    FontSizes,
    PageText,
    Sheet,
    class_of,
    fragments_of,
    headings_of,
    is_garbled,
    opened,
    read_text,
)
from docent.stages.ingest.pdf_sections import SectionMaker, cutter, uncut
from docent.stages.ingest.pdf_tables import find_tables
from docent.stages.ingest.sources import MAX_NAME_CHARACTERS, Exhibit, ListedFile, list_files, shorten
from docent.text.sentences import readable_name
from docent.text.terms import length_in_words

log = logging.getLogger("docent.ingest")

SUFFIXES = frozenset((".pdf",))
TOO_LARGE = "document too large"
NO_CONTENT = "document without content"
ENCRYPTED = "PDF is encrypted"
CANNOT_BE_READ = "PDF cannot be read"
TOO_MANY_PAGES = "PDF has too many pages"
PAGE_CANNOT_BE_READ = "page cannot be read"
GARBLED = "page text is garbled"
MIN_PAGE_WORDS = 8
"""A picture page with fewer words is left to who describes it; one with more is read as mixed where nobody does."""
# PDF properties that say what the document is; dates and programs say only how the file was made.
_PROPERTIES = ("Title", "Author", "Subject", "Keywords")


def list_pdfs(source: Source) -> list[ListedFile | Exhibit | Reject]:
    """Every PDF of a source; opens none."""
    return list_files(source, SUFFIXES)


def load(listed: ListedFile, intake: Intake) -> Iterator[Document | Reject]:
    """The document of a file behind what of it cannot be used, or why it is none."""
    settings = intake.section.pdf
    if (size := listed.path.stat().st_size) > settings.max_mb * 1_000_000:
        yield _rejected(listed, TOO_LARGE, f"{size} bytes, ingest.pdf.max_mb is {settings.max_mb:g}")
        return
    try:
        pdf = pypdfium.PdfDocument(listed.path)
    except (pypdfium.PdfiumError, OSError) as error:
        encrypted = getattr(error, "err_code", None) == pdfium.FPDF_ERR_PASSWORD
        yield _rejected(listed, ENCRYPTED if encrypted else CANNOT_BE_READ, str(error)[:200])
        return
    try:
        if len(pdf) > settings.max_pages:
            detail = f"{len(pdf)} pages, ingest.pdf.max_pages is {settings.max_pages}"
            yield _rejected(listed, TOO_MANY_PAGES, detail)
        else:
            yield from _document(listed, intake, pdf)
    finally:
        pdf.close()


def _rejected(listed: ListedFile, reason: str, detail: str) -> Reject:
    return Reject(reason=reason, raw=shorten(listed.name), parents=(listed.document_id,), detail=detail)


def _document(listed: ListedFile, intake: Intake, pdf: Any) -> Iterator[Document | Reject]:
    """Rejects of the pages as they are read, then the document with all sections."""
    reader = Reader(listed, intake, pdf)
    layout = intake.section.pdf.layout
    made = docling_layout.sections(reader.cropper, listed) if layout == "docling" else reader.sections()
    sections: list[Section] = []
    for row in made:
        if isinstance(row, Section):
            sections.append(row)
        else:
            yield row
    if not sections:
        yield _rejected(listed, NO_CONTENT, f"{len(pdf)} pages")
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
    """One page as it was read."""

    sheet: Sheet
    text: PageText
    images: list[PageImage]


class Reader:
    """Reads one open file, page after page."""

    def __init__(self, listed: ListedFile, intake: Intake, pdf: Any) -> None:
        self.listed, self.settings, self.pdf = listed, intake.section.pdf, pdf
        self.cropper = Cropper(listed, intake)
        self.maker = SectionMaker(listed.name)
        self._described = intake.section.describe.enabled
        self._sizes = FontSizes()
        self._repeated: frozenset[str] = frozenset()

    def sections(self) -> Iterator[Section | Reject]:
        """Sections of every page that is not skipped, and rejects of what cannot be used."""
        if self.settings.layout == "partition":
            self._repeated = partition.repeated_edges(self._edges())
        layouts: dict[str, Callable[[Reading], Iterator[Section | Reject]]] = {
            "classes": self._by_class,
            "partition": self._partitioned,
            "pictures": self._pictured,
        }
        read = layouts[self.settings.layout]
        for number in range(self.settings.skip_first_pages + 1, len(self.pdf) + 1):
            try:
                with opened(self.pdf, number) as sheet:
                    reading = Reading(sheet, read_text(sheet.textpage), find_images(sheet))
                    if is_garbled(reading.text.text):
                        yield self._page_reject(GARBLED, number, "its fonts do not say what their shapes mean")
                        reading = Reading(sheet, PageText("", ()), reading.images)
                    if reading.text.text.strip() or reading.images:
                        yield from read(reading)
                    else:
                        log.warning("%s page %d is empty: skipped", self.listed.name, number)
            except pypdfium.PdfiumError as error:
                yield self._page_reject(PAGE_CANNOT_BE_READ, number, str(error)[:200])

    def _page_reject(self, reason: str, number: int, detail: str) -> Reject:
        where = f"{self.listed.name} page {number}"
        return Reject(reason=reason, raw=where, parents=(self.listed.document_id,), detail=detail)

    def _edges(self) -> Iterator[list[str]]:
        """First and last lines of every page, for headers and footers."""
        for number in range(self.settings.skip_first_pages + 1, len(self.pdf) + 1):
            try:
                with opened(self.pdf, number) as sheet:
                    fragments = fragments_of(sheet.textpage, read_text(sheet.textpage), sheet.view)
            except pypdfium.PdfiumError:
                continue  # named as a reject when its sections are read
            ordered = to_markdown_lines(blocks_of(fragments, [], [], 0.0))
            lines = [line.text for line in ordered if line.text]
            yield lines[: partition.EDGE_LINES] + lines[-partition.EDGE_LINES :]

    def _by_class(self, reading: Reading) -> Iterator[Section | Reject]:
        kind = class_of(len(reading.text.text), len(reading.images), self.settings.text_page_chars)
        if kind == "text":
            yield from self._text_page(reading)
        elif kind == "picture" and (self._described or length_in_words(reading.text.text) < MIN_PAGE_WORDS):
            yield from self._picture(reading, with_text=False)
        else:
            yield from self._mixed(reading)

    def _text_page(self, reading: Reading) -> Iterator[Section]:
        lines = [Line(text, number, number) for number, text in enumerate(reading.text.text.split("\n"), 1)]
        titles = headings_of(reading.sheet.textpage, reading.text, self._sizes)
        headings = {number - 1: title for number, title in titles.items()}
        cut = cutter(self.settings, self.settings.chunk_chars)
        yield from self.maker.sections(reading.sheet.number, lines, cut, headings)

    def _mixed(self, reading: Reading) -> Iterator[Section | Reject]:
        blocks: list[Block] = []
        yield from self._blocks(reading, blocks)
        lines = to_markdown_lines(blocks)
        headings = {i: line.text[3:] for i, line in enumerate(lines) if line.text.startswith("## ") and line.first}
        figures = [figure for block in blocks for figure in block.figures]
        cut = cutter(self.settings, self.settings.mixed_chunk_chars)
        yield from self.maker.sections(reading.sheet.number, lines, cut, headings, figures)

    def _blocks(self, reading: Reading, blocks: list[Block]) -> Iterator[Reject]:
        """Fill `blocks` with those of a page; gives the figures that are left out."""
        sheet = reading.sheet
        fragments = fragments_of(sheet.textpage, reading.text, sheet.view)
        body = self._sizes.add((fragment.size, len(fragment.text)) for fragment in fragments)
        placed: list[Placed] = []
        for image, kept in self.cropper.figures(sheet, reading.images):
            if isinstance(kept, Reject):
                yield kept
                continue
            mark = token(sheet.number, len(placed) + 1)
            figure = Figure(token=mark, caption=caption_of(image.box, fragments), image=kept)
            placed.append(Placed(figure, image.box))
        blocks += blocks_of(fragments, find_tables(sheet, fragments), placed, body)

    def _partitioned(self, reading: Reading) -> Iterator[Section | Reject]:
        blocks: list[Block] = []
        yield from self._blocks(reading, blocks)
        figures = [figure for block in blocks for figure in block.figures]
        for group in partition.by_title(partition.elements_of(blocks, self._repeated)):
            lines = partition.lines_of(group)
            titles = {element.lines[0].text for element in group if element.is_title}
            headings = {number: line.text for number, line in enumerate(lines) if line.text in titles}
            yield from self.maker.sections(reading.sheet.number, lines, uncut, headings, figures)

    def _pictured(self, reading: Reading) -> Iterator[Section | Reject]:
        yield from self._picture(reading, with_text=True)

    def _picture(self, reading: Reading, *, with_text: bool) -> Iterator[Section | Reject]:
        """A page as a picture; its text stands below where that is wanted."""
        number = reading.sheet.number
        kept: ImageFile | Reject = self.cropper.page_picture(reading.sheet, reading.images)
        figures: tuple[Figure, ...] = ()
        lines: list[Line] = []
        titles = headings_of(reading.sheet.textpage, reading.text, self._sizes)
        last = reading.text.text.count("\n") + 1
        if isinstance(kept, Reject):
            yield kept
        else:
            figures = (Figure(token=token(number, 1), image=kept),)
            lines = [Line(token(number, 1), 1, last)]
        if with_text:
            written = [Line(text, i, i) for i, text in enumerate(reading.text.text.rstrip().split("\n"), 1)]
            lines += [Line(""), *written] if any(line.text.strip() for line in written) else []
        title = next(iter(titles.values()), "")
        yield from self.maker.sections(number, lines, uncut, {0: title} if title else {}, figures)
