"""What a sentence about an exhibit is about: numbers, history, use, where it is found, or how it looks.

Visible rules decide. They are for English; those of other languages stand in llm/offline_guide.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from docent.text.sentences import plain, readable_name

YEAR = re.compile(r"(?<![\d.,])(?:1\d{3}|20\d{2})(?!\d|[.,]\d)")
"""A year, in any language."""
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

_LOOKS = re.compile(
    r"\b(?:made (?:of|from)|of (?:\w+ )?(?:wood|oak|pine|brass|iron|steel|silver|gold|bronze|copper|tin|glass|clay|"
    r"paper|leather|silk|wool|linen|ivory|bone|horn|stone|marble|straw|porcelain|pottery|mahogany)|wooden|consists? of|"
    r"painted|carved|engraved|decorated|black|white|red|blue|green|yellow|brown|grey|gray|round|square|oval|flat|curved|"
    r"closed|hollow|handles?|lid|legs|wheels?|dial|frame|surface|sides?|edges?|faces(?! the)|rings?|corners?|vertices|"
    r"band|pattern|shape[ds]?|circles?|triang\w+|pentagons?|hexagons?|tunnels?|twists?|holes?)\b|"
    r"\d (?:cm|mm|metres?|centimetres?|inches)\b"
)
"""In small letters: the Penny Red is a name."""

TOPICS = ("what", "look", "numbers", "history", "use", "found")

# In this order; the first rule that holds decides, `what` where none does.
RULES: dict[str, Callable[[str], bool]] = {
    "history": lambda sentence: bool(YEAR.search(sentence)),
    "numbers": lambda sentence: bool(_DIGIT.search(sentence)),
    "past": lambda sentence: bool(_HISTORY.search(sentence)),
    "use": lambda sentence: bool(_USE.search(sentence)),
    "found": lambda sentence: bool(_FOUND.search(sentence)),
}
_SAME_TOPIC = {"past": "history"}


def topic_of(sentence: str, exhibit: str) -> str:
    """The topic of one sentence; the exhibit's own name is no evidence (`1903 Wright Flyer` tells no year).

    Returns:
        One of TOPICS.
    """
    told = _without_name(sentence, exhibit)
    found = next((topic for topic, holds in RULES.items() if holds(told)), "what")
    return _SAME_TOPIC.get(found, found)


def _without_name(sentence: str, exhibit: str) -> str:
    name = set(plain(readable_name(exhibit)).split())
    own = name | {f"{word}s" for word in name}
    return " ".join(word for word in sentence.split() if plain(word).strip(".,;:()'\"") not in own)


def by_topic(sentences: Sequence[str], exhibit: str) -> dict[str, list[int]]:
    """Positions of the sentences of every topic, in reading order.

    The first sentence always says what the whole thing is; `look` has the sentences that describe it, which are on
    other topics as well.
    """
    found: dict[str, list[int]] = {topic: [] for topic in TOPICS}
    for position, sentence in enumerate(sentences):
        found["what" if position == 0 else topic_of(sentence, exhibit)].append(position)
    told = [_without_name(sentence, exhibit) for sentence in sentences]
    found["look"] = [position for position, words in enumerate(told) if _LOOKS.search(words)]
    return found
