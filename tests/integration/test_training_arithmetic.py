"""Training in bfloat16, gradients over micro-batches, and the one module that every forward pass goes through."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny_model import save_tiny_model
from tests.tiny_museum import fill_upstream, replaced_stages, sections
from torch import distributed
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.nn.parallel import DistributedDataParallel

from docent.artifacts.listings import Success
from docent.artifacts.side_files import load_json
from docent.config import PipelineConfig
from docent.config.stages import Finetune
from docent.models.loading import load_base, load_tuned
from docent.records import Checkpoint, Example
from docent.stage import run_shard
from docent.stages.finetune import parallel
from docent.stages.finetune.approaches import prepare
from docent.stages.finetune.labels import encode
from docent.stages.finetune.loss import SupervisedLoss
from docent.stages.finetune.pictures import Pictures
from docent.stages.finetune.strategy import SingleProcess
from docent.stages.finetune.trainer import Data, Trainer
from docent.store import Artifact
from docent.tables import APPROACHES

LOW_RATE = 2e-4
"""Smaller than half the distance between bfloat16 numbers of the size of the tiny model's weights."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in which all stages before finetune are complete."""
    folder = tmp_path_factory.mktemp("museum") / "runs" / "test"
    folder.mkdir(parents=True)
    config = PipelineConfig.model_validate(sections(folder.parents[1]))
    with pytest.MonkeyPatch.context() as patch:
        fill_upstream(replaced_stages(patch))
        for unit in ("ingest", "assemble", "generate-qa", "build-dataset"):
            assert run_shard(config, unit, folder) == 0
    return folder


def artifact(run_dir: Path, unit: str) -> Artifact:
    success = load_json(run_dir / unit / "_SUCCESS.json")
    assert success is not None
    return Artifact(unit, run_dir / unit / success["folder"], Success.model_validate(success))


def trained(run_dir: Path, base: Path, name: str, approach: dict[str, Any], **settings: Any) -> Artifact:
    """Train one approach through the stage."""
    section = {"base_model": str(base), "batch_size": 8, "patience": 0, **settings}
    section["approaches"] = [{"name": name, **approach}]
    config = PipelineConfig.model_validate(sections(run_dir.parents[1], finetune=section))
    assert run_shard(config, f"finetune-{name}", run_dir) == 0
    return artifact(run_dir, f"finetune-{name}")


def losses(trained: Artifact) -> list[float]:
    return [json.loads(line)["loss"] for line in trained.file("train_log.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def float32_losses(run_dir: Path, base: Path) -> list[float]:
    found = trained(run_dir, base, "plain", {"is": "full", "learning_rate": LOW_RATE}, epochs=16, evaluations=1)
    return losses(found)


@pytest.mark.parametrize("kind", ["full", "lora"])
def test_a_training_in_bfloat16_follows_the_losses_of_float32(
    run_dir: Path, base: Path, float32_losses: list[float], kind: str
) -> None:
    approach = {"is": kind, "learning_rate": LOW_RATE if kind == "full" else 3e-3}
    # A high rate amplifies differences of rounding from step to step, so LoRA gets fewer steps.
    settings = {"epochs": 16 if kind == "full" else 8, "evaluations": 1}
    expected = float32_losses
    if kind == "lora":
        expected = losses(trained(run_dir, base, "lora32", approach, **settings))
    assert expected[-1] < 0.75 * expected[0], "the training moves far enough to tell a still one from it"
    halved = trained(run_dir, base, f"half-{kind}", approach, dtype="bfloat16", **settings)
    assert losses(halved) == pytest.approx(expected, rel=0.05)
    (row,) = halved.rows(Checkpoint)
    model, _ = load_tuned(str(base), halved.subfolder("model"), "bfloat16")
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}
    assert row.validation_loss is not None


def test_weights_in_bfloat16_as_published_hardly_train(run_dir: Path, base: Path, float32_losses: list[float]) -> None:
    approach = {"is": "full", "learning_rate": LOW_RATE, "precision": "published"}
    published = trained(run_dir, base, "published", approach, dtype="bfloat16", epochs=16, evaluations=1)
    moved = losses(published)[0] - losses(published)[-1]
    assert moved < 0.6 * (float32_losses[0] - float32_losses[-1])


class Recorded(SingleProcess):
    """Keeps the gradients of the first step."""

    def __init__(self) -> None:
        self.gradients: list[torch.Tensor] = []

    def clip(self, parameters: Iterable[torch.nn.Parameter], max_norm: float) -> float:
        weights = list(parameters)
        self.gradients = [p.grad.clone() for p in weights if p.grad is not None]
        return super().clip(weights, max_norm)


def gradients(
    base: Path, run_dir: Path, scratch: Path, micro_batch_rows: int | None
) -> tuple[list[torch.Tensor], float]:
    model, processor = load_base(str(base))
    prepare(model, APPROACHES["full"], "tiny", seed=1)
    dataset = artifact(run_dir, "build-dataset")
    examples = [row for row in dataset.rows(Example) if row.split == "train"][:7]
    longer = [row.model_copy(update={"answer": row.answer + " It is red." * n}) for n, row in enumerate(examples)]
    rows = [encode(model, processor, row, dataset.file(row.file)) for row in longer]
    section = Finetune(batch_size=7, micro_batch_rows=micro_batch_rows)
    data = Data(rows, [], Pictures(model, processor, True), processor.tokenizer.pad_token_id)
    recorded = Recorded()
    trainer = Trainer(
        model, SupervisedLoss(model), data, section, rate=1e-3, epochs=1, seed=1, scratch=scratch, parallel=recorded
    )
    loss = trainer.step()["loss"]
    return recorded.gradients, loss


@pytest.mark.parametrize("micro_batch_rows", [1, 2, 3])
def test_micro_batches_have_the_gradient_of_the_whole_batch(
    base: Path, run_dir: Path, tmp_path: Path, micro_batch_rows: int
) -> None:
    whole, whole_loss = gradients(base, run_dir, tmp_path, None)
    divided, loss = gradients(base, run_dir, tmp_path, micro_batch_rows)
    assert loss == pytest.approx(whole_loss, rel=1e-5)
    for mine, theirs in zip(divided, whole, strict=True):
        assert torch.allclose(mine, theirs, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("kind", ["full", "lora"])
def test_every_forward_pass_of_what_trains_is_inside_one_module(run_dir: Path, base: Path, kind: str) -> None:
    """What lies around the model, such as DDP or FSDP, sees a forward pass only where it begins at the wrapped one."""
    entered: list[torch.nn.Module] = []
    outermost: set[str] = set()

    def enter(module: torch.nn.Module, _: Any) -> None:
        if not entered and any(p.requires_grad for p in module.parameters()) and torch.is_grad_enabled():
            outermost.add(type(module).__name__)
        entered.append(module)

    hooks = [
        register_module_forward_pre_hook(enter),
        register_module_forward_hook(lambda *_: entered.pop() and None, always_call=True),
    ]
    try:
        trained(run_dir, base, f"seen-{kind}", {"is": kind}, max_steps=2, evaluations=1)
    finally:
        for hook in hooks:
            hook.remove()
    assert len(outermost) == 1, outermost
    assert not outermost & {"Linear", "Idefics2Model", "Idefics2Connector"}


class Distributed(SingleProcess):
    """DDP over one process, as a row of the table would bring it."""

    def wrap(self, module: torch.nn.Module) -> torch.nn.Module:
        return DistributedDataParallel(module)


@pytest.fixture
def gloo(tmp_path: Path) -> Iterator[None]:
    distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


@pytest.mark.usefixtures("gloo")
@pytest.mark.parametrize("kind", ["full", "lora"])
def test_a_wrapper_around_the_module_sees_every_forward_pass_and_changes_no_byte(
    run_dir: Path, base: Path, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"max_steps": 4, "evaluations": 2, "micro_batch_rows": 4}
    plain = trained(run_dir, base, f"ddp-{kind}", {"is": kind}, **settings)
    (run_dir / f"finetune-ddp-{kind}").rename(tmp_path / "plain")
    calls = {"wrapper": 0, "module": 0}
    for name, kind_of_module in (("wrapper", DistributedDataParallel), ("module", SupervisedLoss)):

        def counted(self: Any, *args: Any, name: str = name, real: Any = kind_of_module.forward, **inputs: Any) -> Any:
            calls[name] += 1
            return real(self, *args, **inputs)

        monkeypatch.setattr(kind_of_module, "forward", counted)
    monkeypatch.setitem(parallel.STRATEGIES, "single", Distributed)
    wrapped = trained(run_dir, base, f"ddp-{kind}", {"is": kind}, **settings)
    assert calls["wrapper"] == calls["module"] > settings["max_steps"]
    assert wrapped.digest == plain.digest
