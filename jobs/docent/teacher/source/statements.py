"""Split a section into statements that questions are made of: sentences, steps, `column: value` rows, figures.

Markup is removed, code and headings are left out, nothing is added, so that every statement occurs verbatim in the
section. Only the first MAX_CHARS characters and MAX_STATEMENTS statements are used. Reads and writes nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from docent.teacher.source.words import Words, table
from docent.text.sentences import count_words, is_heading, split_sentences

# Limits the time for one section; of a longer text only the beginning is read.
MAX_CHARS, MAX_STATEMENTS = 40_000, 200
# Longer ones are lists without full stops, shorter ones fragments such as `See below.`
MAX_SENTENCE_WORDS, MIN_SENTENCE_WORDS = 80, 4
MAX_LABEL_WORDS = 5
MAX_TITLE_CHARS = 100
MAX_PARENT_WORDS = 4
"""An item this short, without a full stop, is the heading of the items below it."""
MAX_VALUE_WORDS = 12
"""A longer cell is treated as prose."""
CHARS_PER_WORD_CJK = 2
"""Chinese and Japanese have no spaces between words; words have about two characters."""
FIGURE = re.compile(r"\[Figure: ([^\]]{1,4000})\]")
FENCE = re.compile(r"^\s*(```|~~~)")
ITEM = re.compile(r"^\s*(?:([-*+•◦▪·○●])|(\d{1,3}[.)]|\(\d{1,3}\)|(?:Step|STEP) \d{1,3}[.:]?))\s+(?=\S)")
_ROW = re.compile(r"^(?:[-*+•]\s+)?\**([^\W_][^:：|{}]{0,60}?)\**\s*[:：]\**\s*(\S.*)$")
TABLE_LINE = re.compile(r"^\s*\|")
_LINK = re.compile(r"(!?)\[([^\]]{0,500})\]\([^)\s]{0,2000}(?:\s\"[^\"]{0,200}\")?\)")
# `(see chapter 4)`: a reference in brackets, which can be removed from its sentence.
_ASIDE = re.compile(table("aside"))
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
_CODE = re.compile(r"[{}\\|]|\$ |(?:^|\s)--?\w+[=\s]|&&|\w=[\w\[\"']|::|>&|://|\[YOUR|\w\(\)|(?:^|\s)[~.]?/\w+/\w")
# Gaps that a removed link or picture left, a question inside a sentence, a full stop without its space.
_SCRAP = re.compile(r"^\d+,\s|\(\s*\)|\s[.,;:]|[?？].|[a-z0-9]\.[A-Z][a-z]")
# A fragment of a sentence: a chunk or a page began in the middle of it. `pH` and `iPad` may begin one.
_MIDDLE = re.compile(r"[a-zß-öø-ÿ]+(?![\w-])")
# What printers and browsers put on every page: the time with a title, a URL with the page, `Title, page 3`.
PAGE_HEAD = re.compile(table("page_head"))
_HANGUL = re.compile(r"[가-힣]")
"""Korean attaches particles and endings to words: three words say as much as four English ones."""
_CJK = re.compile(r"[぀-ヿ㐀-鿿]")
# Code comes first, because its asterisks are literal.
_EMPHASIS = re.compile(
    r"`[^`\n]{0,400}`|(?<![\w*\\])\*(?![\s*])((?:[^*\n]|\n(?!\s*\n)){1,400}?)(?<![\s*\\])\*(?![\w*])"
)
_UNSENDABLE = re.compile(r"[\ud800-\udfff\ufffe\uffff\u00ad\u0000-\u0008\u000b-\u001f]")


@dataclass(frozen=True)
class Statement:
    """A statement of a section.

    Attributes:
        text: the text as written, without markup.
        whole: the text preceded by the sentence before it, if it cannot be understood alone.
        kind: the type of the statement.
        label: the marker of a step, the item of a list, the column of a row.
        place: its index among the section's statements.
        block: index of its paragraph or item.
        is_askable: whether questions are made of it; False if it needs more than the sentence before it, and for short
            steps and steps with code, which make sense only among the others.
    """

    text: str
    whole: str
    kind: Literal["sentence", "step", "row", "figure"] = "sentence"
    label: str = ""
    place: int = 0
    is_askable: bool = True
    block: int = 0

    @property
    def alone(self) -> bool:
        """Return whether it can be understood without the one before."""
        return self.text == self.whole

    @cached_property
    def folded(self) -> str:
        """Return the text in folded form, for comparisons."""
        return self.text.casefold()


def cleaned(text: str) -> str:
    """Return a text without characters unsuitable for JSON or readers, and without `*` around words."""
    return _EMPHASIS.sub(lambda found: found[1] or found[0], _UNSENDABLE.sub("", text))


def bare_title(name: str) -> str:
    """Return a title as people write it: without markup, and short enough for a question."""
    bare = " ".join(cleaned(name).replace("*", "").replace("`", "").split()).strip("# ")
    return bare if len(bare) <= MAX_TITLE_CHARS else bare[:MAX_TITLE_CHARS].rsplit(" ", 1)[0] + "…"


def length_words(text: str) -> int:
    """Return the number of words as a reader of the language would count them."""
    return count_words(text) + len(_CJK.findall(text)) // CHARS_PER_WORD_CJK


def statements_of(text: str, words: Words) -> list[Statement]:
    """Return the statements of a section, in order, each once."""
    statements: dict[str, Statement] = {}
    before, follows = "", False
    for block, (kind, label, value) in enumerate(pieces_of(cleaned(text[:MAX_CHARS]))):
        if words.finds("todo", value):  # unfinished text is not a source
            before, follows = "", False
            continue
        for part in [value] if kind == "row" else sentences_of(value):
            is_askable = kind == "row" or (usable(part, bool(label)) and not words.finds("points", part))
            if not is_askable and not (kind == "step" and any(c.isalpha() for c in part)):
                before, follows = "", False
                continue
            shown = f"{label}: {part}" if kind == "row" else part
            leans = kind == "sentence" and words.leans(part)
            if leans and not before and not follows:
                continue
            whole = words.joined([before, shown]) if leans and before else shown
            is_askable = is_askable and bool(before or not leans)
            statements.setdefault(shown, Statement(shown, whole, kind, label, len(statements), is_askable, block))
            before, follows = "" if leans or kind != "sentence" else shown, kind == "sentence"
            if len(statements) >= MAX_STATEMENTS:
                return list(statements.values())
    return list(statements.values())


def usable(sentence: str, is_item: bool = False, min_words: int = MIN_SENTENCE_WORDS) -> bool:
    """Check whether a piece of text is a complete sentence, and not code, a URL or a fragment.

    Args:
        is_item: whether it is an item of a list, whose sentences may end without punctuation.
        min_words: fewest words; a shorter one has no content by itself.
    """
    length = length_words(sentence)
    return (
        min_words - bool(_HANGUL.search(sentence)) <= length <= MAX_SENTENCE_WORDS
        and not is_code(sentence)
        and (not is_heading(sentence) or (is_item and length > MIN_SENTENCE_WORDS and sentence[-1].isalnum()))
        and (is_item or not _MIDDLE.match(sentence))
        and not PAGE_HEAD.match(sentence)
        and (sentence[0].isalnum() or sentence[0] in '"“‘„«「『《¿¡')
        and sum(c.isalpha() for c in sentence) * 5 > len(sentence) * 2
        and all(sentence.count(a) == sentence.count(b) for a, b in ("()", "[]", "“”"))
        and not _SCRAP.search(sentence)
        and sentence[-1] not in "?？"
    )


def sentences_of(block: str) -> list[str]:
    """Return the sentences of a paragraph or item, without markup."""
    return [without_marks(sentence) for sentence in split_sentences(block)]


def is_code(text: str) -> bool:
    """Check whether a text contains code, a path or a URL."""
    return _CODE.search(text) is not None


def without_marks(text: str) -> str:
    """Return a text without Markdown and HTML markup."""
    text = _ASIDE.sub("", _LINK.sub(lambda link: "" if link[1] else link[2], text))
    return " ".join(re.sub(r"\*\*|__|`", "", _TAG.sub("", text)).split())


Piece = tuple[Literal["sentence", "step", "row", "figure"], str, str]


def pieces_of(text: str) -> Iterator[Piece]:
    """Yield the blocks of a section: kind, label, text."""
    lines = _prose_lines(FIGURE.sub(" ", text))
    rows = [row_of(line) for line in lines]
    filled = [line for line in lines if line.strip()]
    is_table = bool(filled) and row_of(filled[0]) is not None and not filled[0].startswith(("*", "_"))
    if is_table and sum(row is not None for row in rows) * 2 > len(filled) > 1:
        for row, line in zip(rows, lines, strict=True):
            is_text = row is None or length_words(row[1]) > MAX_VALUE_WORDS
            yield ("sentence", "", row[1] if row else line) if is_text else ("row", *(row or ("", "")))
    else:
        yield from _blocks(lines)
    yield from (("figure", "", shown) for shown in FIGURE.findall(text))


def lines_of(text: str) -> Iterator[tuple[str, bool]]:
    """Yield lines without page headers, each with a flag for code and its fences."""
    fence = ""
    for line in text.splitlines():
        mark = FENCE.match(line)
        is_code = bool(fence or mark)
        if mark:
            fence = "" if fence == mark[1] else fence or mark[1]
        if is_code or not PAGE_HEAD.match(line.strip()):
            yield line, is_code


def _prose_lines(text: str) -> list[str]:
    """Return the lines of a text; those of code, headings and tables are replaced by empty ones."""
    lines = lines_of(text)
    return ["" if is_code or line.startswith("#") or TABLE_LINE.match(line) else line for line, is_code in lines]


def row_of(line: str) -> tuple[str, str] | None:
    """Return column and value of a line that has both, otherwise None."""
    key_value = None if ITEM.match(line) else _ROW.match(line)
    if not key_value or count_words(key_value[1]) > MAX_LABEL_WORDS or "//" in key_value[2][:2]:
        return None
    return without_marks(key_value[1]), without_marks(key_value[2])


def _blocks(lines: list[str]) -> Iterator[Piece]:
    """Yield paragraphs and list items, each with its lines joined."""
    kind: Literal["sentence", "step"] = "sentence"
    label, held, items = "", list[str](), 0
    above: tuple[int, str] | None = None  # indentation of a short item, and its text
    for line in [*lines, ""]:
        item = ITEM.match(line)
        if (item or not line.strip()) and held:
            yield kind, label, "\n".join(held) if kind == "sentence" and not label else " ".join(map(str.strip, held))
            held = []
        if item:
            items += 1
            indent = len(line) - len(line.lstrip())
            if above and indent <= above[0]:
                above = None
            kind, label = ("step", item[2]) if item[2] else ("sentence", f"{item[1]}{items}")
            item_text = line[item.end() :]
            held = [f"{above[1]}: {item_text}" if above and not item[2] else item_text]
            if above is None and not item[2] and is_heading(item_text) and count_words(item_text) <= MAX_PARENT_WORDS:
                above = (indent, without_marks(item_text).rstrip(": "))
        elif line.strip():
            if not held:
                kind, label, above = "sentence", "", None
            held.append(line)
