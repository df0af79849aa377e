r"""Add blocks that markdown-it lacks: footnote definitions, admonitions, colon directives, displayed formulas.

`[^1]: words`, `!!! note "Title"`, `??? note` and `=== "Tab"` contain the indented lines below them. A line of `:::`
separates paragraphs. `$$` and `\[` at the start of a block begin a formula, which continues over blank lines to its
end.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.ruler import RuleOptionsType
    from markdown_it.rules_block import StateBlock

MAX_FORMULA_LINES = 200
_FOOTNOTE = re.compile(r"\[\^([^\[\]\s]{1,200})\]:[ \t]*")
_ADMONITION = re.compile(
    r"(?:(?:!!!|\?\?\?\+?)[ \t]+[A-Za-z][\w-]*+(?:[ \t]++[A-Za-z][\w-]*+){0,5}[ \t]*+|===[!+]?[ \t]++(?=\"))"
    r"(?:\"([^\"\n]*+)\")?[ \t]*+\Z"
)
_COLONS = re.compile(
    r":{3,}+[ \t]*+(?:\{[^{}\n]*+\}|[A-Za-z][\w-]*+)?[ \t]*+"
    r"(?:\[([^\[\]\n]*+)\]|\"([^\"\n]*+)\"|([^:\n]*+))[ \t]*+:*+\Z"
)
_OPENINGS = {"$$": "$$", "\\[": "\\]"}
_HEADING = re.compile(r"#{1,6}[ \t]")


def add_rules(parser: MarkdownIt, strict: bool) -> MarkdownIt:
    """Add these rules before a parser's own; for text that may not be Markdown, add only the rule for footnotes."""
    interrupting: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    ruler = parser.block.ruler
    ruler.before("fence", "footnote", _footnote, interrupting)
    if strict:
        ruler.before("fence", "formula", _formula)
        ruler.before("fence", "admonition", _admonition, interrupting)
        ruler.before("fence", "colons", _colons, interrupting)
    return parser


def _line(state: StateBlock, line: int) -> str:
    """Return a line without indentation and trailing blanks, or "" if it is indented as code."""
    if state.is_code_block(line):
        return ""
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].rstrip()


def _footnote(state: StateBlock, first: int, behind: int, silent: bool) -> bool:
    match = _FOOTNOTE.match(_line(state, first))
    if match is None or silent:
        return match is not None
    kept = state.bMarks[first], state.tShift[first], state.sCount[first]
    state.bMarks[first] += state.tShift[first] + match.end()
    state.tShift[first], state.sCount[first] = 0, state.blkIndent + 4
    _container(state, "footnote", range(first, behind))
    state.bMarks[first], state.tShift[first], state.sCount[first] = kept
    return True


def _admonition(state: StateBlock, first: int, behind: int, silent: bool) -> bool:
    match = _ADMONITION.match(_line(state, first))
    if match is None or silent:
        return match is not None
    _container(state, "admonition", range(first + 1, behind), match[1] or "")
    return True


def _colons(state: StateBlock, first: int, behind: int, silent: bool) -> bool:
    match = _COLONS.match(_line(state, first))
    if match is None or silent:
        return match is not None
    state.line = first + 1
    _paragraph(state, first, first + 1, next((words for words in match.groups() if words), "").rstrip())
    return True


def _container(state: StateBlock, kind: str, lines: range, title: str = "") -> None:
    """Push the tokens of a block that contains the lines indented by four more columns than the block.

    Args:
        lines: from the first line that may be inside to the line after the last that may be.
        title: title from the line above them, or "".
    """
    opening = state.push(f"{kind}_open", "", 1)
    if title:
        _paragraph(state, lines.start - 1, lines.start, title)
    before, state.parentType = state.parentType, kind
    state.blkIndent += 4
    state.line = lines.start
    state.md.block.tokenize(state, lines.start, lines.stop)
    state.blkIndent -= 4
    state.parentType = before
    first = lines.start - (kind == "admonition")
    opening.map = [first, max(state.line, first + 1)]
    state.push(f"{kind}_close", "", -1)


def _formula(state: StateBlock, first: int, behind: int, silent: bool) -> bool:
    text = _line(state, first)
    closing = _OPENINGS.get(text[:2])
    if closing is None or closing in text[2:]:  # a formula on one line is parsed as an ordinary paragraph
        return False
    last = min(behind, first + MAX_FORMULA_LINES)
    for line in range(first + 1, last):
        text = _line(state, line) or state.src[state.bMarks[line] : state.eMarks[line]].strip()
        if _HEADING.match(text) or (state.sCount[line] < state.blkIndent and text):
            return False
        if text.endswith(closing):
            if not silent:
                content = state.getLines(first, line + 1, state.blkIndent, False)
                state.line = line + 1
                _paragraph(state, first, line + 1, content.strip())
            return True
    return False


def _paragraph(state: StateBlock, first: int, behind: int, content: str) -> None:
    opening = state.push("paragraph_open", "p", 1)
    opening.map = [first, behind]
    inline = state.push("inline", "", 0)
    inline.content, inline.map, inline.children = content, [first, behind], []
    state.push("paragraph_close", "p", -1)
