"""Cut a text into pieces of bounded length that overlap, as offsets into it; reads and writes nothing.

Pieces end at the best place there is: a paragraph, else a line, a sentence, a space, and only then between any two
characters. By characters (`chunk_text`) neighbours share at most so many; by tokens of o200k_base (`chunk_tokens`) they
share exactly so many. What `whole` matches, such as a figure's token, is never cut.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import cache
from itertools import accumulate
from typing import Any

from docent.errors import ConfigError

# Each level's cuts lie before what it matches, so that no character is lost: the rest of a piece begins with the break.
_PARAGRAPH, _LINE = re.compile(r"\n[ \t]*\n"), re.compile(r"\n")
_SENTENCE = re.compile(r"(?<=[.!?])(?=\s)|(?<=[\u3002\uff01\uff1f\uff0e])")
_SPACE = re.compile(r"\s|(?<=[\u3001\uff0c\u200b])")
LEVELS = (_PARAGRAPH, _LINE, _SENTENCE, _SPACE)
ENCODING = "o200k_base"

Piece = tuple[int, int]
"""First character and the one behind the last."""


def chunk_text(text: str, max_chars: int, overlap_chars: int, whole: re.Pattern[str] | None = None) -> list[Piece]:
    """Pieces of at most `max_chars` characters without blanks around them; neighbours share at most `overlap_chars`.

    What was cut at one level is put together again as long as it fits, and a piece begins with as much of the end of
    the one before as the overlap allows. Only a match of `whole` that is longer than a piece may be, is longer.
    """
    kept = [match.span() for match in whole.finditer(text)] if whole else []
    cutter = _Cutter(text, max_chars, min(overlap_chars, max_chars - 1), kept)
    return [piece for piece in (_stripped(text, *found) for found in cutter.pieces(0, len(text), 0)) if piece]


class _Cutter:
    """One text being cut.

    Attributes:
        kept: ranges that are never cut, in order.
    """

    def __init__(self, text: str, limit: int, overlap: int, kept: list[Piece]) -> None:
        self.text, self.limit, self.overlap, self.kept = text, limit, overlap, kept
        self._starts = [start for start, _ in kept]

    def pieces(self, start: int, end: int, level: int) -> Iterator[Piece]:
        """The pieces of a range, cut at this level or a finer one."""
        cuts, level = self._cuts(start, end, level)
        fitting: list[Piece] = []
        for part in zip(cuts, cuts[1:], strict=False):
            if part[1] - part[0] < self.limit or level > len(LEVELS):
                fitting.append(part)
                continue
            yield from self._merged(fitting)
            fitting = []
            yield from self.pieces(*part, level)
        yield from self._merged(fitting)

    def _cuts(self, start: int, end: int, level: int) -> tuple[list[int], int]:
        """Where a range is cut, its ends included, and the level after the one that had a place to cut."""
        while level < len(LEVELS):
            inside = [m.start() for m in LEVELS[level].finditer(self.text, start, end) if m.start() > start]
            level += 1
            if inside := [cut for cut in inside if cut < end and not self._is_kept(cut)]:
                return [start, *inside, end], level
        inside = [cut for cut in range(start + 1, end) if not self._is_kept(cut)]
        return [start, *inside, end], len(LEVELS) + 1

    def _is_kept(self, cut: int) -> bool:
        before = bisect_left(self._starts, cut) - 1
        return before >= 0 and cut < self.kept[before][1]

    def _merged(self, parts: list[Piece]) -> Iterator[Piece]:
        """Neighbouring parts together as long as they fit, each beginning with the end of the one before."""
        first = 0
        for number, (start, end) in enumerate(parts):
            if first < number and end - parts[first][0] > self.limit:
                yield parts[first][0], start
                while first < number and (start - parts[first][0] > self.overlap or end - parts[first][0] > self.limit):
                    first += 1
        if parts:
            yield parts[first][0], parts[-1][1]


def _stripped(text: str, start: int, end: int) -> Piece | None:
    """A piece without the blanks around it; None where nothing is left."""
    piece = text[start:end]
    start, end = end - len(piece.lstrip()), start + len(piece.rstrip())
    return (start, end) if start < end else None


def chunk_tokens(text: str, max_tokens: int, overlap_tokens: int, whole: re.Pattern[str] | None = None) -> list[Piece]:
    """Pieces of at most `max_tokens` tokens that cover the text; each begins just so many before the last one ends.

    A piece ends at a paragraph, line, sentence or space in its second half where there is one. Tokens are those of the
    whole text. A character of several tokens is not cut, nor a match of `whole`: there, the overlap may be longer.

    Raises:
        ConfigError: the package with the table of tokens is not installed.
    """
    ends = _token_ends(text)
    kept = [match.span() for match in whole.finditer(text)] if whole else []
    allowed = [position for position in ends if _may_cut(position, kept)]
    overlap = min(overlap_tokens, max_tokens // 2)
    pieces: list[Piece] = []
    start = 0
    while start < len(text):
        first = bisect_right(ends, start)
        last = _last_end(text, (start, ends[min(first + max_tokens, len(ends)) - 1]), max_tokens, allowed)
        pieces.append((start, last))
        if last == len(text):
            break
        back = bisect_right(ends, last) - 1 - overlap
        wanted = ends[back] if back >= 0 else 0
        begin = allowed[max(bisect_right(allowed, wanted) - 1, 0)]
        # Where nothing may be cut between the two starts, the next piece begins where this one ends.
        start = begin if start < begin <= last else last
    return pieces


def count_tokens(text: str) -> int:
    """Tokens of o200k_base in a text.

    Raises:
        ConfigError: the package with the table is not installed.
    """
    return len(_encoding().encode_ordinary(text))


def _last_end(text: str, window: Piece, max_tokens: int, allowed: list[int]) -> int:
    """Where a piece that begins with the window ends: its best break, or the last place where it fits."""
    start, end = window
    if end >= len(text) and count_tokens(text[start:]) <= max_tokens:
        return len(text)
    first, last = bisect_right(allowed, start), bisect_right(allowed, end)
    # Alone, the tokens at a piece's ends may be cut otherwise than within the text, and be more.
    while last - first > 1 and count_tokens(text[start : allowed[last - 1]]) > max_tokens:
        last -= 1
    places = allowed[first:last]
    if not places:
        return allowed[first] if first < len(allowed) else len(text)
    half = (start + places[-1]) // 2
    for level in LEVELS:
        found = [m.start() for m in level.finditer(text, half, places[-1])]
        for cut in reversed(found):
            at = bisect_right(places, cut) - 1
            if at >= 0 and places[at] >= half and count_tokens(text[start : places[at]]) <= max_tokens:
                return places[at]
    return places[-1]


def _may_cut(position: int, kept: list[Piece]) -> bool:
    before = bisect_left(kept, (position,)) - 1
    return before < 0 or position >= kept[before][1]


def _token_ends(text: str) -> list[int]:
    """Where tokens end, in characters; of tokens that end inside a character there is no end. Begins with 0."""
    encoding = _encoding()
    sizes = accumulate(len(encoding.decode_single_token_bytes(token)) for token in encoding.encode_ordinary(text))
    characters = {0: 0}
    characters |= {size: number for number, size in enumerate(accumulate(len(c.encode()) for c in text), 1)}
    return [0, *(characters[size] for size in sizes if size in characters)]


@cache
def _encoding() -> Any:
    try:
        import bpe_openai
    except ImportError:
        raise ConfigError(
            f"chunks of tokens need the package bpe-openai, which holds the table of {ENCODING}",
            "ingest.pdf.chunk_tokens",
            'pip install "docent[ingest]", or leave chunk_tokens out: chunk_chars counts characters',
        ) from None
    return bpe_openai.get_encoding(ENCODING)
