"""Profile a training step by part, in CPU milliseconds on one thread.

Reads the data set of a complete run (`make run-pipeline` makes one) and the base model; writes no files, prints
Markdown for docs/benchmarks.md. Run it: `.venv/bin/python scripts/bench/training_profile.py --run-dir runs/demo --steps
30`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from docent.artifacts.listings import Success
from docent.artifacts.side_files import load_json
from docent.config.stages import Finetune
from docent.models.loading import load_base
from docent.records import Example
from docent.stages.finetune.approaches import prepare
from docent.stages.finetune.labels import Encoded, encode
from docent.stages.finetune.loss import SupervisedLoss
from docent.stages.finetune.pictures import Pictures
from docent.stages.finetune.schedule import epoch_batches
from docent.stages.finetune.trainer import Data, Trainer
from docent.store import Artifact
from docent.tables import APPROACHES

PARTS = (
    "pictures: decoding and vision tower, each photo once",
    "forward, to the loss",
    "backward",
    "clipping and optimiser",
    "validation, each time",
)


def main() -> int:
    """Train some steps of every approach and print the time of each part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run-dir", type=Path, default=Path("runs/demo"))
    parser.add_argument("--base-model", default="samples/docent-tiny")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--steps", type=int, default=30)
    options = parser.parse_args()
    torch.set_num_threads(1)
    columns = {kind: profiled(kind, options) for kind in APPROACHES}
    print(f"| processor ms | {' | '.join(columns)} |\n| --- |{' ---: |' * len(columns)}")
    for part in (*PARTS, "a step, without pictures and validation", "share of padding"):
        print(f"| {part} | {' | '.join(column[part] for column in columns.values())} |")
    return 0


def profiled(kind: str, options: argparse.Namespace) -> dict[str, str]:
    """Return the table's column of one approach."""
    spent_ms = dict.fromkeys(PARTS, 0.0)

    @contextmanager
    def timed(part: str) -> Iterator[None]:
        started_s = time.process_time()
        yield
        spent_ms[part] += 1000 * (time.process_time() - started_s)

    model, data = prepared(kind, options)
    loss = SupervisedLoss(model, APPROACHES[kind].vision_frozen)
    photos = {row.photo for row in data.train}
    with timed(PARTS[0]), torch.no_grad():
        for photo in sorted(photos):
            data.pictures.inputs([photo])
    batches = epoch_batches([len(row.ids) for row in data.train], options.batch_size, 7, 0)
    rows = [[data.train[index] for index in batch] for batch in batches[: options.steps]]
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-5, fused=True)
    loss.train()
    for batch in rows:
        step(loss, data, batch, optimizer, timed)
    section = Finetune(batch_size=options.batch_size)
    with timed(PARTS[-1]):
        Trainer(model, loss, data, section, rate=1e-5, epochs=1, seed=7, scratch=Path()).validate()
    each = {part: spent_ms[part] / len(rows) for part in PARTS[1:-1]}
    cells = {part: f"{value:.0f}" for part, value in each.items()}
    cells[PARTS[0]] = f"{spent_ms[PARTS[0]]:.0f} ({len(photos)} photos)"
    cells[PARTS[-1]] = f"{spent_ms[PARTS[-1]]:.0f}"
    cells["a step, without pictures and validation"] = f"{sum(each.values()):.0f}"
    wide = sum(max(len(row.ids) for row in batch) * len(batch) for batch in rows)
    cells["share of padding"] = f"{1 - sum(len(row.ids) for batch in rows for row in batch) / wide:.1%}"
    return cells


def prepared(kind: str, options: argparse.Namespace) -> tuple[Any, Data]:
    """Return the model as the approach trains it, and the rows of the run's data set."""
    success = load_json(options.run_dir / "build-dataset" / "_SUCCESS.json")
    if success is None:
        raise SystemExit(f"no data set in {options.run_dir}: make run-pipeline")
    artifact = Artifact(
        "build-dataset", options.run_dir / "build-dataset" / success["folder"], Success.model_validate(success)
    )
    model, processor = load_base(options.base_model)
    prepare(model, APPROACHES[kind], options.base_model, 7)
    split: dict[str, list[Encoded]] = {"train": [], "validation": [], "test": []}
    for row in artifact.rows(Example):
        split[row.split].append(encode(model, processor, row, artifact.file(row.file)))
    pictures = Pictures(model, processor, APPROACHES[kind].vision_frozen)
    return model, Data(split["train"], split["validation"], pictures, processor.tokenizer.pad_token_id)


def step(
    loss: SupervisedLoss, data: Data, rows: Sequence[Encoded], optimizer: torch.optim.Optimizer, timed: Any
) -> None:
    """Take one optimiser step as `Trainer.step` does, part by part."""
    inputs = data.inputs(rows, loss.model.device)
    with timed(PARTS[1]):
        value = loss(**inputs).mean()
    with timed(PARTS[2]):
        torch.autograd.backward(value)
    with timed(PARTS[3]):
        torch.nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


if __name__ == "__main__":
    raise SystemExit(main())
