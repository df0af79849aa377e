"""Arms whose answer a model writes, greedily: the base model, the fine-tuned ones, and one that gets no photo.

Beside the rows, GENERATION says how: the limit of tokens, every setting, and which of the model's own were not used.
PyTorch is loaded when such an arm runs, not before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from PIL import Image

from docent.context import Context
from docent.errors import ConfigError, InputError
from docent.records import Answer, Checkpoint, Example
from docent.stages.answer.asked import Asked, answer_row, photo_of
from docent.store import Artifact

if TYPE_CHECKING:
    from docent.models.decoding import Limit

GENERATION = "generation.json"
GREY = (128, 128, 128)  # the middle of what the processor scales to -1..1, so a picture that says nothing

Look = Callable[[Context, Example], Image.Image]


def base(ctx: Context, asked: Asked) -> Iterator[Answer]:
    """The model before any fine-tuning."""
    from docent.models.loading import load_base

    settings = model_settings(ctx)
    yield from _written(ctx, asked, load_base(settings.base_model, settings.dtype), photo_of)


def tuned(ctx: Context, asked: Asked) -> Iterator[Answer]:
    """The fine-tuned model that has the arm's name."""
    yield from _from_artifact(ctx, asked, ctx.artifacts(Checkpoint)[0], photo_of)


def blind(ctx: Context, asked: Asked) -> Iterator[Answer]:
    """The first fine-tuned model with a grey picture for every photo: what the questions alone give away."""
    yield from _from_artifact(ctx, asked, ctx.artifacts(Checkpoint)[0], grey_picture)


def grey_picture(ctx: Context, example: Example) -> Image.Image:
    """A uniform grey picture of the size of the example's photo."""
    return Image.new("RGB", photo_of(ctx, example).size, GREY)


def model_settings(ctx: Context) -> Any:
    """The section that names the base model.

    Raises:
        ConfigError: there is none.
    """
    if ctx.config.finetune is None:
        raise ConfigError(f"{ctx.unit.name} needs the base model", "finetune.base_model", "add a section `finetune:`")
    return ctx.config.finetune


def set_threads(ctx: Context) -> None:
    """As many arithmetic threads as the configuration says: their number decides the last bits."""
    import torch

    torch.set_num_threads(ctx.config.run.threads)


def _from_artifact(ctx: Context, asked: Asked, artifact: Artifact, look: Look) -> Iterator[Answer]:
    from docent.models.loading import load_tuned

    checkpoint = next(iter(artifact.rows(Checkpoint)), None)
    if checkpoint is None:
        raise InputError(
            f"{artifact.unit} left no checkpoint", str(artifact.folder), f"docent run --only {artifact.unit}"
        )
    loaded = load_tuned(checkpoint.base_model, artifact.subfolder("model"), model_settings(ctx).dtype)
    yield from _written(ctx, asked, loaded, look, checkpoint.id)


def _written(
    ctx: Context, asked: Asked, loaded: tuple[Any, Any], look: Look, checkpoint_id: str | None = None
) -> Iterator[Answer]:
    from docent.models.decoding import limit_of
    from docent.models.loading import generate

    set_threads(ctx)
    limit = limit_of(loaded[1], ctx.section.max_new_tokens, (row.answer for row in asked.train))
    ctx.output_file(GENERATION, _as_json(*loaded, limit))
    for batch in asked.batches:
        images = (look(ctx, example) for example in batch)
        answers = generate(*loaded, images, [example.question for example in batch], limit.max_new_tokens)
        for example, (text, ended) in zip(batch, answers, strict=True):
            yield answer_row(ctx.unit.part, example, text, checkpoint_id).model_copy(update={"ended": ended})


def _as_json(model: Any, processor: Any, limit: Limit) -> bytes:
    """How the answers were generated: the same for every shard."""
    from docent.models.decoding import generation_config, ignored_settings

    config = json.loads(generation_config(model, processor, limit.max_new_tokens).to_json_string())
    del config["transformers_version"]  # stands in the marker
    said = {
        "max_new_tokens": limit.max_new_tokens,
        "longest_training_answer_tokens": limit.longest_tokens,
        "settings": config,
        "ignored": ignored_settings(model),
    }
    return (json.dumps(said, indent=1, sort_keys=True) + "\n").encode()
