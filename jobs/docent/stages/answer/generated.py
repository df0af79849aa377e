"""Generate answers greedily with the base model, fine-tuned models, and a fine-tuned model without the photo.

Next to the rows, `generation.json` records the token limit, every generation setting, and which of the model's own
settings were not used. PyTorch is imported only if such an arm runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from PIL import Image

from docent.artifacts.summaries import Generation
from docent.context import Context
from docent.errors import ConfigError, InputError
from docent.records import Answer, Checkpoint, Example
from docent.stages.answer.questions import Questions, answer_row, photo_of

if TYPE_CHECKING:
    from docent.models.decoding import Limit

GREY = (128, 128, 128)  # close to 0 in the processor's value range of -1 to 1

PhotoOf = Callable[[Context, Example], Image.Image]


def base(ctx: Context, questions: Questions) -> Iterator[Answer]:
    """Answer with the base model."""
    from docent.models.loading import load_base

    settings = model_settings(ctx)
    yield from _written(ctx, questions, load_base(settings.base_model, settings.dtype), photo_of)


def tuned(ctx: Context, questions: Questions, picture_of: PhotoOf = photo_of) -> Iterator[Answer]:
    """Answer with the fine-tuned model whose name is that of the arm."""
    from docent.models.loading import load_tuned

    artifact = ctx.artifacts(Checkpoint)[0]
    checkpoint = next(iter(artifact.rows(Checkpoint)), None)
    if checkpoint is None:
        raise InputError(
            f"{artifact.unit} has no checkpoint row", str(artifact.folder), f"docent run --only {artifact.unit}"
        )
    loaded = load_tuned(checkpoint.base_model, artifact.subfolder("model"), model_settings(ctx).dtype)
    yield from _written(ctx, questions, loaded, picture_of, checkpoint.id)


def blind(ctx: Context, questions: Questions) -> Iterator[Answer]:
    """Answer with the first fine-tuned model and a grey picture, to measure how much the photo contributes."""
    return tuned(ctx, questions, grey_picture)


def grey_picture(ctx: Context, example: Example) -> Image.Image:
    """Return a uniform grey picture as large as the example's photo."""
    return Image.new("RGB", photo_of(ctx, example).size, GREY)


def model_settings(ctx: Context) -> Any:
    """Return the section `finetune`, which names the base model.

    Raises:
        ConfigError: the configuration does not have the section.
    """
    if ctx.config.finetune is None:
        raise ConfigError(f"{ctx.unit.name} needs a base model", "finetune.base_model", "add a section `finetune:`")
    return ctx.config.finetune


def set_threads(ctx: Context) -> None:
    """Set the configured number of PyTorch threads; the number affects the last bits of results."""
    import torch

    torch.set_num_threads(ctx.config.run.threads)


def _written(
    ctx: Context, questions: Questions, loaded: tuple[Any, Any], picture_of: PhotoOf, checkpoint_id: str | None = None
) -> Iterator[Answer]:
    from docent.models.decoding import limit_of
    from docent.models.inference import generate

    set_threads(ctx)
    limit = limit_of(loaded[1], ctx.section.max_new_tokens, (row.answer for row in questions.train))
    ctx.output_file(Generation.file, _generation(*loaded, limit).to_json(sort_keys=True))
    for batch in questions.batches:
        images = (picture_of(ctx, example) for example in batch)
        answers = generate(*loaded, images, [example.question for example in batch], limit.max_new_tokens)
        for example, (text, ended) in zip(batch, answers, strict=True):
            yield answer_row(ctx.unit.part, example, text, checkpoint_id).model_copy(update={"ended": ended})


def _generation(model: Any, processor: Any, limit: Limit) -> Generation:
    from docent.models.decoding import generation_config, ignored_settings

    config = json.loads(generation_config(model, processor, limit.max_new_tokens).to_json_string())
    del config["transformers_version"]  # not a setting; it would change the file with every release
    return Generation(
        max_new_tokens=limit.max_new_tokens,
        longest_training_answer_tokens=limit.longest_tokens,
        settings=config,
        ignored=ignored_settings(model),
    )
