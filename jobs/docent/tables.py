"""Tables of the pipeline as plain data: fine-tuning approaches, arms, metrics of answers and metrics of photos.

To add an entry, write one function, add one row here and raise the version of the stage that uses it in `pipeline.py`
(CONTRIBUTING.md has each case). Configuration, rendering, stages and the report read these tables; nothing here
imports torch. Functions are named by their dotted path, `module:function`, and are imported only when they run.
"""

import importlib
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

TrainedPart = Literal["projections", "language", "everything"]
"""Weights that an approach without an adapter trains; `projections` are the modules that LoRA adapts."""
ArmFamily = Literal["tuned", "base", "look-up", "floor"]
"""Kind of an arm, for colours and markers: a fine-tuned model, the base model, a look-up, or a trivial baseline."""


@dataclass(frozen=True)
class ApproachKind:
    """One way of fine-tuning.

    Attributes:
        setup: dotted path of the function that selects the parameters to train; takes `(model, approach, base_model,
            seed)` and returns the model to save.
        text: the report's description of a model trained this way.
        learning_rate: peak of the learning rate schedule.
        adapter: whether small matrices are trained next to a frozen model, which is then needed for answering.
        vision_frozen: whether the vision tower is frozen, so that its output can be cached between steps.
        rank: LoRA rank.
        alpha: numerator of the LoRA scale, alpha / rank.
        rank_stabilized: whether the scale is alpha / sqrt(rank) instead (rsLoRA).
        init: initial values of the LoRA matrices A.
        trains: weights that are trained if the approach has no adapter.
        dropout: LoRA dropout; 0 keeps runs comparable and activations small.
        recompute: whether the activations inside layers are computed again in the backward pass instead of being kept,
            which takes less memory and a third more time.
        workers: number of pods that train together.
        parallel: key in `docent.stages.finetune.parallel.STRATEGIES`, if there are several processes.
        needs: resources that a pod must reach, as in `docent.pipeline.Stage.needs`.
    """

    setup: str
    text: str
    learning_rate: float
    adapter: bool = False
    vision_frozen: bool = True
    rank: int = 0
    alpha: int = 0
    rank_stabilized: bool = False
    dropout: float = 0.0
    init: Literal["kaiming", "gaussian"] = "kaiming"
    trains: TrainedPart | Literal[""] = ""
    recompute: bool = False
    workers: int = 1
    parallel: str = "single"
    needs: tuple[Literal["gpu"], ...] = ("gpu",)


@dataclass(frozen=True)
class ArmKind:
    """One model or method that fine-tuned models are compared with.

    Attributes:
        run: dotted path of the generator; takes `(ctx, tests)` and yields one Answer per test example.
        family: kind of the arm, which sets its colour and marker in the report.
        short: short name for use in sentences of the report.
        text: its description in the report's table.
        model: the model that it loads: none, the base model, or the first fine-tuned one.
    """

    run: str
    family: ArmFamily
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
        setup="docent.stages.finetune.approaches:train_weights",
        text="Fine-tuned on the training photos: all weights of the text model and the connector learn; the vision "
        "tower stays as it is.",
        learning_rate=7e-4,
        trains="language",
    ),
}
# Several processes share a batch, so its size and the learning rate stay those of one process.
APPROACHES["lora-ddp"] = replace(APPROACHES["lora"], workers=2, parallel="ddp")
APPROACHES["full-fsdp"] = replace(APPROACHES["full"], workers=2, parallel="fsdp", recompute=True)

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


Direction = Literal["higher", "lower", "near 1", "unknown"]
"""Which values of a metric are better."""


@dataclass(frozen=True)
class Metric:
    """A metric that `score` computes for every answer.

    Attributes:
        name: key in the rows of `score`.
        measure: dotted path of the function; takes a `docent.evidence.metrics.Judged` and returns a number, or None if
            the metric does not apply to that answer.
        label: heading of its column in the report.
        direction: which values are better.
        meaning: its entry in the report's glossary.
        share: whether it is between 0 and 1; shown as a percentage, with the interval of a proportion.
        digits: decimal places, if it is not a share.
        section_label: heading for runs about documents only; if empty, `label` is used.
        section_meaning: glossary entry for such runs; if empty, `meaning` is used.
        with_documents: addition to the glossary entry for runs about both exhibits and documents.
        chance: whether guessing among exhibits scores the chance line.
        compared: whether fine-tuned arms are compared with all other arms on it.
        ceiling: whether it is also computed for the references themselves, as the score of a perfect answer.
    """

    name: str
    measure: str
    label: str
    direction: Direction
    meaning: str
    share: bool = False
    digits: int = 3
    section_label: str = ""
    section_meaning: str = ""
    with_documents: str = ""
    chance: bool = False
    compared: bool = False
    ceiling: bool = False


@dataclass(frozen=True)
class ImageMetric:
    """A metric that `assess-images` computes for every photo.

    Attributes:
        name: field of `docent.records.ImageQuality`, or if there is no such field, key in its `other_metrics`.
        measure: dotted path of the function; takes a `docent.vision.quality.Photo` and returns a number.
        least: smallest value for a photo to be used, or the field of `assess_images` that sets it.
        most: largest value for a photo to be used.
        too_low: reason for a value below `least`, in the rows and in the report.
        too_high: reason for a value above `most`.
        unless: a reason that, if it applies, makes `too_low` and `too_high` redundant.
        stored: whether rows of `assess-images` contain the value.
    """

    name: str
    measure: str
    least: float | str | None = None
    most: float | None = None
    too_low: str = ""
    too_high: str = ""
    unless: str = ""
    stored: bool = True


_Named = TypeVar("_Named", Metric, ImageMetric)


def _by_name(*rows: _Named) -> dict[str, _Named]:
    return {row.name: row for row in rows}


METRICS = _by_name(
    Metric(
        name="exhibit_accuracy",
        measure="docent.evidence.metrics:exhibit_accuracy",
        label="Right exhibit",
        direction="higher",
        meaning="Share of answers that name the exhibit in the photo, or state at least two facts that only it "
        "has; guessing scores the chance line. An answer that names several exhibits counts for the first, or for "
        "none where it leaves open which.",
        share=True,
        section_label="Right section",
        section_meaning="Share of answers that state at least two facts that only the section asked about has. "
        "An answer that states as many facts of another section counts for none. Guessing scores the chance line.",
        with_documents=" Of an answer about a document, only facts tell the section.",
        chance=True,
        compared=True,
        ceiling=True,
    ),
    Metric(
        name="nearest_exhibit",
        measure="docent.evidence.metrics:nearest_exhibit",
        label="Nearest exhibit",
        direction="higher",
        meaning="Share of answers whose nearest training answer, by a fixed sentence encoder, is of the exhibit in "
        "the photo. Every text has a nearest training answer, nonsense as well: read it beside the right exhibit.",
        share=True,
        section_label="Nearest section",
        section_meaning="Share of answers whose nearest training answer, by a fixed sentence encoder, is about the "
        "same section. Every text has a nearest training answer, nonsense as well: read it beside the right "
        "section.",
        chance=True,
        ceiling=True,
    ),
    Metric(
        name="semantic_distance",
        measure="docent.evidence.metrics:semantic_distance",
        label="Semantic distance",
        direction="lower",
        meaning="1 − cosine between answer and reference in a fixed sentence encoder: 0 is the same wording, "
        "around 0.7 has nothing to do with it. It hardly notices a wrong number or a missing “not”.",
        compared=True,
    ),
    Metric(
        name="number_support",
        measure="docent.evidence.metrics:supported_numbers",
        label="Number support",
        direction="higher",
        meaning="Share of the numbers in an answer that stand in the description of the exhibit. Answers without a "
        "number are left out.",
        share=True,
        section_meaning="Share of the numbers in an answer that stand in the section it is about. Answers without "
        "a number are left out.",
        ceiling=True,
    ),
    Metric(
        name="length_ratio",
        measure="docent.evidence.metrics:length_ratio",
        label="Length ratio",
        direction="near 1",
        meaning="Words of the answer over words of the reference: 1 is the same length.",
        digits=2,
    ),
)

# Order matters: a photo is rejected with all reasons that apply, the most informative first.
IMAGE_METRICS = _by_name(
    ImageMetric("side_px", "docent.vision.quality:side_px", "min_side_px", too_low="too small", stored=False),
    ImageMetric("resolution_score", "docent.vision.quality:resolution_score"),
    ImageMetric("color_std", "docent.vision.quality:color_std"),
    # Measured per channel, because a plain area of any colour has different values in different channels.
    ImageMetric("channel_std", "docent.vision.quality:channel_std", "min_color_std", too_low="blank", stored=False),
    # A blank picture has no edges, so it is not also reported as blurred.
    ImageMetric("sharpness", "docent.vision.quality:sharpness", "min_sharpness", too_low="blurred", unless="blank"),
    # Limits of the mean channel value beyond which the object is not recognisable.
    ImageMetric("brightness", "docent.vision.quality:brightness", 12.0, 247.0, "too dark", "too bright"),
)


def function_at(path: str) -> Any:
    """Import and return the function at a dotted path, `module:function`."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
