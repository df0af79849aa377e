"""Parse a Markdown text into blocks (headings, paragraphs, lists, tables, code) with their lines, in bounded memory.

markdown-it reads CommonMark and tables and, with block_rules.py, some common extensions. It keeps all tokens of a text,
gigabytes for 50 MB, so it is given one window at a time. The blocks before a block do not affect how it is parsed. The
last block of a window may continue, so it is read again at the start of the next window, and the result equals that of
a single pass.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from docent.text.markdown.block_rules import add_rules

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

WINDOW_CHARS = 256_000
# The longest paragraph, table, quotation or list item; lists and fenced code are not limited.
MAX_BLOCK_CHARS = 4_000_000
# The same limit in tokens, for tables of tiny cells. A single line may be longer, as some contain pictures as data.
MAX_BLOCK_TOKENS = 500_000
MAX_LINE_CHARS = 16_000_000


# Maximum depth of nested lists and quotations; each level costs two frames of Python's stack.
MAX_NESTING = 200

TOO_LONG = "block too long"
TOO_DEEP = "blocks nested too deep"


class BlockError(Exception):
    """A block cannot be read.

    Attributes:
        reason: TOO_LONG or TOO_DEEP.
        line: its first line, from 1.
    """

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason, line)
        self.reason, self.line = reason, line


@dataclass(frozen=True)
class Block:
    """An outermost block; a long list may be split into several.

    Attributes:
        tokens: tokens of markdown-it, whose `map` counts lines from `base`.
        base: number of lines before the window in which the block was read.
        offsets: offset of each line of the window, and of the window's end.
    """

    tokens: Sequence[Token]
    base: int
    offsets: Sequence[int]

    @property
    def kind(self) -> str:
        """Return the type of the first token, such as `heading_open`, `paragraph_open` or `fence`."""
        return self.tokens[0].type

    @property
    def start(self) -> int:
        """Return the offset of the first character."""
        return self.offsets[_lines(self.tokens[0])[0]]

    @property
    def end(self) -> int:
        """Return the offset after the last line, which may be blank."""
        return self.offsets[_lines(self.tokens[0])[1]]

    def line_of(self, position: int) -> int:
        """Return the line of the text, from 0, that contains a position inside the block."""
        return self.base + bisect_left(self.offsets, position + 1) - 1


@lru_cache(maxsize=2)
def _parser(strict: bool) -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = add_rules(MarkdownIt("commonmark", {"maxNesting": MAX_NESTING}).enable("table"), strict)
    # markdown-it reads link definitions again for each one, line by line, which takes minutes for a long list of them.
    return parser.disable(["reference"] if strict else ["reference", "code", "lheading", "html_block"])


def blocks_of(text: str, strict: bool = True) -> Iterator[Block]:
    r"""Yield the blocks of a text in order.

    Args:
        text: text with `\n` as line breaks.
        strict: False for text that may not be Markdown: indented lines are then not code, nor underlined ones headings.

    Raises:
        BlockError: a block is too long, or nested too deep.
    """
    start, base, size = 0, 0, WINDOW_CHARS
    while start < len(text):
        end = _line_end(text, start + size)
        window = text[start:end]
        if len(window) > size + MAX_LINE_CHARS:
            raise BlockError(TOO_LONG, base + window.count("\n", 0, size) + 1)
        groups, offsets = _groups(_tokens(window, strict, base)), _offsets(window, start)
        following = end
        if end < len(text) and groups:
            groups, resume = _finished(groups)
            following = offsets[resume]
        if following == start and groups[0][0].type == "fence":
            groups, offsets = _whole_fence(text, groups[0][0], offsets)
            following = offsets[-1]
        if following == start:
            if size >= MAX_BLOCK_CHARS or len(groups[0]) > MAX_BLOCK_TOKENS:
                raise BlockError(TOO_LONG, base + _lines(groups[0][0])[0] + 1)
            size *= 2  # enlarge the window until it contains the first block
            continue
        yield from (Block(group, base, offsets) for group in groups)
        base += text.count("\n", start, following)
        start, size = following, WINDOW_CHARS


def _tokens(window: str, strict: bool, base: int) -> list[Token]:
    parser = _parser(strict)
    tokens: list[Token] = []
    parser.block.parse(window, parser, {}, tokens)
    for token in tokens:
        if token.level >= MAX_NESTING - 1:  # markdown-it drops deeper blocks, and everything after them
            raise BlockError(TOO_DEEP, base + _lines(token)[0] + 1)
    return tokens


def _lines(token: Token) -> list[int]:
    """Return a token's first line and the line after its last; every token that opens a block has them."""
    return token.map or [0, 0]


def _groups(tokens: list[Token]) -> list[list[Token]]:
    """Return the tokens of each outermost block."""
    groups: list[list[Token]] = []
    level = 0
    for token in tokens:
        if level == 0:
            groups.append([])
        groups[-1].append(token)
        level += token.nesting
    return groups


def _finished(groups: list[list[Token]]) -> tuple[list[list[Token]], int]:
    """Return the blocks that are complete in a window, and the line where the next window begins, or 0 if none is.

    A list that fills the window is complete up to its last item, and continues as a separate list.
    """
    if len(groups) > 1:
        return groups[:-1], _lines(groups[-1][0])[0]
    items = [at for at, token in enumerate(groups[0]) if token.type == "list_item_open" and token.level == 1]
    if len(items) > 1:
        line = _lines(groups[0][items[-1]])[0]
        opening = groups[0][0].copy()
        opening.map = [_lines(opening)[0], line]
        return [[opening, *groups[0][1 : items[-1]]]], line
    return groups, 0


def _whole_fence(text: str, fence: Token, offsets: list[int]) -> tuple[list[list[Token]], list[int]]:
    """Return fenced code that fills a window, with its end found by a search, as code contains no blocks."""
    first = _lines(fence)[0]
    mark = re.escape(fence.markup)
    closing = re.compile(rf"^ {{0,3}}{mark}{re.escape(fence.markup[0])}*[ \t]*(?:\n|\Z)", re.MULTILINE)
    end = closing.search(text, offsets[first + 1])
    whole = fence.copy()
    whole.map = [first, first + 1]
    return [[whole]], [*offsets[: first + 1], end.end() if end else len(text)]


def _offsets(window: str, start: int) -> list[int]:
    offsets = [start, *(start + line_break.end() for line_break in re.finditer("\n", window))]
    if not window.endswith("\n"):
        offsets.append(start + len(window))
    return offsets


def _line_end(text: str, position: int) -> int:
    """Return the offset after the line break at or after a position, or the end of the text."""
    at = text.find("\n", position)
    return len(text) if at < 0 else at + 1
