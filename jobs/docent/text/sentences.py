"""Sentences and words of plain prose, by rules that can be read.

A line break ends a sentence only where the text means it to: lines wrapped in the middle of a sentence are joined,
short headings stay by themselves. No language model, no word list beyond a few abbreviations.
"""

from __future__ import annotations

import re
import unicodedata

# What stands before a full stop that does not end a sentence, lower case.
ABBREVIATIONS = frozenset(
    "a.d. approx b.c. ca cf ch co corp dr e.g ed eds est fig figs fl fr gen i.e inc inv jr ltd mr mrs ms mt no nos nr "
    "op p pp prof rev sr st ste vol vols vs".split()
)
_ENDS = ".!?…。！？"
# The end of a sentence: stop marks, closing quotes or brackets, then a space (none needed in Chinese and Japanese).
_BOUNDARY = re.compile(r"(?<![.!?…])([.!?…]++[\"'”’)\]]*+)\s+|([。！？]+[」』”）]*)\s*")
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
# A line this long was wrapped rather than ended, unless it ends with a stop mark.
_WRAPPED_CHARS = 50
# How far around a stop mark is looked: a paragraph may be megabytes long.
_NEAR_CHARS = 80


def split_sentences(text: str) -> list[str]:
    """The sentences of `text` in order, white space collapsed; headings count as sentences without a stop mark."""
    found: list[str] = []
    for paragraph in _paragraphs(text):
        found += _split_paragraph(paragraph)
    return found


def is_heading(sentence: str) -> bool:
    """Whether a piece has no stop mark at its end, as headings and list entries have none."""
    return not sentence.rstrip("\"'”’)]）」』 ").endswith(tuple(_ENDS))


def words_of(text: str) -> list[str]:
    """The words of a text, lower case; `re-made`, `1.8` and `Paul's` are one word each."""
    return [word.group().lower() for word in _WORD.finditer(text)]


def count_words(text: str) -> int:
    """How many words a text has, as a word processor counts: pieces between white space."""
    return len(text.split())


def readable_name(name: str) -> str:
    """An exhibit's name as people write it: `klein-bottle` and `my_teapot` without hyphens and underscores."""
    return " ".join(re.sub(r"[-_]+", " ", name).split())


def plain(text: str) -> str:
    """Lower case without accents and extra white space, for comparisons: `Möbius` and `mobius` are the same."""
    if text.isascii():
        return " ".join(text.lower().split())
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in decomposed if not unicodedata.combining(c)).split())


def contains_name(text: str, name: str) -> bool:
    """Whether `text` has the exhibit's readable name as whole words, in any case, accents ignored."""
    wanted = plain(readable_name(name))
    return bool(wanted) and re.search(rf"(?<!\w){re.escape(wanted)}s?(?!\w)", plain(readable_name(text))) is not None


def _paragraphs(text: str) -> list[str]:
    """Lines joined where they were only wrapped."""
    joined: list[str] = []
    previous = ""
    for line in (" ".join(raw.split()) for raw in text.splitlines()):
        ended = not previous or not is_heading(previous)
        if line and not ended and (len(previous) >= _WRAPPED_CHARS or not line[0].isupper()):
            joined[-1] = f"{joined[-1]} {line}"
        elif line:
            joined.append(line)
        previous = line
    return joined


def _split_paragraph(paragraph: str) -> list[str]:
    pieces: list[str] = []
    start = 0
    for boundary in _BOUNDARY.finditer(paragraph):
        if boundary[1] and not _ends_here(paragraph, boundary):
            continue
        pieces.append(paragraph[start : boundary.end()].strip())
        start = boundary.end()
    pieces.append(paragraph[start:].strip())
    return [piece for piece in pieces if piece]


def _ends_here(paragraph: str, boundary: re.Match[str]) -> bool:
    """Whether a stop mark with a space after it ends a sentence: no abbreviation, no initial, a capital follows."""
    following = paragraph[boundary.end() : boundary.end() + _NEAR_CHARS].lstrip("\"'“‘([")
    if following and following[0].islower():
        return False
    if boundary[1] in ("...", "…"):  # "the U.S. ... 3.5": something was left out before a number
        return not following[:1].isdigit()
    if boundary[1] != ".":
        return True
    before = paragraph[max(0, boundary.start() - _NEAR_CHARS) : boundary.start()].rsplit(None, 1)[-1:] or [""]
    last = before[0].lstrip("\"'“‘([").lower()
    if last in ABBREVIATIONS or re.fullmatch(r"[^\W\d_]\.[^\W\d_](\.[^\W\d_])*", last):
        # "no" is an abbreviation only where a number follows: "No. 5", but "He said no. Then".
        return last in ("no", "nos") and not following[:1].isdigit()
    # A capital of its own is an initial: "J. S. Bach".
    return not (len(before[0].lstrip("(\"'“‘")) == 1 and before[0][-1].isalpha() and before[0][-1].isupper())
