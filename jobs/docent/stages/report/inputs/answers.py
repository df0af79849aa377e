"""Find which exhibits fine-tuned models confuse, and how many answers stay the same without the photo.

Reads the rows of assemble, build-dataset, answer and score; writes nothing.
"""

from collections import Counter
from dataclasses import dataclass

from docent.context import Context
from docent.evidence.known_exhibits import known_exhibits
from docent.evidence.recognition import AnswerText, recognised_exhibits
from docent.records import Answer, Checkpoint, Example, Item, Score
from docent.stages.report.inputs.titles import label
from docent.stages.report.sentences.findings import Blind
from docent.stages.report.sentences.wording import ACCURACY

BLIND = "blind"
MAX_CONFUSIONS = 3


@dataclass(frozen=True)
class Confusion:
    """An exhibit that a model confuses with another one.

    Attributes:
        exhibit: name of the exhibit that questions are about.
        other: name of the exhibit that the answers describe instead.
        answers: number of such answers.
    """

    exhibit: str
    other: str
    answers: int


def read_confusions(ctx: Context, model: str) -> tuple[Confusion, ...]:
    """Return the most frequent confusions of one model, or none if answers were not scored.

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
    about = recognised_exhibits([AnswerText(answer.question, answer.answer) for answer in answers], exhibits)
    counts = Counter(
        (labels[answer.item_id], labels[other])
        for answer, other in zip(answers, about, strict=True)
        if answer.item_id in labels and other in labels and other != answer.item_id
    )
    ranked = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(Confusion(exhibit, other, count) for (exhibit, other), count in ranked[:MAX_CONFUSIONS])


def without_photo(ctx: Context) -> Blind | None:
    """Count the answers of the first fine-tuned model that are the same without the photo.

    Return None if there is no such model, or if it has no answers without the photo.
    """
    trained = ctx.artifacts(Checkpoint)
    answers = {artifact.part: artifact for artifact in ctx.artifacts(Answer)}
    if not trained or not {BLIND, trained[0].part} <= answers.keys():
        return None
    model = trained[0].part
    # Rows without a picture are not compared: for them both arms get the same input.
    blind = {answer.example_id: answer.answer for answer in answers[BLIND].rows(Answer)}
    compared = [
        blind[answer.example_id] == answer.answer
        for answer in answers[model].rows(Answer)
        if answer.example_id in blind and answer.image_name
    ]
    return Blind(model, sum(compared), len(compared))
