"""Split a section into blocks, with nothing left out: paragraphs, lists, numbered steps, tables.

A section is quoted completely or not at all. A part that cannot be quoted (a nested list, an unfinished sentence, a
heading of another section) is a block too: a gap. Also parses Markdown tables into cells. Reads and writes nothing.
"""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from docent.teacher.source.statements import (
    FIGURE,
    ITEM,
    MAX_CHARS,
    TABLE_LINE,
    cleaned,
    is_code,
    lines_of,
    sentences_of,
    usable,
    without_marks,
)
from docent.teacher.source.words import ENGLISH, Words
from docent.text.sentences import plain

RawTable = tuple[list[str], list[tuple[list[str], str]]]
"""The cells of a table's head, and for each row its cells and its line."""
BlockKind = Literal["paragraph", "list", "steps", "table", "code", "gap"]
_DEFINITION = re.compile(r"^(?:\*\*|__)[^*_]{2,60}(?:\*\*:|:\*\*|__:|:__) ")
_QUOTED = re.compile(r"^>\s?")
# A sentence that only says where to read on; other sentences with references have content of their own.
_ONLY_POINTS = re.compile(ENGLISH["only_points"])
_NUMBER = re.compile(r"\d+")
_RULE = re.compile(r"^(?=[\s:|]*+-)[\s:|-]*+$")
_CODE = "```"
_BLANK, _HEADING = re.compile(r"^\s*+$"), re.compile("#")
_LINE_KINDS = {"blank": _BLANK, "code": re.compile(_CODE), "table": TABLE_LINE, "heading": _HEADING, "item": ITEM}


@dataclass(frozen=True)
class Block:
    """One block of a section.

    Attributes:
        parts: sentences of a paragraph, items of a list, steps, lines of a table; without markup, except for tables.
    """

    kind: BlockKind
    parts: tuple[str, ...] = ()


def blocks_of(text: str, title: str, words: Words) -> list[Block]:
    """Return the blocks of a section in order.

    Args:
        title: the section's title, with which the text may begin.
    """
    groups: list[list[str]] = []
    for line, is_code_line in lines_of(FIGURE.sub(" ", cleaned(text[:MAX_CHARS]))):
        line = _CODE if is_code_line else line
        if groups and _joins(groups[-1], line):
            groups[-1].append(line)
        else:
            groups.append([line])
    blocks: list[Block] = []
    for lines in groups:
        blocks += _block(lines, "" if blocks else title, words)
    return blocks


def tables_in(lines: Sequence[str], markup: re.Pattern[str]) -> list[RawTable]:
    """Return the Markdown tables in these lines."""
    tables: list[RawTable] = []
    is_inside = False
    for line, below in itertools.pairwise([*lines, ""]):
        if not TABLE_LINE.match(line):
            is_inside = False
        elif not is_inside:
            is_inside = _RULE.match(below) is not None
            tables += [(cells_of(line, markup), [])] if is_inside else []
        elif not _RULE.match(line):
            tables[-1][1].append((cells_of(line, markup), line.strip()))
    return tables


def cells_of(line: str, markup: re.Pattern[str]) -> list[str]:
    """Return the cells of a row, without markup."""
    inner = line.strip().removeprefix("|").removesuffix("|")
    return [" ".join(markup.sub("", cell).split()) for cell in re.split(r"(?<!\\)\|", inner)]


def _line_kind(line: str) -> str:
    return next((kind for kind, pattern in _LINE_KINDS.items() if pattern.match(line)), "text")


def _joins(group: Sequence[str], line: str) -> bool:
    """Check whether a line belongs to the same block as those before it."""
    first, kind = _line_kind(group[0]), _line_kind(line)
    if first != "item":
        return kind == first
    goes_on = bool(group[-1].strip()) or line[:1] in (" ", "\t")
    return kind in ("item", "blank") or (kind == "text" and goes_on)


def _block(lines: Sequence[str], title: str, words: Words) -> list[Block]:
    """Return the block of lines of one kind, or none for headings and lines without content."""
    kind = _line_kind(lines[0])
    if kind in ("blank", "heading"):
        return []
    if kind == "code":
        return [Block("code")]
    if words.finds("todo", "\n".join(lines)):
        return [Block("gap")]
    if kind == "table":
        return [Block("table", tuple(lines))]
    block = _list(lines) if kind == "item" else _paragraph(lines, title, words)
    return [block] if block.kind == "gap" or block.parts else []


def _paragraph(lines: Sequence[str], title: str, words: Words) -> Block:
    sentences = sentences_of("\n".join(lines))
    if sentences and plain(sentences[0]) == plain(title):
        sentences = sentences[1:]
    kept = [sentence for sentence in sentences if sentence and not words.finds("points", sentence)]
    if any(s and s not in kept and not _ONLY_POINTS.match(s) for s in sentences):
        return Block("gap")  # it has content of its own as well
    if any(left_out not in kept and follows in kept for left_out, follows in itertools.pairwise(sentences)):
        return Block("gap")  # the sentence after one that is left out may need it
    sentences = kept
    is_definition = _DEFINITION.match(lines[0].strip()) is not None
    is_told = all(usable(re.sub(r":$", ".", sentence), min_words=1) for sentence in sentences)
    return Block("paragraph", tuple(sentences)) if is_told and not is_definition else Block("gap")


def _list(lines: Sequence[str]) -> Block:
    """Return the block of a list whose items are all at one level, with bullets or numbered from 1."""
    items: list[str] = []
    numbers: list[int] = []
    first = len(lines[0]) - len(lines[0].lstrip())
    for line in lines:
        if found := ITEM.match(line):
            if len(line) - len(line.lstrip()) > first + 1:
                return Block("gap")
            numbers += [int(number[0])] if found[2] and (number := _NUMBER.search(found[2])) else []
            items.append(line[found.end() :].strip())
        elif line.strip():
            items[-1] = f"{items[-1]} {_QUOTED.sub('', line.strip())}".rstrip()
    items = [without_marks(item) for item in items]
    is_counted = numbers in ([], list(range(1, len(items) + 1)), [1] * len(items))
    has_code = not numbers and any(is_code(item) for item in items)  # a step may be a command
    if not is_counted or has_code or not all(any(c.isalpha() for c in item) for item in items):
        return Block("gap")
    return Block("steps" if numbers else "list", tuple(items))
