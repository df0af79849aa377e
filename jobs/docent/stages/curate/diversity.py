"""Measure how varied the kept pairs are, and count the verdicts; the stage writes both to small JSON files.

Reads and writes nothing itself. Counts cover every pair. Word figures and self-similarity cover a sample: the SAMPLED
pairs with the lowest hashes of their ids, so that the figures do not depend on the order of the pairs.
"""

import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from docent.records import QAPair, Reject
from docent.text.repeats import hash_of
from docent.text.sentences import plain
from docent.text.terms import content_stems, terms_of

SAMPLED = 2000
COMPARED = 300
NGRAMS = (1, 2, 3)


class Diversity:
    """Counts and figures about the pairs that were kept."""

    def __init__(self) -> None:
        """Start with empty counts."""
        self._counts: dict[str, Counter[str]] = {
            name: Counter() for name in ("type", "difficulty", "language", "teacher")
        }
        self._questions: set[int] = set()
        self._pairs = 0
        self._sample: list[tuple[int, str, str]] = []

    def add(self, pair: QAPair) -> None:
        """Count one kept pair."""
        self._pairs += 1
        self._counts["type"][pair.question_type] += 1
        self._counts["difficulty"][pair.difficulty or "none"] += 1
        self._counts["language"][pair.language] += 1
        self._counts["teacher"][pair.teacher] += 1
        self._questions.add(hash_of(plain(pair.question)))
        entry = (-hash_of(pair.id), pair.question, pair.answer)
        if len(self._sample) < SAMPLED:
            heapq.heappush(self._sample, entry)
        else:
            heapq.heappushpop(self._sample, entry)

    def figures(self) -> dict[str, Any]:
        """Return all figures as JSON values."""
        sample = sorted(self._sample, reverse=True)
        answers = [terms_of(answer) for _, _, answer in sample]
        return {
            "pairs": self._pairs,
            "distinct_questions": len(self._questions),
            "distinct_question_share": _share(len(self._questions), self._pairs),
            "counts": {name: dict(sorted(counts.items())) for name, counts in self._counts.items()},
            "sampled_pairs": len(sample),
            "distinct_n": {str(n): _distinct(answers, n) for n in NGRAMS},
            "mean_answer_words": round(sum(map(len, answers)) / len(answers), 1) if answers else 0.0,
            "self_similarity": _self_similarity([content_stems(answer) for _, _, answer in sample[:COMPARED]]),
        }


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _distinct(texts: Sequence[tuple[str, ...]], n: int) -> float:
    """Return the share of distinct n-grams of words among all n-grams of the sampled answers."""
    runs = [tuple(words[i : i + n]) for words in texts for i in range(len(words) - n + 1)]
    return _share(len(set(runs)), len(runs))


def _self_similarity(texts: Sequence[tuple[str, ...]]) -> dict[str, float]:
    """Return the mean Jaccard similarity of the answers' content words: over all pairs, and to nearest neighbours."""
    sets = [frozenset(words) for words in texts if words]
    if len(sets) < 2:
        return {"mean": 0.0, "nearest_mean": 0.0}
    total, nearest = 0.0, [0.0] * len(sets)
    for i, one in enumerate(sets):
        for j in range(i + 1, len(sets)):
            same = len(one & sets[j])
            similarity = same / (len(one) + len(sets[j]) - same)
            total += similarity
            nearest[i], nearest[j] = max(nearest[i], similarity), max(nearest[j], similarity)
    pairs = len(sets) * (len(sets) - 1) / 2
    return {"mean": round(total / pairs, 4), "nearest_mean": round(sum(nearest) / len(nearest), 4)}


class Funnel:
    """Counts how many pairs were rejected, warned about, passed and kept, by question type."""

    def __init__(self) -> None:
        """Start with empty counts."""
        # By question type: numbers by column and, in some columns, by reason or decision.
        self._types: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)

    def add(self, pair: QAPair, verdict: QAPair | Reject) -> None:
        """Count a pair and its verdict."""
        counts = self._types[pair.question_type]
        counts["in", ""] += 1
        if isinstance(verdict, Reject):
            counts["rejected", verdict.reason] += 1
            return
        counts["kept", ""] += 1
        counts["passed", ""] += verdict.verdict == "pass"
        counts.update(("warned", reason) for reason in verdict.reasons)
        if verdict.reviewed:
            counts["reviewed", verdict.reviewed] += 1

    def figures(self) -> dict[str, Any]:
        """Return the totals, then the same counts by question type."""
        types = {name: _plain(counts) for name, counts in sorted(self._types.items())}
        return {**_plain(sum(self._types.values(), Counter())), "types": types}


def _plain(counts: Counter[tuple[str, str]]) -> dict[str, Any]:
    columns = {name: counts[name, ""] for name in ("in", "rejected", "warned", "passed", "kept", "reviewed")}
    by_reason = ("rejected", "warned", "reviewed")
    named = {name: {why: n for (column, why), n in sorted(counts.items()) if column == name} for name in by_reason}
    return columns | named


def as_json(figures: dict[str, Any]) -> bytes:
    """Return figures as the bytes of a JSON file."""
    return (json.dumps(figures, indent=1, ensure_ascii=False) + "\n").encode()
