"""Compute metrics of answers: one function per row of `docent.tables.METRICS`, and one Score row per answer.

A metric that does not apply to an answer (such as number support for an answer without numbers) is None: it is left out
of that answer's row, and means are over the other rows only.
"""

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
TIE = 1e-6  # tolerance: float32 arithmetic cannot tell closer cosines apart
_WORD = re.compile(r"\w+")
ANSWERS_PER_BLOCK = 256  # bounds the memory of the answers x training answers matrix

Encode = Callable[[Sequence[str]], NDArray[np.float32]]


@dataclass(frozen=True)
class Judged:
    """One answer and the data that metrics need to score it.

    Attributes:
        answer: the answer's text.
        reference: the reference answer.
        cosine: cosine similarity of answer and reference.
        item: id of the item that the answer should be about.
        recognised: id of the item that the answer names or states facts about; None if there is none.
        exhibits: number of items in the training and test rows.
        nearest: ids of the items with the nearest training answers; None if there are no training answers.
        source: the text about the item; None if there is none.
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
    """Return 1 - cosine of answer and reference, from 0 to 2; for an empty answer 1, as for an unrelated text."""
    return min(2.0, max(0.0, 1.0 - judged.cosine)) if judged.answer else 1.0


def exhibit_accuracy(judged: Judged) -> float | None:
    """Return 1 if the answer is recognised as being about the right exhibit, else 0.

    See docent.evidence.recognition. Return None if there is only one exhibit: then there is nothing to distinguish.
    """
    return float(judged.recognised == judged.item) if judged.exhibits > 1 else None


def nearest_exhibit(judged: Judged) -> float | None:
    """Return 1 if the nearest training answer belongs to the right item and no other, else 0; 0 for an empty answer.

    If several training answers are equally near, or the nearest belongs to several items, all must be the right item.
    Every text has a nearest training answer, so nonsense scores about as high as guessing, or higher if it contains
    words from one exhibit's answers. Return None if there are no training answers or only one exhibit.
    """
    if judged.nearest is None or judged.exhibits <= 1:
        return None
    return float(bool(judged.answer) and judged.nearest == {judged.item})


def supported_numbers(judged: Judged) -> float | None:
    """Return the share of the answer's numbers that are in the source text, or None without a number or a source."""
    if judged.source is None or not numbers_of(judged.answer):
        return None
    return number_support(judged.answer, judged.source)


def length_ratio(judged: Judged) -> float | None:
    """Return the word count of the answer divided by that of the reference, or None if the reference has no words."""
    words = len(_WORD.findall(judged.reference))
    return len(_WORD.findall(judged.answer)) / words if words else None


def score_answers(
    answers: Sequence[Answer], train: Iterable[tuple[str, str]], exhibits: Sequence[Exhibit], encode: Encode
) -> list[Score]:
    """Compute every metric of every answer; the scores are in the order of the answers.

    Args:
        answers: answers of any number of arms.
        train: (item id, answer) of the training rows; repeats are allowed. If empty, `nearest_exhibit` has no value.
        exhibits: all exhibits that an answer could be about, with their texts if known.
        encode: function from texts to unit vectors of shape (n, width).
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
    """Return for each answer the items of the training answer with the highest cosine, or of all that tie for it.

    Args:
        answers: unit vectors of the answers, of shape (a, width).
        train: unit vectors of distinct training answers, of shape (t, width).
        items: for each training answer, the ids of the items that have it.
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
    """Round to six decimals and turn negative zero into zero."""
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
