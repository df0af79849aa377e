"""Cut a text into overlapping pieces of bounded length, as offsets into it. Reads and writes no files.

A piece ends at the best break available: a paragraph, or else a line, a sentence, a space, and only then between any
two characters. `chunk_text` counts characters, and neighbours share at most the overlap; `chunk_tokens` counts tokens
of o200k_base, and neighbours share exactly the overlap. A match of `whole`, such as a figure's token, is never cut.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from itertools import accumulate
from typing import Any

from docent.errors import ConfigError
from docent.text.markdown.html_text import overlaps

# A cut is before the match, so that no character is lost: the rest of the text begins with the break.
_PARAGRAPH, _LINE = re.compile(r"\n[ \t]*\n"), re.compile(r"\n")
_SENTENCE = re.compile(r"(?<=[.!?])(?=\s)|(?<=[\u3002\uff01\uff1f\uff0e])")
_SPACE = re.compile(r"\s|(?<=[\u3001\uff0c\u200b])")
LEVELS = (_PARAGRAPH, _LINE, _SENTENCE, _SPACE)
ENCODING = "o200k_base"

Piece = tuple[int, int]
"""Offsets of the first character and of the one after the last."""


def chunk_text(text: str, max_chars: int, overlap_chars: int, whole: re.Pattern[str] | None = None) -> list[Piece]:
    """Return stripped pieces of at most `max_chars` characters; neighbours share at most `overlap_chars`.

    Parts cut at one level are merged as long as they fit, and a piece begins with as much of the end of the previous
    one as the overlap allows. A piece is longer only if it is a single match of `whole` that is longer.
    """
    kept = [match.span() for match in whole.finditer(text)] if whole else []
    cutter = _Cutter(text, max_chars, min(overlap_chars, max_chars - 1), kept)
    return [piece for piece in (_stripped(text, *span) for span in cutter.pieces(0, len(text), 0)) if piece]


class _Cutter:
    """Cuts one text by characters.

    Attributes:
        kept: ranges that are never cut, in order.
    """

    def __init__(self, text: str, limit: int, overlap: int, kept: list[Piece]) -> None:
        self.text, self.limit, self.overlap, self.kept = text, limit, overlap, kept

    def pieces(self, start: int, end: int, level: int) -> Iterator[Piece]:
        """Yield the pieces of a range, cut at this level or a finer one."""
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
        """Return the offsets that bound the parts of a range, and the level after the one used for cutting."""
        while level < len(LEVELS):
            inside = [m.start() for m in LEVELS[level].finditer(self.text, start, end) if m.start() > start]
            level += 1
            if inside := [cut for cut in inside if cut < end and not overlaps(self.kept, cut, cut)]:
                return [start, *inside, end], level
        inside = [cut for cut in range(start + 1, end) if not overlaps(self.kept, cut, cut)]
        return [start, *inside, end], len(LEVELS) + 1

    def _merged(self, parts: list[Piece]) -> Iterator[Piece]:
        """Yield neighbouring parts merged while they fit; each piece begins with the end of the previous one."""
        first = 0
        for number, (start, end) in enumerate(parts):
            if first < number and end - parts[first][0] > self.limit:
                yield parts[first][0], start
                while first < number and (start - parts[first][0] > self.overlap or end - parts[first][0] > self.limit):
                    first += 1
        if parts:
            yield parts[first][0], parts[-1][1]


def _stripped(text: str, start: int, end: int) -> Piece | None:
    """Return a piece without the blanks around it, or None if nothing is left."""
    piece = text[start:end]
    start, end = end - len(piece.lstrip()), start + len(piece.rstrip())
    return (start, end) if start < end else None


def chunk_tokens(text: str, max_tokens: int, overlap_tokens: int, whole: re.Pattern[str] | None = None) -> list[Piece]:
    """Return pieces of at most `max_tokens` tokens that cover the text; each overlaps the previous one.

    A piece ends at a paragraph, line, sentence or space in its second half if there is one; tokens are counted in the
    complete text. A character of several tokens and a match of `whole` are never cut; the overlap is longer only if no
    end of the piece allows the exact one.

    Raises:
        ConfigError: the package with the token table is not installed.
    """
    kept = [match.span() for match in whole.finditer(text)] if whole else []
    cutter = _TokenCutter(text, max_tokens, min(overlap_tokens, max_tokens // 2), _places(text, kept))
    pieces: list[Piece] = []
    start = before = 0
    while before < len(text):
        last = cutter.last_end(start, before)
        if not last and start < before:  # only the overlap fits
            start = before
            continue
        # Text that may not be cut becomes its own piece, however long it is.
        last = last or cutter.all[bisect_right(cutter.all, before)]
        pieces.append((start, last))
        begin = cutter.start_of_next(last)
        start, before = (begin if begin > start else last), last
    return pieces


class _TokenCutter:
    """Cuts one text between tokens.

    Attributes:
        places: offsets where the text may be cut, each with the number of tokens before it.
        exact: offsets with another such offset exactly one overlap before them, and the end of the text.
    """

    def __init__(self, text: str, limit: int, overlap: int, places: dict[int, int]) -> None:
        self.text, self.limit, self.overlap, self.places = text, limit, overlap, places
        self.all = list(places)
        counts = set(places.values())
        self.exact = [at for at, count in places.items() if count - overlap in counts or at == len(text)]

    def last_end(self, start: int, before: int) -> int:
        """Return the end of a piece: the best break after `before`, or else the last place that fits, or 0."""
        fitting = self._fitting(start, before, self.exact) or self._fitting(start, before, self.all)
        if not fitting or fitting[-1] == len(self.text):
            return fitting[-1] if fitting else 0
        half = max((start + fitting[-1]) // 2, before + 1)
        for level in LEVELS:
            for match in reversed(list(level.finditer(self.text, half, fitting[-1]))):
                at = fitting[bisect_right(fitting, match.start()) - 1]
                if half <= at <= match.start() and self._fits(start, at):
                    return at
        return fitting[-1]

    def _fitting(self, start: int, before: int, allowed: list[int]) -> list[int]:
        """Return the places after `before` where a piece may end; only the last is certain to fit."""
        first = bisect_right(allowed, before)
        last = bisect_right(allowed, self.places[start] + self.limit, lo=first, key=self.places.__getitem__)
        # A piece tokenised by itself may have other, and more, tokens at its ends than within the text.
        while last > first and not self._fits(start, allowed[last - 1]):
            last -= 1
        return allowed[first:last]

    def _fits(self, start: int, end: int) -> bool:
        return count_tokens(self.text[start:end]) <= self.limit

    def start_of_next(self, end: int) -> int:
        """Return the start of the next piece: the overlap before `end`, or the nearest place before that."""
        wanted = self.places[end] - self.overlap
        return self.all[max(bisect_right(self.all, wanted, key=self.places.__getitem__) - 1, 0)]


def count_tokens(text: str) -> int:
    """Return the number of o200k_base tokens in a text.

    Raises:
        ConfigError: the package with the token table is not installed.
    """
    return len(_encoding().encode_ordinary(text))


def _places(text: str, kept: list[Piece]) -> dict[int, int]:
    """Return the offsets where the text may be cut, each with the number of tokens before it."""
    encoding = _encoding()
    sizes = accumulate(len(encoding.decode_single_token_bytes(token)) for token in encoding.encode_ordinary(text))
    characters = {size: number for number, size in enumerate(accumulate(len(c.encode()) for c in text), 1)}
    ends = ((characters[size], count) for count, size in enumerate(sizes, 1) if size in characters)
    return {0: 0} | {at: count for at, count in ends if not overlaps(kept, at, at)}


@cache
def _encoding() -> Any:
    try:
        import bpe_openai
    except ImportError:
        raise ConfigError(
            f"chunk_tokens requires the package bpe-openai, which provides the encoding {ENCODING}",
            "ingest.pdf.chunk_tokens",
            'pip install "docent[ingest]", or remove chunk_tokens, so that chunk_chars applies',
        ) from None
    return bpe_openai.get_encoding(ENCODING)
