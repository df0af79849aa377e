"""Distinguish HTML tags from text in angle brackets: `<b>` from `List<String>` and `<name@example.org>`.

Reads and writes no files.
"""

import re

BLOCKS = frozenset(
    "address article aside blockquote caption center dd details dialog dir div dl dt fieldset figcaption figure footer "
    "form header legend main menu nav ol option p pre section summary table tfoot tr ul".split()
)
HEADINGS = frozenset(f"h{level}" for level in range(1, 7))
DROPPED = frozenset(("script", "style", "template", "head", "iframe", "object", "svg", "noscript"))
"""Elements whose content is not shown to readers."""
_OTHERS = frozenset(
    "a abbr acronym area audio b base basefont bdi bdo big body br button cite code col colgroup data del dfn em font "
    "hr html i img input ins kbd label li link map mark meta meter output picture progress q rp rt ruby s samp select "
    "small source span strike strong sub sup tbody td textarea th thead time track tt u var video wbr".split()
)
NAMES = BLOCKS | HEADINGS | DROPPED | _OTHERS
# Attributes allowed without a value after a tag name; all others need one.
FLAGS = (
    r"(?:\s++(?:async|checked|compact|controls|defer|disabled|hidden|itemscope|noshade|nowrap|reversed|selected)\b)*+"
    r"\s*+/?\s*+"
)
_BEHIND_NAME = re.compile(rf"(?:\s[^=]*+=.*|{FLAGS})", re.IGNORECASE | re.DOTALL)
_BEHIND_PREFIX = re.compile(rf":[A-Za-z][\w.-]*+(?:\s[^=]*+=.*|{FLAGS})", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]{0,60}+)([^<>]{0,1000})>")
_ALONE = re.compile(r"^[ \t]*+(<[^<>\n]{1,1000}>)[ \t]*$", re.MULTILINE)

# Superscript numbers: without the tags, `10<sup>3</sup>` would become another number.
_RAISED = re.compile(r"<sup(?:\s[^<>]{0,200})?>\s{0,20}([+\-\u2212]?[0-9]{1,6})\s{0,20}</sup\s{0,20}>", re.IGNORECASE)
_SIGNS = str.maketrans("0123456789+-\u2212", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")


def is_tag(name: str, behind: str) -> bool:
    """Return whether text in angle brackets is a tag: of HTML, of a word processor (`<o:p>`), or with attributes.

    Args:
        name: letters and digits after the opening bracket, in lower case.
        behind: the text after the name, up to the closing bracket.
    """
    if name in NAMES:
        return _BEHIND_NAME.fullmatch(behind) is not None
    return _BEHIND_PREFIX.fullmatch(behind) is not None or ("=" in behind and behind[:1].isspace())


def without_tags(text: str) -> str:
    """Return the text without its tags, with all line breaks kept.

    Tags with other names are components if they are closed (`<Tabs>…</Tabs>`) or alone on a line.
    """
    closed = {tag[2] for tag in _TAG.finditer(text) if tag[1]}
    alone = {tag.start(1) for tag in _ALONE.finditer(text)}

    def shown(tag: re.Match[str]) -> str:
        component = tag[2] in closed or "-" in tag[2] or tag[3].rstrip().endswith("/") or tag.start() in alone
        is_markup = component or is_tag(tag[2].lower(), tag[3])
        return "\n" * tag.group().count("\n") if is_markup else tag.group()

    return _TAG.sub(shown, text)


def with_superscripts(text: str) -> str:
    """Return the text with `<sup>3</sup>` as `³`; other superscripts stay unchanged."""
    return _RAISED.sub(lambda raised: raised[1].translate(_SIGNS), text)
