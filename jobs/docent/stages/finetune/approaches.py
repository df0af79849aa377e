"""Set up a model for an approach: choose which parameters are trained and what is saved.

To add an approach, write its setup function here and add a row to `docent.tables.APPROACHES`.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from docent.config import Approach as ApproachConfig
from docent.errors import ConfigError
from docent.models.family import family_of
from docent.tables import APPROACHES, ApproachKind, function_at


def chosen(config: ApproachConfig) -> ApproachKind:
    """Return the approach's row of the table, with the pipeline file's settings; by default alpha / rank is constant.

    Raises:
        ConfigError: a setting of adapters is given for an approach without an adapter.
    """
    row = APPROACHES[config.kind]
    if config.learning_rate is not None:
        row = replace(row, learning_rate=config.learning_rate)
    names = ("rank", "alpha", "rank_stabilized")
    given = {name: getattr(config, name) for name in names if getattr(config, name) is not None}
    if given and not row.adapter:
        what = f"approach {config.name!r} trains no adapter: it has no {' or '.join(given)}"
        raise ConfigError(what, "finetune.approaches")
    if "rank" in given:
        row = replace(row, alpha=row.alpha * given["rank"] // row.rank)
    return replace(row, **given)


def prepare(model: Any, approach: ApproachKind, base_model: str, seed: int, *, float32: bool = True) -> Any:
    """Make the parameters that the approach trains trainable, and freeze all others.

    Initial adapter weights depend on the seed.

    Args:
        float32: whether to convert trainable parameters to float32. Updates at common learning rates are smaller than
            the spacing of bfloat16 numbers, so most bfloat16 weights would never change.

    Returns:
        The peft model if the approach has an adapter, or else the model itself.

    Raises:
        ConfigError: the adapter matches no module of this model.
    """
    tuned = function_at(approach.setup)(model, approach, base_model, seed)
    if float32:
        for parameter in tuned.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()
    if approach.recompute:  # without hooks on inputs: they would make a frozen tower compute gradients too
        model.activation_checkpointing_enable({"use_reentrant": False})
    return tuned


def add_lora(model: Any, approach: ApproachKind, base_model: str, seed: int) -> Any:
    """Add LoRA adapters to the projections of the text model and the connector.

    Raises:
        ConfigError: the model has no such projections.
    """
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    # Many programs ignore `use_rslora`, so the file states the scale that acts: alpha / rank, here alpha / sqrt(rank).
    alpha = approach.alpha * math.sqrt(approach.rank) if approach.rank_stabilized else approach.alpha
    settings = LoraConfig(
        r=approach.rank,
        lora_alpha=alpha,
        lora_dropout=approach.dropout,
        target_modules=family_of(model).LORA_TARGETS,
        bias="none",
        task_type="CAUSAL_LM",
    )
    try:
        with warnings.catch_warnings(action="ignore", category=FutureWarning):
            # peft would otherwise train the adapter in float32 whatever `precision` says; `prepare` converts it.
            tuned = get_peft_model(model, settings, autocast_adapter_dtype=False)
    except ValueError as error:
        raise ConfigError(f"LoRA finds nothing to adapt: {error}", "finetune.base_model") from None
    # The folder of the base model differs between machines, but its name in the pipeline file does not.
    name = Path(base_model).name if Path(base_model).is_absolute() else base_model
    tuned.peft_config["default"].base_model_name_or_path = name
    return tuned


def train_whole_model(model: Any, approach: ApproachKind, base_model: str, seed: int) -> Any:
    """Make every weight trainable, except for the vision tower's weights if the approach freezes it."""
    tower = family_of(model).VISION_TOWER
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not approach.vision_frozen or tower not in name.split("."))
    return model


def count_parameters(model: Any) -> tuple[int, int]:
    """Return the number of trainable parameters and of all parameters; tied weights count once."""
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(n for n, trains in sizes if trains), sum(n for n, _ in sizes)
