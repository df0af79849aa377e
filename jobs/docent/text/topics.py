"""Classify sentences about an exhibit: numbers, history, use, or where such things are found.

The rules are for English; rules for other languages are in teacher/guide.py.
"""

import re
from collections.abc import Sequence

from docent.text.sentences import plain, readable_name

_YEAR = re.compile(r"(?<![\d.,])(?:(?:1\d{3}|20\d{2})(?!\d|[.,]\d)|\d{1,4} (?:BCE?|CE)\b|AD \d)")
_DIGIT = re.compile(r"\d")
_HISTORY = re.compile(
    r"\b(?:ancient|centur(?:y|ies)|dialogue|discover(?:ed|y)|founded|histor(?:y|ical)|invent(?:ed|ion|or)|medieval|"
    r"named after|no longer|patented|proved|published|Roman|Victorian|"
    r"first (?:built|described|made|shown)|mathematician|physicist|astronomer|painter|architect|artist)\b",
    re.IGNORECASE,
)
_USE = re.compile(r"\b(?:employed|serve[ds]?|use[ds]?(?! to be\b)|useful)\b", re.IGNORECASE)
_FOUND = re.compile(
    r"\b(?:animals?|atoms?|butterfl\w+|crystals?|daily life|everyday|found in|grows? (?:in|on)|in nature|minerals?|"
    r"molecules?|natural\w*|occurs?|plants? (?:grow|have)|proteins?|shells?)\b",
    re.IGNORECASE,
)

TOPICS = ("numbers", "history", "use", "found")

# The first rule that matches decides.
RULES = (("history", _YEAR), ("numbers", _DIGIT), ("history", _HISTORY), ("use", _USE), ("found", _FOUND))


def topic_of(sentence: str, exhibit: str) -> str:
    """Return the topic of one sentence; the exhibit's own name is ignored (`1903 Wright Flyer` does not state a year).

    Returns:
        One of TOPICS, or `what` if no rule matches.
    """
    name = set(plain(readable_name(exhibit)).split())
    own = name | {f"{word}s" for word in name}
    without_name = " ".join(word for word in sentence.split() if plain(word).strip(".,;:()'\"") not in own)
    return next((topic for topic, pattern in RULES if pattern.search(without_name)), "what")


def by_topic(sentences: Sequence[str], exhibit: str) -> dict[str, list[int]]:
    """Return the positions of each topic's sentences, in reading order; leave out the first sentence and others."""
    topics = [topic_of(sentence, exhibit) for sentence in sentences]
    return {topic: [at for at, one in enumerate(topics) if at and one == topic] for topic in TOPICS}
