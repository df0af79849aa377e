"""Extract the statements of a Markdown paragraph: sentences without markup, figures and footnotes, with their lines.

facts.py decides which facts they become. Reads and writes no files.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from docent.records import Span
from docent.text.markdown.attributes import without_attributes
from docent.text.markdown.blocks import Block
from docent.text.markdown.footnotes import split_notes
from docent.text.markdown.formulas import formula_spans
from docent.text.markdown.pictures import without_definitions
from docent.text.markdown.references import PICTURES_ONLY, Syntax, plain_text, without_references
from docent.text.sentences import split_sentences

if TYPE_CHECKING:
    from markdown_it.token import Token


@dataclass(frozen=True)
class Place:
    """Position of a text in its file, and how to read it.

    Attributes:
        first_line: line of the file where the text begins, from 1.
        figures: syntax of figure references.
        wrapped: whether line breaks inside a paragraph are only wraps, as in Markdown.
    """

    file: str
    first_line: int = 1
    page: int | None = None
    figures: Syntax = PICTURES_ONLY
    wrapped: bool = False

    def span(self, first: int, last: int) -> Span:
        """Return the span of the file for lines of the text that count from 0; both ends are inclusive."""
        first, last = self.first_line + first, self.first_line + last
        return Span(file=self.file, first_line=first, last_line=last, page=self.page)


class Paragraph:
    """A paragraph of Markdown as plain text, line by line, without markup, figures and footnotes.

    Attributes:
        notes: the words of its inline footnotes, which are separate statements.
    """

    def __init__(self, content: str, first: int, last: int, place: Place) -> None:
        self.place, self.first, self.last = place, first, last
        # If markdown-it dropped blank-looking lines at the ends, lines can no longer be matched to the file.
        self.exact = content.count("\n") == self.last - self.first
        content = without_attributes(without_definitions(content))
        content, self.notes = split_notes(without_references(content, place.figures), place.figures.notes)
        self.text = plain_text(content)

    @classmethod
    def of(cls, token: Token, block: Block, place: Place) -> Paragraph:
        """Return the paragraph of an inline token."""
        first, behind = token.map or [0, 1]
        return cls(token.content, block.base + first, block.base + behind - 1, place)

    def whole(self) -> Iterator[tuple[str, Span]]:
        """Yield the complete paragraph as one statement."""
        if words := " ".join(self.text.split()):
            yield words, self.place.span(self.first, self.last)

    def sentences(self) -> Iterator[tuple[str, Span]]:
        """Yield its sentences, each with its lines."""
        if not self.exact:
            for sentence in _sentences(self.text):
                yield sentence, self.place.span(self.first, self.last)
            return
        text = " ".join(self.text.split()) if self.place.wrapped else self.text
        lines = [sum(map(len, line.split())) for line in self.text.split("\n")]
        ends = list(accumulate(lines))  # number of characters other than white space up to the end of each line
        read = 0
        for sentence in _sentences(text):
            length = sum(map(len, sentence.split()))
            first, last = bisect_left(ends, read + 1), bisect_left(ends, read + length)
            read += length
            yield sentence, self.place.span(min(self.first + first, self.last), min(self.first + last, self.last))


def _sentences(text: str) -> list[str]:
    """Return the sentences of a plain text; none ends inside a formula."""
    whole: list[str] = []
    for sentence in split_sentences(text):
        joined = f"{whole[-1]} {sentence}" if whole else ""
        if joined and any(start < len(whole[-1]) < end for start, end in formula_spans(joined)):
            whole[-1] = joined
        else:
            whole.append(sentence)
    return whole
