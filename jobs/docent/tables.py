"""Tables of the pipeline as plain data: fine-tuning approaches and what fine-tuned models are compared with.

To add an approach or an arm, write one function and add one row here. Configuration, rendering, stages and the report
read these tables; nothing here imports torch. Functions are named by their dotted path, `module:function`, and are
imported only where they run.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, Literal

Family = Literal["tuned", "base", "look-up", "floor"]
"""What an arm is, for colours and marks: a fine-tuned model, the base model, a look-up, or a trivial baseline."""


@dataclass(frozen=True)
class ApproachKind:
    """One way of fine-tuning.

    Attributes:
        setup: dotted path of the function that sets the parameters to train, `(model, approach, base_model, seed)` to
            the model to save.
        text: what the report says of a model trained this way.
        learning_rate: peak of the schedule.
        adapter: whether small matrices are trained beside a frozen model, which is then needed for answering.
        vision_frozen: whether the vision tower stays as it is, so that its output can be kept between steps.
        rank: LoRA rank.
        alpha: LoRA scale is alpha / rank.
        dropout: LoRA dropout; 0 keeps runs comparable and activations small.
        workers: pods that train together.
        parallel: row of `docent.stages.finetune.parallel.STRATEGIES`.
        needs: what a pod must reach, as in `docent.pipeline.Stage.needs`.
    """

    setup: str
    text: str
    learning_rate: float
    adapter: bool = False
    vision_frozen: bool = True
    rank: int = 0
    alpha: int = 0
    dropout: float = 0.0
    workers: int = 1
    parallel: str = "single"
    needs: tuple[Literal["gpu"], ...] = ("gpu",)


@dataclass(frozen=True)
class ArmKind:
    """One model or method that fine-tuned models are compared with.

    Attributes:
        run: dotted path of the generator, `(ctx, tests)` to one Answer per test example.
        family: decides colour and mark in the report.
        short: name that fits into a sentence of the report.
        text: what the report's table says of it.
        model: the model that it loads: none, the base model, or the first fine-tuned one.
    """

    run: str
    family: Family
    short: str
    text: str
    model: Literal["", "base", "tuned"] = ""


# Rates and ranks were measured for docent-tiny; pipelines/musequest.yaml overrides them for Idefics2-8B.
APPROACHES: dict[str, ApproachKind] = {
    "lora": ApproachKind(
        setup="docent.stages.finetune.approaches:add_lora",
        text="Fine-tuned on the training photos: small added matrices learn, the base weights stay (LoRA).",
        learning_rate=3e-3,
        adapter=True,
        rank=16,
        alpha=32,
    ),
    "full": ApproachKind(
        setup="docent.stages.finetune.approaches:train_whole_model",
        text="Fine-tuned on the training photos: all weights of the text model and the connector learn; the vision "
        "tower stays as it is.",
        learning_rate=7e-4,
    ),
}

ARMS: dict[str, ArmKind] = {
    "base": ArmKind(
        run="docent.stages.answer.generated:base",
        family="base",
        short="the base model without fine-tuning",
        text="The same model before fine-tuning: it has never seen these exhibits.",
        model="base",
    ),
    "retrieval": ArmKind(
        run="docent.stages.answer.looked_up:retrieval",
        family="look-up",
        short="looking up the most similar training photo",
        text="No training: finds the training photo that looks most similar to the base model's vision encoder, and "
        "repeats its stored answer.",
        model="base",
    ),
    "colour": ArmKind(
        run="docent.stages.answer.looked_up:colour",
        family="look-up",
        short="looking up by colour alone",
        text="No model: finds the training photo with the most similar colours and repeats its stored answer.",
    ),
    "constant": ArmKind(
        run="docent.stages.answer.looked_up:constant",
        family="floor",
        short="one fixed answer",
        text="The same answer to every question: what scores without looking at the photo or reading the question.",
    ),
    "blind": ArmKind(
        run="docent.stages.answer.generated:blind",
        family="floor",
        short="the fine-tuned model without the photo",
        text="The first fine-tuned model with a blank picture: what it answers without the photo.",
        model="tuned",
    ),
}


def function_at(path: str) -> Any:
    """Import the function that a dotted path, `module:function`, names."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
