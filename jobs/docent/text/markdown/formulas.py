r"""Locate formulas in a text: `$…$`, `$$…$$`, `\(…\)`, `\[…\]`, `\begin{…}…\end{…}`.

No character inside a formula is Markdown. A single dollar opens a formula by the rules of Pandoc: it is followed by no
white space, the closing one is not preceded by white space nor followed by a digit. `$5 and $10` are prices, and
`\(note\)` is an escaped parenthesis. Reads and writes no files.
"""

import re
from collections.abc import Sequence

from docent.text.markdown.html_text import overlaps

# Each part is possessive and stops at the next delimiter, so that no text is scanned twice.
_FORMULA = re.compile(
    r"(?<!\\)\$\$(?!\$)(?P<block>(?:[^$\\]|\\[\s\S]|\$(?!\$)){1,20000}+)\$\$"
    r"|(?<![\\$\w])\$(?![\s$])(?P<inline>(?:[^$\\]|\\[\s\S]){1,2000}+)(?<!\s)\$"
    r"(?![\d$]|(?!(?:st|nd|rd|th|s)\b)[^\W\d_])"
    r"|(?<!\\)\\\((?P<round>(?:[^\\]|\\(?![()])[\s\S]){1,2000}+)\\\)"
    r"|(?<!\\)\\\[(?P<square>(?:[^\\]|\\(?![\[\]])[\s\S]){1,20000}+)\\\]"
    r"|(?<!\\)\\begin\{[A-Za-z]{1,20}\*?\}(?P<environment>(?:[^\\]|\\(?!end\{)[\s\S]){1,5000}+)"
    r"(?:\\end\{[A-Za-z]{1,20}\*?\}(?:\s{0,20}(?=\\end\{))?)++"
)
_TEX = re.compile(r"[\\^_{}=<>]")
_WORD = re.compile(r"[^\W\d_]{2}")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")


def formula_spans(text: str, code: Sequence[tuple[int, int]] = ()) -> list[tuple[int, int]]:
    """Return start and end of every formula, including its delimiters, in order.

    Args:
        code: sorted spans of code; a formula cannot overlap them.
    """
    if not any(opening in text for opening in ("$", "\\(", "\\[", "\\begin{")):
        return []
    formulas = (match for match in _FORMULA.finditer(text) if _is_formula(match))
    return [match.span() for match in formulas if not overlaps(code, *match.span())]


def _is_formula(match: re.Match[str]) -> bool:
    kind = match.lastgroup or ""
    content = match[kind]
    if "![" in content or "<img" in content or (kind != "block" and _BLANK_LINE.search(content)):
        return False
    if kind in ("block", "environment") or _TEX.search(content):
        return True
    if kind == "square":
        return False
    # Without a TeX sign, only short content is a formula: `$n$`, not `$5 per month or 50$`.
    return content.strip() != "" and (not _WORD.search(content) or (kind == "inline" and " " not in content))
