"""Measure the saved docent-tiny on the sample museum: retrieval, and naming after a short LoRA fine-tuning.

Reads the model folder and photographs named `<exhibit>-<view>.jpg`; writes no files. It only reports: no result
is used in pretraining. Views 1 to 10 train, the later ones test.
"""

import random
import re
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from PIL import Image
from torch import Tensor
from torch.nn import functional
from transformers import AutoModelForImageTextToText, AutoProcessor, PreTrainedModel, ProcessorMixin

from docent_tiny.batches import answer_labels, chat_messages
from docent_tiny.model import END_OF_UTTERANCE

TRAIN_VIEWS = 10
QUESTION = "What is this?"
PEAK_RATE = 3e-3
BATCH = 16
LORA = LoraConfig(
    r=16,
    lora_alpha=32,
    target_modules=r".*(text_model|connector).*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)",
)


@dataclass(frozen=True)
class Photograph:
    """One picture with the name to learn."""

    path: Path
    name: str
    is_train: bool


@dataclass(frozen=True)
class Museum:
    """The photographs, their pixel values from the processor, and the names of the exhibits."""

    train: list[Photograph]
    test: list[Photograph]
    pixels: dict[Photograph, Tensor]
    names: list[str]


def check_museum(model_folder: Path, images: Path, seed: int, steps: int = 300) -> dict:
    """Return retrieval accuracy before fine-tuning and naming accuracy after `steps` of LoRA."""
    processor = AutoProcessor.from_pretrained(model_folder)
    model = AutoModelForImageTextToText.from_pretrained(model_folder, dtype=torch.float32).eval()
    museum = read_museum(processor, images)
    report: dict = {"exhibits": len(museum.names), "train": len(museum.train), "test": len(museum.test)}
    report["chance"] = 1 / len(museum.names)
    report["retrieval"] = retrieval_accuracy(model, museum)
    begin = time.monotonic()
    torch.manual_seed(seed)
    model = get_peft_model(model, LORA)
    report["lora_loss"] = _fine_tune(model, processor, museum, random.Random(seed), steps)
    report["lora_seconds"] = round(time.monotonic() - begin)
    report["lora_naming"], report["lora_errors"] = _naming(model, processor, museum)
    return report


def read_museum(processor: ProcessorMixin, images: Path) -> Museum:
    """Load every photograph of a folder through the processor."""
    photographs = find_photographs(images)
    return Museum(
        train=[p for p in photographs if p.is_train],
        test=[p for p in photographs if not p.is_train],
        pixels={p: _pixels(processor, p) for p in photographs},
        names=sorted({p.name for p in photographs}),
    )


def find_photographs(images: Path) -> list[Photograph]:
    """Return the photographs of a folder in order of name and view."""
    by_name_and_view = []
    for path in images.glob("*.jpg"):
        match = re.fullmatch(r"(.+)-(\d+)", path.stem)
        if match:
            view = int(match.group(2))
            by_name_and_view.append(
                (
                    match.group(1),
                    view,
                    Photograph(path, match.group(1).replace("-", " "), view <= TRAIN_VIEWS),
                )
            )
    return [photograph for *_, photograph in sorted(by_name_and_view, key=lambda item: item[:2])]


def _pixels(processor: ProcessorMixin, photograph: Photograph) -> Tensor:
    with Image.open(photograph.path) as picture:
        return processor.image_processor(picture.convert("RGB"), return_tensors="pt")["pixel_values"][0]


@torch.no_grad()
def retrieval_accuracy(model: PreTrainedModel, museum: Museum) -> float:
    """Return how often the nearest training photograph shows the same exhibit."""

    def pooled(photographs: list[Photograph]) -> Tensor:
        stacked = torch.cat([museum.pixels[p] for p in photographs])
        return functional.normalize(model.model.vision_model(pixel_values=stacked).last_hidden_state.mean(1), dim=1)

    nearest = (pooled(museum.test) @ pooled(museum.train).T).argmax(1).tolist()
    hits = [museum.train[index].name == p.name for index, p in zip(nearest, museum.test, strict=True)]
    return float(np.mean(hits))


def _fine_tune(
    model: PreTrainedModel, processor: ProcessorMixin, museum: Museum, rng: random.Random, steps: int
) -> float:
    """Train on one templated sentence per photograph and return the mean loss of the last 20 steps."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=PEAK_RATE, weight_decay=0.0)
    start = processor.tokenizer("Assistant:", add_special_tokens=False).input_ids
    end = processor.tokenizer.convert_tokens_to_ids(END_OF_UTTERANCE)
    losses = []
    model.train()
    for step in range(steps):
        scale = min(1.0, (step + 1) / 20) * (0.02 + 0.49 * (1 + np.cos(np.pi * step / steps)))
        optimizer.param_groups[0]["lr"] = PEAK_RATE * scale
        chosen = rng.sample(museum.train, min(BATCH, len(museum.train)))
        dialogues = [chat_messages([(QUESTION, f"This is the {p.name}.")]) for p in chosen]
        texts = [processor.apply_chat_template(messages) for messages in dialogues]
        inputs = processor(text=texts, padding=True, return_tensors="pt")
        inputs["pixel_values"] = torch.stack([museum.pixels[p] for p in chosen])
        loss = model(**inputs, labels=answer_labels(inputs["input_ids"], start, end)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
    return round(float(np.mean(losses[-20:])), 4)


@torch.no_grad()
def _naming(model: PreTrainedModel, processor: ProcessorMixin, museum: Museum) -> tuple[float, dict[str, str]]:
    """Return the share of greedy answers that name the exhibit, and the wrong answers by file."""
    model.eval()
    messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": QUESTION}]}]
    prompt = processor.apply_chat_template(messages, add_generation_prompt=True)
    wrong = {}
    for start in range(0, len(museum.test), 20):
        part = museum.test[start : start + 20]
        inputs = processor(text=[prompt] * len(part), padding=True, return_tensors="pt")
        inputs["pixel_values"] = torch.stack([museum.pixels[p] for p in part])
        tokens = model.generate(**inputs, max_new_tokens=32)[:, inputs["input_ids"].shape[1] :]
        for photograph, answer in zip(part, processor.batch_decode(tokens, skip_special_tokens=True), strict=True):
            # "icosahedron" is part of "truncated icosahedron": the longest name found is the one meant.
            named = max((name for name in museum.names if name in answer), key=len, default="")
            if named != photograph.name:
                wrong[photograph.path.name] = answer.strip()
    return 1 - len(wrong) / len(museum.test), wrong
