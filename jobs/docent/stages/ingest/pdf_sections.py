"""Lines of a PDF page become sections: cut into pieces, each with its title, figures, facts and lines of the page."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from docent.config import Pdf
from docent.records import Fact, Figure, Section, Span
from docent.stages.ingest.pdf_blocks import Line
from docent.stages.ingest.pdf_figures import TOKEN
from docent.text.chunks import Piece, chunk_text, chunk_tokens
from docent.text.facts import facts_of

MAX_TITLE_CHARS = 200
Cut = Callable[[str], list[Piece]]


def cutter(settings: Pdf, max_chars: int) -> Cut:
    """How pages are cut: by tokens where that is configured, else by characters."""
    if settings.chunk_tokens is not None:
        tokens = settings.chunk_tokens
        return lambda text: chunk_tokens(text, tokens, settings.chunk_overlap_tokens, TOKEN)
    return lambda text: chunk_text(text, max_chars, settings.chunk_overlap_chars, TOKEN)


def uncut(text: str) -> list[Piece]:
    """The whole text as one piece."""
    return [(0, len(text))] if text else []


@dataclass
class SectionMaker:
    """Makes the sections of one document, in order.

    Attributes:
        file: what spans call it.
        heading: the title that the text below it stands under, carried over pages.
    """

    file: str
    made: int = 0
    heading: str = ""

    def sections(
        self, page: int, lines: Sequence[Line], cut: Cut, headings: dict[int, str], figures: Sequence[Figure] = ()
    ) -> Iterator[Section]:
        """The sections of a page.

        Args:
            page: 1-based, in the file.
            lines: of the text to be cut, each with the lines of the page it came from.
            cut: how.
            headings: titles by index into `lines`.
            figures: those whose tokens may stand in the lines.
        """
        text = "\n".join(line.text for line in lines)
        starts = [0, *accumulate(len(line.text) + 1 for line in lines)]
        passed, headings = 0, _whole(headings)
        for start, end in cut(text):
            piece = text[start:end]
            if not piece.strip():
                continue
            start, piece = start + len(piece) - len(piece.lstrip()), piece.strip()
            first = bisect_right(starts, start) - 1
            covered = lines[first : first + piece.count("\n") + 1]
            passed = self._pass(headings, passed, first + 1)
            # A title that stands soon after the piece begins names more of it than the one before.
            soon = len(covered) if not self.heading else 1 + len(covered) // 4
            title = next((headings[i] for i in range(first, first + soon) if i in headings), self.heading)
            yield self._section(page, piece, covered, title, figures)
        self._pass(headings, passed, len(lines))

    def _pass(self, headings: dict[int, str], begin: int, end: int) -> int:
        """Remember the last title among these lines."""
        for number in range(begin, end):
            self.heading = headings.get(number, self.heading)
        return max(begin, end)

    def _section(self, page: int, text: str, covered: Sequence[Line], title: str, figures: Sequence[Figure]) -> Section:
        self.made += 1
        source = self._span(page, covered)
        return Section(
            index=self.made,
            title=title or f"page {page}",
            text=text,
            source=source,
            facts=self._facts(text, page, covered),
            figures=tuple(figure for figure in figures if figure.token in text),
        )

    def _facts(self, text: str, page: int, covered: Sequence[Line]) -> tuple[Fact, ...]:
        """Facts with the lines of the page, which are not those of the text where that was put in order."""
        found = facts_of(text, 1, self.file, page, TOKEN)
        return tuple(
            Fact(text=fact.text, source=self._span(page, covered[fact.source.first_line - 1 : fact.source.last_line]))
            for fact in found
        )

    def _span(self, page: int, lines: Sequence[Line]) -> Span:
        known = [line for line in lines if line.first]
        first = min((line.first for line in known), default=1)
        return Span(
            file=self.file, first_line=first, last_line=max((line.last for line in known), default=1), page=page
        )


def _whole(headings: dict[int, str]) -> dict[int, str]:
    """Titles of several lines put together, at each of their lines."""
    found: dict[int, str] = {}
    for number in sorted(headings):
        lines = [headings[number]]
        below = number + 1
        while below in headings and number - 1 not in headings:
            lines.append(headings[below])
            below += 1
        found[number] = found.get(number - 1) or " ".join(lines)[:MAX_TITLE_CHARS]
    return found
