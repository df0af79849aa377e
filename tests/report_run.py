"""A finished run of a tiny made-up museum, written through the real store by stand-ins for every stage.

`make_run(folder, Story(...))` returns the path of the rendered page. The photos are coloured shapes drawn here.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from docent.config import PipelineConfig
from docent.context import Context
from docent.errors import InputError
from docent.pipeline import STAGES, units
from docent.records import (
    Answer,
    Checkpoint,
    Document,
    Example,
    ImageFile,
    ImageQuality,
    Item,
    PlannedImage,
    QAPair,
    Reject,
    Score,
    Section,
    Slots,
    Span,
    make_id,
)  # fmt: skip
from docent.stage import run_shard

LIMIT = 66
TEXT = "The {name} has {n} faces and was first described in 1858."


@dataclass
class Story:
    """What happens in the run.

    Attributes:
        right: arm -> share of its answers about the right exhibit.
        repeated: test answers that stand in training, whole and by sentences.
        scored_exhibits: how many score says there are, so that its made-up p values are possible.
        validated: whether there is a validation split to choose a checkpoint by.
        converged: whether the validation loss stopped falling before the last step.
        shared_figures: figures of documents, of three, that stand in several splits.
        named: exhibit -> the exhibit that wrong answers about it name.
        cut: arm -> how many of its answers, the first ones, end at the limit of tokens.
        ignored: generation settings of the model that were not used.
        photos: picture files to use instead of drawn ones, by exhibit.
    """

    exhibits: list[str] = field(default_factory=lambda: ["cube", "gyroid", "helicoid", "torus"])
    photos_each: int = 5
    tests_each: int = 2
    right: dict[str, float] = field(
        default_factory=lambda: {
            "lora": 0.88,
            "full": 0.75,
            "base": 0.12,
            "retrieval": 0.6,
            "colour": 0.4,
            "constant": 0.25,
            "blind": 0.25,
        }  # fmt: skip
    )
    leaks: int = 0
    repeated: int = 0
    scored_exhibits: int = 20
    validated: bool = True
    converged: bool = True
    shared_figures: int = 0
    extra: str = ""
    failed: bool = False
    descriptions: dict[str, str] = field(default_factory=dict)
    photos: dict[str, list[Path]] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)
    ignored: dict[str, Any] = field(default_factory=dict)
    sections: dict[str, dict[str, Any] | None] = field(default_factory=dict)


STORY = Story()


def make_run(run_dir: Path, story: Story | None = None) -> Path:
    """Write every configured stage of the story, then the real report; returns the path of `index.html`."""
    global STORY
    STORY = story or Story()
    run_dir.mkdir(parents=True, exist_ok=True)
    config = _config(run_dir)
    real = dict(STAGES)
    try:
        for name, stage in real.items():
            if name != "report":
                STAGES[name] = replace(stage, run=f"{__name__}:{name.replace('-', '_')}")
        for unit in units(config):
            code = run_shard(config, unit, run_dir)
            if code:
                raise AssertionError(f"{unit} ended with {code}")
    finally:
        STAGES.update(real)
    success = json.loads((run_dir / "report" / "_SUCCESS.json").read_text())
    return run_dir / "report" / str(success["folder"]) / "index.html"


def _config(run_dir: Path) -> PipelineConfig:
    source = run_dir.parent / "raw_data.csv"
    source.write_text("item_id,item_name\n")
    (run_dir.parent / "images").mkdir(exist_ok=True)
    base: dict[str, Any] = {
        "run": {"name": "demo", "input_wait_s": 0},
        "ingest": {"sources": [{"kind": "exhibits-csv", "path": str(source)}], "max_reject_rate": 1},
        "assess_images": {"shards": 1, "max_failed_shards": 1},
        "augment_images": {"shards": 1},
        "assemble": {},
        "generate_qa": {"shards": 1, "max_reject_rate": 1},
        "curate": {"max_reject_rate": 1},
        "build_dataset": {},
        "finetune": {"base_model": "samples/docent-tiny", "approaches": ["lora", "full"]},
        "answer": {"max_new_tokens": 96},
        "score": {},
        "report": {"title": f"A cabinet of forms{STORY.extra}"},
    }
    base.update(STORY.sections)
    return PipelineConfig.model_validate({name: value for name, value in base.items() if value is not None})


def _picture(name: str, number: int) -> bytes:
    rng = random.Random(f"{name}{number}")
    picture = Image.new("RGB", (240, 200), "#e9e4d8")
    draw = ImageDraw.Draw(picture)
    colour = tuple(rng.randrange(40, 200) for _ in range(3))
    draw.polygon([(rng.randrange(20, 220), rng.randrange(20, 180)) for _ in range(5)], fill=colour)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _bytes(name: str, number: int) -> bytes:
    given = STORY.photos.get(name)
    return given[number % len(given)].read_bytes() if given else _picture(name, number)


def _text(name: str) -> str:
    return STORY.descriptions.get(name) or TEXT.format(name=name, n=STORY.exhibits.index(name) + 6)


def ingest(ctx: Context) -> Iterator[Document | Reject]:
    for name in STORY.exhibits:
        images = []
        for number in range(STORY.photos_each):
            data = _bytes(name, number)
            file = ctx.save(data, "jpg")
            identity = make_id("ingest", [], name, number)
            images.append(
                ImageFile(
                    id=identity,
                    name=f"{name}-{number}.jpg",
                    unit="ingest",
                    file=file,
                    sha256="0" * 64,
                    width_px=240,
                    height_px=200,
                    group=identity,
                )  # fmt: skip
            )
        section = Section(index=0, title=name, text=_text(name), source=_span())
        yield Document(
            id=make_id("ingest", [], name), kind="exhibit", name=name + STORY.extra, sections=(section,),
            images=tuple(images), given_slots=Slots(train=STORY.photos_each, validation=1, test=1),
        )  # fmt: skip
        yield Reject(reason="photo is not in the folder", raw=f"{name}-9.jpg")


def _span() -> Span:
    return Span(file="raw_data.csv", first_line=2, last_line=2)


def assess_images(ctx: Context) -> Iterator[ImageQuality]:
    if STORY.failed:
        raise InputError("the photo /secret/place/torn.jpg cannot be decoded" + STORY.extra, "torn.jpg", "mend it")
    images = [image for document in ctx.rows(Document) for image in document.images]
    for place, image in enumerate(images):
        keep = place != 1
        yield ImageQuality(
            id=make_id("assess-images", [image.id]), parents=(image.id,), image_id=image.id, keep=keep,
            reasons=() if keep else ("blurred",), width_px=240, height_px=200, resolution_score=0.02, color_std=30,
            brightness=200, sharpness=90, ahash="0" * 16, phash="0" * 16,
        )  # fmt: skip


def augment_images(ctx: Context) -> Iterator[ImageFile]:
    for document in ctx.rows(Document):
        original = document.images[0]
        yield original.model_copy(
            update={"id": make_id("augment-images", [original.id]), "transforms": ("HorizontalFlip",),
                    "name": original.name.replace(".jpg", "-aug1.jpg")}
        )  # fmt: skip


def assemble(ctx: Context) -> Iterator[Item]:
    for document in ctx.rows(Document):
        tests = STORY.tests_each
        splits = ["test"] * tests + ["validation"] + ["train"] * (len(document.images) - tests - 1)
        planned = tuple(PlannedImage(image=i, split=s) for i, s in zip(document.images, splits, strict=True))
        yield Item(
            id=make_id("assemble", [document.id]),
            parents=(document.id,),
            name=document.name,
            text=document.sections[0].text,
            source=_span(),
            document_id=document.id,
            document=document.name,
            images=planned,
        )


def generate_qa(ctx: Context) -> Iterator[QAPair | Reject]:
    ctx.spend(input_tokens=1200, output_tokens=340)
    for item in ctx.rows(Item):
        for index in range(3):
            yield QAPair(
                id=make_id("generate-qa", [item.id], index), parents=(item.id,), item_id=item.id, item_name=item.name,
                question="What is this?" + STORY.extra, answer=item.text, question_type="describe",
                language="English", temperature=0.4, index=index, teacher="offline-extractive", sources=(item.source,),
            )  # fmt: skip
    yield Reject(reason="the reply is not JSON", raw="nope")


def curate(ctx: Context) -> Iterator[QAPair | Reject]:
    for pair in ctx.rows(QAPair):
        if pair.index < 2:
            reasons = ("not in own words",) if pair.index else ()
            yield pair.model_copy(update={"verdict": "warn" if reasons else "pass", "reasons": reasons})
        else:
            yield Reject(reason="repeats another pair" + STORY.extra, raw=pair.answer)


def build_dataset(ctx: Context) -> Iterator[Example]:
    folder = ctx.output_folder("images")
    tests = 0
    pairs = {pair.item_id: pair for pair in ctx.rows(QAPair)}
    for item in ctx.rows(Item):
        for place, planned in enumerate(item.images):
            file = folder / planned.split / planned.image.name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(ctx.image_path(planned.image).read_bytes())
            pair = pairs[item.id]
            tests += planned.split == "test"
            yield Example(
                id=make_id("build-dataset", [pair.id, planned.image.id]), parents=(pair.id, planned.image.id),
                split=planned.split, data_id=place, item_id=item.id, item_name=item.name,
                image_name=planned.image.name, files=(f"images/{planned.split}/{planned.image.name}",),
                group=planned.image.group, question=pair.question, answer=pair.answer, temperature=0.4,
                teacher=pair.teacher, question_type="visitor", language="English", sources=(),
            )  # fmt: skip
    audit = {
        "leaks": STORY.leaks,
        "test_images": tests,
        "leaked": [
            {"image": f"leaked-{i}.jpg", "item": "cube", "split": "train", "group": "g"} for i in range(STORY.leaks)
        ],
        "test_answers_also_in_train": STORY.repeated,
        "test_answers_of_training_sentences": STORY.repeated,
        "test_answers_with_training_sentences": STORY.repeated,
        "figures": 3,
        "figures_in_several_splits": STORY.shared_figures,
    }
    ctx.output_file("audit.json", json.dumps(audit).encode())


def finetune(ctx: Context) -> Iterator[Checkpoint]:
    rng = ctx.rng(ctx.unit.part)
    lines = []
    for step in range(1, 61):
        loss = 3.2 * 0.95**step + 0.4 + rng.random() * 0.12
        held_out = 3.1 * 0.94**step + 0.55 + max(0, step - 45) * 0.01 if step % 6 == 0 and STORY.validated else None
        lines.append(
            {"step": step, "epoch": step / 20, "loss": loss, "learning_rate": 1e-3, "validation_loss": held_out}
        )
    ctx.output_file("train_log.jsonl", "".join(json.dumps(line) + "\n" for line in lines).encode())
    yield Checkpoint(
        id=make_id("finetune", [], ctx.unit.part), approach=ctx.unit.part, base_model="samples/docent-tiny",
        step=48 if STORY.validated and STORY.converged else 60,
        steps=60, planned_steps=60,
        converged=STORY.converged if STORY.validated else None,
        epochs=3, validation_loss=0.7412 if STORY.validated else None, train_examples=320,
        trainable_parameters=184_320 if ctx.unit.part == "lora" else 2_900_000, total_parameters=2_900_000,
    )  # fmt: skip


def answer(ctx: Context) -> Iterator[Answer]:
    examples = [e for e in ctx.rows(Example) if e.split == "test"]
    arm = ctx.unit.part
    right = _right(ctx, arm, len(examples))
    written = arm not in ("retrieval", "colour", "constant")
    if written:
        generation = {"max_new_tokens": LIMIT, "longest_training_answer_tokens": 60, "ignored": STORY.ignored,
                      "settings": {"do_sample": False, "num_beams": 1, "repetition_penalty": 1.0}}  # fmt: skip
        ctx.output_file("generation.json", json.dumps(generation).encode())
    for place, (example, good) in enumerate(zip(examples, right, strict=True)):
        other = examples[(examples.index(example) + STORY.tests_each) % len(examples)]
        text = example.answer if good else other.answer.replace("1858", "1901")
        if not good and example.item_name in STORY.named:
            text = f"This is the {STORY.named[example.item_name]}."
        if arm == "constant":
            text = "This is an exhibit."
        yield Answer(
            id=make_id("answer", [example.id], arm), parents=(example.id,), arm=arm, example_id=example.id,
            item_id=example.item_id, item_name=example.item_name, image_name=example.image_name,
            question=example.question, answer=text + STORY.extra, reference=example.answer,
            ended=None if not written else "length" if place < STORY.cut.get(arm, 0) else "stop",
            matched=f"{example.item_name}-4.jpg" if arm in ("retrieval", "colour") else None,
        )  # fmt: skip


def _right(ctx: Context, arm: str, count: int) -> list[bool]:
    chosen = set(ctx.rng("right", arm).sample(range(count), round(STORY.right[arm] * count)))
    return [place in chosen for place in range(count)]


def score(ctx: Context) -> Iterator[Score]:
    arms: dict[str, dict[str, Any]] = {}
    answers = ctx.rows(Answer)
    for arm in dict.fromkeys(a.arm for a in answers):
        mine = [a for a in answers if a.arm == arm]
        right = _right(ctx, arm, len(mine))
        for a, good in zip(mine, right, strict=True):
            metrics = {"semantic_distance": 0.1 if good else 0.7, "exhibit_accuracy": float(good),
                       "number_support": 1.0 if good else 0.5, "length_ratio": 1.1}  # fmt: skip
            yield Score(id=make_id("score", [a.id]), parents=(a.id,), arm=arm, example_id=a.example_id,
                        item_id=a.item_id, item_name=a.item_name, metrics=metrics)  # fmt: skip
        share = sum(right) / len(right)
        spread = 1.6 * (share * (1 - share) / len(right)) ** 0.5
        around = [max(0.0, share - spread), min(1.0, share + spread)]
        distance = 0.7 - 0.6 * share
        arms[arm] = {
            "exhibit_accuracy": {"mean": share, "ci": around, "n": len(mine)},
            "semantic_distance": {"mean": distance, "ci": [distance - 0.05, distance + 0.05], "n": len(mine)},
            "number_support": {"mean": 0.5 + share / 2, "ci": [0.45 + share / 2, 0.5 + share / 2], "n": len(mine)},
            "length_ratio": {"mean": 1.1, "ci": [1.0, 1.25], "n": len(mine)},
        }
    summary = {
        "arms": arms, "comparisons": _comparisons(arms), "items": STORY.scored_exhibits,
        "test_examples": len(answers) // len(arms), "encoder": {"name": "all-MiniLM-L6-v2", "sha256": "53aa51172d"},
        "leaks": None, "ceiling": {"exhibit_accuracy": {"mean": 0.98, "ci": [0.95, 1.0], "n": 8}},
        "chance": 1 / len(STORY.exhibits),
    }  # fmt: skip
    ctx.output_file("summary.json", json.dumps(summary).encode())


def _comparisons(arms: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    names = list(arms)
    for place, a in enumerate(names):
        for b in names[place + 1 :]:
            for metric in ("exhibit_accuracy", "semantic_distance"):
                difference = arms[a][metric]["mean"] - arms[b][metric]["mean"]
                wide = 0.2 if metric == "exhibit_accuracy" else 0.12
                p = 0.001 if abs(difference) > wide else 0.4
                found.append({"a": a, "b": b, "metric": metric, "difference": difference,
                              "ci": [difference - wide, difference + wide], "p": p, "p_holm": p * 2})  # fmt: skip
    return found
