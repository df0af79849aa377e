"""Extract the statements of an HTML block in Markdown, with their lines: the text between the tags.

Comments, scripts, styles and figure captions are skipped. Broken HTML is not repaired. Reads and writes no files.
"""

import re
import string
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter

# `str.lower` turns a Turkish `İ` into two characters, which would shift positions.
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_HIDDEN = ("script", "style", "template", "figcaption", "svg", "noscript")
# Tags that separate statements.
_PARTING = re.compile(
    r"</?(?:address|article|aside|blockquote|br|caption|center|dd|details|div|dl|dt|figure|figcaption|footer|form|h[1-6]|"
    r"header|hr|li|main|nav|ol|p|pre|section|summary|table|tbody|td|tfoot|th|thead|tr|ul)(?=[\s/>])[^<>]*+>",
    re.IGNORECASE,
)


def comment_spans(text: str) -> list[tuple[int, int]]:
    """Return start and end of every `<!-- comment -->`, in order; an unclosed one does not count."""
    spans: list[tuple[int, int]] = []
    end = 0
    while (start := text.find("<!--", end)) >= 0 and (close := text.find("-->", start + 4)) >= 0:
        end = close + 3
        spans.append((start, end))
    return spans


def overlaps(spans: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Return whether a range overlaps one of these spans, which are sorted and do not overlap each other."""
    at = bisect_right(spans, start, key=itemgetter(1))
    return at < len(spans) and spans[at][0] < end


def blanked(text: str, spans: list[tuple[int, int]]) -> str:
    """Return the text without these spans, but with their line breaks."""
    return with_replaced(text, spans, lambda span: "\n" * span.count("\n"))


def with_replaced(text: str, spans: Iterable[tuple[int, int]], replacement: Callable[[str], str]) -> str:
    """Return the text with each of these sorted spans replaced by the result of a function."""
    pieces, end = [], 0
    for start, behind in spans:
        pieces += [text[end:start], replacement(text[start:behind])]
        end = behind
    return "".join([*pieces, text[end:]])


def without_spans(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return the text without these spans, including their line breaks."""
    return with_replaced(text, spans, lambda _: "")


def statements_in(content: str) -> Iterator[tuple[int, str]]:
    """Yield the pieces of a block between separating tags: the line each begins on, from 0, and its HTML."""
    text = blanked(content, comment_spans(content))
    text = blanked(text, _hidden_spans(text))
    end = line = 0
    for start, behind in [*(tag.span() for tag in _PARTING.finditer(text)), (len(text), len(text))]:
        piece = text[end:start]
        blank = piece[: len(piece) - len(piece.lstrip())]
        if piece.strip():
            yield line + blank.count("\n"), piece.strip()
        line += text.count("\n", end, behind)
        end = behind


def _hidden_spans(text: str) -> list[tuple[int, int]]:
    """Return the spans of elements that are not shown as text, in order; leave out unclosed ones."""
    lowered = text.translate(_LOWER)
    spans: list[tuple[int, int]] = []
    for name in _HIDDEN:
        end = 0
        while (start := lowered.find(f"<{name}", end)) >= 0 and (close := lowered.find(f"</{name}", start)) >= 0:
            behind = lowered.find(">", close)
            end = behind + 1 if behind >= 0 else len(text)
            spans.append((start, end))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if not merged or start >= merged[-1][1]:
            merged.append((start, end))
    return merged
