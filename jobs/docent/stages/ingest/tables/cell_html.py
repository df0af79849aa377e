"""Convert HTML in cells and descriptions, as exported by content management systems, to Markdown.

Covers what cells usually contain: paragraphs, lists, emphasis, links, small tables. Scripts, styles, comments and links
that run code are dropped. Opens no files. Time grows linearly with the cell's length even for broken HTML, which is not
true of the standard library's parser; hence this one.
"""

import html
import re

from docent.text.markdown.html_tags import BLOCKS, DROPPED, FLAGS, HEADINGS, NAMES, is_tag, with_superscripts
from docent.text.markdown.html_text import comment_spans, without_spans

_HEADING_MARKS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_EMPHASIS = {"b": "**", "strong": "**", "i": "*", "em": "*", "code": "`"}
_KNOWN = "|".join(sorted(NAMES))
_IS_HTML = re.compile(rf"<(?:{_KNOWN})(?:\s[^<>=]*+=[^<>]*+|{FLAGS})>|</(?:{_KNOWN})\s*>", re.IGNORECASE)
# A match of neither pattern can begin inside another, so that no text is scanned twice.
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*+)([^<>]*+)>")
_ATTRIBUTE = re.compile(r"""\b(href|alt)\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)""", re.IGNORECASE)
_MAX_ATTRIBUTE_CHARS = 4000
# The semicolon is required: `R&D` and `?a=1&copy=2` are text.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# Without one of these, the line breaks in the text are kept; a comment may span several lines.
_BREAKS_LINES = re.compile(
    rf"<!--|</?(?:{'|'.join(sorted(BLOCKS | DROPPED | HEADINGS))}|br|hr|li|td|th|thead|tbody|body|html)\b",
    re.IGNORECASE,
)
_END_OF_DROPPED = re.compile(rf"</({'|'.join(sorted(DROPPED))})\b", re.IGNORECASE)
_ESCAPED_TAG = re.compile(r"&lt;/?[A-Za-z][^<>]{0,200}?&gt;")
_LINK = re.compile(r"(?:https?://|mailto:)[^\s()<>]+", re.IGNORECASE)


def is_html(text: str) -> bool:
    """Return whether a cell contains an HTML tag; `5 < 6` and `<unknown>` are text."""
    return _IS_HTML.search(text) is not None


def readable_html(text: str, emphasis: bool = False) -> str:
    """Return a text as Markdown or plain text, with tags converted, comments removed and entities decoded.

    Args:
        emphasis: whether bold and italics become Markdown or, as for exhibits, are left out.
    """
    if _ESCAPED_TAG.match(text) and not is_html(text):  # the exporting system escaped the HTML
        text = without_entities(text)
    if is_html(text):
        lines = [text] if _BREAKS_LINES.search(text) else text.split("\n")
        return "\n".join(to_markdown(line, emphasis) for line in lines)
    if "<!--" in text:
        text = without_spans(text, comment_spans(text)).strip()
    return without_entities(text)


def without_entities(text: str) -> str:
    """Return a text with entities such as `&amp;` decoded."""
    if "&" not in text:
        return text
    return _ENTITY.sub(lambda entity: html.unescape(entity.group()).replace("\xa0", " "), text)


def to_markdown(text: str, emphasis: bool = True) -> str:
    """Return the Markdown of a cell with tags, with or without bold and italics."""
    markdown, end = _Markdown(_EMPHASIS if emphasis else {}), 0
    text = with_superscripts(without_spans(text, comment_spans(text)))
    last_closed = {closing[1].lower(): closing.start() for closing in _END_OF_DROPPED.finditer(text)}
    for tag in _TAG.finditer(text):
        name, behind = tag[2].lower(), tag[3][:_MAX_ATTRIBUTE_CHARS]
        if not is_tag(name, behind):
            continue
        markdown.text(text[end : tag.start()])
        if tag[1]:
            markdown.closed(name)
        elif name not in DROPPED or (not behind.endswith("/") and last_closed.get(name, 0) > tag.start()):
            markdown.opened(name, behind)  # a script that is never closed would swallow all the text after it
        end = tag.end()
    markdown.text(text[end:])
    lines = (re.sub(r"[ \t\xa0]+", " ", line).strip() for line in "".join(markdown.pieces).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Markdown:
    """Collects Markdown in `pieces`; tolerates unbalanced tags."""

    def __init__(self, emphasis: dict[str, str]) -> None:
        self.emphasis = emphasis
        self.pieces: list[str] = []
        self.dropped: list[str] = []
        self.lists: list[int] = []
        self.links: list[str] = []
        self.in_cell = False

    def opened(self, tag: str, attributes: str) -> None:
        if tag in DROPPED:
            self.dropped.append(tag)
        if self.dropped:
            return
        if tag in ("ul", "ol"):
            self.lists.append(1 if tag == "ol" else 0)
        if tag == "a":
            address = _LINK.fullmatch(_attribute(attributes, "href"))
            self.links.append(address.group() if address else "")
        if tag in ("td", "th") and self.in_cell:  # HTML need not close a cell
            self.pieces.append(" | ")
        self.in_cell = (self.in_cell or tag in ("td", "th")) and tag != "tr"
        self.pieces.append(self._before(tag, attributes))

    def closed(self, tag: str) -> None:
        if self.dropped:
            if tag in self.dropped:
                del self.dropped[self.dropped.index(tag) :]
            return
        if tag in ("ul", "ol") and self.lists:
            self.lists.pop()
        if tag == "a" and self.links:
            address = self.links.pop()
            self.pieces.append(f"]({address})" if address else "")
        elif tag in ("td", "th"):
            self.pieces.append(" | ")
            self.in_cell = False
        elif tag in BLOCKS or tag in HEADINGS:
            self.pieces.append("\n" if tag in ("tr", "dt", "dd") or self.lists else "\n\n")
        else:
            self.pieces.append(self.emphasis.get(tag, ""))

    def text(self, text: str) -> None:
        if not self.dropped:
            self.pieces.append(re.sub(r"\s+", " ", without_entities(text)))

    def _before(self, tag: str, attributes: str) -> str:
        """Return the Markdown for an opening tag."""
        if tag == "li":
            return self._bullet()
        if tag == "a":
            return "[" if self.links[-1] else ""
        if tag == "img":
            return _attribute(attributes, "alt")
        if tag in ("br", "hr") or tag in BLOCKS:
            return "\n"
        return "\n" + _HEADING_MARKS[tag] if tag in HEADINGS else self.emphasis.get(tag, "")

    def _bullet(self) -> str:
        number = self.lists[-1] if self.lists else 0
        if not number:
            return "\n- "
        self.lists[-1] += 1
        return f"\n{number}. "


def _attribute(attributes: str, name: str) -> str:
    value = next((value for key, value in _ATTRIBUTE.findall(attributes) if key.lower() == name), "")
    return html.unescape(value[1:-1] if value[:1] in ("'", '"') else value).strip()
