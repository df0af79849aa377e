"""What a loaded model is asked for: answers about photos, and what its vision tower sees in them.

The last bits of a result may depend on how many photos go in together, so callers batch their whole ordered list
before they divide it into shards.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from PIL import Image

from docent.models.chat import fitted, prompt_text, token_ids
from docent.models.decoding import end_ids, generation_config, in_place
from docent.models.family import family_of

UNDECODABLE = "\ufffd"
"""What tokenizers decode bytes to that are no letter."""


class Written(NamedTuple):
    """An answer, and why it ended: `stop` where the model ended it, `length` where the limit of tokens did."""

    text: str
    ended: Literal["stop", "length"]


@torch.inference_mode()
def generate(
    model: Any, processor: Any, images: Iterable[Image.Image], questions: Sequence[str], max_new_tokens: int
) -> list[Written]:
    """Greedy answers to one batch of questions, each about its photo; special tokens and outer spaces removed.

    The model's own generation settings are not used (docent.models.decoding). Of a letter that is cut in the middle of
    its bytes, where an answer reaches its limit of tokens, nothing is left.
    Photos are taken one at a time and kept as the pixels that the model sees, the same as in training.
    """
    if not questions:
        return []
    seen = [picture_tensors(processor, image) for image in images]
    ids = token_ids(processor, [prompt_text(processor, question) for question in questions])
    inputs = processor.tokenizer.pad(
        {"input_ids": ids}, padding=True, padding_side="left", return_tensors="pt", return_attention_mask=True
    ).to(model.device)
    settings = generation_config(model, processor, max_new_tokens)
    with in_place(model, settings):
        written = model.generate(
            **inputs,
            pixel_values=stacked([pixels for pixels, _ in seen])[:, None].to(model.device),
            pixel_attention_mask=stacked([mask for _, mask in seen])[:, None].to(model.device),
            generation_config=settings,
        )
    answers = written[:, inputs["input_ids"].shape[1] :]
    ends = set(end_ids(model, processor))
    texts = processor.batch_decode(answers, skip_special_tokens=True)
    return [
        Written(without_cut_letter(text), "stop" if ends.intersection(ids) else "length")
        for text, ids in zip(texts, answers.tolist(), strict=True)
    ]


def without_cut_letter(text: str) -> str:
    """A decoded answer without outer spaces, and without the mark that stands for the bytes of a cut last letter."""
    return text.strip().rstrip(UNDECODABLE).rstrip()


@torch.inference_mode()
def vision_features(model: Any, processor: Any, images: Iterable[Image.Image]) -> np.ndarray[Any, Any]:
    """What the vision tower makes of each photo, for nearest-neighbour search.

    Returns:
        float32 (n, width): mean of the last hidden states over the picture's patches, scaled to length 1.
    """
    family = family_of(model)
    found = []
    for image in images:
        pixels, pixel_mask = picture_tensors(processor, image)
        hidden, patches = family.encode_pictures(
            model, pixels[None].to(model.device), pixel_mask[None].to(model.device)
        )
        found.append(hidden[0, patches[0]].float().mean(dim=0))
    if not found:
        return np.zeros((0, 0), dtype=np.float32)
    pooled = torch.stack(found)
    return np.asarray((pooled / pooled.norm(dim=1, keepdim=True).clamp_min(1e-12)).cpu().numpy())


def picture_tensors(processor: Any, image: Image.Image) -> tuple[torch.Tensor, torch.Tensor]:
    """One photo through the image processor: pixels (3, height, width) and their mask (height, width)."""
    made = processor.image_processor([[fitted(processor, image)]], return_tensors="pt")
    return made["pixel_values"][0, 0], made["pixel_attention_mask"][0, 0]


def stacked(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """One tensor from several of the same rank, each padded with zeros behind to the largest size."""
    largest = [max(sizes) for sizes in zip(*(tensor.shape for tensor in tensors), strict=True)]
    together = tensors[0].new_zeros((len(tensors), *largest))
    for index, tensor in enumerate(tensors):
        together[index][tuple(slice(size) for size in tensor.shape)] = tensor
    return together
