"""Find the pictures in a piece of Markdown, in any notation.

`![text](path "title")`, optionally with a size, attributes or spaces in the path; `![text][id]`, `![id][]` and `![id]`
with the path in a definition; `![[path]]`; `<img src="path">`. Every pattern scans a text once. Opens no files.
"""

import html
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from docent.text.markdown.attributes import ATTRIBUTES
from docent.text.markdown.html_text import overlaps

NO_PATH = "no path is given"

_ALT = re.compile(r"(?<!\\)!\[(?P<alt>(?:[^\[\]\\]|\\[\s\S]|\[[^\[\]]{0,200}\]){0,1000}+)\]")
_TITLE = r"""(?:\s{1,20}(?:"[^"]{0,1000}"|'[^']{0,1000}'|\([^()]{0,1000}\)))?"""
_SIZE = r"(?:\s{1,20}=\d{0,5}%?(?:x\d{0,5}%?)?)?"
_CLEAR = re.compile(
    rf"\(\s{{0,20}}(?:<(?P<angled>[^<>\n]{{0,2000}})>|(?P<data>data:[^\s()]++)){_TITLE}{_SIZE}\s{{0,20}}\)"
)
# Anything up to the closing parenthesis: paths with spaces are common, though CommonMark does not allow them.
_ANY = re.compile(
    r"""\((?P<inside>(?:(?<=\s)"[^"]{0,1000}"(?=\s{0,20}(?:=[\dx%]{0,12}\s{0,20})?\))"""
    r"""|(?<=\s)'[^']{0,1000}'(?=\s{0,20}(?:=[\dx%]{0,12}\s{0,20})?\))"""
    r"""|[^()\\]|\\[\s\S]|\([^()\n]{0,1000}\)){0,3000}+)\)"""
)
_ENDING_SIZE = re.compile(r"\s=\d{0,5}%?(?:x\d{0,5}%?)?\Z")
_TITLE_BEGINS = re.compile(r"""\s["'(](?=[^"']*["')]\Z)""")
_LABEL = re.compile(r"\[(?P<label>[^\[\]]{0,999})\]")
_EMBEDDED = re.compile(r"(?<!\\)!\[\[(?P<path>[^\[\]|\n]{1,1000})(?:\|[^\[\]\n]{0,200})?\]\]")
_IMG = re.compile(r"""<img(?=\s|/?>)(?:(?:"[^"<]*+"|'[^'<]*+'|[^<>"'])*+>|[^<>]*+>)""", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""(?<![\w-])(data-src|src|alt)\s{0,20}=\s{0,20}(?:"([^"]*+)"|'([^']*+)'|([^\s"'<>]++))""", re.I
)
_DEFINITION = re.compile(
    r"""^[ \t>]{0,40}\[(?P<label>(?!\^)[^\[\]\n]{1,999})\]:[ \t]*+(?:\n[ \t>]*+)?"""
    r"""(?:<(?P<angled>[^<>\n]*+)>|(?P<path>[^\s<]\S*+))"""
    r"""(?:[ \t]++(?:"[^"\n]*+"|'[^'\n]*+'|\([^()\n]*+\)))?[ \t]*+$""",
    re.MULTILINE,
)
_FENCE = re.compile(r"^[ \t>]{0,40}(`{3,}|~{3,})", re.MULTILINE)


class Picture(NamedTuple):
    """A picture in a text.

    Attributes:
        start, end: span of all its markup.
        path: path as written, with HTML escapes decoded, or "" if there is none.
        alt: alternative text, as Markdown.
        problem: why there is no path, or "".
    """

    start: int
    end: int
    path: str
    alt: str
    problem: str = ""


def pictures_in(text: str, definitions: Mapping[str, str]) -> Iterator[Picture]:
    """Yield every picture in a piece of text, including those in code, in no particular order."""
    if "![" in text:
        yield from _marked(text, definitions)
    if "<" in text:
        yield from (_tagged(tag) for tag in _IMG.finditer(text))


def definitions_in(text: str) -> dict[str, str]:
    """Return the path of every label defined outside fenced code (`[id]: path "title"`); the first one counts."""
    if "]:" not in text:
        return {}
    paths: dict[str, str] = {}
    fences = _fenced(text)
    for definition in _DEFINITION.finditer(text):
        if not overlaps(fences, definition.start(), definition.start() + 1):
            path = definition["angled"] if definition["angled"] is not None else definition["path"]
            paths.setdefault(normalized_label(definition["label"]), path)
    return paths


def without_definitions(text: str) -> str:
    """Return the text without lines that only define a label, with all line breaks kept."""
    return _DEFINITION.sub(lambda definition: "\n" * definition.group().count("\n"), text) if "]:" in text else text


def normalized_label(label: str) -> str:
    """Return a label in the form in which CommonMark compares labels, ignoring case and runs of white space."""
    return " ".join(label.split()).casefold()


def _marked(text: str, definitions: Mapping[str, str]) -> Iterator[Picture]:
    for embedded in _EMBEDDED.finditer(text):
        yield Picture(embedded.start(), embedded.end(), embedded["path"].strip(), "")
    for alt in _ALT.finditer(text):
        if (match := _CLEAR.match(text, alt.end())) is not None:
            path = match["angled"] if match["angled"] is not None else match["data"]
        elif (match := _ANY.match(text, alt.end())) is not None and "\n" not in (path := _address(match["inside"])):
            pass
        else:
            if (picture := _labelled(text, alt, definitions)) is not None:
                yield picture
            continue
        end = _behind_attributes(text, match.end())
        yield Picture(alt.start(), end, path, alt["alt"], "" if path else NO_PATH)


def _labelled(text: str, alt: re.Match[str], definitions: Mapping[str, str]) -> Picture | None:
    """Return a picture whose path is in a definition, or None if the text is not a picture."""
    label = _LABEL.match(text, alt.end())
    name = (label["label"] if label else "").strip() or alt["alt"]
    path = definitions.get(normalized_label(name))
    # `Careful![1]` without a definition is an exclamation mark before a citation number.
    if path is None and (not name.strip() or (not label and text[alt.start() - 1 : alt.start()].isalnum())):
        return None
    end = _behind_attributes(text, label.end() if label else alt.end())
    problem = "" if path else f"[{' '.join(name.split())[:100]}] is not defined" if path is None else NO_PATH
    return Picture(alt.start(), end, path or "", alt["alt"], problem)


def _address(inside: str) -> str:
    """Return the path between parentheses, without title and size."""
    text = _ENDING_SIZE.sub("", inside.strip()).rstrip()
    if text.endswith(('"', "'", ")")) and (title := _TITLE_BEGINS.search(text)):
        text = text[: title.start()]
    return text.rstrip()


def _behind_attributes(text: str, end: int) -> int:
    attributes = ATTRIBUTES.match(text, end)
    return attributes.end() if attributes else end


def _tagged(tag: re.Match[str]) -> Picture:
    values: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(tag.group()):
        values.setdefault(name.lower(), html.unescape(double or single or bare).strip())
    path = values.get("src") or values.get("data-src", "")
    # The value of an attribute is not Markdown.
    alt = re.sub(r"([\\`*_\[\]<>$~&])", r"\\\1", values.get("alt", ""))
    return Picture(tag.start(), tag.end(), path, alt, "" if path else NO_PATH)


def _fenced(text: str) -> list[tuple[int, int]]:
    """Return the spans of fenced code, in order; an unclosed one extends to the end."""
    spans: list[tuple[int, int]] = []
    opened: tuple[int, str] | None = None
    for fence in _FENCE.finditer(text):
        if opened is None:
            opened = fence.start(), fence[1]
        elif fence[1].startswith(opened[1]):
            spans.append((opened[0], fence.end()))
            opened = None
    return [*spans, (opened[0], len(text))] if opened else spans
