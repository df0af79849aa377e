"""What a loaded model is asked for: answers about photos, and what its vision tower sees in them.

The last bits of a result may depend on how many photos go in together, so callers batch their whole ordered list
before they divide it into shards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image

from docent.models.chat import fitted, prompt_text
from docent.models.family import family_of


@torch.inference_mode()
def generate(
    model: Any, processor: Any, images: Sequence[Image.Image], questions: Sequence[str], max_new_tokens: int
) -> list[str]:
    """Greedy answers to one batch of questions, each about its photo; special tokens and outer spaces removed."""
    if not questions:
        return []
    inputs = processor(
        text=[prompt_text(processor, question) for question in questions],
        images=[[fitted(processor, image)] for image in images],
        padding=True,
        padding_side="left",
        return_tensors="pt",
    ).to(model.device)
    ends = {processor.tokenizer.eos_token_id, end_of_answer_id(model, processor)}
    written = model.generate(
        **inputs,
        do_sample=False,
        num_beams=1,
        max_new_tokens=max_new_tokens,
        eos_token_id=sorted(ends - {None}),
        pad_token_id=processor.tokenizer.pad_token_id,
    )
    answers = written[:, inputs["input_ids"].shape[1] :]
    return [text.strip() for text in processor.batch_decode(answers, skip_special_tokens=True)]


@torch.inference_mode()
def vision_features(model: Any, processor: Any, images: Sequence[Image.Image]) -> np.ndarray[Any, Any]:
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


def end_of_answer_id(model: Any, processor: Any) -> int:
    """Id of the token that ends an answer."""
    return int(processor.tokenizer.convert_tokens_to_ids(family_of(model).end_of_answer))
