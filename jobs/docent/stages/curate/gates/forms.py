"""Find refusals (listed in refusals.yaml), and leftovers of the reply format: labels, JSON, fences, tags."""

import re

from docent.resources import read_yaml
from docent.text.sentences import plain

REFUSAL_CHARS = 240
"""Only the beginning of an answer is searched; the same words later in it have another meaning."""

_LISTS = read_yaml(__package__, "refusals.yaml")
# Lower case, no accents, as `plain` returns texts; `<source>` and the like are replaced by the parts of that name.
_FOLDED = [phrase for phrases in _LISTS["folded"].values() for phrase in phrases]
_REFUSED = [re.compile(re.sub("<([a-z]+)>", lambda name: _LISTS["parts"][name[1]], phrase)) for phrase in _FOLDED]
# Accents and letters carry meaning in the other languages, so their phrases are searched in the unchanged text.
_REFUSED_OTHER = [re.compile(phrase, re.IGNORECASE) for phrase in _LISTS["other"]]
# Every folded phrase contains one of these words; most answers contain none, which saves time.
_HINT = re.compile(_LISTS["hint"])

_LABEL = re.compile(
    r"\[/?(?:visitor|guide|q|a|question|answer|user|assistant|inst)\]"
    r"|^\W{0,3}(?:question|answer|visitor|guide|user|assistant|q|a)\W{0,3}\d{0,3}\s?[:：]",
    re.IGNORECASE | re.MULTILINE,
)
_JSON = re.compile(
    r"[\"'](?:question|answer|question_type|question_images|reasoning(?:_steps)?|difficulty)[\"']\s*:"
    r"|^\s*[\[{]\s*[\"']|^\s*\}\s*,?\s*$",
    re.IGNORECASE,
)
_TAG = re.compile(
    r"</?(?:description|exhibit|think|section|document|source|context|answer|question)>|<\|[a-z_]+\|>|\[/?INST\]",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^[^\S\n]*(?:```|~~~)", re.MULTILINE)


def _is_fenced(text: str) -> bool:
    """Return whether the complete text is enclosed in two lines of the same fence."""
    lines = text.strip().splitlines()
    marks = {line.strip()[:3] for line in (lines[0], lines[-1])} if len(lines) > 2 else set()
    return len(marks) == 1 and marks < {"```", "~~~"} and lines[-1].strip() in marks


def refusal_in(answer: str) -> str | None:
    """Return the words with which an answer refuses, or None if it does not."""
    begin = answer[:REFUSAL_CHARS]
    folded = plain(begin).replace("’", "'")
    patterns = [(pattern, folded) for pattern in _REFUSED] if _HINT.search(folded) else []
    patterns += [] if begin.isascii() else [(pattern, begin) for pattern in _REFUSED_OTHER]
    matches = (pattern.search(text) for pattern, text in patterns)
    return next((match.group() for match in matches if match), None)


def leftover_in(text: str, source: str) -> str | None:
    """Return the kind and text of a leftover in a question or an answer, unless the source contains it too."""
    for name, pattern in (("a label", _LABEL), ("JSON", _JSON), ("a tag", _TAG)):
        match = pattern.search(text)
        if match and match.group().strip() not in source:
            return f"{name}: {match.group().strip()}"
    if _is_fenced(text) and "```" not in source and "~~~" not in source:
        return "a fence around all of it"
    if len(_FENCE.findall(text)) % 2:
        return "a fence that is open"
    return None
