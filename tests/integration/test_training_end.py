"""finetune ends early where nothing is gained any more, says how far it came, and LoRA's B learns faster than A."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny_model import save_tiny_model
from tests.tiny_museum import fill_upstream, replaced_stages, sections

from docent.config import Approach, Finetune, PipelineConfig
from docent.errors import ConfigError
from docent.models.loading import load_base
from docent.progress import Progress
from docent.records import Checkpoint
from docent.stage import run_shard
from docent.stages.finetune import trainer
from docent.stages.finetune.approaches import APPROACHES, chosen, prepare
from docent.stages.finetune.schedule import MIN_STEPS
from docent.store import Artifact, load_json

STILL = {"name": "still", "is": "lora", "learning_rate": 1e-12}
"""Learns nothing, so that its validation loss does not fall."""


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
    found = Artifact(unit, run_dir / unit / success["folder"], success)
    (row,) = found.rows(Checkpoint)
    log = [json.loads(line) for line in found.file("train_log.jsonl").read_text(encoding="utf-8").splitlines()]
    return row, log, found


def test_training_ends_early_where_nothing_is_gained_and_keeps_the_best_step(base: Path, run_dir: Path) -> None:
    config = config_of(base, run_dir, approaches=[STILL], evaluations=30, patience=2)
    assert run_shard(config, "finetune-still", run_dir) == 0
    row, log, _ = trained(run_dir, "finetune-still")
    assert (row.planned_steps, row.steps, len(log)) == (MIN_STEPS, 30, 30)
    assert row.converged is True
    assert row.step <= row.steps


def test_a_kill_at_the_early_end_changes_nothing(
    base: Path, run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(base, run_dir, approaches=[STILL], evaluations=30, patience=2)
    told = Progress.update

    def die(progress: Progress, done: float, total: float, message: str = "") -> None:
        if done >= 30:
            raise KeyboardInterrupt
        told(progress, done, total, message)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Progress, "update", die)
        run_shard(config, "finetune-still", run_dir)
    assert run_shard(config, "finetune-still", run_dir) == 0
    row, log, resumed = trained(run_dir, "finetune-still")
    assert (row.steps, len(log)) == (30, 30)
    (run_dir / "finetune-still").rename(tmp_path / "resumed")
    assert run_shard(config, "finetune-still", run_dir) == 0
    assert trained(run_dir, "finetune-still")[2].digest == resumed.digest


def test_a_training_cut_short_by_its_settings_says_that_it_had_not_converged(base: Path, run_dir: Path) -> None:
    config = config_of(base, run_dir, approaches=["full"], epochs=2, evaluations=2)
    assert run_shard(config, "finetune-full", run_dir) == 0
    row, _, _ = trained(run_dir, "finetune-full")
    assert (row.planned_steps, row.steps, row.converged) == (10, 10, False)


def test_the_matrices_b_of_lora_learn_faster_by_the_ratio(base: Path) -> None:
    model, _ = load_base(str(base))
    prepare(model, APPROACHES["lora"], "tiny", seed=1)
    plan = trainer.Plan(Finetune(), rate=1e-3, rate_ratio=4.0, epochs=1, seed=1, scratch=Path())
    groups = trainer._optimizer(model, plan).param_groups
    by_parameter = {id(p): group["ratio"] for group in groups for p in group["params"]}
    ratios = {
        part: {by_parameter[id(p)] for name, p in model.named_parameters() if part in name}
        for part in (".lora_A.", ".lora_B.")
    }
    assert ratios == {".lora_A.": {1.0}, ".lora_B.": {4.0}}
    assert {group["betas"] for group in groups} == {(0.9, Finetune().adam_beta2)}
    assert sum(p.requires_grad for p in model.parameters()) == len(by_parameter)


def test_one_step_moves_b_by_the_ratio_of_the_rate(base: Path) -> None:
    moved = {}
    for ratio in (1.0, 4.0):
        model, _ = load_base(str(base))
        prepare(model, APPROACHES["lora"], "tiny", seed=1)
        plan = trainer.Plan(Finetune(warmup_share=0), rate=1e-3, rate_ratio=ratio, epochs=1, seed=1, scratch=Path())
        optimizer = trainer._optimizer(model, plan)
        matrices = [p for name, p in model.named_parameters() if ".lora_B." in name]
        for matrix in matrices:
            matrix.grad = torch.ones_like(matrix)
        for group in optimizer.param_groups:
            group["lr"] = plan.rate * group["ratio"]
        optimizer.step()
        moved[ratio] = float(matrices[0].detach().abs().mean())
    assert moved[4.0] == pytest.approx(4 * moved[1.0], rel=1e-3)


@pytest.mark.parametrize("setting", ["rank", "rate_ratio"])
def test_settings_of_lora_are_refused_where_there_is_no_adapter(setting: str) -> None:
    with pytest.raises(ConfigError, match=f"trains no adapter: it has no {setting}"):
        chosen(Approach.model_validate({"name": "all", "is": "full", setting: 2}))
