"""The model families that docent can train; one module per family names the parts of its models.

To add a family, write its module next to `idefics2.py` and add a row to FAMILIES.
"""

from collections.abc import Iterable
from typing import Any, Protocol

import torch

from docent.errors import ConfigError
from docent.models import idefics2


class Family(Protocol):
    """What the module of a family defines.

    Attributes:
        LORA_TARGETS: a regular expression for the names of the modules that get an adapter.
        VISION_TOWER: the part that the names of all modules of the vision tower contain.
        END_OF_ANSWER: the token that ends a turn in the chat template.
    """

    LORA_TARGETS: str
    VISION_TOWER: str
    END_OF_ANSWER: str

    def layers(self, model: Any) -> Iterable[torch.nn.Module]:
        """Return the layers of the text model, the units in which the model can be divided."""

    def encode_pictures(
        self, model: Any, pixels: torch.Tensor, pixel_mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the vision tower's last hidden state, and the mask of the patches that are not padding."""

    def connect(self, model: Any, hidden: torch.Tensor, patches: torch.Tensor) -> dict[str, Any]:
        """Return the arguments of the model's forward pass that take the place of the pictures."""


FAMILIES: dict[str, Family] = {"idefics2": idefics2}


def family_of(model: Any) -> Family:
    """Return the family module of a loaded model.

    Raises:
        ConfigError: the family of the model is unsupported.
    """
    kind = str(model.config.model_type)
    if kind not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise ConfigError(f"no adapter for models of type {kind!r}", "finetune.base_model", f"choose one of: {known}")
    return FAMILIES[kind]
