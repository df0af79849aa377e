"""Extractive summaries: the sentences nearest to what a section is about, in the section's order.

Method: every sentence is the bag of its terms; its score is the cosine to the sum of all bags, raised for sentences
near the beginning, lowered by what is said already. Pure Python. Reads and writes nothing.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from docent.llm.offline_source import length_words

LEAD_BONUS = 0.25
"""Added to the first sentence, falling to nothing at the last one: writers say first what matters."""
REPEAT_COST = 0.5
_UNIT = re.compile(r"[぀-ヿ㐀-鿿]{2}|[^\W_]{3,}")


def summary_of(sentences: Sequence[str], max_words: int, stop: frozenset[str] = frozenset()) -> list[int]:
    """Positions of the sentences that sum a section up in at most `max_words`, ascending.

    Not all of three or more sentences, however short they are: that would be no summary.
    """
    bags = [Counter(unit for unit in _units(sentence) if unit not in stop) for sentence in sentences]
    centroid: Counter[str] = Counter()
    for bag in bags:
        centroid.update(bag)
    most = len(sentences) - (len(sentences) > 2)
    chosen: list[int] = []
    said: Counter[str] = Counter()
    left = max_words
    while len(chosen) < most:
        rest = [p for p in range(len(sentences)) if p not in chosen and length_words(sentences[p]) <= left]
        if not rest:
            break
        best = max(rest, key=lambda p: (round(_score(p, bags, centroid, said), 9), -p))
        chosen.append(best)
        said.update(bags[best])
        left -= length_words(sentences[best])
    return sorted(chosen)


def ranking_of(sentences: Sequence[str], stop: frozenset[str] = frozenset()) -> list[int]:
    """All positions, first those of the sentences that say most about what the section is about."""
    bags = [Counter(unit for unit in _units(sentence) if unit not in stop) for sentence in sentences]
    centroid = sum(bags, Counter[str]())
    said: Counter[str] = Counter()
    ranked: list[int] = []
    while len(ranked) < len(sentences):
        rest = [p for p in range(len(sentences)) if p not in ranked]
        ranked.append(max(rest, key=lambda p: (round(_score(p, bags, centroid, said), 9), -p)))
        said.update(bags[ranked[-1]])
    return ranked


def _score(place: int, bags: Sequence[Counter[str]], centroid: Counter[str], said: Counter[str]) -> float:
    lead = LEAD_BONUS * (1 - place / len(bags))
    return _cosine(bags[place], centroid) + lead - REPEAT_COST * _cosine(bags[place], said)


def _cosine(one: Counter[str], other: Counter[str]) -> float:
    shared = sum(count * other[unit] for unit, count in one.items())
    size = math.sqrt(sum(c * c for c in one.values()) * sum(c * c for c in other.values()))
    return shared / size if size else 0.0


def _units(text: str) -> list[str]:
    """Words of three letters and more, pairs of Chinese and Japanese characters."""
    return _UNIT.findall(text.casefold())
