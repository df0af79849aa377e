"""What the models saw: the photos of the training, and what a model answers without the photo.

Reads the rows of stage answer; writes nothing.
"""

from __future__ import annotations

from typing import Any

from docent.context import Context
from docent.records import Answer, Checkpoint
from docent.stages.report.inputs.funnel import Funnel
from docent.stages.report.sentences.amounts import counted

BLIND = "blind"


def without_photo(ctx: Context) -> dict[str, Any]:
    """How many answers of the first fine-tuned model are the same without the photo, as fields of `Evidence`."""
    trained = ctx.artifacts(Checkpoint)
    answers = {artifact.part: artifact for artifact in ctx.artifacts(Answer)}
    if not trained or not {BLIND, trained[0].part} <= answers.keys():
        return {}
    model = trained[0].part
    # Rows without a picture are answered alike by both.
    blind = {answer.example_id: answer.answer for answer in answers[BLIND].rows(Answer)}
    compared = [
        blind[answer.example_id] == answer.answer
        for answer in answers[model].rows(Answer)
        if answer.example_id in blind and answer.image_name
    ]
    return {"blind": model, "unseeing": sum(compared), "compared": len(compared)}


def photos_seen(funnel: Funnel) -> str:
    """The photos of exhibits that training had, in words; "" where it had none."""
    each = sorted(funnel.trained.values())
    total = sum(each)
    if not total:
        return ""
    share = f"({each[0]} of each exhibit)" if each[0] == each[-1] else f"({each[0]} to {each[-1]} of an exhibit)"
    if len(each) == 1:
        share = "of 1 exhibit"
    copies = next((step.count for step in funnel.photos if step.name == "Augmented"), 0)
    altered = " and altered copies of them" if copies else ""
    return f"{counted(total, 'photo')} {share}{altered}"
