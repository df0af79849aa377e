"""Rank all sections of the run by their similarity to a question, to check that its own section is found.

Reads and writes nothing. Uses TF-IDF over words (letter pairs if a script has no spaces), cosine similarity, and
postings in numpy arrays: about 8 bytes per distinct word of a section.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from docent.text.terms import STOP_WORDS, stem, terms_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_CHARS = 20_000
"""Only the beginning of a longer section is indexed."""


class Retrieval:
    """Searches sections with questions."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Index the texts of all sections."""
        import numpy as np

        self._size = len(texts)
        rows: dict[str, array[int]] = {}
        counts: dict[str, array[int]] = {}
        for row, text in enumerate(texts):
            for term, count in Counter(_terms(text[:MAX_CHARS])).items():
                rows.setdefault(term, array("i")).append(row)
                counts.setdefault(term, array("i")).append(count)
        squares = np.zeros(self._size)
        self._postings: dict[str, tuple[NDArray[np.int32], NDArray[np.float32]]] = {}
        for term, places in rows.items():
            at = np.frombuffer(places, dtype=np.int32)
            weights = (1 + np.log(np.frombuffer(counts[term], dtype=np.int32))) * self._rarity(len(places))
            squares[at] += weights**2
            self._postings[term] = (at, weights.astype(np.float32))
        self._lengths = np.sqrt(np.maximum(squares, 1e-12))

    def rank(self, question: str, own: Sequence[int]) -> int:
        """Return the rank of the best of the sections `own`, from 1, or 0 if the question shares no word with them.

        Sections with equal scores share the better rank.
        """
        import numpy as np

        scores = np.zeros(self._size)
        for term, count in Counter(_terms(question)).items():
            if term in self._postings:
                at, weights = self._postings[term]
                scores[at] += weights * ((1 + math.log(count)) * self._rarity(len(at)))
        scores /= self._lengths
        best = max((float(scores[row]) for row in own), default=0.0)
        return int(np.count_nonzero(scores > best + 1e-9)) + 1 if best > 0 else 0

    def _rarity(self, sections: int) -> float:
        return math.log(1 + self._size / sections)


def _terms(text: str) -> list[str]:
    return [stem(term) for term in terms_of(text) if term not in STOP_WORDS]
