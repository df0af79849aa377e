"""Every arm through the real shell on real picture files, with a tiny random model in the place of a trained one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from tests.tiny_model import save_tiny_model

from docent.artifacts.listings import Success
from docent.artifacts.side_files import load_json
from docent.config import PipelineConfig
from docent.context import Context
from docent.models import inference
from docent.records import Answer, Checkpoint, Example, Split, make_id
from docent.stage import run_shard
from docent.store import Artifact, Shard
from docent.tables import ARMS

WithStage = Callable[[str, Callable[[Context], Any]], None]
COLORS = {"cube": "#c02020", "torus": "#20a040", "helix": "#2040c0"}
PICTURE_SIZE = (56, 42)
QUESTIONS = ("What is this?", "Who made this?")


def draw(name: str, number: int, path: Path) -> None:
    """A block of the item's colour; every number stands elsewhere."""
    image = Image.new("RGB", PICTURE_SIZE, "#e8e8e0")
    ImageDraw.Draw(image).rectangle((12 + number, 8, 40 + number, 34), fill=COLORS[name])
    image.save(path)


def example(name: str, split: Split, number: int, data_id: int, question: str) -> Example:
    return Example(
        id=make_id("build-dataset", (), name, split, number, question),
        split=split,
        data_id=data_id,
        item_id=f"id-of-{name}",
        item_name=name,
        image_name=f"{name}-{number}.png",
        files=(f"images/{split}/{name}-{number}.png",),
        group=f"{name}-{number}",
        question=question,
        answer=f"{question} The {name}, as photo {number} shows." if split == "train" else f"The {name}.",
        temperature=0.4,
        teacher="offline-extractive",
        question_type="visitor",
        language="English",
        sources=(),
    )


def data_set(shown: dict[str, str] | None = None) -> Callable[[Context], Iterator[Example]]:
    """A build-dataset of 3 items x (2 training photos x 2 questions, 2 test photos).

    Args:
        shown: which item's photo really lies in the files of an item's test rows; its own when not given.
    """

    def run(ctx: Context) -> Iterator[Example]:
        folder = ctx.output_folder("images")
        splits: tuple[tuple[Split, tuple[int, ...], tuple[str, ...]], ...] = (
            ("train", (0, 1), QUESTIONS),
            ("test", (2, 3), QUESTIONS[:1]),
        )
        for split, numbers, questions in splits:
            (folder / split).mkdir()
            rows = [(name, number, question) for name in COLORS for number in numbers for question in questions]
            for data_id, (name, number, question) in enumerate(rows):
                row = example(name, split, number, data_id, question)
                draw(shown[name] if shown and split == "test" else name, number, folder / split / row.image_name)
                yield row

    return run


def checkpoint(ctx: Context) -> Iterator[Checkpoint]:
    """A fine-tuning that leaves another random model for each approach."""
    seed = int(hashlib.sha256(ctx.unit.part.encode()).hexdigest()[:6], 16)
    save_tiny_model(ctx.output_folder("model"), seed=seed)
    yield Checkpoint(
        id=make_id("finetune", (), ctx.unit.name),
        approach=ctx.unit.part,
        base_model="never read: the folder holds whole weights",
        step=1,
        steps=1,
        epochs=1.0,
        validation_loss=1.0,
        train_examples=12,
        trainable_parameters=1,
        total_parameters=1,
    )


@pytest.fixture(scope="module")
def base_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("base"), seed=0)


@pytest.fixture
def config(base_model: Path, with_stage: WithStage) -> PipelineConfig:
    for stage in ("ingest", "assemble", "generate-qa"):
        with_stage(stage, lambda ctx: iter(()))
    with_stage("build-dataset", data_set())
    with_stage("finetune", checkpoint)
    return settings(base_model)


def settings(base_model: Path, **answer: Any) -> PipelineConfig:
    return PipelineConfig.model_validate(
        {
            "run": {"input_wait_s": 0},
            "ingest": {"sources": [{"kind": "exhibits-folder", "path": str(base_model)}]},
            "assemble": {},
            "generate_qa": {"shards": 1},
            "build_dataset": {},
            "finetune": {"base_model": str(base_model), "approaches": ["lora", "full"]},
            "answer": {"batch_size": 2, "max_new_tokens": 6, **answer},
        }
    )


def answers(config: PipelineConfig, run_dir: Path, arm: str, shards: int = 1) -> list[Answer]:
    """Run what the arm reads and the arm itself; its rows."""
    unit = f"answer-{arm}"
    tuned = {"lora": ["finetune-lora"], "full": ["finetune-full"], "blind": ["finetune-lora"]}.get(arm, [])
    for name in ("ingest", "assemble", "generate-qa", "build-dataset", *tuned):
        assert run_shard(config, name, run_dir) == 0
    for index in range(shards):
        assert run_shard(config, unit, run_dir, Shard(index, shards)) == 0
    return list(artifact(run_dir, unit).rows(Answer))


def artifact(run_dir: Path, unit: str) -> Artifact:
    success = load_json(run_dir / unit / "_SUCCESS.json")
    assert success is not None
    return Artifact(unit, run_dir / unit / success["folder"], Success.model_validate(success))


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[int, int], bytes]]:
    """Size and pixels of every picture that reaches a model that writes, which still does its work."""
    found: list[tuple[tuple[int, int], bytes]] = []
    real = inference.generate

    def generate(model: Any, processor: Any, images: Iterable[Image.Image], *more: Any) -> list[Any]:
        images = list(images)
        if more[-1] == 1:  # the trial question of a model that is loaded
            return real(model, processor, images, *more)
        found.extend((image.size, image.tobytes()) for image in images)
        return real(model, processor, images, *more)

    monkeypatch.setattr(inference, "generate", generate)
    return found


@pytest.mark.feature("answers")
def test_every_arm_answers_every_test_example_in_order(config: PipelineConfig, run_dir: Path) -> None:
    expected = [f"{name}-{number}.png" for name in COLORS for number in (2, 3)]
    for arm in ("lora", "full", *ARMS):
        rows = answers(config, run_dir, arm)
        assert [row.image_name for row in rows] == expected, arm
        assert {row.arm for row in rows} == {arm}
        assert all(row.reference == f"The {row.item_name}." for row in rows)
        assert all((row.status == "empty") == (row.answer == "") for row in rows)
        assert len({row.id for row in rows}) == len(rows)


def test_look_up_arms_find_the_item_of_the_photo_and_its_answer_to_the_question(
    config: PipelineConfig, run_dir: Path
) -> None:
    for arm in ("retrieval", "colour"):
        for row in answers(config, run_dir, arm):
            assert row.matched is not None and row.matched.startswith(row.item_name), arm
            assert row.answer == f"What is this? The {row.item_name}, as photo {row.matched[-5]} shows."
            assert row.parents == (row.example_id,)


def test_look_up_arms_follow_the_photo_and_not_the_row(
    config: PipelineConfig, run_dir: Path, with_stage: WithStage
) -> None:
    turned = {"cube": "torus", "torus": "helix", "helix": "cube"}
    with_stage("build-dataset", data_set(turned))
    for arm in ("retrieval", "colour"):
        rows = answers(config, run_dir, arm)
        assert all(row.matched is not None and row.matched.startswith(turned[row.item_name]) for row in rows), arm


def test_constant_says_one_stored_answer_to_everything(config: PipelineConfig, run_dir: Path) -> None:
    said = {row.answer for row in answers(config, run_dir, "constant")}
    stored = {row.answer for row in artifact(run_dir, "build-dataset").rows(Example) if row.split == "train"}
    assert len(said) == 1 and said <= stored


def test_tuned_arm_sees_the_pixels_of_the_files_and_blind_sees_grey(
    config: PipelineConfig, run_dir: Path, seen: list[tuple[tuple[int, int], bytes]]
) -> None:
    rows = answers(config, run_dir, "lora")
    data = artifact(run_dir, "build-dataset")
    files = [data.file(row.file) for row in data.rows(Example) if row.split == "test"]
    assert [pixels for _, pixels in seen] == [Image.open(file).tobytes() for file in files]
    assert len({pixels for _, pixels in seen}) == len(rows)
    seen.clear()
    answers(config, run_dir, "blind")
    grey = bytes([128]) * (PICTURE_SIZE[0] * PICTURE_SIZE[1] * 3)
    assert seen == [(PICTURE_SIZE, grey)] * len(rows)


def test_other_photos_change_what_tuned_models_say_and_not_what_blind_says(
    config: PipelineConfig, run_dir: Path, with_stage: WithStage
) -> None:
    before = {arm: answers(config, run_dir, arm) for arm in ("lora", "blind")}
    with_stage("build-dataset", data_set({"cube": "torus", "torus": "helix", "helix": "cube"}))
    other = run_dir.parent / "other"
    after = {arm: answers(config, other, arm) for arm in ("lora", "blind")}
    said = {row.image_name: row.answer for row in before["lora"]}
    turned = {"cube": "torus", "torus": "helix", "helix": "cube"}
    # The answer went with the photo: the row of the cube now says what was said to the photo of the torus.
    for row in after["lora"]:
        assert row.answer == said[f"{turned[row.item_name]}-{row.image_name[-5]}.png"]
    assert len(set(said.values())) > 1
    assert [row.answer for row in after["blind"]] == [row.answer for row in before["blind"]]
    assert len({row.answer for row in after["blind"]}) == 1


def test_arms_of_models_name_the_checkpoint_and_differ(config: PipelineConfig, run_dir: Path) -> None:
    rows = {arm: answers(config, run_dir, arm) for arm in ("lora", "full", "blind", "base")}
    assert {row.parents[1] for row in rows["lora"] + rows["blind"]} == {make_id("finetune", (), "finetune-lora")}
    assert {row.parents[1] for row in rows["full"]} == {make_id("finetune", (), "finetune-full")}
    assert all(row.parents == (row.example_id,) for row in rows["base"])
    assert [r.answer for r in rows["lora"]] != [r.answer for r in rows["full"]] != [r.answer for r in rows["base"]]


@pytest.mark.parametrize("arm", ["lora", "retrieval", "colour"])
def test_shards_give_the_same_rows_and_digest(
    config: PipelineConfig, base_model: Path, run_dir: Path, arm: str
) -> None:
    whole = answers(config, run_dir, arm)
    digest = artifact(run_dir, f"answer-{arm}").digest
    divided = run_dir.parent / "divided"
    assert answers(settings(base_model, shards=4), divided, arm, shards=4) == whole
    assert artifact(divided, f"answer-{arm}").digest == digest


def test_unreadable_picture_is_one_clear_message(
    config: PipelineConfig, run_dir: Path, with_stage: WithStage, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(ctx: Context) -> Iterator[Example]:
        rows = list(data_set()(ctx))
        (ctx.output_folder("images") / "test" / "torus-2.png").write_bytes(b"not a picture")
        yield from rows

    with_stage("build-dataset", broken)
    for unit in ("ingest", "assemble", "generate-qa", "build-dataset"):
        assert run_shard(config, unit, run_dir) == 0
    assert run_shard(config, "answer-colour", run_dir) == 42
    assert "torus-2.png" in caplog.text and "Traceback" not in caplog.text
    assert not (run_dir / "answer-colour" / "_SUCCESS.json").exists()


def test_data_set_without_test_rows_is_one_clear_message(
    config: PipelineConfig, run_dir: Path, with_stage: WithStage, caplog: pytest.LogCaptureFixture
) -> None:
    with_stage("build-dataset", lambda ctx: iter([example("cube", "train", 0, 0, QUESTIONS[0])]))
    for unit in ("ingest", "assemble", "generate-qa", "build-dataset"):
        assert run_shard(config, unit, run_dir) == 0
    assert run_shard(config, "answer-constant", run_dir) == 42
    assert "no test rows" in caplog.text and "assemble.test_images" in caplog.text


def test_missing_base_model_is_a_configuration_error(
    config: PipelineConfig, run_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for unit in ("ingest", "assemble", "generate-qa", "build-dataset"):
        assert run_shard(settings(empty), unit, run_dir) == 0
    assert run_shard(settings(empty), "answer-base", run_dir) == 43
    assert "finetune.base_model" in caplog.text
