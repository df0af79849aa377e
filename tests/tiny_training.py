"""Rows with answers of 2 to 60 tokens and trainers of the tiny model, for tests of the arithmetic in any process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from docent.config.stages import Finetune
from docent.models.loading import load_base
from docent.stages.finetune.approaches import prepare
from docent.stages.finetune.labels import Encoded
from docent.stages.finetune.loss import SupervisedLoss
from docent.stages.finetune.pictures import Pictures
from docent.stages.finetune.strategy import SingleProcess
from docent.stages.finetune.trainer import Data, Trainer
from docent.tables import APPROACHES
from tests.tiny_model import save_tiny_model
from tests.tiny_museum import photo

ROWS, SHORTEST, LONGEST = 13, 2, 60
STEPS = 4


def save_tiny_training(folder: Path) -> Path:
    """Write the model and the photos."""
    save_tiny_model(folder / "tiny")
    for number in range(ROWS):
        (folder / f"{number}.jpg").write_bytes(photo((15 * number, 90, 200), number))
    return folder


def rows_of(folder: Path) -> list[Encoded]:
    """Rows with random answers, the same in every process."""
    model, processor = load_base(str(folder / "tiny"))
    prompt = [*processor.tokenizer("User: What?")["input_ids"], *[model.config.image_token_id] * 4]
    generator = torch.Generator().manual_seed(3)
    rows = []
    for number in range(ROWS):
        length = SHORTEST + round(number * (LONGEST - SHORTEST) / (ROWS - 1))
        answer = torch.randint(7, 300, (length,), generator=generator).tolist()
        rows.append(Encoded((*prompt, *answer), len(prompt), folder / f"{number}.jpg"))
    return rows


def trainer_of(
    folder: Path,
    scratch: Path,
    micro_batch_rows: int,
    *,
    kind: str = "full",
    dropout: float = 0,
    dtype: str = "float32",
    parallel: SingleProcess | None = None,
) -> Trainer:
    """A trainer of STEPS steps, each over all rows."""
    parallel = parallel or SingleProcess()
    model, processor = load_base(str(folder / "tiny"), dtype)
    prepare(model, replace(APPROACHES[kind], dropout=dropout), "tiny", seed=1)
    rows = rows_of(folder)
    data = Data(rows, rows, Pictures(model, processor, True), processor.tokenizer.pad_token_id)
    section = Finetune(batch_size=ROWS, micro_batch_rows=micro_batch_rows, evaluations=2)
    settings: dict[str, Any] = {"rate": 1e-3, "epochs": STEPS, "seed": 1, "scratch": scratch, "parallel": parallel}
    return Trainer(model, parallel.wrap(SupervisedLoss(model, autocast=dtype == "bfloat16")), data, section, **settings)
