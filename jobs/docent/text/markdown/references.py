"""Find figure references in Markdown (`{{FIGURE_1.2}}`, and pictures) outside code, and make Markdown plain text.

All functions preserve line breaks, so that line numbers stay valid.
"""

import html
import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from docent.text.markdown.formulas import formula_spans
from docent.text.markdown.html_tags import with_superscripts, without_tags
from docent.text.markdown.html_text import blanked, comment_spans, with_replaced, without_spans
from docent.text.markdown.pictures import pictures_in

_LINK = re.compile(
    r"(?<![!\\])\[((?:[^\[\]]|\[[^\[\]]{0,200}\]){0,1000})\]"
    r"(?:\((?:<[^<>\n]{0,2000}>|[^()\s<>]{0,2000}(?:\([^()\s]{0,200}\)[^()\s]{0,200})?)(?:\s{1,5}[\"'][^()]{0,300})?\))"
)
_REFERENCE_LINK = re.compile(r"(?<![\w!\\])\[([^\[\]]{1,1000})\]\[[^\[\]]{0,200}\]")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^<>\s]{1,2000}|[\w.+-]{1,64}@[\w.-]{1,250})>")
_MARKS = re.compile(r"\*+|_+|~~")
# A backslash at the end of a line breaks it there.
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~]|(?=\n))")
_RUN = re.compile(r"`+")
_MARKUP = re.compile(r"[*_`\[<&\\~]")
# Private-use characters: a code span's number between them replaces the span while the text around it is processed.
_BEFORE, _BEHIND = "\ue000", "\ue001"
_HIDDEN = re.compile(f"{_BEFORE}([0-9]+){_BEHIND}")


class Reference(NamedTuple):
    """A reference to a figure.

    Attributes:
        start: offset of the token in the text.
        token: the reference as written.
        name: name in `{{name}}`, or the path of a picture.
        alt: alternative text of a picture, as plain text.
        is_path: whether it was written as a picture, such as `![alt](path)`.
        problem: why there is no path, or "" if there is one.
    """

    start: int
    token: str
    name: str
    alt: str
    is_path: bool
    problem: str = ""


class Syntax(NamedTuple):
    """Syntax of references in a document, in addition to `![alt](path)`, `<img>` and `[^1]`.

    Attributes:
        pattern: pattern of a token; its first group is the figure's name.
        definitions: paths by normalized label, for `![alt][label]`.
        notes: labels of defined footnotes.
        is_figure: function of a token's name, and whether it is alone on its line; returns whether it is a figure.
    """

    pattern: re.Pattern[str] | None = None
    definitions: Mapping[str, str] = MappingProxyType({})
    notes: frozenset[str] = frozenset()
    is_figure: Callable[[str, bool], bool] = lambda _name, _alone: True


PICTURES_ONLY = Syntax()


def references_in(text: str, syntax: Syntax = PICTURES_ONLY) -> list[Reference]:
    """Return the figure references in a text, in order, except those inside code, formulas and comments."""
    references = []
    for start, end, path, alt, problem in pictures_in(text, syntax.definitions):
        references.append(Reference(start, text[start:end], path, " ".join(plain_text(alt).split()), True, problem))
    for token in syntax.pattern.finditer(text) if syntax.pattern else ():
        name = (token[1] or "") if token.re.groups else token.group()
        if name.strip() and syntax.is_figure(name, _stands_alone(token)):
            references.append(Reference(token.start(), token.group(), name, "", False))
    if not references:
        return references
    hidden = sorted([*verbatim_spans(text), *comment_spans(text)])
    return list(_apart(sorted(references, key=lambda reference: reference.start), hidden))


def _stands_alone(token: re.Match[str]) -> bool:
    """Return whether a token is the only text on its line."""
    text = token.string
    start = text.rfind("\n", 0, token.start()) + 1
    end = text.find("\n", token.end())
    return not (text[start : token.start()] + text[token.end() : len(text) if end < 0 else end]).strip(" \t>*-+")


def without_references(text: str, syntax: Syntax = PICTURES_ONLY) -> str:
    """Return the text without its references, with all line breaks kept."""
    references = references_in(text, syntax)
    return blanked(text, [(reference.start, reference.start + len(reference.token)) for reference in references])


def verbatim_spans(text: str) -> list[tuple[int, int]]:
    """Return the spans of code and formulas, including their marks; no character in them is Markdown."""
    code = code_spans(text)
    return sorted([*code, *formula_spans(text, code)])


def code_spans(text: str) -> list[tuple[int, int]]:
    """Return the spans of code between backticks, including the backticks."""
    spans: list[tuple[int, int]] = []
    runs = [(run.start(), run.end()) for run in _RUN.finditer(text)]
    by_length: dict[int, list[int]] = {}
    for at, (start, end) in reversed(list(enumerate(runs))):
        by_length.setdefault(end - start, []).append(at)
    after = 0
    for at, (start, end) in enumerate(runs):
        if start < after:
            continue
        opening = start + _escaped(text, start)
        closers = by_length.get(end - opening, [])
        while closers and closers[-1] <= at:
            closers.pop()
        if opening < end and closers:
            after = runs[closers[-1]][1]
            spans.append((opening, after))
    return spans


def plain_text(text: str) -> str:
    """Return the Markdown of one paragraph as plain text, without emphasis, code marks, links and HTML; keep lines.

    Formulas stay as written, with their delimiters.
    """
    if not _MARKUP.search(text):
        return text
    hidden: list[str] = []

    def hide(verbatim: str) -> str:
        run = _RUN.match(verbatim)
        marks = len(run.group()) if run else 0
        hidden.append(verbatim[marks : len(verbatim) - marks])
        return f"{_BEFORE}{len(hidden) - 1}{_BEHIND}"

    text = text.replace(_BEFORE, "").replace(_BEHIND, "")
    text = with_replaced(text, verbatim_spans(text), hide)
    text = with_superscripts(_AUTOLINK.sub(r"\1", text))
    text = without_tags(blanked(text, comment_spans(text)))
    text = _REFERENCE_LINK.sub(_label, _LINK.sub(_label, text))
    text = _without_emphasis(text)
    text = html.unescape(_ESCAPE.sub(r"\1", text))
    return _HIDDEN.sub(lambda span: hidden[int(span[1])], text) if hidden else text


def _without_emphasis(text: str) -> str:
    """Return the text without paired emphasis marks; unpaired ones stay."""
    cut: list[tuple[int, int]] = []
    opened: dict[str, list[list[int]]] = {"*": [], "_": [], "~": []}
    for run in _MARKS.finditer(text):
        start, end = run.span()
        before, after = text[start - 1 : start] if start else "", text[end : end + 1]
        if before == "\\":
            continue
        inside_word = run.group()[0] == "_" and before.isalnum() and after.isalnum()
        waiting = opened[run.group()[0]]
        while waiting and start < end and before.strip() and not inside_word:
            opener = waiting[-1]
            marks = min(end - start, opener[1] - opener[0])
            cut += [(opener[1] - marks, opener[1]), (start, start + marks)]
            opener[1] -= marks
            start += marks
            if opener[0] == opener[1]:
                waiting.pop()
        if start < end and after.strip() and not inside_word:
            waiting.append([start, end])
    return without_spans(text, sorted(cut))


def _apart(references: list[Reference], code: list[tuple[int, int]]) -> Iterator[Reference]:
    """Yield the references outside code, formulas and comments that do not overlap an earlier one."""
    end, at = 0, 0
    for reference in references:
        while at < len(code) and code[at][1] <= reference.start:
            at += 1
        inside = at < len(code) and code[at][0] <= reference.start
        if reference.start >= end and not inside:
            yield reference
            end = reference.start + len(reference.token)


def _escaped(text: str, position: int) -> int:
    """Return 1 if an odd number of backslashes precedes a position, or else 0."""
    before = text[max(0, position - 100) : position]
    return (len(before) - len(before.rstrip("\\"))) % 2


def _label(link: re.Match[str]) -> str:
    return link[1] + "\n" * (link.group().count("\n") - link[1].count("\n"))
