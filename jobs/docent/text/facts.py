"""Extract the facts that a text states, each with its lines: sentences, list items, table rows.

A fact is the subject of one question. An item of a nested list is unclear by itself, so it begins with its parent's
text; a table row includes the column names. Footnotes, text in HTML and formulas are also facts. Code, headings and
figure references are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from docent.records import Fact
from docent.text.markdown.attributes import callout_mark
from docent.text.markdown.blocks import Block, BlockError, blocks_of
from docent.text.markdown.html_text import statements_in
from docent.text.markdown.references import Syntax, plain_text
from docent.text.markdown.statements import Paragraph, Place
from docent.text.sentences import split_sentences

if TYPE_CHECKING:
    from markdown_it.token import Token

MIN_FACT_CHARS = 11
# A longer parent is shortened to its last sentence, which introduces the items.
MAX_PARENT_CHARS = 300
_CHECKBOX = re.compile(r"^\[[ xX]\]\s+")
# Info strings of fenced code that mark it as a formula.
_FORMULA_FENCES = frozenset(("math", "latex", "tex", "katex"))


def facts_of(
    text: str, first_line: int, file: str, page: int | None = None, figures: re.Pattern[str] | None = None
) -> tuple[Fact, ...]:
    """Return the facts of a text that may contain lists and tables, or the complete text if it states none.

    Args:
        first_line: line of `file`, or of its page, where the text begins, from 1.
        page: page of the text, or None.
        figures: pattern of figure references; without it, only images are references.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    place = Place(file, first_line, page, Syntax(figures))
    try:
        facts = [fact for block in blocks_of(text, strict=False) for fact in facts_in(block, place)]
        return tuple(facts) or whole_as_fact(text, place)
    except BlockError:  # nested deeper than any real text, such as a line of a thousand `>`: take each line by itself
        lines = ((" ".join(line.split()), place.span(at, at)) for at, line in enumerate(text.split("\n")))
        return tuple(Fact(text=line, source=span) for line, span in lines if len(line) >= MIN_FACT_CHARS)


def whole_as_fact(text: str, place: Place) -> tuple[Fact, ...]:
    """Return one fact for a text too short to state one, or none if it is only code and figures."""
    tokens = ((token, block) for block in blocks_of(text) for token in block.tokens if token.type == "inline")
    texts = (Paragraph.of(token, block, place).text for token, block in tokens)
    words = " ".join(" ".join(one.split()) for one in texts).strip()
    if not any(character.isalnum() for character in words):
        return ()
    lines = text.split("\n")
    full = [number for number, line in enumerate(lines) if line.strip()]
    return (Fact(text=words, source=place.span(full[0], full[-1])),)


def facts_in(block: Block, place: Place) -> Iterator[Fact]:
    """Yield the facts of one block."""
    parents: list[str | None] = []  # text of every open list item, outermost first; None until it is known
    table = _Table([], [])
    before = ""
    for token in block.tokens:
        kind = token.type
        if kind == "list_item_open":
            parents.append(None)
        elif kind == "list_item_close":
            parents.pop()
        elif kind == "inline" and before == "paragraph_open":
            for paragraph in _parts(token, block, place):
                yield from _paragraph(paragraph, parents)
        elif kind == "inline" and before in ("th_open", "td_open"):
            table.cells.append(" ".join(Paragraph.of(token, block, place).text.split()))
        elif kind == "html_block":
            yield from _html(token, block, place)
        elif kind == "fence" and token.info.strip().lower() in _FORMULA_FENCES:
            yield from _formula(token, block, place)
        elif kind in ("table_open", "tr_open", "tr_close"):
            line = block.base + token.map[0] if token.map else 0
            yield from table.at(kind, line, place)
        before = kind


@dataclass
class _Table:
    """A table while it is read; its first row has the column names."""

    columns: list[str]
    cells: list[str]
    line: int = 0

    def at(self, kind: str, line: int, place: Place) -> Iterator[Fact]:
        """Process a token; at the end of every row except the first, yield its fact."""
        if kind == "table_open":
            self.columns = []
        elif kind == "tr_open":
            self.cells, self.line = [], line
        elif not self.columns:
            self.columns = self.cells
        else:
            named = [(column, cell) for column, cell in zip(self.columns, self.cells, strict=False) if cell]
            statement = "; ".join(f"{column}: {cell}" if column else cell for column, cell in named)
            if len(statement) >= MIN_FACT_CHARS:
                yield Fact(text=statement, source=place.span(self.line, self.line))


def _parts(token: Token, block: Block, place: Place) -> Iterator[Paragraph]:
    """Yield a paragraph in one part, or the title and the text of a callout (`[!NOTE] Title`) as two parts."""
    content, (first, behind) = token.content, token.map or [0, 1]
    first, last = block.base + first, block.base + behind - 1
    mark = callout_mark(content)
    title, broken, rest = content[mark:].partition("\n")
    if mark and broken and content.count("\n") == last - first:
        yield Paragraph(title, first, first, place)
        yield Paragraph(rest, first + 1, last, place)
    else:
        yield Paragraph(content[mark:], first, last, place)


def _html(token: Token, block: Block, place: Place) -> Iterator[Fact]:
    """Yield the facts in the visible text of an HTML block."""
    first = block.base + (token.map or [0])[0]
    for line, piece in statements_in(token.content):
        start = first + line
        yield from _paragraph(Paragraph(piece, start, start + piece.count("\n"), place), [])


def _formula(token: Token, block: Block, place: Place) -> Iterator[Fact]:
    """Yield the formula of a fenced block as written."""
    first, behind = token.map or [0, 1]
    if len(formula := token.content.strip()) >= MIN_FACT_CHARS:
        yield Fact(text=formula, source=place.span(block.base + first, block.base + behind - 1))


def _paragraph(paragraph: Paragraph, parents: list[str | None]) -> Iterator[Fact]:
    """Yield the facts of a paragraph and its inline notes; a list item's first paragraph prefixes its sub-items."""
    yield from _own(paragraph, parents)
    for words in paragraph.notes:
        if len(note := plain_text(words)) >= MIN_FACT_CHARS:
            yield Fact(text=note, source=paragraph.place.span(paragraph.first, paragraph.last))


def _own(paragraph: Paragraph, parents: list[str | None]) -> Iterator[Fact]:
    """Yield the facts of a paragraph without its inline footnotes."""
    if not parents or parents[-1] is not None:
        for sentence, span in paragraph.sentences():
            if len(sentence) >= MIN_FACT_CHARS:
                yield Fact(text=sentence, source=span)
        return
    paragraph.text = _CHECKBOX.sub("", paragraph.text)
    prefix = next((parent for parent in reversed(parents[:-1]) if parent), "")
    parents[-1] = ""
    for words, span in paragraph.whole():
        statement = f"{prefix}: {words}" if prefix else words
        parents[-1] = _shown_above(words, prefix)
        # Text that ends with a colon only introduces the items below it, which repeat it.
        if len(statement) >= MIN_FACT_CHARS and not words.endswith(":"):
            yield Fact(text=statement, source=span)


def _shown_above(words: str, prefix: str) -> str:
    """Return a list item's text as the prefix of the items below it."""
    own = words if len(words) <= MAX_PARENT_CHARS else split_sentences(words)[-1][-MAX_PARENT_CHARS:]
    own = own.rstrip().rstrip(":").rstrip(".")
    return f"{prefix}: {own}"[-2 * MAX_PARENT_CHARS :] if prefix else own
