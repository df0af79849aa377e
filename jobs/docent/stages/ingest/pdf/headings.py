"""Find the headings of a PDF, join those that span several lines, and find the document's title.

A line is a heading if it is clearly larger than the text (`lines.is_heading`). A line that begins with a section number
is also a heading if it is slightly larger than the text, or if it has the size of the text, is separated from its
neighbours and continues the numbering. Items of a numbered list and entries of a table of contents are not headings:
their neighbours have numbers of the same depth. Reads and writes no files.
"""

import re
import statistics
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise, takewhile

from docent.resources import read_yaml
from docent.stages.ingest.pdf.page.fragments import WIDE_GAP
from docent.stages.ingest.pdf.page.lines import MAX_HEADING_CHARS, MeasuredLine, is_heading

SAME_SIZE_SHARE = 0.04
"""Heading sizes that differ by less than this share count as the same."""
MAX_JOINED_CHARS = 200
_CLOSE_GAP = 0.8
"""Largest gap between two lines of one heading, in heights of its font."""
_MIN_NUMBERED_RATIO, _MIN_ALONE_RATIO, _ALONE_STEP = 1.04, 0.98, 1.2
_MAX_ALONE_CHARS, _MAX_WRAPPED_LINES = 80, 2
_MAX_NEIGHBOURS = 12
_MAX_ABOVE_TITLE, _MIN_TITLE_CHARS = 3, 2
_NUMBERED = re.compile(r"(\d{1,2}(?:\.\d{1,2}){0,4})(\.?)\s+(\S.*)")
_LEADERS = re.compile(r"(?:[.·…_]\s?){3,}")
_ENDS_IN_NUMBER = re.compile(r"\s\d{1,4}$")
_PARTS_OF_DOCUMENTS = frozenset(read_yaml("docent.text", "word_lists.yaml")["document_parts"])
"""Usual titles of a document's parts, such as `contents`, in lower case; never the title of a document."""
_SENTENCE_ENDS = (".", ",", ";", ":", "。", "、", "；", "：", "，")

Number = tuple[int, ...]
Neighbours = tuple[MeasuredLine | None, MeasuredLine | None]
"""The lines above and below a line."""


def section_number(text: str) -> Number | None:
    """Return the number at the start of a heading, such as (4, 1) in `4.1 Deck`, or None if it has none."""
    match = _NUMBERED.fullmatch(text)
    if match is None or not match[3][0].isalpha() or match[3][0].islower():
        return None
    return tuple(int(part) for part in match[1].split("."))


def same_size(first: float, second: float) -> bool:
    """Return whether two font sizes, in points, count as the same."""
    return abs(first - second) < SAME_SIZE_SHARE * max(first, second)


def continues(above: MeasuredLine, below: MeasuredLine) -> bool:
    """Return whether the next line continues a heading: of the same size, close below, without its own number."""
    close = -above.box.height < above.box.bottom - below.box.top < _CLOSE_GAP * below.size
    return close and same_size(above.size, below.size) and section_number(below.text) is None


class NumberedHeadings:
    """Finds headings that differ from the text only in their section number, page by page.

    Attributes:
        body: height of the document's text, in points.
    """

    def __init__(self, body: float) -> None:
        self.body = body
        self._last: Number = ()

    def on_page(self, lines: Sequence[MeasuredLine]) -> frozenset[int]:
        """Return the line numbers of such headings on a page; `lines` must not include running lines."""
        headings: set[int] = set()
        numbers = [(at, number) for at, line in enumerate(lines) if (number := section_number(line.text))]
        if not numbers or self.body <= 0:
            return frozenset()
        ordered = sorted(lines, key=lambda line: line.box.middle, reverse=True)
        places = {line.number: at for at, line in enumerate(ordered)}
        step = _usual_step(lines, self.body)
        for at, number in numbers:
            line = lines[at]
            if is_heading(line.text, line.size, self.body):
                self._last = number
                continue
            around = _around(ordered, places[line.number])
            if around is None or any(_depth(near) == len(number) for near in around if near is not None):
                continue
            if line.size >= _MIN_NUMBERED_RATIO * self.body:
                if len(line.text) <= MAX_HEADING_CHARS and not self._is_entry(line, around):
                    self._last = number
                    headings.update((line.number, *_wrapped(lines, at)))
            elif self._stands_alone(line, around, step) and _follows(number, self._last):
                self._last = number
                headings.add(line.number)
        return frozenset(headings)

    def _is_entry(self, line: MeasuredLine, around: Neighbours) -> bool:
        """Return whether a line in larger type is an entry of a table of contents.

        A number at its end is not enough (`2 Pump P 100`); a neighbour must end in a number too.
        """
        if _LEADERS.search(line.text):
            return True
        near = [one for one in (line, *around) if one is not None and _ENDS_IN_NUMBER.search(one.text)]
        entries = [one for one in near if _depth(one) or one.size >= _MIN_NUMBERED_RATIO * self.body]
        return line in entries and len(entries) > 1

    def _stands_alone(self, line: MeasuredLine, around: Neighbours, step: float) -> bool:
        """Return whether a line in text size is short, separate from its neighbours, and not a sentence or row."""
        above, below = around
        plain = line.size >= _MIN_ALONE_RATIO * self.body and line.gap <= WIDE_GAP
        match = _NUMBERED.fullmatch(line.text)
        item = match is None or (match[2] and "." not in match[1])  # `1.` begins the item of a list
        short = len(line.text) <= _MAX_ALONE_CHARS and not line.text.endswith(_SENTENCE_ENDS)
        entry = _LEADERS.search(line.text) or _ENDS_IN_NUMBER.search(line.text)
        if not plain or item or not short or entry or below is None:
            return False
        parted = line.box.middle - below.box.middle > _ALONE_STEP * step
        return parted and (above is None or above.box.middle - line.box.middle > _ALONE_STEP * step)


def _follows(number: Number, last: Number) -> bool:
    """Return whether a section number may directly follow the last one; without a last one, whether it is 1 or 1.1."""
    if not last:
        return set(number) == {1}
    following = [(*last[:depth], part + 1) for depth, part in enumerate(last)]
    return number in [(*last, 1), *following, *((*next_one, 1) for next_one in following)]


def _depth(line: MeasuredLine) -> int:
    return len(section_number(line.text) or ())


def _usual_step(lines: Sequence[MeasuredLine], body: float) -> float:
    """Return the median distance from one line of a page to the next, in points."""
    steps = [above.box.middle - below.box.middle for above, below in pairwise(lines)]
    steps = [step for step in steps if 0 < step < 4 * body]
    return statistics.median(steps) if len(steps) >= 4 else 1.5 * body


def _around(ordered: Sequence[MeasuredLine], at: int) -> Neighbours | None:
    """Return the lines above and below one of `ordered` (sorted from top to bottom), or None if one is next to it."""
    line = ordered[at]
    neighbours: list[MeasuredLine | None] = []
    for way in (ordered[max(at - _MAX_NEIGHBOURS, 0) : at][::-1], ordered[at + 1 : at + 1 + _MAX_NEIGHBOURS]):
        nearest = None
        for near in way:
            level = abs(near.box.middle - line.box.middle) < 0.4 * line.box.height
            if level and 0 < abs(near.box.left - line.box.left) < 8 * line.box.width:
                return None
            if not level and near.box.left < line.box.right and line.box.left < near.box.right:
                nearest = near
                break
        neighbours.append(nearest)
    return neighbours[0], neighbours[1]


def _wrapped(lines: Sequence[MeasuredLine], at: int) -> list[int]:
    """Return the numbers of the lines that continue a numbered heading."""
    pairs = zip(lines[at : at + _MAX_WRAPPED_LINES], lines[at + 1 :], strict=False)
    return [below.number for _, below in takewhile(lambda pair: continues(*pair), pairs)]


def headings_of(lines: Sequence[MeasuredLine], body: float, numbered: frozenset[int] = frozenset()) -> dict[int, str]:
    """Return the headings of a page by line number; a heading of several lines is under each of them.

    Args:
        lines: lines of the page without running ones, in file order.
        body: height of the document's text, in points.
        numbered: numbers of the lines that are headings by their section number.
    """
    titles: dict[int, str] = {}
    for group in _groups(lines, body, numbered):
        text = " ".join(line.text for line in group)[:MAX_JOINED_CHARS]
        titles |= {line.number: text for line in group}
    return titles


def _groups(lines: Sequence[MeasuredLine], body: float, numbered: Collection[int] = ()) -> list[list[MeasuredLine]]:
    """Return the headings of a page, each as a list of its lines."""
    groups: list[list[MeasuredLine]] = []
    before: MeasuredLine | None = None
    for line in lines:
        heads = is_heading(line.text, line.size, body) or line.number in numbered
        if heads and before is not None and continues(before, line):
            groups[-1].append(line)
        elif heads:
            groups.append([line])
        before = line if heads else None
    return groups


def title_of(first: Sequence[MeasuredLine], others: Iterable[Sequence[MeasuredLine]], body: float) -> str:
    """Return the document's title: the largest heading near the top of the first page, or "" if there is none.

    No other heading may be as large, except numbered ones: the chapters of a manual often are as large as its title.

    The title of a part, such as `1 Introduction` or `Contents`, is never the title of the document.

    Args:
        first: lines of the first page, without running ones.
        others: lines of the other pages, page by page, without running ones.
        body: height of the document's text, in points.
    """
    groups = sorted(_groups(first, body), key=lambda group: -group[0].size)
    if not groups:
        return ""
    title, size = groups[0], groups[0][0].size
    larger = [group[0] for group in groups[1:]]
    larger += [line for lines in others for line in lines if is_heading(line.text, line.size, body)]
    rest = [line.size for line in larger if line.size > size or section_number(line.text) is None]
    above = sum(line.box.middle > title[0].box.top for line in first)
    text = " ".join(line.text for line in title)
    of_part = section_number(text) is not None or text.strip(" .:").casefold() in _PARTS_OF_DOCUMENTS
    if above > _MAX_ABOVE_TITLE or len(text) < _MIN_TITLE_CHARS or of_part:
        return ""
    return text if all(other < size and not same_size(other, size) for other in rest) else ""
