"""What `docent status` and `docent plan` say of stopped trainings that left a checkpoint, and of units that ask."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from tests import tiny_museum

from docent.config import PipelineConfig
from docent.context import Context
from docent.errors import StoppedError
from docent.launcher.plan import plan
from docent.launcher.runs.folder import status
from docent.spec import RunStates
from docent.stage import run_shard

WithStage = Callable[[str, Callable[[Context], Any]], None]
APPROACHES = [{"name": "lora", "is": "lora"}, {"name": "full", "is": "full"}]


@pytest.fixture
def config(tmp_path: Path, run_dir: Path, with_stage: WithStage) -> PipelineConfig:
    """A run whose data set is complete, before two trainings."""
    sections = tiny_museum.sections(tmp_path, finetune={"base_model": "some/model", "approaches": APPROACHES})
    made = PipelineConfig.model_validate(sections)
    tiny_museum.fill_upstream(with_stage)
    for unit in ("ingest", "assemble", "generate-qa", "build-dataset"):
        assert run_shard(made, unit, run_dir) == 0
    return made


def interrupted(step: int, total: int) -> Callable[[Context], Any]:
    """A training that is asked to stop: it writes a checkpoint, and its progress only where it has a total."""

    def train(ctx: Context) -> Iterator[Any]:
        folder = ctx.folder / "checkpoints" / f"step-{step:06d}"
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text('{"step": 1}')
        if total:
            ctx.progress.update(step - 1, total)
        raise StoppedError("asked to stop")
        yield

    return train


def notes(config: PipelineConfig, run_dir: Path) -> dict[str, str]:
    found = {line.unit: line.note for line in status(RunStates(config, run_dir, as_left=True))}
    planned = {line.unit: line.why for line in plan(RunStates(config, run_dir))}
    assert [planned[f"finetune-{name}"] for name in ("lora", "full")] == [
        found[f"finetune-{name}"] for name in ("lora", "full")
    ]
    return found


def test_a_checkpoint_of_the_first_step_is_no_stop_before_the_first_row(
    config: PipelineConfig, run_dir: Path, with_stage: WithStage
) -> None:
    with_stage("finetune", interrupted(1, 0))
    for unit in ("finetune-lora", "finetune-full"):
        assert run_shard(config, unit, run_dir) == 143
    found = notes(config, run_dir)
    assert {found["finetune-lora"], found["finetune-full"]} == {"stopped at step 1; resumes from step 1"}


def test_the_step_of_a_stop_is_never_before_the_checkpoint_that_it_left(
    config: PipelineConfig, run_dir: Path, with_stage: WithStage
) -> None:
    with_stage("finetune", interrupted(49, 400))
    assert run_shard(config, "finetune-lora", run_dir) == 143
    assert notes(config, run_dir)["finetune-lora"] == "stopped at 49 of 400; resumes from step 49 of 400"


def test_a_checkpoint_tells_of_a_training_whose_progress_is_gone(
    config: PipelineConfig, run_dir: Path, with_stage: WithStage
) -> None:
    with_stage("finetune", interrupted(49, 400))
    assert run_shard(config, "finetune-lora", run_dir) == 143
    (run_dir / "finetune-lora" / "progress-00000.json").unlink()
    found = notes(config, run_dir)
    assert found["finetune-lora"] == "stopped at step 49; resumes from step 49"
    assert found["finetune-full"] == "ready to start"


def test_a_unit_that_asks_an_endpoint_starts_over_with_its_replies(
    tmp_path: Path, run_dir: Path, with_stage: WithStage
) -> None:
    endpoint = {"provider": "vllm", "base_url": "http://127.0.0.1:9/v1", "model": "some"}
    made = PipelineConfig.model_validate(tiny_museum.sections(tmp_path, llm=endpoint))
    tiny_museum.fill_upstream(with_stage)
    for unit in ("ingest", "assemble"):
        assert run_shard(made, unit, run_dir) == 0

    def asking(ctx: Context) -> Iterator[Any]:
        ctx.progress.update(3, 20)
        raise StoppedError("asked to stop")
        yield

    with_stage("generate-qa", asking)
    assert run_shard(made, "generate-qa", run_dir) == 143
    (line,) = [one for one in status(RunStates(made, run_dir, as_left=True)) if one.unit == "generate-qa"]
    assert line.note == "stopped at 3 of 20; starts over, with the replies so far"


def test_a_plan_names_the_folders_of_outputs_as_they_are_called(config: PipelineConfig, run_dir: Path) -> None:
    lines = {line.unit: asdict(line) for line in plan(RunStates(config, run_dir))}
    for unit in ("ingest", "assemble", "build-dataset"):
        assert lines[unit]["folder"] == json.loads((run_dir / unit / "_SUCCESS.json").read_text())["folder"]
    assert lines["finetune-lora"]["folder"] and len(lines["finetune-lora"]["plan_hash"]) == 10
