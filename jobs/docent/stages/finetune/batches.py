"""Data set rows become tensors: token ids with a label mask, and what the model sees of each photo.

The loss counts the answer and the token that ends it, nothing else. Where the answer begins is found by comparing
token ids with those of the prompt alone, never by looking for a marker in the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from docent.errors import InputError
from docent.models.chat import dialog_text, open_photo, prompt_text, token_ids
from docent.models.decoding import end_of_answer_id
from docent.models.family import family_of
from docent.models.inference import picture_tensors, stacked
from docent.records import Example

IGNORED = -100
MAX_KEPT_BYTES = 512 << 20


@dataclass(frozen=True)
class Encoded:
    """One row: its tokens, how many of them are the prompt, and its photo."""

    ids: tuple[int, ...]
    prompt_length: int
    photo: Path


def encode(model: Any, processor: Any, example: Example, photo: Path) -> Encoded:
    """Token ids of one row, and where its answer begins.

    Raises:
        InputError: the answer cannot be located, or is empty.
    """
    texts = [
        prompt_text(processor, example.question),
        dialog_text(processor, example.question, example.answer),
    ]
    prompt, full = token_ids(processor, texts)
    end = end_of_answer_id(model, processor)
    answer = full[len(prompt) :]
    empty = not example.answer.strip()
    if empty or full[: len(prompt)] != prompt or answer[-1:] != [end] or answer.count(end) != 1:
        raise InputError(
            "the answer cannot be located among the tokens, so nothing can be trained on it",
            f"{example.split} row {example.data_id} ({example.id}): {example.answer[:60]!r}",
            "fix the answer, or the chat template of the base model",
        )
    return Encoded(tuple(full), len(prompt), photo)


def collate(rows: Sequence[Encoded], pad_id: int) -> dict[str, torch.Tensor]:
    """A batch padded on the right: `input_ids`, `attention_mask`, `labels`, each int64 (rows, longest)."""
    longest = max(len(row.ids) for row in rows)
    ids = torch.full((len(rows), longest), pad_id)
    mask = torch.zeros((len(rows), longest), dtype=torch.int64)
    labels = torch.full((len(rows), longest), IGNORED)
    for index, row in enumerate(rows):
        tokens = torch.tensor(row.ids)
        ids[index, : len(tokens)] = tokens
        mask[index, : len(tokens)] = 1
        labels[index, row.prompt_length : len(tokens)] = tokens[row.prompt_length :]
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


class Pictures:
    """What the connector is given of each photo: the vision tower's output, computed once where the tower is frozen.

    Photos are decoded once, too. Beyond `max_bytes` nothing more is kept, and what was not kept is made again.

    Args:
        model: the model without an adapter around it.
        vision_frozen: whether the tower's output is the same in every step.
    """

    def __init__(self, model: Any, processor: Any, vision_frozen: bool, max_bytes: int = MAX_KEPT_BYTES) -> None:
        self.model, self.processor, self.family = model, processor, family_of(model)
        self.vision_frozen, self.max_bytes = vision_frozen, max_bytes
        self._kept: dict[Path, tuple[torch.Tensor, torch.Tensor]] = {}
        self._bytes = 0

    def inputs(self, photos: Sequence[Path]) -> dict[str, Any]:
        """Forward arguments for one batch, one photo per row.

        Raises:
            InputError: a file is not a picture.
        """
        made = [self._kept.get(photo) or self._make(photo) for photo in photos]
        values = stacked([value for value, _ in made]).to(self.model.device)
        masks = stacked([mask for _, mask in made]).to(self.model.device)
        if not self.vision_frozen:
            values, masks = self.family.encode_pictures(self.model, values, masks)
        return self.family.connect(self.model, values, masks)

    def _make(self, photo: Path) -> tuple[torch.Tensor, torch.Tensor]:
        value, mask = picture_tensors(self.processor, open_photo(photo))
        if self.vision_frozen:
            with torch.no_grad():
                pixels, pixel_mask = (part[None].to(self.model.device) for part in (value, mask))
                values, masks = self.family.encode_pictures(self.model, pixels, pixel_mask)
            value, mask = values[0].cpu(), masks[0].cpu()
        size = value.numel() * value.element_size() + mask.numel() * mask.element_size()
        if self._bytes + size <= self.max_bytes:
            self._kept[photo] = value, mask
            self._bytes += size
        return value, mask
