"""Compute the loss of supervised tokens in one module, the only one that the trainer calls.

Everything that DDP or FSDP must see (connector, text model, head) runs inside this module's `forward`, so this is the
module that `parallel` wraps.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import torch
from torch.nn.functional import cross_entropy, pad

from docent.models.family import family_of
from docent.stages.finetune.labels import IGNORED


class SupervisedLoss(torch.nn.Module):
    """Wrap a model so that its forward pass returns the cross-entropy of each supervised token.

    Args:
        model: the model inside the peft wrapper, if there is one; it includes the adapters.
        vision_frozen: whether `forward` gets the output of the vision tower instead of pixels.
        autocast: whether to compute in bfloat16 while the weights stay in float32.
    """

    def __init__(self, model: Any, vision_frozen: bool = True, autocast: bool = False) -> None:
        super().__init__()
        self.model, self.vision_frozen, self.autocast = model, vision_frozen, autocast
        self.family = family_of(model)

    def train(self, mode: bool = True) -> Self:
        """Set the training mode, but leave frozen modules in evaluation mode: dropout in a frozen tower is only noise.

        A module without any parameters, such as dropout, follows the module around it.
        """
        super().train(mode)
        for module in self.modules() if mode else ():
            parameters = list(module.parameters())
            if parameters and not any(parameter.requires_grad for parameter in parameters):
                module.eval()
        return self

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        labels: torch.Tensor,
        pictures: torch.Tensor,
        picture_masks: torch.Tensor,
    ) -> torch.Tensor:
        """Return the cross-entropy of every supervised token, row by row, given `collate` and `Pictures` outputs."""
        # The logits at a position predict the next token; the logits at the last position predict nothing.
        targets = pad(labels[:, 1:], (0, 1), value=IGNORED)
        supervised = targets != IGNORED
        with torch.autocast(input_ids.device.type, torch.bfloat16, enabled=self.autocast):
            if not self.vision_frozen:
                pictures, picture_masks = self.family.encode_pictures(self.model, pictures, picture_masks)
            logits = self.model(
                input_ids=input_ids,
                attention_mask=attention_mask,
                **self.family.connect(self.model, pictures, picture_masks),
                use_cache=False,
                logits_to_keep=supervised,  # saves work: the head is the widest matrix of a small model
            ).logits
            return cross_entropy(logits.float(), targets[supervised], reduction="none")


@contextmanager
def evaluating(module: torch.nn.Module) -> Iterator[None]:
    """Set evaluation mode inside the context, and restore the mode of every submodule after it."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode
