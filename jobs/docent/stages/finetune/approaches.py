"""The table of fine-tuning approaches: an approach is data, not a program.

The defaults were measured for docent-tiny; `pipelines/musequest.yaml` overrides them for Idefics2-8B. To add an
approach, add a row here and its name to `Approach.kind` in config/stages.py.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch

from docent.config import Approach as ApproachConfig
from docent.errors import ConfigError
from docent.models.family import family_of


@dataclass(frozen=True)
class Approach:
    """One way of fine-tuning.

    Attributes:
        adapter: what is trained beside the frozen model; None trains the model itself.
        trains: `projections` of text model and connector, `language` (all of text model and connector), or
            `everything`, the vision tower included.
        learning_rate: peak of the schedule.
        rank: LoRA rank.
        alpha: LoRA scale is alpha / rank.
        dropout: LoRA dropout; 0 keeps runs comparable and activations small.
    """

    kind: str
    adapter: Literal["lora"] | None
    trains: Literal["projections", "language", "everything"]
    learning_rate: float
    rank: int = 0
    alpha: int = 0
    dropout: float = 0.0

    @property
    def vision_frozen(self) -> bool:
        """Whether what the vision tower says about a photo is the same in every step."""
        return self.trains != "everything"


APPROACHES: dict[str, Approach] = {
    "lora": Approach("lora", "lora", "projections", learning_rate=3e-3, rank=16, alpha=32),
    # As published, full fine-tuning leaves the vision tower as it is; docent-tiny also trains embeddings and norms.
    "full": Approach("full", None, "language", learning_rate=7e-4),
}


def chosen(config: ApproachConfig) -> Approach:
    """The row of the table with the settings of the pipeline file; another rank keeps the LoRA scale.

    Raises:
        ConfigError: a rank for an approach without adapter.
    """
    row = APPROACHES[config.kind]
    if config.learning_rate is not None:
        row = replace(row, learning_rate=config.learning_rate)
    if config.rank is not None:
        if row.adapter is None:
            raise ConfigError(f"approach {config.name!r} trains no adapter: it has no rank", "finetune.approaches")
        row = replace(row, rank=config.rank, alpha=row.alpha * config.rank // row.rank)
    return row


def prepare(model: Any, approach: Approach, base_model: str, seed: int) -> Any:
    """The model with what the approach trains set trainable, all else frozen; first weights depend on the seed.

    Returns:
        The peft model for an adapter, else the model itself.

    Raises:
        ConfigError: the adapter finds no module in this model.
    """
    if approach.adapter is None:
        model.requires_grad_(True)
        if approach.vision_frozen:
            tower = family_of(model).vision_tower
            for name, parameter in model.named_parameters():
                parameter.requires_grad_(tower not in name.split("."))
        return model
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    settings = LoraConfig(
        r=approach.rank,
        lora_alpha=approach.alpha,
        lora_dropout=approach.dropout,
        target_modules=family_of(model).lora_targets,
        bias="none",
        task_type="CAUSAL_LM",
    )
    try:
        with warnings.catch_warnings(action="ignore", category=FutureWarning):
            tuned = get_peft_model(model, settings)
    except ValueError as error:
        raise ConfigError(f"LoRA finds nothing to adapt: {error}", "finetune.base_model") from None
    # The folder of the base model differs between machines; what the pipeline file calls it does not.
    tuned.peft_config["default"].base_model_name_or_path = base_model
    return tuned


def count_parameters(model: Any) -> tuple[int, int]:
    """Trainable and total parameters; tied weights count once."""
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(n for n, trains in sizes if trains), sum(n for n, _ in sizes)
