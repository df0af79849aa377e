"""Read pages with the docling package: layout `docling`, which yields the same sections as the other layouts.

docling brings its own models and PyTorch, so it is an extra and imported only here. This module was written against the
interfaces of docling 2.143 and docling-core 2.104, and is tested with stubs of their items, not with their models.
docling reports no lines, so spans count the lines of the text that this module builds for the page.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from docent.errors import ConfigError
from docent.records import Figure, Reject, Section
from docent.stages.ingest.pdf.page.blocks import Line
from docent.stages.ingest.pdf.page.figures import MAX_FIGURES, MAX_RENDERED_PX, Cropper, token
from docent.stages.ingest.pdf.sections import SectionMaker, cutter
from docent.stages.ingest.sources import ListedFile
from docent.text.hyphenation import Words, joined

FAILED = "docling cannot read it"
# docling's labels for running headers and footers.
_RUNNING = frozenset(("page_header", "page_footer"))
_PROSE = frozenset(("text", "paragraph", "list_item", "footnote", "caption"))


@dataclass
class DoclingPage:
    """Content of one page as docling reports it, in reading order."""

    number: int
    lines: list[Line] = field(default_factory=list)
    headings: dict[int, str] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)

    def add(self, text: str, title: str = "") -> None:
        """Append a paragraph, separated by an empty line; `title` is its text if it is a heading, or ""."""
        if self.lines:
            self.lines.append(Line(""))
        if title:
            self.headings[len(self.lines)] = title
        for line in text.split("\n"):
            number = len(self.lines) + 1
            self.lines.append(Line(line, number, number))


def sections(cropper: Cropper, listed: ListedFile) -> Iterator[Section | Reject]:
    """Yield the sections of a file that docling converts.

    Raises:
        ConfigError: docling is not installed.
    """
    settings = cropper.intake.section.pdf
    converter, failure = _converter(settings.figure_dpi)
    try:
        document = converter.convert(listed.path, max_num_pages=settings.max_pages).document
    except failure as error:
        yield Reject(reason=FAILED, raw=listed.name, parents=(listed.document_id,), detail=str(error)[:200])
        return
    yield from sections_of(document, document.iterate_items(), cropper)


def _converter(figure_dpi: int) -> tuple[Any, type[Exception]]:
    """Return docling's converter, and the exception that it raises on failure."""
    try:
        from docling.datamodel.base_models import InputFormat
        from docling.datamodel.pipeline_options import PdfPipelineOptions
        from docling.document_converter import DocumentConverter, PdfFormatOption
        from docling.exceptions import ConversionError
    except ImportError:
        raise ConfigError(
            "the layout docling requires the package docling, which is not installed",
            "ingest.pdf.layout",
            'pip install "docent[docling]", or use the layout classes',
        ) from None
    options = PdfPipelineOptions()
    options.images_scale = figure_dpi / 72
    options.generate_picture_images = True
    formats = {InputFormat.PDF: PdfFormatOption(pipeline_options=options)}
    return DocumentConverter(allowed_formats=[InputFormat.PDF], format_options=formats), ConversionError


def sections_of(document: Any, items: Iterable[tuple[Any, int]], cropper: Cropper) -> Iterator[Section | Reject]:
    """Yield the sections of docling's items, each of which has a label such as `picture` or `table`."""
    settings = cropper.intake.section.pdf
    maker = SectionMaker(cropper.listed.name)
    pages: dict[int, DoclingPage] = {}
    for item, _ in items:
        number = item.prov[0].page_no if getattr(item, "prov", None) else 0
        if number <= settings.skip_first_pages:
            continue
        page = pages.setdefault(number, DoclingPage(number))
        label = str(getattr(item.label, "value", item.label))
        if settings.clean and label in _RUNNING:
            continue
        if label == "picture":
            yield from _add_picture(page, item, document, cropper)
        elif label == "table":
            page.add(item.export_to_markdown(document).strip())
        elif text := str(getattr(item, "text", "")).replace("{{FIGURE_p", "{(FIGURE_p").strip():
            text = joined(text.split("\n"), Words()) if settings.clean and label in _PROSE else text
            title = text if label in ("title", "section_header") else ""
            page.add(f"## {text}" if title else f"- {text}" if label == "list_item" else text, title)
    for number in sorted(pages):
        page = pages[number]
        cut = cutter(settings, settings.mixed_chunk_chars)
        yield from maker.sections(number, page.lines, cut, page.headings, page.figures)


def _add_picture(page: DoclingPage, item: Any, document: Any, cropper: Cropper) -> Iterator[Reject]:
    """Save a picture, and append its token to the page."""
    number = len(page.figures) + 1
    picture = item.get_image(document)
    if picture is None or number > MAX_FIGURES or picture.width * picture.height > MAX_RENDERED_PX:
        return
    kept = cropper.keep(picture, page.number, number)
    if isinstance(kept, Reject):
        yield kept
        return
    page.figures.append(Figure(token=token(page.number, number), caption=item.caption_text(document), image=kept))
    page.add(token(page.number, number))
