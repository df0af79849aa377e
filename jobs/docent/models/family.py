"""Model families that docent can train, with one module each for where the parts of the model are.

To add a family, write its module beside `idefics2.py` and add a row to FAMILIES.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch

from docent.errors import ConfigError
from docent.models import idefics2


class Family(Protocol):
    """What the module of a family defines.

    Attributes:
        LORA_TARGETS: regular expression over the names of the modules that get an adapter.
        VISION_TOWER: part of the module names of the vision tower.
        END_OF_ANSWER: the token that ends a turn of the chat template.
    """

    LORA_TARGETS: str
    VISION_TOWER: str
    END_OF_ANSWER: str

    def encode_pictures(
        self, model: Any, pixels: torch.Tensor, pixel_mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the tower's last hidden state and the mask of its patches."""

    def connect(self, model: Any, hidden: torch.Tensor, patches: torch.Tensor) -> dict[str, Any]:
        """Return the arguments of the model's forward that replace the pictures."""


FAMILIES: dict[str, Family] = {"idefics2": idefics2}


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
