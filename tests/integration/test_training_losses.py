"""The loss of a step: the same for any micro-batch, and that of transformers with the same mask."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny_training import ROWS, save_tiny_training, trainer_of

from docent.errors import StoppedError
from docent.stages.finetune.labels import IGNORED
from docent.stages.finetune.trainer import Trainer
from docent.tables import APPROACHES

pytestmark = pytest.mark.feature("answer-labels")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_training(tmp_path_factory.mktemp("models"))


def losses(trainer: Trainer, steps: int = 3) -> list[float]:
    found = []
    for _ in range(steps):
        found.append(trainer.step()["loss"])
        trainer.state.step += 1
    return found


@pytest.mark.parametrize("micro_batch_rows", [1, 2, 3, 4, 5, 6, 7, 12])
def test_any_micro_batch_gives_the_losses_of_the_whole_batch(
    folder: Path, tmp_path: Path, micro_batch_rows: int
) -> None:
    # Several steps: the second and third losses depend on the gradients of the steps before them.
    whole = losses(trainer_of(folder, tmp_path, ROWS))
    divided = losses(trainer_of(folder, tmp_path, micro_batch_rows))
    assert divided == pytest.approx(whole, rel=2e-6)


def test_the_loss_is_that_of_transformers_with_the_same_mask(folder: Path, tmp_path: Path) -> None:
    trainer = trainer_of(folder, tmp_path, ROWS)
    inputs = trainer.data.inputs(trainer.data.train, trainer.model.device)
    with torch.no_grad():
        connected = trainer.loss.family.connect(trainer.model, inputs["pictures"], inputs["picture_masks"])
        text = {name: inputs[name] for name in ("input_ids", "attention_mask", "labels")}
        theirs = trainer.model(**text, **connected).loss.item()
    assert int((inputs["labels"] != IGNORED).sum()) == sum(row.supervised for row in trainer.data.train)
    assert trainer.step()["loss"] == pytest.approx(theirs, rel=2e-6)


def test_the_validation_loss_is_weighted_by_tokens(folder: Path, tmp_path: Path) -> None:
    measured = [trainer_of(folder, tmp_path, size).validate() for size in (ROWS, 4)]
    assert measured[0] is not None
    assert measured[1] == pytest.approx(measured[0], rel=2e-6)
    trainer = trainer_of(folder, tmp_path, ROWS)
    assert measured[0][0] == pytest.approx(trainer.step()["loss"], rel=2e-6), "the same rows, nothing trained yet"


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_resumed_training_with_dropout_repeats_every_number(folder: Path, tmp_path: Path, dtype: str) -> None:
    settings: Any = {"kind": "lora", "dropout": 0.3, "dtype": dtype}
    calm = trainer_of(folder, tmp_path / "calm", 5, **settings)
    calm.train(threading.Event(), lambda *_: None)
    stop = threading.Event()
    with pytest.raises(StoppedError, match="stopped after step 2"):
        trainer_of(folder, tmp_path / "stopped", 5, **settings).train(stop, lambda *_: stop.set())
    torch.manual_seed(99)
    resumed = trainer_of(folder, tmp_path / "stopped", 5, **settings)
    resumed.train(threading.Event(), lambda *_: None)
    assert resumed.state == calm.state, "losses, rates, best step and the hash of its weights"


def test_activations_that_are_computed_again_give_the_same_losses(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert APPROACHES["full-fsdp"].recompute
    kept = losses(trainer_of(folder, tmp_path, 5))
    calls: list[str] = []
    trainer = trainer_of(folder, tmp_path, 5, kind="full-fsdp")
    for module in trainer.model.modules():
        recompute = getattr(module, "_gradient_checkpointing_func", None)
        if recompute is not None:

            def counted(function: Any, *args: Any, of: Any = module, real: Any = recompute, **inputs: Any) -> Any:
                calls.append(type(of).__name__)
                return real(function, *args, **inputs)

            monkeypatch.setattr(module, "_gradient_checkpointing_func", counted)
    assert losses(trainer) == pytest.approx(kept, rel=2e-6)
    assert "MistralDecoderLayer" in calls
    assert not any("Vision" in name for name in calls), "the frozen tower has no backward pass"


def test_a_training_that_is_stopped_in_an_evaluation_loses_no_step(folder: Path, tmp_path: Path) -> None:
    calm = trainer_of(folder, tmp_path / "calm", 5)
    calm.train(threading.Event(), lambda *_: None)
    stop, trainer = threading.Event(), trainer_of(folder, tmp_path / "stopped", 5)
    forward = trainer.loss.forward

    def stopping(*args: Any, **inputs: Any) -> Any:
        if not torch.is_grad_enabled():
            stop.set()
        return forward(*args, **inputs)

    trainer.loss.forward = stopping  # type: ignore[method-assign]
    with pytest.raises(StoppedError, match="stopped after step 2"):
        trainer.train(stop, lambda *_: None)
    assert trainer.state.log[-1]["validation_loss"] is None, "the evaluation had begun and was not finished"
    resumed = trainer_of(folder, tmp_path / "stopped", 5)
    steps: list[float] = []
    resumed.train(threading.Event(), lambda done, *_: steps.append(done))
    assert steps == [3, 4]
    assert resumed.state == calm.state
