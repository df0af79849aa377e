"""Find the sections of a document with similar topics, by TF-IDF and nearest neighbours.

Method: grhone/SyntheticDataGeneration, with cosine similarity, 500 terms, English stop words and the first 2,000
characters of each section; fitted once per document. scikit-learn is imported only when needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

MAX_TERMS = 500
MAX_CHARS = 2000
# Number of cosines in memory at a time: 32 MB.
BLOCK_ENTRIES = 4_000_000


def related_sections(texts: Sequence[str], count: int) -> list[list[int]]:
    """Return for every text the positions of up to `count` others, most similar first, with ties by position.

    A text that shares no term with any other has none, nor has a single text.
    """
    if len(texts) < 2 or count < 1:
        return [[] for _ in texts]
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(stop_words="english", max_features=MAX_TERMS)
    try:
        matrix = vectorizer.fit_transform(text[:MAX_CHARS] for text in texts)
    except ValueError:  # only stop words, or no words at all
        return [[] for _ in texts]
    rows = max(1, BLOCK_ENTRIES // len(texts))
    near: list[list[int]] = []
    for first in range(0, len(texts), rows):
        # Rows have length 1, so their products are cosines. scikit-learn's nearest neighbours would be the same, but
        # its choice among equal ones may differ between processors.
        cosines = (matrix[first : first + rows] @ matrix.T).toarray().round(9)
        near += [_nearest(row, first + own, count) for own, row in enumerate(cosines)]
    return near


def _nearest(cosines: np.ndarray, own: int, count: int) -> list[int]:
    """Return the positions of the highest values above 0, except its own, with ties by position."""
    import numpy as np

    cosines[own] = 0.0
    lowest = np.partition(cosines, -count)[-count] if count < len(cosines) else 0.0
    nearest = np.flatnonzero(cosines >= lowest) if lowest > 0 else np.flatnonzero(cosines > 0)
    return [int(position) for position in sorted(nearest, key=lambda position: -cosines[position])[:count]]
