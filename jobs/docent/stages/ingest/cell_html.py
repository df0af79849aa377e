"""HTML inside a table's cell becomes Markdown: what a content management system puts into its export.

Only what cells hold: paragraphs, lists, emphasis, links, small tables. Scripts, styles and comments are dropped, so are
links that run code. Opens nothing; memory and time grow with the cell alone.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

# Longer cells stay as they are: the parser is slow on some broken HTML.
MAX_HTML_CHARS = 100_000
_BLOCKS = frozenset(
    "address article blockquote div dd dl dt figure footer header main p pre section table tr ul ol".split()
)
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_EMPHASIS = {"b": "**", "strong": "**", "i": "*", "em": "*", "code": "`"}
_DROPPED = frozenset(("script", "style", "template", "head", "iframe", "object", "svg", "noscript"))
_OTHER = frozenset("a br font hr img li span sub sup td th thead tbody u body html".split())
_KNOWN = "|".join(sorted(_BLOCKS | _OTHER | _DROPPED | set(_HEADINGS) | set(_EMPHASIS)))
_IS_HTML = re.compile(rf"</?(?:{_KNOWN})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_LINK = re.compile(r"(?:https?://|mailto:)[^\s()<>]+", re.IGNORECASE)


def is_html(text: str) -> bool:
    """Whether a cell holds a tag; `5 < 6` and `<unknown>` are text."""
    return len(text) <= MAX_HTML_CHARS and _IS_HTML.search(text) is not None


def to_markdown(text: str) -> str:
    """The Markdown of a cell with tags."""
    parser = _Markdown()
    parser.feed(text)
    parser.close()
    lines = (re.sub(r"[ \t\xa0]+", " ", line).strip() for line in "".join(parser.pieces).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Markdown(HTMLParser):
    """Collects `pieces`; tags that do not match are taken as they come."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.dropped: list[str] = []
        self.lists: list[int] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED:
            self.dropped.append(tag)
        if self.dropped:
            return
        if tag in ("ul", "ol"):
            self.lists.append(1 if tag == "ol" else 0)
        if tag == "a":
            address = _LINK.fullmatch(dict(attrs).get("href") or "")
            self.links.append(address.group() if address else "")
        self.pieces.append(self._before(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
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
        elif tag in _BLOCKS or tag in _HEADINGS:
            self.pieces.append("\n" if tag in ("tr", "dt", "dd") or self.lists else "\n\n")
        else:
            self.pieces.append(_EMPHASIS.get(tag, ""))

    def handle_data(self, data: str) -> None:
        if not self.dropped:
            self.pieces.append(re.sub(r"\s+", " ", data))

    def _before(self, tag: str, attributes: dict[str, str | None]) -> str:
        """What stands for an opening tag."""
        if tag == "li":
            return self._bullet()
        if tag == "a":
            return "[" if self.links[-1] else ""
        if tag == "img":
            return attributes.get("alt") or ""
        if tag in ("br", "hr") or tag in _BLOCKS:
            return "\n"
        return "\n" + _HEADINGS[tag] if tag in _HEADINGS else _EMPHASIS.get(tag, "")

    def _bullet(self) -> str:
        number = self.lists[-1] if self.lists else 0
        if not number:
            return "\n- "
        self.lists[-1] += 1
        return f"\n{number}. "
