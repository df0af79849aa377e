"""Model families that docent can train, with one module each for where the parts of the model are.

To add a family, write its module beside `idefics2.py` and add a row to FAMILIES.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from docent.errors import ConfigError
from docent.models import idefics2


@dataclass(frozen=True)
class Family:
    """The parts of the models of one family.

    Attributes:
        lora_targets: regular expression over the names of the modules that get an adapter.
        vision_tower: part of the module names of the vision tower.
        end_of_answer: the token that ends a turn of the chat template.
        encode_pictures: (model, pixels, pixel mask) to the tower's last hidden state and the mask of its patches.
        connect: (model, hidden state, patch mask) to the arguments of the model's forward that replace the pictures.
    """

    lora_targets: str
    vision_tower: str
    end_of_answer: str
    encode_pictures: Callable[[Any, torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
    connect: Callable[[Any, torch.Tensor, torch.Tensor], dict[str, Any]]


FAMILIES: dict[str, Family] = {
    "idefics2": Family(
        lora_targets=idefics2.LORA_TARGETS,
        vision_tower=idefics2.VISION_TOWER,
        end_of_answer=idefics2.END_OF_ANSWER,
        encode_pictures=idefics2.encode_pictures,
        connect=idefics2.connect,
    ),
}


def family_of(model: Any) -> Family:
    """Return the row of a loaded model.

    Raises:
        ConfigError: its family is unsupported.
    """
    kind = str(model.config.model_type)
    if kind not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise ConfigError(f"no adapter for models of type {kind!r}", "finetune.base_model", f"choose one of: {known}")
    return FAMILIES[kind]
