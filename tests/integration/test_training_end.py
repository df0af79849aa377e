"""finetune ends early where nothing is gained any more, says how far it came."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny_model import save_tiny_model
from tests.tiny_museum import fill_upstream, replaced_stages, sections

from docent.artifacts.listings import Success
from docent.artifacts.side_files import load_json
from docent.config import PipelineConfig
from docent.config.stages import Finetune
from docent.launcher.runs.folder import unit_state
from docent.models.loading import load_base
from docent.progress import Progress
from docent.records import Checkpoint, Example
from docent.spec import RunStates
from docent.stage import run_shard
from docent.stages.finetune.labels import encode
from docent.stages.finetune.loss import SupervisedLoss
from docent.stages.finetune.pictures import Pictures
from docent.stages.finetune.schedule import MIN_STEPS, Evaluation, best_of
from docent.stages.finetune.trainer import Data, Trainer
from docent.store import Artifact

STILL = {"name": "still", "is": "lora", "learning_rate": 1e-12}
"""Learns nothing, so that its validation loss does not fall."""
COOLED, END = 65, 78
"""With 60 evaluations and patience 2 the third of them, at step 65 of 1300, begins the cooldown of a fifth."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """A run in which all stages before finetune are complete."""
    folder = tmp_path / "runs" / "test"
    folder.mkdir(parents=True)
    config = PipelineConfig.model_validate(sections(tmp_path))
    with pytest.MonkeyPatch.context() as patch:
        fill_upstream(replaced_stages(patch))
        for unit in ("ingest", "assemble", "generate-qa", "build-dataset"):
            assert run_shard(config, unit, folder) == 0
    return folder


def config_of(base: Path, run_dir: Path, **settings: Any) -> PipelineConfig:
    section = {"base_model": str(base), "batch_size": 8, **settings}
    return PipelineConfig.model_validate(sections(run_dir.parents[1], finetune=section))


def trained(run_dir: Path, unit: str) -> tuple[Checkpoint, list[dict[str, Any]], Artifact]:
    success = load_json(run_dir / unit / "_SUCCESS.json")
    assert success is not None
    found = Artifact(unit, run_dir / unit / success["folder"], Success.model_validate(success))
    (row,) = found.rows(Checkpoint)
    log = [json.loads(line) for line in found.file("train_log.jsonl").read_text(encoding="utf-8").splitlines()]
    return row, log, found


def test_training_ends_early_where_nothing_is_gained_and_keeps_the_best_step(base: Path, run_dir: Path) -> None:
    config = config_of(base, run_dir, approaches=[STILL], evaluations=60, patience=2)
    assert run_shard(config, "finetune-still", run_dir) == 0
    row, log, _ = trained(run_dir, "finetune-still")
    assert (row.planned_steps, row.steps, len(log)) == (MIN_STEPS, END, END)
    rates = [line["learning_rate"] for line in log[COOLED - 1 :]]
    assert all(later < rate for rate, later in zip(rates, rates[1:], strict=False)), "it cools down"
    assert log[-1]["validation_loss"] is not None
    assert row.converged is True
    measured = [Evaluation(e["step"], e["validation_loss"], e["validation_error"]) for e in log if e["validation_loss"]]
    assert row.step == best_of(measured).step


def test_a_kill_in_the_cooldown_changes_nothing(
    base: Path, run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every thirteenth step is an evaluation: the sixth begins the cooldown, the seventh saves a checkpoint within it.
    cooled, saved, end = 78, 91, 94
    config = config_of(base, run_dir, approaches=[STILL], evaluations=100, patience=5)
    told = Progress.update

    def die(progress: Progress, done: float, total: float, message: str = "") -> None:
        if done > saved:
            raise KeyboardInterrupt
        told(progress, done, total, message)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Progress, "update", die)
        run_shard(config, "finetune-still", run_dir)
    stopped = unit_state(RunStates(config, run_dir), "finetune-still")
    assert stopped.continuation.startswith(f"resumes from step {saved}") and saved > cooled
    assert run_shard(config, "finetune-still", run_dir) == 0
    row, log, resumed = trained(run_dir, "finetune-still")
    assert (row.steps, len(log)) == (end, end)
    (run_dir / "finetune-still").rename(tmp_path / "resumed")
    assert run_shard(config, "finetune-still", run_dir) == 0
    assert trained(run_dir, "finetune-still")[2].digest == resumed.digest


def test_a_training_cut_short_by_its_settings_says_that_it_had_not_converged(base: Path, run_dir: Path) -> None:
    config = config_of(base, run_dir, approaches=["full"], epochs=2, evaluations=2)
    assert run_shard(config, "finetune-full", run_dir) == 0
    row, _, _ = trained(run_dir, "finetune-full")
    assert (row.planned_steps, row.steps, row.converged) == (10, 10, False)


def test_the_validation_loss_and_its_error_are_those_of_the_rows(base: Path, run_dir: Path) -> None:
    success = load_json(run_dir / "build-dataset" / "_SUCCESS.json")
    assert success is not None
    dataset = Artifact("build-dataset", run_dir / "build-dataset" / success["folder"], Success.model_validate(success))
    model, processor = load_base(str(base))
    rows = [encode(model, processor, row, dataset.file(row.file)) for row in dataset.rows(Example)][:7]
    loss = SupervisedLoss(model)
    data = Data([], rows, Pictures(model, processor, True), processor.tokenizer.pad_token_id)
    settings: Any = {"section": Finetune(batch_size=3), "rate": 1.0, "epochs": 1, "seed": 1, "scratch": base}
    measured = Trainer(model, loss, data, **settings).validate()
    assert measured is not None
    with torch.no_grad():
        each = [loss.eval()(**data.inputs([row], model.device)).tolist() for row in rows]
    mean = sum(map(sum, each)) / sum(map(len, each))
    spread = sum((sum(losses) - mean * len(losses)) ** 2 for losses in each)
    error = (spread * 7 / 6) ** 0.5 / sum(map(len, each))
    assert measured == pytest.approx((mean, error), abs=1e-4)
    alone = replace(data, validation=rows[:1])
    assert Trainer(model, loss, alone, **settings).validate() == (
        pytest.approx(sum(each[0]) / len(each[0]), abs=1e-4),
        0.0,
    )
