"""Split the title off the first line of a description. Reads and writes no files.

People often paste the label of an exhibit, which begins with its name. A first line is a title if it is short, does not
end like a sentence, and is followed by text with at least one sentence; but not if it may be the first line of wrapped
prose or of a list.
"""

import re

from docent.text.sentences import is_heading, split_sentences

MAX_CHARS = 80
MAX_WORDS = 12
# Markdown's marks for a heading or bold; `#` directly before a number marks an inventory number, not a heading.
_MARKS = re.compile(r"#{1,6}\s+(?=\S)|\*\*(?=\S)|__(?=\S)")
_END_MARKS = re.compile(r"(?<=\S)(?:\s+#+|\*\*|__)$")
_OPENS = re.compile(r"[\w\"'“„«‘(\[¿¡「『《【〈（]")
_FIELD = re.compile(r"[^\W\d_][\w .-]{0,40}:\s")
# Chinese and Japanese text may break lines between any two characters.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|\S+")
_URL = re.compile(r"(?<![a-z])[a-z]++://|www\.", re.IGNORECASE)


def split_title(text: str) -> tuple[str, str, int]:
    """Return the title of a description, the text below it, and the number of lines skipped above that text.

    The title is "" and the text unchanged if the first line is not a title.

    Args:
        text: a description without leading or trailing white space.
    """
    lines = text.splitlines()
    title = _END_MARKS.sub("", _MARKS.sub("", " ".join(lines[0].split()), count=1)) if lines else ""
    below = next((place for place, line in enumerate(lines) if place and line.strip()), 0)
    if not below or not _may_be_title(title):
        return "", text, 0
    rest = lines[below:]
    if not any(not is_heading(sentence) for sentence in split_sentences("\n".join(rest))):
        return "", text, 0  # a list, not prose
    if below == 1 and (_is_wrapped(lines) or (_FIELD.match(title) and _FIELD.match(rest[0].strip()))):
        return "", text, 0
    return title, "\n".join(rest), below


def _may_be_title(line: str) -> bool:
    """Return whether a line looks like a name: short, with a letter, not the end of a sentence, not a URL."""
    words = line.split()
    if not line or len(line) > MAX_CHARS or len(words) > MAX_WORDS or not is_heading(line) or line[-1] in ",;:-–—":
        return False
    opens = _OPENS.match(line) is not None
    return opens and any(character.isalpha() for character in line) and _URL.search(line) is None


def _is_wrapped(lines: list[str]) -> bool:
    """Return whether the second line continues the first: it starts in lower case, or its first word did not fit."""
    first, second = " ".join(lines[0].split()), " ".join(lines[1].split())
    if second[0].islower():
        return True
    word = _WORD.match(second)
    widest = max(len(" ".join(line.split())) for line in lines)
    return len(first) + 1 + len(word[0] if word else second) > widest
