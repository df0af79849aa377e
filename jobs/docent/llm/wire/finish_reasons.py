"""Interpret `finish_reason`: complete, cut off by length, cut by a filter, or incomplete in another way.

Endpoints pass on the values of many model vendors. Only values that are known to mean a complete reply are accepted as
such; with any other value, a reply is incomplete and never used. Reads and writes nothing.
"""

from docent.resources import read_yaml

_WORDS: dict[str, str] = read_yaml(__package__, "finish_reasons.yaml")
WHOLE, CUT_BY_LENGTH, FILTERED = (frozenset(_WORDS[name].split()) for name in ("whole", "cut_by_length", "filtered"))
CUT = "cut off at max_tokens"
FILTERED_OUT = "cut by the endpoint's content filter"
MAX_WORD_CHARS = 60
_NOTE = "; "


def noted(finish_reason: str, note: str) -> str:
    """Return a finish reason with a note about the field that contains the words of a reply without text."""
    return f"{finish_reason}{_NOTE}{note}" if note else finish_reason


def word_of(finish_reason: str) -> str:
    """Return the endpoint's value in lower case, without a note or the name of an enumeration."""
    return finish_reason.partition(_NOTE)[0].strip().rpartition(".")[2].lower()


def is_whole(finish_reason: str) -> bool:
    """Return whether a reply with this finish reason may be used; many local servers send none, which is accepted."""
    word = word_of(finish_reason)
    return not word or word in WHOLE


def problem_of(finish_reason: str) -> str:
    """Return why a reply with this finish reason is incomplete, or "" if it is complete."""
    if is_whole(finish_reason):
        return ""
    word = word_of(finish_reason)
    why = CUT if word in CUT_BY_LENGTH else FILTERED_OUT if word in FILTERED else "not complete"
    return f"{why} (finish_reason {finish_reason})"
