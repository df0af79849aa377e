"""Sections that say similar things."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestNeighbors

from docent.text import related
from docent.text.related import related_sections

MUSEUM = Path(__file__).resolve().parents[2] / "samples" / "museum" / "raw_data.csv"


def sample_sections() -> list[str]:
    """Every sentence of the sample museum."""
    with MUSEUM.open(encoding="utf-8-sig", newline="") as file:
        return [said for row in csv.DictReader(file) for said in re.split(r"(?<=\.) (?=[A-Z])", row["description"])]


def tfidf(texts: list[str]):
    return TfidfVectorizer(stop_words="english", max_features=500).fit_transform(text[:2000] for text in texts)


@pytest.mark.feature("related-sections")
def test_neighbours_are_those_of_a_direct_computation() -> None:
    texts = sample_sections()
    assert len(texts) > 100
    cosines = cosine_similarity(tfidf(texts)).round(9)
    expected = [
        sorted((p for p in range(len(texts)) if p != own and row[p] > 0), key=lambda p: (-row[p], p))[:3]
        for own, row in enumerate(cosines)
    ]
    assert related_sections(texts, 3) == expected


@pytest.mark.feature("related-sections")
def test_neighbours_are_as_near_as_those_of_scikit_learn() -> None:
    texts = sample_sections()
    matrix = tfidf(texts)
    distances, _ = NearestNeighbors(n_neighbors=4, metric="cosine").fit(matrix).kneighbors(matrix)
    cosines = cosine_similarity(matrix)
    for own, found in enumerate(related_sections(texts, 3)):
        if len(found) == 3:
            assert [1 - cosines[own][p] for p in found] == pytest.approx(sorted(distances[own])[1:], abs=1e-6)


@pytest.mark.feature("related-sections")
@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], []),
        (["One section alone."], [[]]),
        (["The belt drives the wheel.", "A belt and a wheel."], [[1], [0]]),
        (["The belt drives the wheel.", "Lamps are dimmed."], [[], []]),
        (["the and of", "a an the"], [[], []]),
        (["", " "], [[], []]),
    ],
)
def test_few_and_empty_sections_do_no_harm(texts: list[str], expected: list[list[int]]) -> None:
    assert related_sections(texts, 3) == expected


def test_among_equals_the_first_ones_are_taken_and_never_oneself() -> None:
    assert related_sections(["belts and wheels"] * 40, 2) == [[1, 2], [0, 2]] + [[0, 1]] * 38


def test_no_more_than_2000_characters_of_a_section_count() -> None:
    texts = ["wheel " * 334 + "lamp", "lamp", "wheel"]
    assert related_sections(texts, 2) == [[2], [], [0]]


def test_blocks_of_rows_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = sample_sections()
    whole = related_sections(texts, 3)
    monkeypatch.setattr(related, "BLOCK_ENTRIES", 700)
    assert related_sections(texts, 3) == whole
