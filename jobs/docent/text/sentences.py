"""Split plain prose into sentences and words, by readable rules.

A line break ends a sentence only if it is not a wrap: wrapped lines are joined, short headings stay separate. Uses no
language model, and no word lists except short ones of abbreviations and the like.
"""

import re
import unicodedata

from docent.resources import read_yaml

_LISTS = read_yaml(__package__, "word_lists.yaml")
# Words before a full stop that does not end a sentence, in lower case.
ABBREVIATIONS = frozenset(_LISTS["abbreviations"].split())
# The same in other languages, except words that end sentences in English.
ABBREVIATIONS_ELSEWHERE = frozenset("aprox bspw bzw evtl ggf hrsg inkl núm pág sra sres ud uds vgl".split())
_BEFORE_NUMBERS = frozenset("abb apr art av bd env est tab".split())
# Abbreviations that may also end a sentence; they do so if the next word is one that begins sentences.
_MAY_END = re.compile(r"(?:chr|jh|jhs|jhdt|j\.?-c|ee|uu|[ad]\. ?c)")
_BEGINS = frozenset(_LISTS["sentence_beginnings"].split())
# `im 19. Jahrhundert`, `am 3. Mai`: a number with a full stop before a noun that German counts with ordinals.
_ORDINAL_NOUN = re.compile(
    r"(?:Jahrhunderts?|Jahrtausends?|Jh|Jänner|Januar|Februar|März|Mai|Juni|Juli|Oktober|Dezember|Auflage|Ausgabe|Etage|"
    r"Geburtstag|Geschoss|Gang|Jahrestag|Kapitel|Klasse|Lebensjahr|Monat|Obergeschoss|Platz|Quartal|Satz|Schritt|Stock|"
    r"Stockwerk|Stufe|Tag|Teil|Weltkrieg|Woche)\b|"
    r"(?:April|August|September|November) (?:\d|(?:in|statt|des|wurde|war|ist|und|bis)\b)"
)
# A sentence that continues after a quotation, as in `「止まれ。」と言う`.
_GOES_ON = re.compile(r"[とがはをのにでもや、，,的]")
_ENDS = ".!?…。！？"
# The end of a sentence: stop marks, closing quotes or brackets, then a space (none needed in Chinese and Japanese).
_BOUNDARY = re.compile(r"(?<![.!?…])([.!?…]++[\"'”’)\]]*+)\s+|([。！？]+[」』”）]*)\s*")
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
# A line of at least this length was wrapped rather than ended, unless it ends with a stop mark.
_WRAPPED_CHARS = 50
# Characters examined on either side of a stop mark, as a paragraph may be megabytes long.
_NEAR_CHARS = 80


def split_sentences(text: str) -> list[str]:
    """Return the sentences of `text` in order, with white space collapsed; a heading counts as a sentence."""
    return [sentence for paragraph in _paragraphs(text) for sentence in _split_paragraph(paragraph)]


def is_heading(sentence: str) -> bool:
    """Return whether a text has no stop mark at its end, as headings and list entries do."""
    return not sentence.rstrip("\"'”’)]）」』 ").endswith(tuple(_ENDS))


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case; `re-made`, `1.8` and `Paul's` are one word each."""
    return [word.group().lower() for word in _WORD.finditer(text)]


def count_words(text: str) -> int:
    """Return the number of words as a word processor counts them: pieces between white space."""
    return len(text.split())


def readable_name(name: str) -> str:
    """Return an exhibit's name as written in prose: `klein-bottle` and `my_teapot` with spaces instead."""
    return " ".join(re.sub(r"[-_]+", " ", name).split())


def plain(text: str) -> str:
    """Return the text for comparisons, in lower case without accents: `Möbius` equals `mobius`."""
    if text.isascii():
        return " ".join(text.lower().split())
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in decomposed if not unicodedata.combining(c)).split())


def contains_name(text: str, name: str) -> bool:
    """Return whether `text` contains the exhibit's readable name as complete words, ignoring case and accents."""
    wanted = plain(readable_name(name))
    return bool(wanted) and re.search(rf"(?<!\w){re.escape(wanted)}s?(?!\w)", plain(readable_name(text))) is not None


def _paragraphs(text: str) -> list[str]:
    """Return the lines, with wrapped ones joined."""
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
        if boundary[2] and boundary[2][-1] not in _ENDS and _GOES_ON.match(paragraph, boundary.end()):
            continue
        pieces.append(paragraph[start : boundary.end()].strip())
        start = boundary.end()
    pieces.append(paragraph[start:].strip())
    return [piece for piece in pieces if piece]


def _ends_here(paragraph: str, boundary: re.Match[str]) -> bool:
    """Return whether a stop mark before a space ends a sentence, rather than an abbreviation or an initial."""
    following = paragraph[boundary.end() : boundary.end() + _NEAR_CHARS].lstrip("\"'“‘([")
    if following and following[0].islower():
        return False
    if boundary[1] in ("...", "…"):  # "the U.S. ... 3.5": words were omitted before a number
        return not following[:1].isdigit()
    if boundary[1] != ".":
        return True
    before = paragraph[max(0, boundary.start() - _NEAR_CHARS) : boundary.start()].rsplit(None, 1)[-1:] or [""]
    last = before[0].lstrip("\"'“‘([„«").lower()
    two = paragraph[max(0, boundary.start() - 5) : boundary.start()].lower()
    if (elsewhere := _ends_elsewhere(two[1:] if re.fullmatch(r"\W[ad]\. c", two) else last, following)) is not None:
        return elsewhere
    if last in ABBREVIATIONS or re.fullmatch(r"[^\W\d_]\.[^\W\d_](\.[^\W\d_])*", last):
        # "no" is an abbreviation only before a number: "No. 5", but "He said no. Then".
        return last in ("no", "nos") and not following[:1].isdigit()
    # A single capital letter is an initial: "J. S. Bach".
    return not (len(before[0].lstrip("(\"'“‘")) == 1 and before[0][-1].isalpha() and before[0][-1].isupper())


def _ends_elsewhere(last: str, following: str) -> bool | None:
    """Return whether a full stop after a German, French or Spanish abbreviation or ordinal ends the sentence.

    Args:
        last: the word before the stop, in lower case; `a. c` and `d. c` count as one word.
        following: the text after it.

    Returns:
        None if the word is neither such an abbreviation nor an ordinal.
    """
    if _MAY_END.fullmatch(last):
        return (_WORD.match(following) or [""])[0].lower() in _BEGINS
    if last in ABBREVIATIONS_ELSEWHERE or (last in _BEFORE_NUMBERS and re.match(r"\d|J\.", following)):
        return False
    if last.isdigit() and len(last) <= 2 and _ORDINAL_NOUN.match(following):
        return False
    # `z. B.`, `d. h.`, `u. a.`, `a. C.`: single lower-case letters whose next letter also has a full stop.
    if len(last) == 1 and last.isalpha() and re.match(r"(?:[^\W\d_]|Chr|ej|ex)\.", following):
        return False
    return None
