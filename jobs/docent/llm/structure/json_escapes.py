r"""Preserve LaTeX in JSON whose backslashes are not doubled: `\frac` would be read as a form feed and `rac`.

Backslashes that begin a LaTeX command are doubled before JSON is parsed. `\b` and `\f` before a letter always begin
one, because texts contain no backspaces or form feeds; `\t` and `\r` do before the name of a command. `\n` is a line
break more often than `\nu`: names that could also be words after a line break are resolved by the surrounding text; if
that is ambiguous, the caller must refuse the reply. Reads and writes nothing.
"""

import re

from docent.resources import read_yaml

MAX_FORMULA_CHARS = 200
"""Most characters before a position in which the beginning of its formula is searched."""
_ESCAPE = re.compile(r"\\(?:([A-Za-z]+)|(.)|\Z)", re.DOTALL)
_DECODED = re.compile(r"[\x08\x0c](?=[A-Za-z])")
"""Characters that replace a backslash and `b` or `f` if a gateway parses a reply's JSON once too often."""
_UNICODE = re.compile(r"u[0-9a-fA-F]{4}")
_COMMANDS: dict[str, list[str]] = {
    first: names.split() for first, names in read_yaml(__package__, "latex_commands.yaml").items()
}
_LATEX_MARKS = frozenset("()[]{},;!|%&$#_ ")
"""Characters after a backslash that mark LaTeX; in JSON none of these escapes is valid."""
_MATHS_BEHIND = re.compile(r"[ ]?[_^{}=<>+*$]|[ ]?\\\\?[A-Za-z()\[\]]")
_MATHS_BEFORE = tuple(" ({^_=$")
"""A line break follows a word or punctuation; a space before it is rarer than a formula in a sentence."""
_LINE_ENDS_BEFORE = (".", ":", ";", "!", "?", ",", '"', "\\n")
_SIGNS_OF_MATHS = re.compile(r"[$=^]|\\\\[A-Za-z(\[]")


def with_latex(text: str) -> tuple[str, str]:
    r"""Return JSON with LaTeX backslashes doubled, and the first ambiguous escape (LaTeX or line break?).

    Args:
        text: JSON as a model wrote it, with any text around it.

    Returns:
        The text, and an escape such as `\nu` whose meaning is ambiguous, or "" if there is none.
    """
    text = _DECODED.sub(lambda found: r"\\b" if found[0] == "\b" else r"\\f", text)
    if "\\" not in text:
        return text, ""
    first_of_kind: dict[str, str] = {}

    def doubled(escape: re.Match[str]) -> str:
        kind = _kind_of(text, escape)
        first_of_kind.setdefault(kind, escape.group())
        return "\\" * (kind == "latex") + escape.group()

    with_doubled = _ESCAPE.sub(doubled, text)
    has_maths = "latex" in first_of_kind or _SIGNS_OF_MATHS.search(text)
    return with_doubled, first_of_kind.get("doubtful", "") if has_maths else ""


def _kind_of(text: str, escape: re.Match[str]) -> str:
    """Classify an escape as `json`, `latex` or `doubtful`."""
    letters, other = escape[1], escape[2]
    if not letters:
        return "latex" if other and other in _LATEX_MARKS else "json"
    first = letters[0]
    if first in "bf":
        return "latex" if len(letters) > 1 else "json"
    if first == "u":
        return "json" if _UNICODE.match(text, escape.start() + 1) else "latex"
    if first not in _COMMANDS or letters in _COMMANDS[first]:
        return "latex"
    return _after_line_break(text, escape) if letters in _COMMANDS["n_or_word"] else "json"


def _after_line_break(text: str, escape: re.Match[str]) -> str:
    r"""Classify `\nu` as a letter of a formula or as a line break and a word, by the surrounding text."""
    before = text[max(0, escape.start() - 2) : escape.start()]
    if _in_maths(text, escape.start()) or _MATHS_BEHIND.match(text, escape.end()):
        return "latex"
    if before.endswith(_LINE_ENDS_BEFORE):
        return "json"
    is_symbol = before[-1:].isalpha() and not before[:-1].isalpha()
    return "latex" if is_symbol or before[-1:] in _MATHS_BEFORE else "doubtful"


def _in_maths(text: str, place: int) -> bool:
    """Return whether a position is between dollar signs or LaTeX brackets within its own string."""
    near = max(0, place - MAX_FORMULA_CHARS)
    before = text[max(near, text.rfind('"', near, place)) : place]
    opened = max(before.rfind("\\("), before.rfind("\\["))
    return before.count("$") % 2 == 1 or opened > max(before.rfind("\\)"), before.rfind("\\]"))
