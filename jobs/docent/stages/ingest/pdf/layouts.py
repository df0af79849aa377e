"""Order the text of PDF pages and cut it into sections, in the layouts `classes`, `partition` and `pictures`.

All pages are read before the first section is made, because finding running lines and the spelling of divided words
takes the complete document.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pypdfium2 as pypdfium

from docent.records import Figure, Reject, Section
from docent.stages.ingest.images import Intake
from docent.stages.ingest.pdf import partition
from docent.stages.ingest.pdf.cleaning import (
    edge_lines,
    running_lines,
    running_texts,
    undivided,
    undivided_blocks,
    without_running,
)
from docent.stages.ingest.pdf.headings import NumberedHeadings, headings_of, title_of
from docent.stages.ingest.pdf.page.blocks import Block, Line, Placed, blocks_of, to_markdown_lines
from docent.stages.ingest.pdf.page.classes import opened
from docent.stages.ingest.pdf.page.figures import Cropper
from docent.stages.ingest.pdf.page.reader import Page, PageReader, page_reject
from docent.stages.ingest.pdf.page.tables import find_tables
from docent.stages.ingest.pdf.sections import SectionMaker, cutter, uncut
from docent.stages.ingest.sources import ListedFile
from docent.text.hyphenation import Words, is_divided

log = logging.getLogger("docent.ingest")

PAGE_CANNOT_BE_READ = "page cannot be read"


@dataclass(frozen=True)
class Watch:
    """Callback for progress, and the pages to skip.

    Attributes:
        report: called with the number of a page before it is opened, and again before it is cut into sections.
        left_out: why a page is skipped, by page number.
    """

    report: Callable[[int], None] = lambda _number: None
    left_out: Mapping[int, str] = field(default_factory=dict)


UNWATCHED = Watch()


class DocumentReader:
    """Reads the pages of one open PDF."""

    def __init__(self, listed: ListedFile, intake: Intake, pdf: Any, watch: Watch = UNWATCHED) -> None:
        self.listed, self.settings, self.pdf, self.watch = listed, intake.section.pdf, pdf, watch
        self.cropper = Cropper(listed, intake)
        self.clean = self.settings.clean or self.settings.layout == "partition"
        self.maker = SectionMaker(listed.name, by_heading=self.clean and self.settings.layout == "classes")
        self.title = ""
        """The document's title; set before the first section is yielded."""
        self._pages = PageReader(self.cropper, clean=self.clean)

    def sections(self) -> Iterator[Section | Reject]:
        """Yield rejects for unusable pages and figures, then the sections of the other pages in order."""
        pages: list[Page] = []
        form = self.pdf.formenv.raw if self.pdf.formenv else None
        for number in range(self.settings.skip_first_pages + 1, len(self.pdf) + 1):
            if number in self.watch.left_out:
                yield page_reject(self.listed, PAGE_CANNOT_BE_READ, number, self.watch.left_out[number])
                continue
            self.watch.report(number)
            try:
                with opened(self.pdf, number) as sheet:
                    yield from self._pages.read(sheet, form, pages)
            except pypdfium.PdfiumError as error:
                yield page_reject(self.listed, PAGE_CANNOT_BE_READ, number, str(error)[:200])
        if pages:
            yield from self._in_order(pages)
        yield from self.maker.rest()

    def _in_order(self, pages: Sequence[Page]) -> Iterator[Section]:
        """Yield the sections of all pages in order; all pages must be read before."""
        body, words = pages[-1].body, Words()
        if self.clean:
            self._find_running(pages, body)
            if any(is_divided(text) for page in pages for text in page.texts()):
                words = Words.of(text for page in pages for text in page.texts())
        self.title = title_of(pages[0].shown, (page.shown for page in pages[1:]), body)
        numbered = NumberedHeadings(body)
        for page in pages:
            self.watch.report(page.number)
            page.body, page.headings = body, numbered.on_page(page.shown)
            yield from self._sections_of(page, words)

    def _find_running(self, pages: Sequence[Page], body: float) -> None:
        """Mark the lines of every page that are headers, footers or page numbers."""
        edges = [edge for page in pages for edge in edge_lines(page.number, page.measured, body)]
        running = running_lines(edges, len(pages))
        for page in pages:
            page.running = running.get(page.number, frozenset())
        if texts := running_texts(running, edges):
            shown = "; ".join(repr(text[:80]) for text in texts[:6])
            log.info("%s: removed running headers and footers: %s", self.listed.name, shown)

    def _sections_of(self, page: Page, words: Words) -> Iterator[Section]:
        figures = [placed.figure for placed in page.figures]
        if page.kind == "blocks":
            yield from self._of_blocks(page, self._blocks(page, page.figures, words), figures, words)
            return
        lines = undivided(without_running(page.lines, page.running), words) if self.clean else page.lines
        titles = headings_of(page.shown, page.body, page.headings)
        if page.kind == "text":
            headings = {index: titles[line.first] for index, line in enumerate(lines) if line.first in titles}
            cut = cutter(self.settings, self.settings.chunk_chars)
            yield from self.maker.sections(page.number, lines, cut, headings)
            return
        if page.fragments:
            lines = to_markdown_lines(self._blocks(page, (), words))
        last = max((line.number for line in page.measured), default=1)
        shown = [Line(figure.token, 1, last) for figure in figures]
        if any(line.text.strip() for line in lines):
            shown += [*([Line("")] if shown else []), *lines]
        title = next(iter(titles.values()), "")
        yield from self.maker.sections(page.number, shown, uncut, {0: title} if title else {}, figures)

    def _blocks(self, page: Page, figures: Sequence[Placed], words: Words) -> list[Block]:
        """Return the blocks of a page, in reading order."""
        fragments = [fragment for fragment in page.fragments if fragment.line not in page.running]
        tables = find_tables(page.rules, fragments, words)
        blocks = blocks_of(fragments, tables, figures, page.body, page.headings)
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
        headings = {number: line.title for number, line in enumerate(lines) if line.title and line.first}
        cut = cutter(self.settings, page.max_chars)
        yield from self.maker.sections(page.number, lines, cut, headings, figures)
