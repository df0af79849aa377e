"""Find pairs that would reveal questions or answers of the test, and conversations with gaps.

Of each test pair, only hashes are kept: of the answer, of the question with its item, and of the answer's words. That
is about half a kilobyte for an answer of fifty words. Pairs for training are not stored.
"""

import re
from array import array

from docent.records import QAPair
from docent.text.sentences import plain

SAME_ANSWER = "same answer as a held-out pair"
SAME_QUESTION = "same question as a held-out pair"
GAP = "its conversation has a gap"
MIN_WORDS = 4
"""Shorter answers, such as `24 V` or `True`, may be in training and in test: they are facts, not wording."""
NEAR = 0.8
"""Minimum Jaccard similarity of the words of two answers that count as the same."""
# In languages without spaces between words, every character counts as a word.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_DIGIT = re.compile(r"\d")


class HeldOut:
    """Hashes of the test's questions and answers, to find pairs that reveal them."""

    def __init__(self) -> None:
        self._answers: set[int] = set()
        self._questions: set[int] = set()
        self._words: dict[str, list[tuple[int, array[int]]]] = {}

    def add(self, pair: QAPair) -> None:
        """Add the next pair of the test."""
        self._questions.add(hash((pair.item_id, plain(pair.question))))
        answer = plain(pair.answer)
        words: list[str] = _WORD.findall(answer)
        if len(words) >= MIN_WORDS:
            self._answers.add(hash(answer))
            hashes = array("q", {hash(word) for word in words})
            self._words.setdefault(pair.item_id, []).append((_numbers(words), hashes))

    def given_away_by(self, pair: QAPair) -> str:
        """Return why a pair outside the test must be left out, or "" if it does not reveal a test pair.

        Two answers count as the same if their text is the same, whatever items they are about; or, for the same item,
        if they have nearly the same words and exactly the same numbers.
        """
        if hash((pair.item_id, plain(pair.question))) in self._questions:
            return SAME_QUESTION
        answer = plain(pair.answer)
        words: list[str] = _WORD.findall(answer)
        if len(words) < MIN_WORDS:
            return ""
        return SAME_ANSWER if hash(answer) in self._answers or self._is_near(pair.item_id, words) else ""

    def _is_near(self, item_id: str, words: list[str]) -> bool:
        tested = self._words.get(item_id)
        if not tested:
            return False
        mine, numbers = {hash(word) for word in words}, _numbers(words)
        for its_numbers, others in tested:
            smaller, larger = sorted((len(mine), len(others)))
            if its_numbers != numbers or smaller < NEAR * larger:
                continue
            shared = sum(other in mine for other in others)
            if shared >= NEAR * (smaller + larger - shared):
                return True
        return False


class Gaps:
    """Finds turns that follow a turn that was left out, since they may refer to the missing question."""

    def __init__(self) -> None:
        # The index of the first turn lost, by the ids of item and conversation.
        self._lost: dict[tuple[str, str], int] = {}

    def lose(self, pair: QAPair) -> None:
        """Record that the turn of a pair is left out."""
        if pair.conversation:
            key = (pair.item_id, pair.conversation)
            self._lost[key] = min(pair.index, self._lost.get(key, pair.index))

    def before(self, pair: QAPair) -> bool:
        """Return whether an earlier turn of the same conversation was left out."""
        return self._lost.get((pair.item_id, pair.conversation), pair.index) < pair.index


def _numbers(words: list[str]) -> int:
    return hash(tuple(sorted(word for word in words if _DIGIT.search(word))))
