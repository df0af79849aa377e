"""Estimate parameters, steps and peak memory of each approach before it runs, for `docent estimate`.

Reads the configuration of the base model (config.json), not its weights, rows or photos; writes nothing. The models
are built by the same functions that set up a training, on the meta device, so that the counts are exact. The peak is
an estimate: it leaves out the workspaces of kernels, fragmentation and what CUDA itself takes, about 1 GB.
"""

import math
from typing import Any

import torch

from docent.config.stages import Approach as ApproachConfig
from docent.config.stages import Finetune
from docent.models.shapes import activation_bytes_per_token, model_without_weights
from docent.stages.finetune.approaches import chosen, count_parameters, prepare
from docent.stages.finetune.schedule import epochs_for, total_steps
from docent.tables import ApproachKind

ROW_TOKENS = 330
"""Assumed length of a row, pictures included: the mean of the published data set."""
ADAM_MOMENTS = 2


def estimate_approaches(section: Finetune, seed: int, rows: int | None) -> dict[str, dict[str, Any]]:
    """Estimate all approaches of a configuration.

    Args:
        section: the settings of the stage.
        seed: seed of the run.
        rows: number of training rows; None if it is unknown.

    Returns:
        By name: `trainable_parameters`, `total_parameters`, `modules` (names of the modules with weights that are
        trained), `steps` (None without rows), `row_tokens` (assumed), `processes`, and bytes of one process:
        `weights_bytes`, `optimizer_bytes` (gradients and moments), `activation_bytes`, `peak_bytes`; the last two are
        None if the vision tower is trained, whose activations are not counted.

    Raises:
        ConfigError: the base model has no configuration that can be read, or cannot be adapted.
    """
    return {approach.name: _estimated(section, approach, seed, rows) for approach in section.approaches}


def _estimated(section: Finetune, approach: ApproachConfig, seed: int, rows: int | None) -> dict[str, Any]:
    model = model_without_weights(section.base_model, section.dtype)
    mixed, kind = approach.precision == "mixed", chosen(approach)
    tuned = prepare(model, kind, section.base_model, seed, float32=mixed).train()
    trainable, total = count_parameters(tuned)
    frozen, trained = (
        sum(p.numel() * p.element_size() for p in tuned.parameters() if p.requires_grad is trains)
        for trains in (False, True)
    )
    shares = kind.workers if kind.parallel == "fsdp" else 1  # of each trained weight, its gradient and its moments
    weights, optimizer = frozen + trained // shares, (1 + ADAM_MOMENTS) * trained // shares
    if mixed and section.dtype == "bfloat16" and not kind.adapter:
        # Autocast keeps a bfloat16 copy of each float32 weight until the backward pass. The counted pass runs without
        # autocast, so there all weights are bfloat16.
        optimizer += trainable * torch.bfloat16.itemsize // shares
        tuned.to(torch.bfloat16)
    rows_at_once = section.micro_batch_rows or math.ceil(section.batch_size / kind.workers)
    activations = round(_kept_bytes_per_token(model, kind) * rows_at_once * ROW_TOKENS) if kind.vision_frozen else None
    epochs = approach.epochs or section.epochs
    if rows is not None:
        epochs = epochs or epochs_for(rows, section.batch_size)
    return {
        "trainable_parameters": trainable,
        "total_parameters": total,
        "modules": trained_modules(model),
        "steps": total_steps(rows, section.batch_size, epochs, section.max_steps) if rows and epochs else None,
        "row_tokens": ROW_TOKENS,
        "processes": kind.workers,
        "weights_bytes": weights,
        "optimizer_bytes": optimizer,
        "activation_bytes": activations,
        "peak_bytes": None if activations is None else weights + optimizer + activations,
    }


def _kept_bytes_per_token(model: Any, kind: ApproachKind) -> float:
    """Return the bytes kept for the backward pass; if layers are recomputed there, including those of one layer."""
    kept = activation_bytes_per_token(model)
    if kind.recompute:
        model.activation_checkpointing_disable()
        kept += activation_bytes_per_token(model) / model.config.text_config.num_hidden_layers
    return kept


def trained_modules(model: Any) -> list[str]:
    """Return the names of the modules with trainable weights, in order; an adapter counts as the module that it adapts.

    Args:
        model: the model inside the peft wrapper, if there is one.
    """
    names = (name for name, parameter in model.named_parameters() if parameter.requires_grad)
    return list(
        dict.fromkeys(name.partition(".lora_")[0].removesuffix(".weight").removesuffix(".bias") for name in names)
    )
