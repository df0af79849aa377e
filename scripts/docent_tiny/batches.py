"""Prepare the batches of docent-tiny's pretraining: pictures, small augmentations, and dialogues as tokens.

Reads and writes no files; used by `training.py` and `museum_check.py`.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from docent_tiny.captions import Turn
from docent_tiny.model import SIDE_PX
from docent_tiny.shapes import FAMILIES

IGNORED = -100
SHIFT_PX = 6


@dataclass
class Pictures:
    """Pictures (shapes x views x side x side x 3) with their labels; the last shapes are held out."""

    images: np.ndarray
    labels: np.ndarray
    held_out: int
    by_family: list[np.ndarray] = field(init=False)

    def __post_init__(self) -> None:
        families = self.labels[: -self.held_out, 0, 0]
        self.by_family = [np.flatnonzero(families == index) for index in range(len(FAMILIES))]

    def draw_shapes(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Draw training shapes; a third of the batches contain few families, so that similar shapes are contrasted."""
        pool = np.arange(len(self.images) - self.held_out)
        if rng.random() < 0.33:
            families = rng.choice(len(FAMILIES), size=int(rng.integers(2, 7)), replace=False)
            few = np.concatenate([self.by_family[index] for index in families])
            pool = few if len(few) >= count else pool
        return rng.choice(pool, size=count, replace=False)


def to_pixels(images: Tensor) -> Tensor:
    """Turn uint8 pictures (N x side x side x 3) into the image processor's pixel values."""
    return (images.permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5


def augment(pixels: Tensor, rng: np.random.Generator) -> Tensor:
    """Jitter brightness and contrast and shift by a few pixels, independently for each picture."""
    count = len(pixels)
    gain = torch.from_numpy(rng.uniform(0.8, 1.2, (count, 1, 1, 1)).astype(np.float32))
    offset = torch.from_numpy(rng.uniform(-0.15, 0.15, (count, 1, 1, 1)).astype(np.float32))
    padded = functional.pad((pixels * gain + offset).clamp(-1, 1), [SHIFT_PX] * 4, mode="replicate")
    shifts = rng.integers(0, 2 * SHIFT_PX + 1, (count, 2)).tolist()
    return torch.stack([p[:, y : y + SIDE_PX, x : x + SIDE_PX] for p, (y, x) in zip(padded, shifts, strict=True)])


def chat_messages(turns: list[Turn]) -> list[dict]:
    """Return the dialogue as messages; the picture comes first in the first question."""
    messages: list[dict] = []
    for index, (question, answer) in enumerate(turns):
        picture = [{"type": "image"}] if index == 0 else []
        messages.append({"role": "user", "content": [*picture, {"type": "text", "text": question}]})
        messages.append({"role": "assistant", "content": [{"type": "text", "text": answer}]})
    return messages


def answer_labels(input_ids: Tensor, answer_start: list[int], answer_end: int) -> Tensor:
    """Return the tokens of the answers, each up to its end token, and `IGNORED` elsewhere."""
    labels = torch.full_like(input_ids, IGNORED)
    width = len(answer_start)
    for row, ids in enumerate(input_ids.tolist()):
        for start in range(len(ids) - width):
            if ids[start : start + width] == answer_start:
                end = ids.index(answer_end, start)
                labels[row, start + width : end + 1] = input_ids[row, start + width : end + 1]
    return labels
