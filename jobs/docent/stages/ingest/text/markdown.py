"""Load source kind `markdown`: one document per file, one section per heading that has text below it.

A heading of any depth begins a section, except inside code; text before the first heading is a section without a title.
Lines count from the start of the file, including front matter. A section's text is the text below its heading,
unchanged except for line breaks and soft hyphens; its span includes the heading. To run it: `docent stage ingest`, with
a source of kind `markdown`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from docent.config.sources import Markdown
from docent.records import Document, Fact, Figure, Reject, Section, Span
from docent.stages.ingest.images import Intake
from docent.stages.ingest.sources import ListedFile, one_line_name, read_at_most
from docent.stages.ingest.text.figures import FigureFinder, caption_of
from docent.stages.ingest.text.front_matter import read_front_matter
from docent.text.encodings.decode import is_text, read_text, why_unknown
from docent.text.encodings.invisible import without_invisible
from docent.text.facts import facts_in, whole_as_fact
from docent.text.markdown.attributes import without_heading_attributes
from docent.text.markdown.blocks import Block, BlockError, blocks_of
from docent.text.markdown.footnotes import labels_in, split_notes
from docent.text.markdown.pictures import definitions_in
from docent.text.markdown.references import Reference, Syntax, plain_text, references_in, without_references
from docent.text.markdown.statements import Place
from docent.text.sentences import readable_name

SUFFIXES = frozenset({".md", ".markdown", ".mdown", ".mkd"})
# Blocks and facts together. The next stage keeps a complete row in memory; 50 MB of ordinary text have 600,000.
MAX_PARTS = 1_000_000

CANNOT_BE_READ = "document cannot be read"
TOO_LARGE = "document too large"
NOT_TEXT = "not a text file"
UNKNOWN_ENCODING = "document in an unknown encoding"
NO_CONTENT = "document without content"
TOO_MANY_PARTS = "document with too many parts"

# Possessive, because a run of comments could otherwise be split in exponentially many ways.
_COMMENTS = re.compile(r"\s*+(?:(?><!--.*?-->)\s*+)+", re.DOTALL)
# Lines with a form feed or wide spaces look blank to readers, but are not blank in CommonMark.
_PAGE_BREAKS = re.compile(r"^[ \t]*[^\S \t\n][^\S\n]*$", re.MULTILINE)
_BLANK_LINES = re.compile(r"(?:[ \t]*\n)+")


def load_document(listed: ListedFile, intake: Intake) -> Iterator[Document | Reject]:
    """Yield rejects for missing figures, then the document of a file, or a reject for all of it."""
    text = _read(listed, intake.section.markdown.max_mb)
    if isinstance(text, Reject):
        yield text
        return
    meta, start = read_front_matter(text, listed.name)
    figure_finder = FigureFinder(listed, intake)
    reader = SectionReader(text[start:], text.count("\n", 0, start), listed.name, figure_finder)
    try:
        sections = tuple(reader.sections())
    except BlockError as error:
        line = error.line + reader.lines_before
        yield _reject(listed, error.reason, f"from line {line} on")
        return
    except TooManyPartsError:
        yield _reject(listed, TOO_MANY_PARTS, f"more than {MAX_PARTS} paragraphs and statements: divide the file")
        return
    yield from figure_finder.rejects
    if not sections:
        yield _reject(listed, NO_CONTENT, "no text below a heading or before the first")
        return
    name = _one_line(meta.get("title", "")) or reader.first_heading or readable_name(PurePosixPath(listed.name).stem)
    yield listed.document("markdown", name, sections).model_copy(update={"meta": meta})


class TooManyPartsError(Exception):
    """A document has more than MAX_PARTS."""


@dataclass
class _Draft:
    """A section while it is read; positions are offsets into the document.

    Attributes:
        start: offset of the heading, or of the text if there is no heading.
        body: offset of the text after the heading.
        line: line at `start`.
        body_line: line at `body`.
        has_content: whether there is content below the heading.
    """

    title: str
    start: int
    body: int
    line: int
    body_line: int
    has_content: bool = False
    facts: list[Fact] = field(default_factory=list)
    references: list[tuple[Reference, int]] = field(default_factory=list)


@dataclass
class SectionReader:
    """Reads the sections of a Markdown document one at a time.

    Attributes:
        text: the document without front matter.
        lines_before: number of lines in the front matter.
        first_heading: the first heading of the document.
    """

    text: str
    lines_before: int
    file: str
    figure_finder: FigureFinder
    first_heading: str = ""

    def __post_init__(self) -> None:
        settings = self.figure_finder.intake.section.markdown
        self._marker: str = settings.skip_marker
        chosen = settings.figure_pattern != Markdown().figure_pattern
        is_figure = (lambda _name, _alone: True) if chosen else self.figure_finder.is_figure
        pattern = re.compile(settings.figure_pattern)
        self._syntax = Syntax(pattern, definitions_in(self.text), labels_in(self.text), is_figure)
        self._place = Place(self.file, self.lines_before + 1, None, self._syntax, wrapped=True)

    def sections(self) -> Iterator[Section]:
        """Yield the sections in order, numbered from 1.

        Raises:
            BlockError: a block cannot be read.
            TooManyPartsError: there are more than MAX_PARTS.
        """
        draft = _Draft("", 0, 0, 0, 0)
        index = 1
        parts = 0
        for block in blocks_of(self.text):
            if block.kind == "heading_open":
                if section := self._section(draft, block.start, index):
                    yield section
                    index += 1
                draft = self._begin(block)
            else:
                facts = list(facts_in(block, self._place))
                draft.has_content = draft.has_content or _says_something(block)
                draft.facts += facts
                parts += len(facts)
            draft.references += self._references(block)
            parts += 1
            if parts > MAX_PARTS:
                raise TooManyPartsError
        if section := self._section(draft, len(self.text), index):
            yield section

    def _begin(self, heading: Block) -> _Draft:
        words, _ = split_notes(without_heading_attributes(heading.tokens[1].content), self._syntax.notes)
        title = _one_line(plain_text(without_references(words, self._syntax)))
        self.first_heading = self.first_heading or title
        first, behind = heading.line_of(heading.start), heading.line_of(heading.end - 1) + 1
        return _Draft(title, heading.start, heading.end, first, behind)

    def _references(self, block: Block) -> Iterator[tuple[Reference, int]]:
        """Yield the references in a block with their lines; their positions are offsets into the text."""
        before = None
        for token in block.tokens:
            if token.type not in ("inline", "html_block") or token.map is None or token.map == before:
                continue  # all cells of a table row have the row's line
            before = token.map
            start, end = (block.offsets[line] for line in token.map)
            for reference in references_in(self.text[start:end], self._syntax):
                position = start + reference.start
                yield Reference(position, *reference[1:]), self.lines_before + block.line_of(position) + 1

    def _section(self, draft: _Draft, end: int, index: int) -> Section | None:
        """Return the section that ends at `end`, or None if it has no content or has the skip marker."""
        raw = self.text[draft.start : end]
        body = self.text[draft.body : end].rstrip()
        if not draft.has_content or not body or (self._marker and self._marker in raw):
            return None
        blank = _BLANK_LINES.match(body)
        begin = blank.end() if blank else 0
        body_line = self.lines_before + draft.body_line + body.count("\n", 0, begin) + 1
        body = body[begin:]
        first = self.lines_before + draft.line + 1 if draft.body > draft.start else body_line
        last = body_line + body.count("\n")
        return Section(
            index=index,
            title=draft.title,
            text=body,
            source=Span(file=self.file, first_line=first, last_line=last),
            facts=tuple(draft.facts) or whole_as_fact(body, replace(self._place, first_line=body_line)),
            figures=tuple(self._figures(draft)),
        )

    def _figures(self, draft: _Draft) -> Iterator[Figure]:
        """Yield every figure once, with its first reference."""
        first: dict[str, tuple[Reference, int]] = {}
        for reference, line in draft.references:
            first.setdefault(reference.token, (reference, line))
        for reference, line in first.values():
            figure = self.figure_finder.figure(reference, caption_of(reference, self.text), line)
            if figure is not None:
                yield figure


def _says_something(block: Block) -> bool:
    """Return whether a block is content, rather than a thematic break or only comments."""
    if block.kind == "html_block":
        return not _COMMENTS.fullmatch(block.tokens[0].content)
    return block.kind != "hr"


def _read(listed: ListedFile, max_mb: float) -> str | Reject:
    r"""Return the text of a file with `\n` as line breaks, or a reject if it cannot be read."""
    limit = int(max_mb * 1_000_000)
    try:
        data = read_at_most(listed.path, limit)
    except OSError as error:
        return _reject(listed, CANNOT_BE_READ, error.strerror or type(error).__name__)
    if data is None:
        return _reject(listed, TOO_LARGE, f"more than {max_mb:g} MB: divide it, or raise ingest.markdown.max_mb")
    text = read_text(data, listed.name, listed.source.encoding)
    if text is None and b"\x00" not in data:
        return _reject(listed, UNKNOWN_ENCODING, why_unknown(data, "encoding of the source", listed.source.encoding))
    if text is None or not is_text(text):
        return _reject(listed, NOT_TEXT, "it holds control characters")
    return without_invisible(_PAGE_BREAKS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def _reject(listed: ListedFile, reason: str, detail: str) -> Reject:
    return Reject(reason=reason, raw=listed.name, parents=(listed.document_id,), detail=f"{listed.name}: {detail}")


def _one_line(text: str) -> str:
    """Return a heading as a name: one line of printable characters with bounded length."""
    return one_line_name("".join(character if character.isprintable() else " " for character in text))
