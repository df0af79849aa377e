"""Measure answers: one function per row of `docent.tables.METRICS`, and the Score row of each answer.

Reads rows in memory and an `encode` function (docent.evidence.encoder, or a test's own); writes nothing. A metric
without a meaning for an answer (number support where it has no number) gives None: the key is left out of that row and
the mean is over fewer rows, never over a stand-in value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from docent.evidence.naming import Exhibit
from docent.evidence.recognition import AnswerText, recognised_exhibits
from docent.records import Answer, Score, make_id
from docent.tables import METRICS, function_at
from docent.text.numbers.numbers import number_support, numbers_of

DIGITS = 6
TIE = 1e-6  # cosines closer than float32 arithmetic can tell apart
_WORD = re.compile(r"\w+")
ANSWERS_PER_BLOCK = 256  # bounds the matrix of answers by training answers

Encode = Callable[[Sequence[str]], NDArray[np.float32]]


@dataclass(frozen=True)
class Judged:
    """One answer beside what it is measured against.

    Attributes:
        cosine: between answer and reference.
        item: the item it should be about.
        recognised: the item that it names or states facts about; None where it does neither.
        exhibits: how many were trained on or asked about.
        nearest: items of the training answers nearest to it; None where there are no training answers.
        source: the text about the item; None where it is not at hand.
    """

    answer: str
    reference: str
    cosine: float
    item: str
    recognised: str | None
    exhibits: int
    nearest: frozenset[str] | None
    source: str | None


Measure = Callable[[Judged], float | None]


def semantic_distance(judged: Judged) -> float:
    """Return 1 - cosine of answer and reference, 0 to 2; an empty answer has 1, as of an unrelated text."""
    return min(2.0, max(0.0, 1.0 - judged.cosine)) if judged.answer else 1.0


def exhibit_accuracy(judged: Judged) -> float | None:
    """Return 1 where the answer names the right exhibit, or states two facts that only it has.

    See docent.evidence.recognition. None where there is one exhibit only: nothing can be told apart.
    """
    return float(judged.recognised == judged.item) if judged.exhibits > 1 else None


def nearest_exhibit(judged: Judged) -> float | None:
    """Return 1 where the nearest training answer is about the right item and no other; an empty answer is near none.

    Where several training answers are equally near, or the nearest stands for several items, all must be the right one.
    Any text has a nearest training answer: nonsense gets about as much as guessing, and more where it uses words that
    one exhibit's answers have.
    """
    if judged.nearest is None or judged.exhibits <= 1:
        return None
    return float(bool(judged.answer) and judged.nearest == {judged.item})


def supported_numbers(judged: Judged) -> float | None:
    """Return the share of the answer's numbers that the source text has; None where there is no number or source."""
    if judged.source is None or not numbers_of(judged.answer):
        return None
    return number_support(judged.answer, judged.source)


def length_ratio(judged: Judged) -> float | None:
    """Return words of the answer over words of the reference."""
    words = len(_WORD.findall(judged.reference))
    return len(_WORD.findall(judged.answer)) / words if words else None


def score_answers(
    answers: Sequence[Answer], train: Iterable[tuple[str, str]], exhibits: Sequence[Exhibit], encode: Encode
) -> list[Score]:
    """Measure every metric of every answer, in their order.

    Args:
        answers: of any number of arms.
        train: (item id, answer) of the training rows; repeats do no harm. Empty: no nearest exhibit.
        exhibits: all that an answer could be about, with their texts where they are at hand.
        encode: texts to unit vectors, (n, width).
    """
    about: dict[str, set[str]] = {}
    for item, text in train:
        about.setdefault(text.strip(), set()).add(item)
    about.pop("", None)
    texts = [answer.answer.strip() for answer in answers]
    references = [answer.reference.strip() for answer in answers]
    count = len(answers)
    vectors = encode([*texts, *references, *about])
    cosines = (vectors[:count] * vectors[count : 2 * count]).sum(axis=1, dtype=np.float64).tolist()
    nearest = nearest_items(vectors[:count], vectors[2 * count :], list(about.values()))
    among = len({*(item for items in about.values() for item in items), *(answer.item_id for answer in answers)})
    recognised = recognised_exhibits(
        [AnswerText(a.question, text) for a, text in zip(answers, texts, strict=True)], exhibits
    )
    sources = {exhibit.id: exhibit.text for exhibit in exhibits}
    measures = {name: function_at(metric.measure) for name, metric in METRICS.items()}
    return [
        _score(a, Judged(text, reference, cosine, a.item_id, item, among, near, sources.get(a.item_id)), measures)
        for a, text, reference, cosine, item, near in zip(
            answers, texts, references, cosines, recognised, nearest, strict=True
        )
    ]


def nearest_items(
    answers: NDArray[np.float32], train: NDArray[np.float32], items: Sequence[set[str]]
) -> list[frozenset[str] | None]:
    """Return for each answer the items of the training answers with the highest cosine, all of them at a tie.

    Args:
        answers: unit vectors, (a, width).
        train: unit vectors of distinct training answers, (t, width).
        items: for each training answer, the items it was written for.
    """
    if not len(train):
        return [None] * len(answers)
    nearest: list[frozenset[str] | None] = []
    for start in range(0, len(answers), ANSWERS_PER_BLOCK):
        cosines = answers[start : start + ANSWERS_PER_BLOCK] @ train.T
        for row in cosines:
            tied = np.flatnonzero(row >= row.max() - TIE).tolist()
            nearest.append(frozenset().union(*(items[index] for index in tied)))
    return nearest


def rounded(value: float) -> float:
    """Round to six decimals, without a negative zero."""
    return round(value, DIGITS) + 0.0


def _score(answer: Answer, judged: Judged, measures: Mapping[str, Measure]) -> Score:
    values = {name: measure(judged) for name, measure in measures.items()}
    return Score(
        id=make_id("score", (answer.id,)),
        parents=(answer.id,),
        arm=answer.arm,
        example_id=answer.example_id,
        item_id=answer.item_id,
        item_name=answer.item_name,
        metrics={name: rounded(value) for name, value in values.items() if value is not None},
    )
