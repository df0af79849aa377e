"""Set up a model for an approach: choose which parameters are trained and what is saved.

To add an approach, write its setup function here and add a row to `docent.tables.APPROACHES`.
"""

import math
import re
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from docent.config.stages import Approach as ApproachConfig
from docent.errors import ConfigError
from docent.models.family import family_of
from docent.tables import APPROACHES, ApproachKind, function_at


def chosen(config: ApproachConfig) -> ApproachKind:
    """Return the approach's row of the table, with the pipeline file's settings; by default alpha / rank is constant.

    Raises:
        ConfigError: a setting of adapters is given for an approach without an adapter.
    """
    row = APPROACHES[config.kind]
    names = ("learning_rate", "rank", "alpha", "rank_stabilized", "dropout", "init", "trains")
    given = {name: value for name in names if (value := getattr(config, name)) is not None}
    others = {"trains"} if row.adapter else {"rank", "alpha", "rank_stabilized", "dropout", "init"}
    if unsupported := [name for name in given if name in others]:
        what = f"approach {config.name!r}: {config.kind!r} has no {' or '.join(unsupported)}"
        raise ConfigError(what, "finetune.approaches", f"remove {' and '.join(unsupported)}")
    if "rank" in given:
        row = replace(row, alpha=row.alpha * given["rank"] // row.rank)
    if given.get("trains") == "everything":
        row = replace(row, vision_frozen=False)
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
        init_lora_weights=approach.init == "kaiming" or "gaussian",
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


def train_weights(model: Any, approach: ApproachKind, base_model: str, seed: int) -> Any:
    """Make weights of the model trainable: its projections, all but the vision tower, or everything.

    Source of `projections`: the published experiment trained the projections of text model and connector only.
    """
    family = family_of(model)
    for module_name, module in model.named_modules():
        in_tower = family.VISION_TOWER in module_name.split(".")
        trains = {
            "projections": re.fullmatch(family.LORA_TARGETS, module_name) is not None,
            "language": not in_tower,
            "everything": True,
        }[approach.trains]
        for parameter in module.parameters(recurse=False):
            parameter.requires_grad_(trains)
    return model


def count_parameters(model: Any) -> tuple[int, int]:
    """Return the number of trainable parameters and of all parameters; tied weights count once."""
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(n for n, trains in sizes if trains), sum(n for n, _ in sizes)
