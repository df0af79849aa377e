"""Prepare each photo for the model; if the vision tower is frozen, run it only once per photo."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from docent.models.chat import open_photo
from docent.models.family import family_of
from docent.models.inference import picture_tensors, stacked

MAX_CACHED_BYTES = 512 << 20


class Pictures:
    """Caches the vision tower's output if the tower is frozen, or else the pixels.

    Once `max_bytes` are cached, further photos are computed again each time.

    Args:
        model: the model inside the peft wrapper, if there is one.
        vision_frozen: whether the tower is frozen, so that its output is the same in every step.
    """

    def __init__(self, model: Any, processor: Any, vision_frozen: bool, max_bytes: int = MAX_CACHED_BYTES) -> None:
        self.model, self.processor, self.vision_frozen, self.max_bytes = model, processor, vision_frozen, max_bytes
        self._cache: dict[Path, tuple[torch.Tensor, torch.Tensor]] = {}
        self._bytes = 0

    def inputs(self, photos: Sequence[Path]) -> dict[str, torch.Tensor]:
        """Return `pictures` and `picture_masks` for `SupervisedLoss.forward`, one photo per row.

        Raises:
            InputError: a file is not a picture.
        """
        pairs = [self._cache.get(photo) or self._compute(photo) for photo in photos]
        values, masks = zip(*pairs, strict=True)
        return {"pictures": stacked(values), "picture_masks": stacked(masks)}

    def _compute(self, photo: Path) -> tuple[torch.Tensor, torch.Tensor]:
        value, mask = picture_tensors(self.processor, open_photo(photo))
        if self.vision_frozen:
            with torch.no_grad():
                pixels, pixel_mask = (part[None].to(self.model.device) for part in (value, mask))
                hidden, patches = family_of(self.model).encode_pictures(self.model, pixels, pixel_mask)
            value, mask = hidden[0].cpu(), patches[0].cpu()
        size = value.nbytes + mask.nbytes
        if self._bytes + size <= self.max_bytes:
            self._cache[photo] = value, mask
            self._bytes += size
        return value, mask
