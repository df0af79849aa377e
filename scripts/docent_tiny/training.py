"""Pretrain docent-tiny in two stages: the vision tower alone, then the complete model with text.

Reads the pictures and labels of `shapes.render_shapes`; writes a checkpoint every few minutes. Both stages
pull two views of the same shape together (InfoNCE), so that the features distinguish objects; the
second stage adds the language-model loss on short answers.
"""

import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import Idefics2ForConditionalGeneration, Idefics2Processor
from transformers.modeling_outputs import BaseModelOutputWithPooling

from docent_tiny.batches import Pictures, answer_labels, augment, chat_messages, to_pixels
from docent_tiny.captions import caption_turns, copy_turn
from docent_tiny.model import END_OF_UTTERANCE
from docent_tiny.shapes import BACKGROUNDS, COLOURS, FAMILIES

TEMPERATURE = 0.1


@dataclass(frozen=True)
class Stage:
    """One stage of training. A stage ends after its steps or its minutes, whichever comes first."""

    name: str
    steps: int
    minutes: float
    shapes_per_step: int
    text_rows: int
    family_weight: float
    look_weight: float
    contrast_weight: float
    muon_vision: float
    muon_rest: float
    adam_vision: float
    adam_rest: float
    warm_up_steps: int = 50


class Heads(nn.Module):
    """Small heads on the mean-pooled features; they are discarded after pretraining."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project = nn.Sequential(nn.Linear(width, 256), nn.GELU(), nn.Linear(256, 128))
        self.family = nn.Linear(width, len(FAMILIES))
        self.looks = nn.ModuleList([nn.Linear(width, n) for n in (3, len(COLOURS), len(BACKGROUNDS), 3, 2)])


class Trainer:
    """The model, its heads, the data and the random state, shared by both stages."""

    def __init__(
        self,
        model: Idefics2ForConditionalGeneration,
        processor: Idefics2Processor,
        pictures: Pictures,
        english: list[str],
        seed: int,
    ) -> None:
        self.model, self.processor, self.pictures, self.english = model, processor, pictures, english
        self.heads = Heads(model.config.vision_config.hidden_size)
        self.rng = np.random.default_rng(seed)
        self.word_rng = random.Random(seed)
        self.answer_start = processor.tokenizer("Assistant:", add_special_tokens=False).input_ids
        self.answer_end = processor.tokenizer.convert_tokens_to_ids(END_OF_UTTERANCE)

    def run_stage(self, stage: Stage, checkpoint: Path, checkpoint_minutes: float = 4.0) -> dict[str, float]:
        """Train one stage, from its checkpoint if there is one; return the mean losses of the last 50 steps."""
        optimizers = self._optimizers(stage)
        step, earlier_s = self._resume(stage, checkpoint, optimizers)
        spent_s, sums = earlier_s, []
        begin = saved = time.monotonic()
        while step < stage.steps and spent_s < stage.minutes * 60:
            progress = max(step / stage.steps, spent_s / (stage.minutes * 60))
            scale = min(1.0, (step + 1) / stage.warm_up_steps, 2 * (1 - progress) + 0.02)
            for optimizer in optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = group["peak_lr"] * scale
            losses = self._losses(stage)
            losses["total"].backward()
            nn.utils.clip_grad_norm_(self._parameters(stage), 5.0)
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            sums.append({name: value.item() for name, value in losses.items()})
            step += 1
            spent_s = earlier_s + time.monotonic() - begin
            if step % 50 == 0 or step == stage.steps:
                print(
                    f"{stage.name} step {step} {spent_s:.0f} s {_mean_of(sums[-50:])}",
                    file=sys.stderr,
                    flush=True,
                )
            if time.monotonic() - saved > checkpoint_minutes * 60:
                self._save(stage, checkpoint, optimizers, step, spent_s)
                saved = time.monotonic()
        self._save(stage, checkpoint, optimizers, step, spent_s)
        return {"steps": step, "seconds": round(spent_s), **_mean_of(sums[-50:])}

    @torch.no_grad()
    def retrieval_accuracy(self) -> tuple[float, float]:
        """Return how often the nearest second view shows the same held-out shape, and the chance level."""
        held = self.pictures.images[-self.pictures.held_out :]
        views = [self._pooled(torch.from_numpy(held[:, view].copy())) for view in (0, 1)]
        nearest = (views[0] @ views[1].T).argmax(1)
        return (nearest == torch.arange(len(held))).float().mean().item(), 1 / len(held)

    def _pooled(self, images: Tensor) -> Tensor:
        vision = self.model.model.vision_model
        parts = [vision(pixel_values=to_pixels(part)).last_hidden_state.mean(1) for part in images.split(100)]
        return functional.normalize(torch.cat(parts), dim=1)

    def _losses(self, stage: Stage) -> dict[str, Tensor]:
        chosen = self.pictures.draw_shapes(self.rng, stage.shapes_per_step)
        pair = np.stack([self.rng.permutation(self.pictures.images.shape[1])[:2] for _ in chosen])
        rows = np.concatenate([chosen, chosen])
        views = np.concatenate([pair[:, 0], pair[:, 1]])
        labels = self.pictures.labels[rows, views]
        pixels = augment(to_pixels(torch.from_numpy(self.pictures.images[rows, views])), self.rng)
        hidden = self.model.model.vision_model(pixel_values=pixels).last_hidden_state
        pooled = hidden.mean(1)
        targets = torch.from_numpy(labels.astype(np.int64))
        looks = [functional.cross_entropy(h(pooled), targets[:, i + 1]) for i, h in enumerate(self.heads.looks)]
        losses = {
            "contrast": contrast_loss(self.heads.project(pooled)),
            "family": functional.cross_entropy(self.heads.family(pooled), targets[:, 0]),
            "looks": torch.stack(looks).mean(),
        }
        total = stage.contrast_weight * losses["contrast"] + stage.family_weight * losses["family"]
        total = total + stage.look_weight * losses["looks"]
        if stage.text_rows:
            losses["text"] = self._text_loss(hidden[: stage.text_rows], labels[: stage.text_rows])
            total = total + losses["text"]
        with torch.no_grad():
            losses["family_accuracy"] = (self.heads.family(pooled).argmax(1) == targets[:, 0]).float().mean()
        return {"total": total, **losses}

    def _text_loss(self, hidden: Tensor, labels: np.ndarray) -> Tensor:
        """Return the language-model loss on a two-turn dialogue per picture; reuses the vision features."""
        mask = torch.ones(hidden.shape[:2], dtype=torch.bool)
        latents = self.model.model.connector(hidden, attention_mask=mask)
        seen = BaseModelOutputWithPooling(last_hidden_state=hidden, pooler_output=list(latents))
        inputs = self.processor(
            text=[self._dialogue(row.tolist()) for row in labels], padding=True, return_tensors="pt"
        )
        targets = answer_labels(inputs["input_ids"], self.answer_start, self.answer_end)
        return self.model(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            mm_encoder_outputs={"image": seen},
            labels=targets,
            use_cache=False,
        ).loss

    def _dialogue(self, labels: list[int]) -> str:
        turns = caption_turns(self.word_rng, labels)[:2]
        if self.word_rng.random() < 0.4:
            turns[self.word_rng.randrange(2)] = copy_turn(self.word_rng, self.english)
        return self.processor.apply_chat_template(chat_messages(turns))

    def _parameters(self, stage: Stage) -> list[nn.Parameter]:
        part = self.model if stage.text_rows else self.model.model.vision_model
        return [*part.parameters(), *self.heads.parameters()]

    def _optimizers(self, stage: Stage) -> list[torch.optim.Optimizer]:
        """Return Muon for the hidden matrices, AdamW for embeddings, norms, biases and heads."""
        muon: dict[bool, list[nn.Parameter]] = {True: [], False: []}
        adam: dict[bool, list[nn.Parameter]] = {True: [], False: list(self.heads.parameters())}
        for name, parameter in self.model.named_parameters():
            is_vision = ".vision_model." in name
            is_hidden = parameter.ndim == 2 and "embed" not in name and "latents" not in name and "lm_head" not in name
            if is_vision or stage.text_rows:
                (muon if is_hidden else adam)[is_vision].append(parameter)
        rates = {True: (stage.muon_vision, stage.adam_vision), False: (stage.muon_rest, stage.adam_rest)}
        muon_groups = [{"params": muon[key], "peak_lr": rates[key][0]} for key in muon if muon[key]]
        adam_groups = [{"params": adam[key], "peak_lr": rates[key][1]} for key in adam]
        return [
            torch.optim.Muon(muon_groups, lr=stage.muon_vision, weight_decay=0.05),
            torch.optim.AdamW(adam_groups, lr=stage.adam_vision, betas=(0.9, 0.98), weight_decay=0.01),
        ]

    def _save(
        self, stage: Stage, path: Path, optimizers: list[torch.optim.Optimizer], step: int, spent_s: float
    ) -> None:
        state = {
            "stage": stage.name,
            "step": step,
            "spent_s": spent_s,
            "model": self.model.state_dict(),
            "heads": self.heads.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in optimizers],
            "rng": self.rng.bit_generator.state,
            "word_rng": self.word_rng.getstate(),
        }
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def _resume(self, stage: Stage, path: Path, optimizers: list[torch.optim.Optimizer]) -> tuple[int, float]:
        if not path.exists():
            return 0, 0.0
        state = torch.load(path, weights_only=False)
        if state["stage"] != stage.name:
            return 0, 0.0
        self.model.load_state_dict(state["model"])
        self.heads.load_state_dict(state["heads"])
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.rng.bit_generator.state = state["rng"]
        self.word_rng.setstate(state["word_rng"])
        return int(state["step"]), float(state["spent_s"])


def contrast_loss(projected: Tensor) -> Tensor:
    """Return InfoNCE between the first and the second half of the rows: view one and view two of each shape."""
    unit = functional.normalize(projected, dim=1)
    similarity = unit @ unit.T / TEMPERATURE
    similarity.fill_diagonal_(float("-inf"))
    half = len(unit) // 2
    return functional.cross_entropy(similarity, torch.cat([torch.arange(half) + half, torch.arange(half)]))


def _mean_of(records: list[dict[str, float]]) -> dict[str, float]:
    names = records[-1] if records else ()
    return {name: round(float(np.mean([record[name] for record in records])), 3) for name in names}
