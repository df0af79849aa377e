"""finetune with a real, tiny Idefics2: it learns, it resumes bit for bit, and its output is what answer loads."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.tiny_model import save_tiny_model
from tests.tiny_museum import fill_upstream, replaced_stages, sections

from docent.artifacts.listings import Success
from docent.artifacts.side_files import load_json
from docent.config import PipelineConfig, dump_config
from docent.config.stages import Finetune
from docent.errors import ConfigError, InputError
from docent.models.chat import fitted
from docent.models.inference import generate, picture_tensors, vision_features
from docent.models.loading import load_base, load_tuned
from docent.progress import Progress
from docent.records import Checkpoint, Example
from docent.stage import run_shard
from docent.stages.finetune.approaches import count_parameters, prepare
from docent.stages.finetune.checkpoints import TrainingState
from docent.stages.finetune.schedule import Evaluation, best_of
from docent.stages.finetune.trainer import Data, Trainer
from docent.store import Artifact
from docent.tables import APPROACHES

ConfigOf = Callable[..., PipelineConfig]
BEFORE = ("ingest", "assemble", "generate-qa", "build-dataset")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def museum(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A source folder, and a run in which all stages before finetune are complete."""
    folder = tmp_path_factory.mktemp("museum")
    run_dir = folder / "runs" / "test"
    run_dir.mkdir(parents=True)
    config = PipelineConfig.model_validate(sections(folder))
    with pytest.MonkeyPatch.context() as patch:
        fill_upstream(replaced_stages(patch))
        for unit in BEFORE:
            assert run_shard(config, unit, run_dir) == 0
    return folder, run_dir


@pytest.fixture
def run_dir(tmp_path: Path, museum: tuple[Path, Path]) -> Path:
    """A copy of that run."""
    return shutil.copytree(museum[1], tmp_path / "runs" / "test", symlinks=True)


@pytest.fixture
def config_of(museum: tuple[Path, Path], base: Path) -> ConfigOf:
    def made(**settings: Any) -> PipelineConfig:
        section = {"base_model": str(base), "epochs": 6, "batch_size": 8, "evaluations": 3, **settings}
        return PipelineConfig.model_validate(sections(museum[0], finetune=section))

    return made


@pytest.fixture(scope="module", params=["lora", "full"])
def trained(request: pytest.FixtureRequest, museum: tuple[Path, Path], base: Path) -> tuple[str, Artifact]:
    """One approach, trained undisturbed; the base model is named by a relative path."""
    kind = request.param
    section = {"base_model": "tiny", "epochs": 6, "batch_size": 8, "evaluations": 3, "approaches": [kind]}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(base.parent)
        assert (
            run_shard(
                PipelineConfig.model_validate(sections(museum[0], finetune=section)), f"finetune-{kind}", museum[1]
            )
            == 0
        )
    return kind, artifact(museum[1], f"finetune-{kind}")


def artifact(run_dir: Path, unit: str) -> Artifact:
    success = load_json(run_dir / unit / "_SUCCESS.json")
    assert success is not None
    return Artifact(unit, run_dir / unit / success["folder"], Success.model_validate(success))


def log_of(found: Artifact) -> list[dict[str, Any]]:
    return [json.loads(line) for line in found.file("train_log.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.feature("lora", "full-fine-tuning", "checkpoints")
def test_the_loss_falls_and_the_kept_step_has_the_lowest_validation_loss_or_one_like_it(
    trained: tuple[str, Artifact], base: Path
) -> None:
    kind, found = trained
    (row,) = found.rows(Checkpoint)
    log = log_of(found)
    assert [line["step"] for line in log] == list(range(1, 31)) == list(range(1, row.steps + 1))
    assert log[-1]["loss"] < 0.7 * log[0]["loss"]
    measured = {line["step"]: line["validation_loss"] for line in log if line["validation_loss"] is not None}
    assert set(measured) == {10, 20, 30}
    kept = best_of([Evaluation(line["step"], line["validation_loss"], line["validation_error"]) for line in log[9::10]])
    assert (row.step, row.validation_loss) == (kept.step, kept.loss) == (row.step, measured[row.step])
    assert (row.train_examples, row.approach, row.base_model) == (36, kind, "tiny")
    still = sum(p.numel() for name, p in load_base(str(base))[0].named_parameters() if "vision_model" in name)
    assert (row.trainable_parameters == row.total_parameters - still) is (kind == "full")
    assert not any("second" in key for line in log for key in line)


def test_the_kept_model_has_the_loss_that_was_measured_and_a_lower_one_than_the_base_model(
    trained: tuple[str, Artifact], museum: tuple[Path, Path], base: Path
) -> None:
    (row,) = trained[1].rows(Checkpoint)
    model, processor = load_tuned(str(base), trained[1].subfolder("model"))
    dataset = artifact(museum[1], "build-dataset")
    rows = [example for example in dataset.rows(Example) if example.split == "validation"]
    assert row.validation_loss == pytest.approx(_loss(model, processor, rows, dataset.folder), abs=1e-5)
    assert row.validation_loss < 0.8 * _loss(*load_base(str(base)), rows, dataset.folder)


def test_no_output_names_a_folder_of_this_machine(
    trained: tuple[str, Artifact], museum: tuple[Path, Path], base: Path
) -> None:
    kind, found = trained
    names = {output.path for output in found.success.files}
    assert names >= {"train_log.jsonl", "model/tokenizer.json", "model/processor_config.json"}
    assert not any(name.endswith((".bin", ".pt", ".pkl", "README.md")) or "checkpoints" in name for name in names)
    for name in names:
        data = (found.folder / name).read_bytes()
        assert str(museum[0]).encode() not in data
        assert str(base.parent).encode() not in data
    if kind == "lora":
        adapter = load_json(found.file("model/adapter_config.json"))
        assert adapter is not None
        assert adapter["base_model_name_or_path"] == "tiny"


def _loss(model: Any, processor: Any, rows: list[Example], folder: Path) -> float:
    """Mean loss on the answers, by the library's own arithmetic: pixels in, labels in, one row at a time."""
    total = tokens = 0.0
    for row in rows:
        with Image.open(folder / row.file) as image:
            asked = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": row.question}]}
            prompt = processor.apply_chat_template([asked], add_generation_prompt=True)
            inputs = processor(text=[f"{prompt} {row.answer}<end_of_utterance>"], images=[[image]], return_tensors="pt")
            length = processor(text=[prompt], images=[[image]], return_tensors="pt")["input_ids"].shape[1]
        labels = inputs["input_ids"].clone()
        labels[:, :length] = -100
        with torch.no_grad():
            number = int((labels != -100).sum())
            total += float(model(**inputs, labels=labels).loss) * number
        tokens += number
    return total / tokens


@pytest.mark.feature("checkpoints")
def test_a_run_killed_twice_ends_with_the_same_bytes_as_an_undisturbed_one(
    trained: tuple[str, Artifact], museum: tuple[Path, Path], base: Path, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, calm = trained
    unit = f"finetune-{kind}"
    section = {"base_model": "tiny", "epochs": 6, "batch_size": 8, "evaluations": 3, "approaches": [kind]}
    config = PipelineConfig.model_validate(sections(museum[0], finetune=section))
    shutil.rmtree(run_dir / unit, ignore_errors=True)
    monkeypatch.chdir(base.parent)
    told = Progress.update
    for killed_after in (4, 17):

        def die(progress: Progress, done: float, total: float, message: str = "", at: int = killed_after) -> None:
            if done >= at:
                raise KeyboardInterrupt
            told(progress, done, total, message)

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(Progress, "update", die)
            run_shard(config, unit, run_dir)
        assert not (run_dir / unit / "_SUCCESS.json").exists()
    assert run_shard(config, unit, run_dir) == 0
    again = artifact(run_dir, unit)
    assert again.success.files == calm.success.files
    assert again.digest == calm.digest


# Kills itself with SIGKILL after step 17.
KILLED = """
import os, signal, sys
from pathlib import Path
from docent.config import load_config
from docent.progress import Progress
from docent.stage import run_shard
told = Progress.update
def update(self, done, total, message=""):
    if done >= 17:
        os.kill(os.getpid(), signal.SIGKILL)
    told(self, done, total, message)
Progress.update = update
run_shard(load_config(Path(sys.argv[1]), environ={}), sys.argv[2], Path(sys.argv[3]))
"""


def test_sigkill_in_another_process_changes_nothing(
    tmp_path: Path, run_dir: Path, config_of: ConfigOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(approaches=["lora"], evaluations=2)
    assert run_shard(config, "finetune-lora", run_dir) == 0
    calm = artifact(run_dir, "finetune-lora")
    os.rename(run_dir / "finetune-lora", tmp_path / "calm")
    (tmp_path / "pipeline.yaml").write_text(dump_config(config), encoding="utf-8")
    killed = subprocess.run(  # noqa: S603
        [sys.executable, "-c", KILLED, str(tmp_path / "pipeline.yaml"), "finetune-lora", str(run_dir)], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    steps: list[int] = []
    real = Trainer.step

    def step(self: Trainer) -> dict[str, Any]:
        steps.append(self.state.step + 1)
        return real(self)

    monkeypatch.setattr(Trainer, "step", step)
    assert run_shard(config, "finetune-lora", run_dir) == 0
    assert steps == list(range(16, 31))
    assert artifact(run_dir, "finetune-lora").digest == calm.digest


def test_sigterm_saves_where_it_is_and_loses_no_step(
    run_dir: Path, config_of: ConfigOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(approaches=["lora"], epochs=2, max_checkpoints=1)
    steps: list[int] = []
    real = Trainer.step

    def step(self: Trainer) -> dict[str, Any]:
        steps.append(self.state.step + 1)
        if steps == list(range(1, 8)):
            signal.raise_signal(signal.SIGTERM)
        return real(self)

    monkeypatch.setattr(Trainer, "step", step)
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert run_shard(config, "finetune-lora", run_dir) == 143
        assert run_shard(config, "finetune-lora", run_dir) == 0
    finally:
        signal.signal(signal.SIGTERM, before)
    assert steps == list(range(1, 11))
    kept = artifact(run_dir, "finetune-lora").folder / "checkpoints"
    assert [path.name for path in kept.glob("step-*")] == ["step-000010"]


@pytest.mark.feature("lora")
def test_lora_leaves_the_vision_tower_as_it_was(base: Path) -> None:
    model, _ = load_base(str(base))
    tuned = prepare(model, APPROACHES["lora"], "tiny", seed=1)
    trained = {name for name, parameter in tuned.named_parameters() if parameter.requires_grad}
    assert trained
    assert all("lora_" in name and "vision_model" not in name for name in trained)
    assert {part for name in trained for part in ("text_model", "connector") if part in name} == {
        "text_model",
        "connector",
    }
    trains, total = count_parameters(tuned)
    assert trains == sum(p.numel() for n, p in tuned.named_parameters() if "lora_" in n)
    assert total - trains == sum(p.numel() for p in load_base(str(base))[0].parameters())


def test_settings_of_an_approach_win_over_the_table(run_dir: Path, config_of: ConfigOf) -> None:
    approach = {"name": "small", "is": "lora", "rank": 2, "learning_rate": 1e-4, "epochs": 1, "seed": 3}
    config = config_of(approaches=["lora", approach], epochs=0.2, warmup_share=0)
    for unit in ("finetune-lora", "finetune-small"):
        assert run_shard(config, unit, run_dir) == 0
    small = artifact(run_dir, "finetune-small")
    adapter = load_json(small.file("model/adapter_config.json"))
    assert adapter is not None
    assert (adapter["r"], adapter["lora_alpha"]) == (2, 4)
    log = log_of(small)
    assert (len(log), log[0]["learning_rate"]) == (5, 1e-4)
    (row,), (default,) = small.rows(Checkpoint), artifact(run_dir, "finetune-lora").rows(Checkpoint)
    assert row.trainable_parameters * 8 == default.trainable_parameters
    assert (default.steps, row.id == default.id) == (1, False)


@pytest.fixture
def evaluate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., TrainingState]:
    """Evaluate a model whose validation loss and its error are given, after so many steps."""

    def evaluated(state: TrainingState, step: int, losses: tuple[float, float] | None) -> TrainingState:
        monkeypatch.setattr(Trainer, "validate", lambda *_: losses)
        state.step = step
        state.log.append({"step": step, "loss": 1.0, "validation_loss": None})
        trainer_of(tmp_path, torch.nn.Linear(1, 1), state).evaluate()
        return state

    return evaluated


def trainer_of(scratch: Path, model: torch.nn.Module, state: TrainingState) -> Trainer:
    """A trainer without rows."""
    data = Data([], [], None, 0)  # type: ignore[arg-type]
    return Trainer(model, model, data, Finetune(), rate=1e-3, epochs=1, seed=1, scratch=scratch, state=state)


def test_without_validation_rows_the_last_step_is_kept(evaluate: Callable[..., TrainingState], tmp_path: Path) -> None:
    assert trainer_of(tmp_path, torch.nn.Linear(1, 1), TrainingState()).validate() is None
    state = TrainingState()
    for step in (5, 10):
        evaluate(state, step, None)
    assert (state.best_step, state.best_loss) == (10, None)


@pytest.mark.feature("checkpoints")
def test_an_equal_validation_loss_keeps_the_earlier_step(evaluate: Callable[..., TrainingState]) -> None:
    state = TrainingState()
    for step, loss in ((1, 0.9), (2, 0.5), (3, 0.5), (4, 0.7)):
        evaluate(state, step, (loss, 0.0))
    assert (state.best_step, state.best_loss) == (2, 0.5)


@pytest.mark.feature("checkpoints")
def test_a_loss_within_one_standard_error_of_the_lowest_keeps_the_later_step(
    evaluate: Callable[..., TrainingState], tmp_path: Path
) -> None:
    state = TrainingState()
    for step, loss in ((1, 0.9), (2, 0.5), (3, 0.54), (4, 0.7)):
        evaluate(state, step, (loss, 0.05))
    assert (state.best_step, state.best_loss) == (3, 0.54)
    assert (tmp_path / "best-000003").is_dir()


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_validation_loss_that_is_not_finite_is_never_the_best(
    tmp_path: Path, evaluate: Callable[..., TrainingState], loss: float
) -> None:
    with pytest.raises(ConfigError, match="validation loss is (nan|inf) at step 5") as caught:
        evaluate(TrainingState(), 5, (loss, 0.0))
    assert "lower the learning_rate" in str(caught.value.next_step)
    assert not list(tmp_path.iterdir())


def test_a_rate_too_high_ends_with_one_message(
    run_dir: Path, config_of: ConfigOf, caplog: pytest.LogCaptureFixture
) -> None:
    wild = {"name": "wild", "is": "full", "learning_rate": 1e30}
    assert run_shard(config_of(approaches=[wild]), "finetune-wild", run_dir) == 43
    assert "lower the learning_rate" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("name", ["no/such-model", "/no/such/folder", "nowhere", "here/but-not-this", "here/empty"])
def test_a_missing_base_model_is_named(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "here" / "empty").mkdir(parents=True)
    with pytest.raises(ConfigError, match=name) as caught:
        load_base(name)
    assert caught.value.where == "finetune.base_model"


def test_a_missing_or_foreign_adapter_is_refused(tmp_path: Path, base: Path) -> None:
    with pytest.raises(ConfigError, match="no fine-tuned model"):
        load_tuned(str(base), tmp_path)
    model, processor = load_base(str(base))
    tuned = prepare(model, APPROACHES["lora"], "tiny", seed=1)
    tuned.save_pretrained(tmp_path / "adapter", save_embedding_layers=False)
    processor.save_pretrained(tmp_path / "adapter")
    from safetensors.torch import load_file, save_file

    path = tmp_path / "adapter" / "adapter_model.safetensors"
    save_file({name.replace("text_model", "language_model"): t for name, t in load_file(path).items()}, path)
    with pytest.raises(InputError, match="does not fit"):
        load_tuned(str(base), tmp_path / "adapter")


def test_answers_come_without_prompt_and_special_tokens_and_do_not_depend_on_their_neighbours(base: Path) -> None:
    model, processor = load_base(str(base))
    images = [Image.new("RGB", (30, 20), color) for color in ("red", "green", "blue")]
    questions = ["What?", "What is this thing over there, please?", "Why <image> not?"]
    together = generate(model, processor, images, questions, 12)
    alone = [generate(model, processor, [i], [q], 12)[0] for i, q in zip(images, questions, strict=True)]
    assert together == alone
    assert not any("<" in text and ">" in text for text in together)
    assert generate(model, processor, [], [], 12) == []


@pytest.mark.parametrize("ask", [generate, vision_features])
def test_photos_are_taken_one_at_a_time(base: Path, ask: Callable[..., Any]) -> None:
    model, processor = load_base(str(base))
    alive: list[weakref.ref[Image.Image]] = []

    def photos() -> Iterator[Image.Image]:
        for number in range(6):
            assert sum(ref() is not None for ref in alive) <= 1
            image = Image.new("RGB", (60, 40), (40 * number, 90, 10))
            alive.append(weakref.ref(image))
            yield image
            del image

    found = ask(model, processor, photos(), *([["What?"] * 6, 3] if ask is generate else []))
    assert len(found) == len(alive) == 6


def test_the_model_is_asked_with_the_pixels_it_was_trained_on(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, processor = load_base(str(base))
    noise = np.random.default_rng(0).integers(0, 255, (3, 90, 70, 3), dtype=np.uint8)
    images = [Image.fromarray(picture) for picture in noise]
    seen: dict[str, torch.Tensor] = {}
    write = model.generate

    def spied(**inputs: Any) -> Any:
        seen.update(inputs)
        return write(**inputs)

    monkeypatch.setattr(model, "generate", spied)
    generate(model, processor, images, ["What?", "What is this?", "Who?"], 3)
    plain = processor.image_processor([[fitted(processor, image)] for image in images], return_tensors="pt")
    for name in ("pixel_values", "pixel_attention_mask"):
        assert torch.equal(seen[name], plain[name])
    trained_on = [picture_tensors(processor, image)[0] for image in images]
    assert torch.equal(seen["pixel_values"][:, 0], torch.stack(trained_on))


def test_vision_features_have_length_one_and_tell_photos_apart(base: Path) -> None:
    model, processor = load_base(str(base))
    noise = np.random.default_rng(0).integers(0, 255, (3, 28, 28, 3), dtype=np.uint8)
    found = vision_features(model, processor, [Image.fromarray(picture) for picture in noise])
    assert found.shape == (3, 32)
    assert found.dtype == np.float32
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert found[0] @ found[1] < 0.9999
