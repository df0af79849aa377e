"""Losses and gradients that are not finite, frozen parts in evaluation mode, and what a checkpoint restores."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.tiny_model import save_tiny_model
from tests.tiny_museum import fill_upstream, photo, replaced_stages, sections

from docent.config import PipelineConfig
from docent.models.loading import load_base
from docent.stage import run_shard
from docent.stages.finetune import parallel
from docent.stages.finetune.approaches import prepare
from docent.stages.finetune.guard import MAX_SKIPPED
from docent.stages.finetune.loss import SupervisedLoss, evaluating
from docent.stages.finetune.pictures import Pictures
from docent.stages.finetune.snapshots import MOMENTS, mismatch
from docent.stages.finetune.strategy import SingleProcess
from docent.tables import APPROACHES

pytestmark = pytest.mark.feature("checkpoints")

Train = Callable[..., int]


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


@pytest.fixture
def train(base: Path, run_dir: Path) -> Train:
    """Train `full` for some steps through the stage."""

    def trained(**settings: Any) -> int:
        section = {"base_model": str(base), "batch_size": 4, "patience": 0, "evaluations": 2, "approaches": ["full"]}
        config = PipelineConfig.model_validate(sections(run_dir.parents[1], finetune={**section, **settings}))
        return run_shard(config, "finetune-full", run_dir)

    return trained


def infinite_at(*steps: int) -> type[SingleProcess]:
    """One process in which one number of one gradient is infinite at these steps."""

    class Infinite(SingleProcess):
        def __init__(self) -> None:
            self.calls = 0

        def clip(self, parameters: Iterable[torch.nn.Parameter], max_norm: float) -> float:
            weights = list(parameters)
            self.calls += 1
            if self.calls in steps:
                assert weights[0].grad is not None
                weights[0].grad.view(-1)[0] = float("inf")
            return super().clip(weights, max_norm)

    return Infinite


def test_one_infinite_gradient_costs_one_step_and_is_named(
    train: Train, run_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(parallel.STRATEGIES, "single", infinite_at(5))
    with caplog.at_level(logging.WARNING):
        assert train(max_steps=10) == 0
    assert "step 5 skipped: the gradient norm is inf" in caplog.text
    log, *_ = run_dir.glob("finetune-full/*/train_log.jsonl")
    rows = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert [row["step"] for row in rows if "skipped" in row] == [5]
    assert rows[-1]["loss"] < rows[0]["loss"]
    weights, *_ = run_dir.glob("finetune-full/*/model/model.safetensors")
    assert all(bool(torch.isfinite(tensor).all()) for tensor in load_file(weights).values())


def test_an_infinite_loss_of_the_last_step_does_not_end_a_training_without_validation_rows(
    train: Train, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docent.stages.finetune.trainer.Trainer.validate", lambda *_: None)
    forward = SupervisedLoss.forward
    calls: list[int] = []

    def infinite_at_last(self: SupervisedLoss, *args: Any, **named: Any) -> torch.Tensor:
        calls.append(1)
        return forward(self, *args, **named) * (float("inf") if len(calls) == 10 else 1.0)

    monkeypatch.setattr(SupervisedLoss, "forward", infinite_at_last)
    assert train(max_steps=10) == 0
    weights, *_ = run_dir.glob("finetune-full/*/model/model.safetensors")
    assert all(bool(torch.isfinite(tensor).all()) for tensor in load_file(weights).values())


def test_too_many_infinite_gradients_end_the_training_and_publish_nothing(
    train: Train, run_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(parallel.STRATEGIES, "single", infinite_at(*range(12, 40)))
    assert train(max_steps=40) == 43
    assert f"the gradient norm is inf at step {12 + MAX_SKIPPED}" in caplog.text
    assert "lower the learning_rate" in caplog.text
    assert not list(run_dir.glob("finetune-full/*/model"))
    kept = list(run_dir.glob("finetune-full/*/checkpoints/step-*/weights.safetensors"))
    assert kept
    for path in kept:
        assert all(bool(torch.isfinite(tensor).all()) for tensor in load_file(path).values())
    monkeypatch.setitem(parallel.STRATEGIES, "single", SingleProcess)
    assert train(max_steps=40) == 0, "the checkpoint that is left can be resumed"


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_a_frozen_tower_computes_the_features_of_evaluation_mode(base: Path, tmp_path: Path, kind: str) -> None:
    model, processor = load_base(str(base))
    for module in model.model.vision_model.modules():
        if hasattr(module, "dropout") and isinstance(module.dropout, float):
            module.dropout = 0.5
    path = tmp_path / "a.jpg"
    path.write_bytes(photo((10, 90, 200), 1))
    calm = Pictures(model, processor, vision_frozen=True).inputs([path])["pictures"]
    tuned = prepare(model, APPROACHES[kind], "tiny", seed=1)
    loss = SupervisedLoss(model).train()
    assert torch.equal(Pictures(model, processor, vision_frozen=True).inputs([path])["pictures"], calm)
    trains = {type(module).__name__ for module in model.modules() if module.training}
    assert "MistralAttention" in trains
    if kind == "lora":
        layer = next(part for name, part in tuned.named_modules() if name.endswith("q_proj.lora_dropout"))
        assert layer.training, "the adapter's dropout is active"
    with evaluating(loss):
        assert not any(module.training for module in loss.modules())
    assert {type(module).__name__ for module in model.modules() if module.training} == trains
    loss.eval()
    with evaluating(loss):
        pass
    assert not any(module.training for module in loss.modules()), "the mode that was found is restored"


class Pair(torch.nn.Module):
    """Two parameters of one shape, registered in either order."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__()
        for number, name in enumerate((first, second)):
            setattr(self, name, torch.nn.Parameter(torch.full((2,), float(number))))


def test_moments_follow_their_parameter_by_name() -> None:
    model = Pair("a", "b")
    optimizer = torch.optim.AdamW(model.parameters())
    (model.a.sum() * 3 + model.b.sum() * 5).backward()
    optimizer.step()
    tensors = {group: dict(named) for group, named in SingleProcess().snapshot(model, optimizer).items()}
    assert set(tensors["optimizer"]) == {f"{name}.{moment}" for name in "ab" for moment in MOMENTS}
    turned = Pair("b", "a")
    other = torch.optim.AdamW(turned.parameters())
    assert mismatch(turned, tensors) == ""
    SingleProcess().restore(turned, other, tensors)
    for name in "ab":
        theirs, ours = optimizer.state[getattr(model, name)], other.state[getattr(turned, name)]
        assert all(torch.equal(theirs[moment], ours[moment]) for moment in MOMENTS)


@pytest.mark.parametrize(("precision", "dtype"), [("mixed", torch.float32), ("published", torch.bfloat16)])
def test_weights_and_moments_keep_their_dtype_in_a_checkpoint(
    train: Train, run_dir: Path, precision: str, dtype: torch.dtype
) -> None:
    approach = {"name": "full", "is": "full", "precision": precision}
    assert train(max_steps=2, dtype="bfloat16", approaches=[approach]) == 0
    folder, *_ = run_dir.glob("finetune-full/*/checkpoints/step-000002")
    assert {tensor.dtype for tensor in load_file(folder / "weights.safetensors").values()} == {dtype}
    moments = load_file(folder / "optimizer.safetensors")
    assert {tensor.dtype for name, tensor in moments.items() if not name.endswith(".step")} == {dtype}
