"""Stage finetune: train the base model on the data set, one unit per approach.

Reads: Example rows and photos of build-dataset, and the base model by its folder or hub name.
Writes: one Checkpoint row, `model/` (adapter or full weights, and the processor) and `train_log.jsonl`. Training
checkpoints are in a scratch folder next to them; a run that was killed resumes from the newest complete one.
Run alone: `docent stage finetune-lora --config pipeline.yaml --run-dir runs/demo`
In several processes: the same with `PET_NPROC_PER_NODE=2`, for approaches whose table row names a strategy.
Start reading at `trainer.py`, which has the training loop.
"""

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from docent.config.stages import Approach as ApproachConfig
from docent.context import Context
from docent.errors import ConfigError, InputError
from docent.models.adapters import cast_parameters
from docent.models.chat import require_pictures
from docent.models.embeddings import has_added_rows
from docent.models.loading import load_base
from docent.ranks import peers
from docent.records import Checkpoint, Example, make_id
from docent.stages.finetune.approaches import chosen, count_parameters, prepare
from docent.stages.finetune.labels import Encoded, encode
from docent.stages.finetune.loss import SupervisedLoss
from docent.stages.finetune.parallel import STRATEGIES
from docent.stages.finetune.pictures import Pictures
from docent.stages.finetune.schedule import epochs_for, has_converged
from docent.stages.finetune.trainer import Data, Trainer
from docent.tables import ApproachKind

log = logging.getLogger("docent.finetune")


def run(ctx: Context) -> Iterator[Checkpoint]:
    """Train one approach and yield its checkpoint.

    Raises:
        InputError: there are no training rows, or a row has no picture or cannot be encoded.
        ConfigError: the base model cannot be loaded or adapted, or there are several processes for an approach that
            trains in one.
        StoppedError: SIGTERM arrived; a checkpoint was saved.
    """
    section = ctx.section
    config: ApproachConfig = next(a for a in section.approaches if a.name == ctx.unit.part)
    approach = chosen(config)
    parallel = STRATEGIES[approach.parallel if peers.world_size() > 1 else "single"]()
    if parallel.world_size != peers.world_size():
        raise ConfigError(f"{config.name} trains in one process", ctx.unit.name, "ask for one, or add --rehearse")
    require_pictures(row for row in ctx.stream(Example) if row.split != "test")
    seed = ctx.config.seed if config.seed is None else config.seed
    _fix_arithmetic(ctx.config.run.threads)
    mixed = config.precision == "mixed"
    model, processor = load_base(section.base_model, section.dtype)
    tuned = prepare(model, approach, section.base_model, seed, float32=mixed)
    data = _data(ctx, model, processor, approach)
    trains, total = count_parameters(tuned)
    what = f"{trains} of {total} parameters ({trains / total:.2%}), processes: {parallel.world_size}"
    log.info("%s trains %s", config.name, what)
    loss = SupervisedLoss(model, approach.vision_frozen, autocast=mixed and section.dtype == "bfloat16")
    epochs = config.epochs or section.epochs or epochs_for(len(data.train), section.batch_size)
    trainer = Trainer(
        model, parallel.wrap(loss), data, section, approach.learning_rate, epochs, seed, ctx.scratch, parallel
    )
    state = trainer.train(ctx.stop, ctx.progress.update)
    parallel.unwrap(model)
    if parallel.rank == 0:
        _save(ctx, tuned, processor)
    ctx.output_file("train_log.jsonl", "".join(f"{json.dumps(row)}\n" for row in state.log).encode())
    yield Checkpoint(
        id=make_id("finetune", (), ctx.unit.name, ctx.folder.name),
        approach=config.name,
        base_model=section.base_model,
        step=state.best_step,
        steps=state.step,
        planned_steps=trainer.steps,
        converged=has_converged(state.measured) if len(state.measured) > 1 else None,
        epochs=state.log[-1]["epoch"],
        validation_loss=state.best_loss,
        train_examples=len(data.train),
        trainable_parameters=trains,
        total_parameters=total,
    )


def _fix_arithmetic(threads: int) -> None:
    """Configure PyTorch to compute the same sums in the same order in every attempt."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
    # Filling costs 3 % of the time and is unnecessary: no operation here reads memory before writing it.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def _data(ctx: Context, model: Any, processor: Any, approach: ApproachKind) -> Data:
    """Return the encoded training and validation rows.

    Raises:
        InputError: there are no training rows.
    """
    artifact = ctx.artifacts(Example)[0]
    examples = [row for row in ctx.rows(Example) if row.split != "test"]
    photos = {name: artifact.file(name) for name in {row.file for row in examples}}
    encoded: dict[str, list[Encoded]] = {"train": [], "validation": []}
    dialogs: dict[tuple[str, str], Encoded] = {}  # every photo of an exhibit has the same dialogs
    for row in examples:
        dialog = (row.question, row.answer)
        if dialog not in dialogs:
            dialogs[dialog] = encode(model, processor, row, photos[row.file])
        encoded[row.split].append(replace(dialogs[dialog], photo=photos[row.file]))
    if not encoded["train"]:
        raise InputError("the data set has no training rows", str(artifact.folder), "docent logs build-dataset")
    pictures = Pictures(model, processor, approach.vision_frozen)
    return Data(encoded["train"], encoded["validation"], pictures, processor.tokenizer.pad_token_id)


def _save(ctx: Context, tuned: Any, processor: Any) -> None:
    """Write the adapter or full model and the processor to `model/`, without a card, which would show local paths."""
    folder = ctx.output_folder("model")
    adapter = hasattr(tuned, "peft_config")
    options = {"save_embedding_layers": has_added_rows(tuned.get_base_model())} if adapter else {}
    if not adapter:  # convert weights that were trained in float32 to the dtype of the others
        cast_parameters(tuned, getattr(torch, ctx.section.dtype))
    tuned.save_pretrained(folder, safe_serialization=True, **options)
    processor.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    for path in folder.iterdir():
        path.chmod(0o644)  # safetensors creates files that only the owner can read
