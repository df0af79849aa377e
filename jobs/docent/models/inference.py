"""Run a loaded model: generate answers about photos, and compute features with its vision tower.

The last bits of a result may depend on the composition of a batch, so callers split their full ordered list into
batches before they divide it into shards.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from PIL import Image

from docent.models.chat import fitted, prompt_text, token_ids
from docent.models.decoding import end_ids, generation_config, in_place
from docent.models.family import family_of

UNDECODABLE = "\ufffd"
"""Unicode replacement character; tokenizers decode incomplete bytes to it."""


class Written(NamedTuple):
    """An answer and why it ended: `stop` if the model ended it, `length` if it reached the token limit."""

    text: str
    ended: Literal["stop", "length"]


@torch.inference_mode()
def generate(
    model: Any, processor: Any, images: Iterable[Image.Image], questions: Sequence[str], max_new_tokens: int
) -> list[Written]:
    """Generate greedy answers to a batch of questions, each about its own photo, without special tokens.

    The model's own generation settings are not used (see docent.models.decoding). If the token limit cuts the last
    letter in the middle of its bytes, that letter is removed.
    Photos are opened one at a time; only the pixels that the model sees are kept, and they are the same as in training.
    """
    if not questions:
        return []
    pixels, masks = zip(*(picture_tensors(processor, image) for image in images), strict=True)
    ids = token_ids(processor, [prompt_text(processor, question) for question in questions])
    inputs = processor.tokenizer.pad(
        {"input_ids": ids}, padding=True, padding_side="left", return_tensors="pt", return_attention_mask=True
    ).to(model.device)
    settings = generation_config(model, processor, max_new_tokens)
    with in_place(model, settings):
        written = model.generate(
            **inputs,
            pixel_values=stacked(pixels)[:, None].to(model.device),
            pixel_attention_mask=stacked(masks)[:, None].to(model.device),
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
    """Strip a decoded answer, and remove the replacement characters that a cut last letter left."""
    return text.strip().rstrip(UNDECODABLE).rstrip()


@torch.inference_mode()
def vision_features(model: Any, processor: Any, images: Iterable[Image.Image]) -> np.ndarray[Any, Any]:
    """Return the vision tower's features of each photo, for nearest-neighbour search.

    Returns:
        float32 (n, width): the mean of the last hidden states over the photo's patches, scaled to unit length.
    """
    family = family_of(model)
    features = []
    for image in images:
        pixels, pixel_mask = picture_tensors(processor, image)
        hidden, patches = family.encode_pictures(
            model, pixels[None].to(model.device), pixel_mask[None].to(model.device)
        )
        features.append(hidden[0, patches[0]].float().mean(dim=0))
    if not features:
        return np.zeros((0, 0), dtype=np.float32)
    pooled = torch.stack(features)
    return np.asarray((pooled / pooled.norm(dim=1, keepdim=True).clamp_min(1e-12)).cpu().numpy())


def picture_tensors(processor: Any, image: Image.Image) -> tuple[torch.Tensor, torch.Tensor]:
    """Run the image processor on a photo; return the pixels (3, height, width) and their mask (height, width)."""
    inputs = processor.image_processor([[fitted(processor, image)]], return_tensors="pt")
    return inputs["pixel_values"][0, 0], inputs["pixel_attention_mask"][0, 0]


def stacked(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """Stack tensors of equal rank, each padded with zeros at the end of every dimension to the largest size."""
    largest = [max(sizes) for sizes in zip(*(tensor.shape for tensor in tensors), strict=True)]
    together = tensors[0].new_zeros((len(tensors), *largest))
    for index, tensor in enumerate(tensors):
        together[index][tuple(slice(size) for size in tensor.shape)] = tensor
    return together
