"""The loss of a step: the same for any micro-batch, and that of transformers with the same mask."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny_model import save_tiny_model
from tests.tiny_museum import photo

from docent.config import Finetune
from docent.errors import StoppedError
from docent.models.loading import load_base
from docent.stages.finetune.approaches import prepare
from docent.stages.finetune.labels import IGNORED, Encoded
from docent.stages.finetune.loss import SupervisedLoss
from docent.stages.finetune.pictures import Pictures
from docent.stages.finetune.trainer import Data, Trainer
from docent.tables import APPROACHES

pytestmark = pytest.mark.feature("answer-labels")

ROWS, SHORTEST, LONGEST = 13, 2, 60


@dataclass
class Ready:
    """A tiny model and rows with answers of 2 to 60 tokens."""

    base: Path
    rows: list[Encoded]

    def trainer(self, scratch: Path, micro_batch_rows: int, dropout: float = 0, dtype: str = "float32") -> Trainer:
        model, processor = load_base(str(self.base), dtype)
        approach = replace(APPROACHES["lora"], dropout=dropout) if dropout else APPROACHES["full"]
        prepare(model, approach, "tiny", seed=1)
        data = Data(self.rows, self.rows, Pictures(model, processor, True), processor.tokenizer.pad_token_id)
        section = Finetune(batch_size=ROWS, micro_batch_rows=micro_batch_rows)
        loss = SupervisedLoss(model, autocast=dtype == "bfloat16")
        return Trainer(model, loss, data, section, rate=1e-3, epochs=4, seed=1, scratch=scratch)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Ready:
    folder = tmp_path_factory.mktemp("models")
    base = save_tiny_model(folder / "tiny")
    model, processor = load_base(str(base))
    torch.manual_seed(3)
    prompt = processor.tokenizer("User: What?")["input_ids"]
    prompt += [model.config.image_token_id] * 4
    rows = []
    for number in range(ROWS):
        path = folder / f"{number}.jpg"
        path.write_bytes(photo((15 * number, 90, 200), number))
        length = SHORTEST + round(number * (LONGEST - SHORTEST) / (ROWS - 1))
        ids = (*prompt, *torch.randint(7, 300, (length,)).tolist())
        rows.append(Encoded(ids, len(prompt), path))
    assert [rows[0].supervised, rows[-1].supervised] == [SHORTEST, LONGEST]
    return Ready(base, rows)


def losses(trainer: Trainer, steps: int = 3) -> list[float]:
    found = []
    for _ in range(steps):
        found.append(trainer.step()["loss"])
        trainer.state.step += 1
    return found


@pytest.mark.parametrize("micro_batch_rows", [1, 2, 3, 4, 5, 6, 7, 12])
def test_any_micro_batch_gives_the_losses_of_the_whole_batch(
    ready: Ready, tmp_path: Path, micro_batch_rows: int
) -> None:
    # Several steps: the second and third losses depend on the gradients of the steps before them.
    whole = losses(ready.trainer(tmp_path, ROWS))
    divided = losses(ready.trainer(tmp_path, micro_batch_rows))
    assert divided == pytest.approx(whole, rel=2e-6)


def test_the_loss_is_that_of_transformers_with_the_same_mask(ready: Ready, tmp_path: Path) -> None:
    trainer = ready.trainer(tmp_path, ROWS)
    inputs = trainer.data.inputs(ready.rows, trainer.model.device)
    with torch.no_grad():
        connected = trainer.loss.family.connect(trainer.model, inputs["pictures"], inputs["picture_masks"])
        text = {name: inputs[name] for name in ("input_ids", "attention_mask", "labels")}
        theirs = trainer.model(**text, **connected).loss.item()
    assert int((inputs["labels"] != IGNORED).sum()) == sum(row.supervised for row in ready.rows)
    assert trainer.step()["loss"] == pytest.approx(theirs, rel=2e-6)


def test_the_validation_loss_is_weighted_by_tokens(ready: Ready, tmp_path: Path) -> None:
    measured = [ready.trainer(tmp_path, size).validate() for size in (ROWS, 4)]
    assert measured[0] is not None
    assert measured[1] == pytest.approx(measured[0], rel=2e-6)
    trainer = ready.trainer(tmp_path, ROWS)
    assert measured[0][0] == pytest.approx(trainer.step()["loss"], rel=2e-6), "the same rows, nothing trained yet"


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_resumed_training_with_dropout_repeats_every_number(ready: Ready, tmp_path: Path, dtype: str) -> None:
    settings: Any = {"dropout": 0.3, "dtype": dtype}
    calm = ready.trainer(tmp_path / "calm", 5, **settings)
    calm.train(threading.Event(), lambda *_: None)
    stop = threading.Event()
    with pytest.raises(StoppedError, match="stopped after step 2"):
        ready.trainer(tmp_path / "stopped", 5, **settings).train(stop, lambda *_: stop.set())
    torch.manual_seed(99)
    resumed = ready.trainer(tmp_path / "stopped", 5, **settings)
    resumed.train(threading.Event(), lambda *_: None)
    assert resumed.state == calm.state, "losses, rates, best step and the hash of its weights"
