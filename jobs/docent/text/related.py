"""Which sections of a document say similar things: TF-IDF and nearest neighbours.

Method: grhone/SyntheticDataGeneration, with cosine similarity, 500 terms, English stop words and the first 2,000
characters of each section; fitted once per document. scikit-learn is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Sequence

MAX_TERMS = 500
MAX_CHARS = 2000


def related_sections(texts: Sequence[str], count: int) -> list[list[int]]:
    """For every text the positions of up to `count` others, the most similar first; ties by position.

    Texts that share no term with any other have none, and one text alone has none.
    """
    if len(texts) < 2 or count < 1:
        return [[] for _ in texts]
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.neighbors import NearestNeighbors

    vectorizer = TfidfVectorizer(stop_words="english", max_features=MAX_TERMS)
    try:
        matrix = vectorizer.fit_transform(text[:MAX_CHARS] for text in texts)
    except ValueError:  # only stop words, or no words at all
        return [[] for _ in texts]
    index = NearestNeighbors(n_neighbors=min(count + 1, len(texts)), metric="cosine").fit(matrix)
    distances, found = index.kneighbors(matrix)
    near = []
    for own, (row, positions) in enumerate(zip(distances, found, strict=True)):
        ranked = sorted((round(float(d), 9), int(p)) for d, p in zip(row, positions, strict=True))
        near.append([p for d, p in ranked if p != own and d < 1.0][:count])
    return near
