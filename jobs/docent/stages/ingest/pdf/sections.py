"""Make the sections of a PDF page from its lines, each with a title, figures, facts and a span of lines.

Pages are cut by length and, if configured, also at every heading. A heading that ends its page, or fills it, becomes
the title of the text on the next page; it becomes a section itself if that page also begins with a heading, or if there
is no next page.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from docent.config.sources import Pdf
from docent.records import Fact, Figure, Section, Span
from docent.stages.ingest.pdf.page.blocks import Line
from docent.stages.ingest.pdf.page.figures import TOKEN
from docent.text.chunks import Piece, chunk_text, chunk_tokens
from docent.text.facts import facts_of

Cut = Callable[[str], list[Piece]]


def cutter(settings: Pdf, max_chars: int) -> Cut:
    """Return the function that cuts pages: by tokens if configured, or else by characters."""
    if settings.chunk_tokens is not None:
        tokens = settings.chunk_tokens
        return lambda text: chunk_tokens(text, tokens, settings.chunk_overlap_tokens, TOKEN)
    return lambda text: chunk_text(text, max_chars, settings.chunk_overlap_chars, TOKEN)


def uncut(text: str) -> list[Piece]:
    """Return the complete text as one piece."""
    return [(0, len(text))] if text else []


class _TextPiece(NamedTuple):
    """A piece of text with its lines; `first` is the index of its first line."""

    first: int
    text: str
    lines: Sequence[Line]


@dataclass
class SectionMaker:
    """Makes the sections of one document, in order.

    Attributes:
        file: the file's name in spans.
        by_heading: whether every heading begins a section.
        count: number of sections so far.
        heading: the current title, kept across pages.
    """

    file: str
    by_heading: bool = False
    count: int = 0
    heading: str = ""
    _held: tuple[int, Sequence[Line], dict[int, str]] | None = None
    """Page, lines and headings of the heading that ended the last page, if any."""

    def sections(
        self, page: int, lines: Sequence[Line], cut: Cut, headings: dict[int, str], figures: Sequence[Figure] = ()
    ) -> Iterator[Section]:
        """Yield the sections of a page.

        Args:
            page: page number in the file, from 1.
            lines: the text to cut; each line with the lines of the page it came from.
            cut: function that returns start and end of each piece.
            headings: titles by index into `lines`; a title of several lines is under each of them.
            figures: figures whose tokens may be in the lines.
        """
        if any(map(_says_something, lines)):
            if _leading(lines, headings) > 0:
                yield from self.rest()
            self._held = None
        if not self.by_heading:
            yield from self._by_length(page, lines, cut, headings, figures)
            return
        for start, end in _parts(lines, headings):
            part = lines[start:end]
            titles = {number - start: title for number, title in headings.items() if start <= number < end}
            below = _leading(part, titles)
            self.heading = titles[max(n for n in titles if n < below)] if below else self.heading
            if below and end == len(lines) and below == len(part):
                self._held = page, part, titles
            else:
                for piece in _cut(part, cut):  # the first `below` lines are the heading
                    yield self._section(page, piece, self.heading, figures, max(below - piece.first, 0))

    def rest(self) -> Iterator[Section]:
        """Yield the heading that ended the last page, if no text followed it."""
        if self._held is not None:
            page, lines, titles = self._held
            self._held = None
            text = "\n".join(line.text for line in lines).strip()
            yield self._section(page, _TextPiece(0, text, lines), titles[max(titles)], ())

    def _by_length(
        self, page: int, lines: Sequence[Line], cut: Cut, headings: dict[int, str], figures: Sequence[Figure]
    ) -> Iterator[Section]:
        """Yield the sections of a page, cut by length regardless of its headings."""
        passed = 0
        for piece in _cut(lines, cut):
            first, count = piece.first, len(piece.lines)
            passed = self._pass(headings, passed, first + 1)
            # A title soon after the piece begins covers more of the piece than the title before it.
            soon = count if not self.heading else 1 + count // 4
            title = next((headings[i] for i in range(first, first + soon) if i in headings), self.heading)
            yield self._section(page, piece, title, figures)
        self._pass(headings, passed, len(lines))

    def _pass(self, headings: dict[int, str], begin: int, end: int) -> int:
        """Set the current title to the last one among these lines; return the index up to which lines are read."""
        for number in range(begin, end):
            self.heading = headings.get(number, self.heading)
        return max(begin, end)

    def _section(self, page: int, piece: _TextPiece, title: str, figures: Sequence[Figure], below: int = 0) -> Section:
        """Return one section; its facts exclude the first `below` lines, which are headings, if there is other text."""
        self.count += 1
        text, covered = piece.text, piece.lines
        stated = "\n".join(text.split("\n")[below:])
        facts = self._facts(stated, page, covered[below:]) if stated.strip() else self._facts(text, page, covered)
        return Section(
            index=self.count,
            title=title or f"page {page}",
            text=text,
            source=self._span(page, covered),
            facts=facts,
            figures=tuple(figure for figure in figures if figure.token in text),
        )

    def _facts(self, text: str, page: int, covered: Sequence[Line]) -> tuple[Fact, ...]:
        """Return facts with spans of the page's lines, which differ from the text's lines after reordering."""
        facts = facts_of(text, 1, self.file, page, TOKEN)
        return tuple(
            Fact(text=fact.text, source=self._span(page, covered[fact.source.first_line - 1 : fact.source.last_line]))
            for fact in facts
        )

    def _span(self, page: int, lines: Sequence[Line]) -> Span:
        known = [line for line in lines if line.first]
        first, last = min((line.first for line in known), default=1), max((line.last for line in known), default=1)
        return Span(file=self.file, first_line=first, last_line=last, page=page)


def _cut(lines: Sequence[Line], cut: Cut) -> Iterator[_TextPiece]:
    """Yield stripped pieces of the lines; drop pieces without a letter or digit."""
    text = "\n".join(line.text for line in lines)
    starts = [0, *accumulate(len(line.text) + 1 for line in lines)]
    for start, end in cut(text):
        piece = text[start:end]
        if any(map(str.isalnum, piece)):
            first = bisect_right(starts, start + len(piece) - len(piece.lstrip())) - 1
            piece = piece.strip()
            yield _TextPiece(first, piece, lines[first : first + piece.count("\n") + 1])


def _leading(lines: Sequence[Line], headings: dict[int, str]) -> int:
    """Return how many lines at the start are headings or blank, or 0 if the lines begin with text."""
    count = 0
    while count < len(lines) and (count in headings or not _says_something(lines[count])):
        count += 1
    return count if any(number < count for number in headings) else 0


def _parts(lines: Sequence[Line], headings: dict[int, str]) -> list[tuple[int, int]]:
    """Return start and end of each part: headings in a row and the lines below them."""
    starts, is_text = [0], False
    for number, line in enumerate(lines):
        if number in headings:
            if is_text:
                starts.append(number)
            is_text = False
        else:
            is_text = is_text or _says_something(line)
    return list(zip(starts, [*starts[1:], len(lines)], strict=True))


def _says_something(line: Line) -> bool:
    """Return whether a line has a letter or digit."""
    return any(map(str.isalnum, line.text))
