"""Which exhibits a model takes for which others: wrong answers that are about another exhibit, as stage score tells it.

Reads the rows of assemble, build-dataset, answer and score; writes nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from docent.context import Context
from docent.evidence.known_exhibits import known_exhibits
from docent.evidence.recognition import Said, exhibits_told
from docent.records import Answer, Example, Item, Score
from docent.stages.report.inputs.labels import label
from docent.stages.report.sentences.wording import ACCURACY

MAX_SHOWN = 3


@dataclass(frozen=True)
class Confusion:
    """An exhibit, another one that answers about it are about, and how many are."""

    exhibit: str
    other: str
    answers: int


def read_confusions(ctx: Context, model: str) -> tuple[Confusion, ...]:
    """The most frequent confusions of one model; none where answers are not scored.

    Args:
        model: name of a fine-tuned approach.
    """
    answered = next((artifact for artifact in ctx.artifacts(Answer) if artifact.part == model), None)
    if answered is None or not ctx.artifacts(Score):
        return ()
    scores = ctx.stream(Score)
    wrong = {s.example_id for s in scores if s.arm == model and s.metrics.get(ACCURACY, 1.0) < 0.5}
    answers = [answer for answer in answered.rows(Answer) if answer.example_id in wrong]
    if not answers:
        return ()
    items = list(ctx.stream(Item))
    labels = {item.id: label(item, 0) for item in items if item.kind == "exhibit"}
    exhibits = known_exhibits(items, ctx.stream(Example))
    told = exhibits_told([Said(answer.question, answer.answer) for answer in answers], exhibits)
    found = Counter(
        (labels[answer.item_id], labels[other])
        for answer, other in zip(answers, told, strict=True)
        if answer.item_id in labels and other in labels and other != answer.item_id
    )
    return tuple(Confusion(a, b, n) for (a, b), n in sorted(found.items(), key=lambda e: (-e[1], e[0]))[:MAX_SHOWN])
