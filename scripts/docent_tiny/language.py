"""Train docent-tiny's third stage: the text model learns English, and the connector separates the views of shapes.

Reads the noun definitions of WordNet 3.0 (Debian: `apt-get install wordnet-base`; WordNet licence) and the pictures of
`shapes.render_shapes`. The vision tower is frozen. Without this stage fine-tuning spends most of its steps on learning
English; without the contrastive loss between views the connector does not preserve which object it saw.
"""

from __future__ import annotations

import random
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from transformers import Idefics2ForConditionalGeneration, Idefics2Processor
from transformers.modeling_outputs import BaseModelOutputWithPooling

from docent_tiny.batches import Pictures, answer_labels, augment, chat_messages, to_pixels
from docent_tiny.captions import NAMED_FORMS, Turn, caption_turns
from docent_tiny.model import END_OF_UTTERANCE
from docent_tiny.training import contrast_loss

CONTRAST_WIDTH = 128
ENCODED_AT_ONCE = 100


@dataclass(frozen=True)
class Language:
    """Settings of the stage: batch composition and learning rates."""

    steps: int = 1500
    minutes: float = 14.0
    shapes: int = 3000
    shapes_per_step: int = 48
    dictionary_rows: int = 28
    caption_rows: int = 12
    contrast_weight: float = 0.5
    muon: float = 0.015
    adam: float = 2e-3
    warm_up_steps: int = 40


def definitions(folder: Path) -> list[tuple[str, str]]:
    """Return nouns and sentences, e.g. ("abacus", "The abacus is a calculator that ..."), in file order.

    Entries that name a mathematical form are left out, so that nothing about the sample museum is learned.
    """
    entries = []
    for line in (folder / "data.noun").read_text(encoding="latin-1").splitlines():
        if line.startswith(" "):
            continue
        head, _, gloss = line.partition(" | ")
        noun = head.split()[4].replace("_", " ")
        meaning = gloss.split(";")[0].split('"')[0].strip()
        if not re.fullmatch(r"[A-Za-z ]{3,24}", noun) or not re.fullmatch(r"[A-Za-z0-9 ,()'-]{12,130}", meaning):
            continue
        if NAMED_FORMS.search(f"{noun} {meaning}"):
            continue
        if noun[0].isupper():
            entries.append((noun, f"{noun} is known as {meaning}." if meaning[0].islower() else f"{noun}: {meaning}."))
        elif re.match(r"(an?|the|any) ", meaning):
            entries.append((noun, f"The {noun} is {meaning}."))
        else:
            entries.append((noun, f"The word {noun} means {meaning}."))
    return entries


class LanguageStage:
    """The stage with its data; `run` trains connector and text model in place."""

    def __init__(
        self, model: Idefics2ForConditionalGeneration, processor: Idefics2Processor, pictures: Pictures, wordnet: Path
    ) -> None:
        self.model, self.processor, self.pictures = model, processor, pictures
        self.entries = definitions(wordnet)
        self.project = nn.Linear(model.config.text_config.hidden_size, CONTRAST_WIDTH)
        self.answer_start = processor.tokenizer("Assistant:", add_special_tokens=False).input_ids
        self.answer_end = processor.tokenizer.convert_tokens_to_ids(END_OF_UTTERANCE)

    def run(self, settings: Language, seed: int) -> dict[str, float]:
        """Train; return steps, seconds and the mean losses of the last 50 steps."""
        self.words, self.rng = random.Random(seed), np.random.default_rng(seed)
        learnt = len(self.pictures.images) - self.pictures.held_out
        self.shapes = np.sort(self.rng.choice(learnt, min(settings.shapes, learnt), replace=False))
        self.features = self._features()
        optimizers = self._optimizers(settings)
        begin, losses, step = time.monotonic(), [], 0
        self.model.train()
        while step < settings.steps and time.monotonic() - begin < settings.minutes * 60:
            share = max(step / settings.steps, (time.monotonic() - begin) / (settings.minutes * 60))
            scale = min(1.0, (step + 1) / settings.warm_up_steps, 2 * (1 - share) + 0.02)
            for optimizer in optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = group["peak_lr"] * scale
            text, contrast = self._losses(settings)
            (text + settings.contrast_weight * contrast).backward()
            nn.utils.clip_grad_norm_([p for p in self.model.parameters() if p.requires_grad], 5.0)
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            losses.append((text.item(), contrast.item()))
            step += 1
            if step % 50 == 0:
                shown = np.mean(losses[-50:], axis=0).round(3).tolist()
                print(f"language step {step} {time.monotonic() - begin:.0f} s {shown}", file=sys.stderr, flush=True)
        self.model.eval()
        text, contrast = np.mean(losses[-50:], axis=0).round(3).tolist()
        return {"steps": step, "seconds": round(time.monotonic() - begin), "text": text, "contrast": contrast}

    @torch.no_grad()
    def _features(self) -> Tensor:
        """Return the vision features of every view: shapes x views x patches x width, in half precision."""
        vision, views = self.model.model.vision_model, []
        for view in range(self.pictures.images.shape[1]):
            pixels = to_pixels(torch.from_numpy(self.pictures.images[self.shapes, view]))
            parts = augment(pixels, self.rng).split(ENCODED_AT_ONCE)
            views.append(torch.cat([vision(pixel_values=part).last_hidden_state.half() for part in parts]))
        return torch.stack(views, dim=1)

    def _losses(self, settings: Language) -> tuple[Tensor, Tensor]:
        """Return the language-model loss on definitions and captions, and InfoNCE between two views of a shape."""
        chosen = self.rng.choice(len(self.shapes), settings.shapes_per_step, replace=False)
        pairs = np.stack([self.rng.permutation(self.features.shape[1])[:2] for _ in chosen])
        hidden = torch.cat([self.features[chosen, pairs[:, i]] for i in (0, 1)]).float()
        mask = torch.ones(hidden.shape[:2], dtype=torch.bool)
        latents = self.model.model.connector(hidden, attention_mask=mask)
        contrast = contrast_loss(self.project(latents.mean(1)))
        rows = settings.dictionary_rows + settings.caption_rows
        turns: list[Turn] = []
        for row in range(rows):
            if row < settings.caption_rows:
                labels = self.pictures.labels[self.shapes[chosen[row]], pairs[row, 0]]
                turns.append(caption_turns(self.words, labels.tolist())[0])
            else:
                noun, text = self.words.choice(self.entries)
                turns.append((f"Explain {noun}.", text))
        texts = [self.processor.apply_chat_template(chat_messages([turn])) for turn in turns]
        inputs = self.processor(text=texts, padding=True, return_tensors="pt")
        seen = BaseModelOutputWithPooling(last_hidden_state=hidden[:rows], pooler_output=list(latents[:rows]))
        text_loss = self.model(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            mm_encoder_outputs={"image": seen},
            labels=answer_labels(inputs["input_ids"], self.answer_start, self.answer_end),
            use_cache=False,
        ).loss
        return text_loss, contrast

    def _optimizers(self, settings: Language) -> list[torch.optim.Optimizer]:
        muon, adam = [], list(self.project.parameters())
        for name, parameter in self.model.named_parameters():
            trains = ".vision_model." not in name
            parameter.requires_grad_(trains)
            if trains:
                hidden = parameter.ndim == 2 and not re.search(r"embed|latents|lm_head", name)
                (muon if hidden else adam).append(parameter)
        return [
            torch.optim.Muon([{"params": muon, "peak_lr": settings.muon}], lr=settings.muon, weight_decay=0.02),
            torch.optim.AdamW([{"params": adam, "peak_lr": settings.adam}], lr=settings.adam, betas=(0.9, 0.98)),
        ]
