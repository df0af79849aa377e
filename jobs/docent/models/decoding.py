"""Settings for generating answers: greedy decoding, with docent's settings only, up to a token limit.

The `generation_config.json` of a model folder (penalties, sampling, minimum lengths, forbidden or forced tokens) is not
used, because models can only be compared if all are decoded alike. `ignored_settings` lists what would have mattered.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml

from docent.models.chat import as_text, token_ids
from docent.models.family import family_of

MAX_LIMIT = 1024
"""Highest limit that is derived from training answers, in tokens."""
NO_ANSWERS_LIMIT = 256
"""The limit if there are no training answers to derive it from, in tokens."""

SETTINGS: dict[str, Any] = yaml.safe_load(
    resources.files(__package__).joinpath("greedy.yaml").read_text(encoding="utf-8")
)
"""Every setting that could change an answer, at its neutral value, so that the most likely token is always taken."""
OWN_LIMITS = ("max_length", "max_new_tokens")  # docent's limit replaces them and is recorded separately


@dataclass(frozen=True)
class Limit:
    """The limit for the length of an answer.

    Attributes:
        max_new_tokens: the limit, in tokens of the model.
        longest_tokens: length of the longest training answer in tokens, if the limit was derived from it.
    """

    max_new_tokens: int
    longest_tokens: int | None = None


def limit_of(processor: Any, configured: int | None, train_answers: Iterable[str]) -> Limit:
    """Return the configured limit, or by default the longest training answer plus a tenth, at most MAX_LIMIT tokens.

    The tenth, rounded up, leaves room for the token that ends an answer.
    """
    if configured is not None:
        return Limit(configured)
    texts = [as_text(processor, answer) for answer in sorted(set(train_answers))]
    if not texts:
        return Limit(NO_ANSWERS_LIMIT)
    longest = max(len(ids) for ids in token_ids(processor, texts))
    return Limit(min(MAX_LIMIT, longest + -(-longest // 10)), longest)


def generation_config(model: Any, processor: Any, max_new_tokens: int) -> Any:
    """Return docent's complete transformers.GenerationConfig for this model, with the token ids of its tokenizer."""
    from transformers import GenerationConfig

    tokenizer = processor.tokenizer
    return GenerationConfig(
        **SETTINGS,
        max_new_tokens=max_new_tokens,
        eos_token_id=end_ids(model, processor),
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
    )


@contextmanager
def in_place(model: Any, config: Any) -> Iterator[None]:
    """Replace the model's generation config inside the context; `generate` would fill gaps in ours from it."""
    own = model.generation_config
    model.generation_config = config
    try:
        yield
    finally:
        model.generation_config = own


def ignored_settings(model: Any) -> dict[str, Any]:
    """Return the settings of the model's own config that could have changed answers: name to value, sorted by name."""
    own = json.loads(model.generation_config.to_json_string(use_diff=False))
    return {
        name: own[name]
        for name in sorted(own.keys() & SETTINGS.keys() - set(OWN_LIMITS))
        if own[name] is not None and own[name] != SETTINGS[name]
    }


def end_ids(model: Any, processor: Any) -> list[int]:
    """Return the ids of the tokens that end an answer."""
    ends = {processor.tokenizer.eos_token_id, end_of_answer_id(model, processor)}
    return sorted(ends - {None})


def end_of_answer_id(model: Any, processor: Any) -> int:
    """Return the id of the token that ends an answer."""
    return int(processor.tokenizer.convert_tokens_to_ids(family_of(model).END_OF_ANSWER))
