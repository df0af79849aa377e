"""finetune with a real, tiny Idefics2: it learns, it resumes bit for bit, and its output is what answer loads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from docent.config import PipelineConfig, dump_config
from docent.context import Context
from docent.errors import ConfigError, InputError
from docent.models.loading import generate, load_base, load_tuned, vision_features
from docent.records import Checkpoint, Example
from docent.stage import run_shard
from docent.stages.finetune import trainer
from docent.stages.finetune.approaches import APPROACHES, count_parameters, prepare
from docent.store import Artifact, load_json, sha256_of
from tests.tiny_model import save_tiny_model
from tests.tiny_museum import fill_upstream, pair_rows, sections

WithStage = Callable[[str, Callable[[Context], Any]], None]
BEFORE = ("ingest", "assemble", "generate-qa", "build-dataset")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


def config_of(tmp_path: Path, base: Path, **settings: Any) -> PipelineConfig:
    section = {"base_model": str(base), "epochs": 6, "batch_size": 8, "evaluations": 3, **settings}
    return PipelineConfig.model_validate(sections(tmp_path, finetune=section))


def built(config: PipelineConfig, run_dir: Path, with_stage: WithStage) -> PipelineConfig:
    fill_upstream(with_stage)
    for unit in BEFORE:
        assert run_shard(config, unit, run_dir) == 0
    return config


def artifact(run_dir: Path, unit: str) -> Artifact:
    success = load_json(run_dir / unit / "_SUCCESS.json")
    assert success is not None
    return Artifact(unit, run_dir / unit / success["folder"], success)


def log_of(found: Artifact) -> list[dict[str, Any]]:
    return [json.loads(line) for line in found.file("train_log.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_the_loss_falls_and_the_kept_step_has_the_lowest_validation_loss(
    tmp_path: Path, run_dir: Path, base: Path, with_stage: WithStage, kind: str
) -> None:
    config = built(config_of(tmp_path, base, approaches=[kind]), run_dir, with_stage)
    assert run_shard(config, f"finetune-{kind}", run_dir) == 0
    found = artifact(run_dir, f"finetune-{kind}")
    (row,) = found.rows(Checkpoint)
    log = log_of(found)
    assert [line["step"] for line in log] == list(range(1, 31)) == list(range(1, row.steps + 1))
    assert log[-1]["loss"] < 0.7 * log[0]["loss"]
    measured = {line["step"]: line["validation_loss"] for line in log if line["validation_loss"] is not None}
    assert set(measured) == {10, 20, 30}
    assert (row.step, row.validation_loss) == min(measured.items(), key=lambda pair: pair[1])
    assert (row.train_examples, row.approach, row.base_model) == (36, kind, str(base))
    assert (row.trainable_parameters == row.total_parameters) is (kind == "full")
    assert not any("second" in key for line in log for key in line)


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_what_was_kept_answers_otherwise_than_the_base_model_and_like_the_trained_one(
    tmp_path: Path, run_dir: Path, base: Path, with_stage: WithStage, kind: str
) -> None:
    config = built(config_of(tmp_path, base, approaches=[kind]), run_dir, with_stage)
    assert run_shard(config, f"finetune-{kind}", run_dir) == 0
    found = artifact(run_dir, f"finetune-{kind}")
    (row,) = found.rows(Checkpoint)
    model, processor = load_tuned(str(base), found.subfolder("model"))
    rows = [e for e in artifact(run_dir, "build-dataset").rows(Example) if e.split == "validation"]
    folder = artifact(run_dir, "build-dataset").folder
    assert row.validation_loss == pytest.approx(_loss(model, processor, rows, folder), abs=1e-5)
    assert row.validation_loss < 0.8 * _loss(*load_base(str(base)), rows, folder)


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


@pytest.mark.parametrize("kind", ["lora", "full"])
@pytest.mark.parametrize("killed_after", [4, 13, 29])
def test_a_killed_run_ends_with_the_same_bytes_as_an_undisturbed_one(
    tmp_path: Path, run_dir: Path, base: Path, with_stage: WithStage, kind: str, killed_after: int
) -> None:
    config = built(config_of(tmp_path, base, approaches=[kind], evaluations=4), run_dir, with_stage)
    unit = f"finetune-{kind}"
    assert run_shard(config, unit, run_dir) == 0
    calm = artifact(run_dir, unit)
    expected = _bytes(calm)
    os.rename(run_dir / unit, tmp_path / "calm")
    (tmp_path / "pipeline.yaml").write_text(dump_config(config), encoding="utf-8")
    killed = subprocess.run(  # noqa: S603
        [sys.executable, "-c", KILLED, str(tmp_path / "pipeline.yaml"), unit, str(run_dir), str(killed_after)],
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert not (run_dir / unit / "_SUCCESS.json").exists()
    assert run_shard(config, unit, run_dir) == 0
    assert _bytes(artifact(run_dir, unit)) == expected
    assert artifact(run_dir, unit).digest == calm.digest


# Kills itself with SIGKILL when the training loop has done so many steps.
KILLED = """
import os, signal, sys
from pathlib import Path
from docent.config import load_config
from docent.progress import Progress
from docent.stage import run_shard
told = Progress.update
def update(self, done, total, message=""):
    if done >= int(sys.argv[4]) and message.startswith("loss"):
        os.kill(os.getpid(), signal.SIGKILL)
    told(self, done, total, message)
Progress.update = update
run_shard(load_config(Path(sys.argv[1]), environ={}), sys.argv[2], Path(sys.argv[3]))
"""


def _bytes(found: Artifact) -> dict[str, str]:
    return {output["path"]: sha256_of(found.folder / output["path"]) for output in found.success["files"]}


def test_a_resumed_run_goes_on_from_its_checkpoint_and_not_from_the_start(
    tmp_path: Path, run_dir: Path, base: Path, with_stage: WithStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = built(config_of(tmp_path, base, approaches=["lora"]), run_dir, with_stage)
    steps: list[int] = []
    real = trainer._step

    def step(model: Any, optimizer: Any, data: Any, plan: Any, number: int) -> dict[str, Any]:
        steps.append(number)
        if number == 25 and steps.count(25) == 1:
            signal.raise_signal(signal.SIGTERM)
        return real(model, optimizer, data, plan, number)

    monkeypatch.setattr(trainer, "_step", step)
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert run_shard(config, "finetune-lora", run_dir) == 143
        assert run_shard(config, "finetune-lora", run_dir) == 0
    finally:
        signal.signal(signal.SIGTERM, before)
    assert steps == list(range(1, 31))


def test_checkpoints_are_scratch_and_few(
    tmp_path: Path, run_dir: Path, base: Path, with_stage: WithStage
) -> None:
    config = built(config_of(tmp_path, base, approaches=["lora"], max_checkpoints=1), run_dir, with_stage)
    assert run_shard(config, "finetune-lora", run_dir) == 0
    found = artifact(run_dir, "finetune-lora")
    assert not any("checkpoints" in output["path"] for output in found.success["files"])
    assert len(list((found.folder / "checkpoints").glob("step-*"))) == 1


def test_no_output_names_a_folder_of_this_machine(
    tmp_path: Path, run_dir: Path, base: Path, with_stage: WithStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(base.parent)
    config = built(config_of(tmp_path, Path("tiny"), approaches=["lora", "full"]), run_dir, with_stage)
    for unit in ("finetune-lora", "finetune-full"):
        assert run_shard(config, unit, run_dir) == 0
        found = artifact(run_dir, unit)
        names = {output["path"] for output in found.success["files"]}
        assert names >= {"train_log.jsonl", "model/tokenizer.json", "model/processor_config.json"}
        assert not any(name.endswith((".bin", ".pt", ".pkl", "README.md")) for name in names)
        for name in names:
            data = (found.folder / name).read_bytes()
            assert str(tmp_path).encode() not in data
            assert str(base.parent).encode() not in data
    adapter = load_json(artifact(run_dir, "finetune-lora").file("model/adapter_config.json"))
    assert adapter is not None
    assert adapter["base_model_name_or_path"] == "tiny"


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


def test_settings_of_an_approach_win_over_the_table(
    tmp_path: Path, run_dir: Path, base: Path, with_stage: WithStage
) -> None:
    approach = {"name": "small", "is": "lora", "rank": 2, "learning_rate": 1e-4, "epochs": 1, "seed": 3}
    config = built(config_of(tmp_path, base, approaches=["lora", approach], warmup_share=0), run_dir, with_stage)
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
    assert row.id != default.id


def test_without_validation_rows_the_last_step_is_kept(
    tmp_path: Path, run_dir: Path, base: Path, with_stage: WithStage
) -> None:
    config = config_of(tmp_path, base, approaches=["lora"], epochs=1)
    fill_upstream(with_stage)
    with_stage("generate-qa", lambda ctx: (p for i in ctx.rows("assemble", _item()) for p in pair_rows(i)))

    def assemble(ctx: Context) -> Any:
        from tests.tiny_museum import _items

        for item in _items(ctx):
            yield item.model_copy(update={"images": tuple(p for p in item.images if p.split != "validation")})

    with_stage("assemble", assemble)
    for unit in (*BEFORE, "finetune-lora"):
        assert run_shard(config, unit, run_dir) == 0
    (row,) = artifact(run_dir, "finetune-lora").rows(Checkpoint)
    assert (row.step, row.validation_loss) == (row.steps, None)


def _item() -> Any:
    from docent.records import Item

    return Item


def test_a_rate_too_high_ends_with_one_message(
    tmp_path: Path, run_dir: Path, base: Path, with_stage: WithStage, caplog: pytest.LogCaptureFixture
) -> None:
    wild = {"name": "wild", "is": "full", "learning_rate": 1e30}
    config = built(config_of(tmp_path, base, approaches=[wild]), run_dir, with_stage)
    assert run_shard(config, "finetune-wild", run_dir) == 43
    assert "lower the learning_rate" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("name", ["no/such-folder", "/no/such/folder", "empty"])
def test_a_missing_base_model_is_named(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "empty").mkdir()
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


def test_vision_features_have_length_one_and_tell_photos_apart(base: Path) -> None:
    model, processor = load_base(str(base))
    noise = np.random.default_rng(0).integers(0, 255, (3, 28, 28, 3), dtype=np.uint8)
    found = vision_features(model, processor, [Image.fromarray(picture) for picture in noise])
    assert found.shape == (3, 32)
    assert found.dtype == np.float32
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert found[0] @ found[1] < 0.9999
