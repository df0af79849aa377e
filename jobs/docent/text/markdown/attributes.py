"""Remove Markdown markup that is not text: ids and classes of headings, marks of callouts.

`{#id}`, `{ #id .class key=value }` (Pandoc, Kramdown, Python-Markdown), `{/* #id */}` (MDX), `[!NOTE]` (GitHub,
Obsidian). Reads and writes no files.
"""

import re

# Braces that contain only ids, classes and values: `{A, B}` in prose is not an attribute list.
ATTRIBUTES = re.compile(
    r"""\{:?[ \t]*(?:(?:[#.][^\s{}]{1,200}|[\w:-]{1,60}=(?:"[^"{}\n]{0,300}"|'[^'{}\n]{0,300}'|[^\s{}"']{1,300})|-)"""
    r"""[ \t]*){1,30}+\}"""
)
_BEHIND_HEADING = re.compile(rf"(?:{ATTRIBUTES.pattern}|\{{/\*[^{{}}\n]{{0,300}}\*/\}})\Z")
_CLOSING_MARKS = re.compile(r"(?:^|(?<=\s))#+\Z")
_CALLOUT = re.compile(r"\A\[!([A-Za-z][\w-]{0,40})\](?:\|[^\n\]]{0,40})?[+-]?[ \t]*")
_LINE_OF_ATTRIBUTES = re.compile(r"^[ \t]*\{:[^{}\n]*\}[ \t]*$", re.MULTILINE)
_SPAN = re.compile(rf"(?<![\w!\\\]])\[([^\[\]\n]{{1,500}})\](?:{ATTRIBUTES.pattern})")


def without_heading_attributes(title: str) -> str:
    """Return the Markdown of a heading without its id, classes and closing number signs."""
    text = title.strip()
    # An attribute list is at the end, and short.
    start = max(0, text.rfind("{"))
    while text.endswith("}") and (attributes := _BEHIND_HEADING.match(text, start)) and attributes.end() == len(text):
        text = text[:start].rstrip()
        start = max(0, text.rfind("{"))
    return _CLOSING_MARKS.sub("", text).rstrip()


def without_attributes(text: str) -> str:
    """Return the Markdown of a paragraph without attribute lines, and with `[words]{.class}` reduced to its words."""
    if "{" not in text:
        return text
    return _SPAN.sub(r"\1", _LINE_OF_ATTRIBUTES.sub("", text))


def callout_mark(text: str) -> int:
    """Return the length of the mark, such as `[!NOTE]`, at the start of a paragraph, or 0 if there is none."""
    mark = _CALLOUT.match(text)
    return mark.end() if mark else 0
