"""Read the text of one PDF page line by line, and classify the page.

Coordinates are in points from the lower left corner of the page as shown, after crop and rotation. PDFium provides
every character; nothing is rendered here.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import pypdfium2.raw as pdfium

from docent.text.encodings.invisible import without_invisible

PageClass = Literal["text", "mixed", "picture", "empty"]

MAX_PAGE_CHARS = 1_000_000
# PDFium returns one of these for a hyphen at the end of a line, and omits the line break after it.
_LINE_HYPHENS = (0xFFFE, 0x02)
_SOFT_HYPHEN, _LINE_BREAKS = 0xAD, (0x0D, 0x0A)
# Above this share of meaningless characters, the page's fonts lack a map from glyphs to characters.
_MAX_GARBLED_SHARE = 0.3


@dataclass(frozen=True)
class Box:
    """A rectangle on the page, in points."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def height(self) -> float:
        """Return the height in points."""
        return self.top - self.bottom

    @property
    def width(self) -> float:
        """Return the width in points."""
        return self.right - self.left

    @property
    def middle(self) -> float:
        """Return the height of the box's middle above the lower edge of the page."""
        return (self.bottom + self.top) / 2

    def holds(self, other: "Box") -> bool:
        """Return whether the middle of the other box is inside this one."""
        return self.left <= (other.left + other.right) / 2 <= self.right and self.bottom <= other.middle <= self.top

    @classmethod
    def around(cls, boxes: "Sequence[Box]") -> "Box":
        """Return the smallest box that contains all boxes."""
        return cls(
            min(box.left for box in boxes),
            min(box.bottom for box in boxes),
            max(box.right for box in boxes),
            max(box.top for box in boxes),
        )


@dataclass(frozen=True)
class View:
    """Transform from file coordinates to coordinates of the page as shown; rotation is in degrees, clockwise."""

    crop: Box
    rotation: int

    @property
    def size(self) -> tuple[float, float]:
        """Return width and height as shown."""
        sides = (self.crop.width, self.crop.height)
        return sides if self.rotation % 180 == 0 else (sides[1], sides[0])

    def box(self, left: float, bottom: float, right: float, top: float) -> Box:
        """Return the box, on the page as shown, of a rectangle in file coordinates."""
        crop = self.crop
        a, b, c, d = left - crop.left, bottom - crop.bottom, right - crop.left, top - crop.bottom
        if self.rotation == 90:
            return Box(b, crop.width - c, d, crop.width - a)
        if self.rotation == 180:
            return Box(crop.width - c, crop.height - d, crop.width - a, crop.height - b)
        return Box(crop.height - d, a, crop.height - b, c) if self.rotation == 270 else Box(a, b, c, d)


@dataclass(frozen=True)
class PageText:
    """Text of a page in file order.

    Attributes:
        characters: for every character of `text`, its index in PDFium's list.
    """

    text: str
    characters: tuple[int, ...]

    def lines(self) -> Iterator[tuple[int, int, int]]:
        """Yield number, start and end of every line."""
        start = 0
        for number, line in enumerate(self.text.split("\n"), 1):
            yield number, start, start + len(line)
            start += len(line) + 1


@dataclass(frozen=True)
class Sheet:
    """An open page.

    Attributes:
        number: page number in the file, from 1.
        page: the page of pypdfium2.
        textpage: its text.
    """

    number: int
    page: Any
    textpage: Any
    view: View


@contextmanager
def opened(pdf: Any, number: int) -> Iterator[Sheet]:
    """Open one page of a file, and close it afterwards, so that only one page is in memory.

    Raises:
        PdfiumError: the page is damaged.
    """
    page = pdf[number - 1]
    try:
        textpage = page.get_textpage()
        try:
            yield Sheet(number, page, textpage, View(Box(*page.get_bbox()), page.get_rotation()))
        finally:
            textpage.close()
    finally:
        page.close()


def read_text(textpage: Any) -> PageText:
    """Return the text of a page, with line feeds as line ends and without invisible characters."""
    written: list[str] = []
    characters: list[int] = []
    high = 0
    raw, code_of = textpage.raw, pdfium.FPDFText_GetUnicode
    for position in range(min(textpage.count_chars(), MAX_PAGE_CHARS)):
        code = code_of(raw, position)
        if 0xD800 <= code < 0xDC00:
            high = code
            continue
        if 0xDC00 <= code < 0xE000:
            code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00) if high else 0xFFFD
        high = 0
        shown = "-\n" if code in _LINE_HYPHENS else _visible(code)
        if code == _SOFT_HYPHEN and code_of(raw, position + 1) in _LINE_BREAKS:
            shown = "-"
        written.append(shown)
        characters += [position] * len(shown)
    # Text that looks like a figure's token must not be taken for one.
    return PageText("".join(written).replace("{{FIGURE_p", "{(FIGURE_p"), tuple(characters))


@lru_cache(maxsize=4096)
def _visible(code: int) -> str:
    """Return a character in normalised form: blanks as spaces, control and invisible characters removed."""
    if code == 0x0A:
        return "\n"
    character = chr(code) if code < 0x110000 else "\ufffd"
    if code in (0x09, 0xA0):
        return " "
    return "" if unicodedata.category(character) == "Cc" else without_invisible(character)


def is_garbled(text: str) -> bool:
    """Return whether a page's text is unreadable because its fonts do not map glyphs to characters.

    It then consists mostly of characters without a meaning: replacement, private-use or unassigned ones.
    """
    seen = "" if text.isascii() else "".join(text.split())
    odd = sum(character == "\ufffd" or unicodedata.category(character) in ("Co", "Cn") for character in seen)
    return bool(seen) and odd / len(seen) > _MAX_GARBLED_SHARE


def class_of(characters: int, images: int, text_page_chars: int) -> PageClass:
    """Return the class of a page with this many characters and images."""
    if not characters and not images:
        return "empty"
    if characters > text_page_chars and not images:
        return "text"
    return "picture" if images and characters <= text_page_chars else "mixed"
