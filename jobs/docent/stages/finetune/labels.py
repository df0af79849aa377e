"""Turn data set rows into token ids and labels; only the answer and the token that ends it are supervised.

The start of the answer is found by comparing its token ids with those of the prompt alone, never by searching for a
marker in the text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence

from docent.errors import InputError
from docent.models.chat import dialog_text, prompt_text, token_ids
from docent.models.decoding import end_of_answer_id
from docent.records import Example

IGNORED = -100


@dataclass(frozen=True)
class Encoded:
    """One row: its token ids, the length of the prompt in tokens, and the path of its photo."""

    ids: tuple[int, ...]
    prompt_length: int
    photo: Path

    @property
    def supervised(self) -> int:
        """Return the number of supervised tokens."""
        return len(self.ids) - self.prompt_length


def encode(model: Any, processor: Any, example: Example, photo: Path) -> Encoded:
    """Return the token ids of one row, and where its answer begins.

    Raises:
        InputError: the answer is empty or cannot be located.
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
    """Return a batch padded on the right: `input_ids`, `attention_mask`, `labels`, each int64 (rows, longest row)."""
    ids = [torch.tensor(row.ids) for row in rows]
    labels = [tokens.clone() for tokens in ids]
    for row, tokens in zip(rows, labels, strict=True):
        tokens[: row.prompt_length] = IGNORED
    return {
        "input_ids": pad_sequence(ids, batch_first=True, padding_value=pad_id),
        "attention_mask": pad_sequence([torch.ones_like(tokens) for tokens in ids], batch_first=True),
        "labels": pad_sequence(labels, batch_first=True, padding_value=IGNORED),
    }
