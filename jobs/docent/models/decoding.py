"""Settings of generation: greedy, by docent's settings alone, up to a limit of tokens.

A model folder's own `generation_config.json` (penalties, sampling, minimum lengths, forbidden or forced tokens) is not
used, because models that are compared must be decoded alike; `ignored_settings` lists what would have had an effect.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from docent.models.chat import as_text, token_ids
from docent.models.family import family_of

MAX_LIMIT = 1024
"""Highest limit that is derived from training answers, in tokens."""
NO_ANSWERS_LIMIT = 256
"""The limit where there are no training answers to derive it from."""

SETTINGS: dict[str, Any] = {
    "do_sample": False,
    "num_beams": 1,
    "num_beam_groups": 1,
    "num_return_sequences": 1,
    "temperature": 1.0,
    "top_k": 50,
    "top_p": 1.0,
    "min_p": None,
    "top_h": None,
    "typical_p": 1.0,
    "epsilon_cutoff": 0.0,
    "eta_cutoff": 0.0,
    "repetition_penalty": 1.0,
    "encoder_repetition_penalty": 1.0,
    "length_penalty": 1.0,
    "diversity_penalty": 0.0,
    "exponential_decay_length_penalty": None,
    "no_repeat_ngram_size": 0,
    "encoder_no_repeat_ngram_size": 0,
    "min_length": 0,
    "min_new_tokens": None,
    "max_length": None,
    "max_time": None,
    "stop_strings": None,
    "early_stopping": False,
    "bad_words_ids": None,
    "force_words_ids": None,
    "suppress_tokens": None,
    "begin_suppress_tokens": None,
    "forced_bos_token_id": None,
    "forced_eos_token_id": None,
    "decoder_start_token_id": None,
    "sequence_bias": None,
    "constraints": None,
    "guidance_scale": None,
    "watermarking_config": None,
    "penalty_alpha": None,
    "dola_layers": None,
    "token_healing": False,
    "renormalize_logits": False,
    "remove_invalid_values": False,
    "prompt_lookup_num_tokens": None,
    "use_cache": True,
    "cache_implementation": None,
}
"""Every setting that could change an answer, at its neutral value, so that the likeliest token is taken."""
OWN_LIMITS = ("max_length", "max_new_tokens")  # replaced by docent's limit, which is recorded separately


@dataclass(frozen=True)
class Limit:
    """The longest answer allowed.

    Attributes:
        max_new_tokens: in tokens of the model.
        longest_tokens: the longest training answer, where the limit was derived from it.
    """

    max_new_tokens: int
    longest_tokens: int | None = None


def limit_of(processor: Any, configured: int | None, train_answers: Iterable[str]) -> Limit:
    """Return the configured limit; by default the longest training answer plus a tenth, at most MAX_LIMIT tokens.

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
    """Replace the model's own configuration for a while: `generate` fills from it what is None in ours."""
    own = model.generation_config
    model.generation_config = config
    try:
        yield
    finally:
        model.generation_config = own


def ignored_settings(model: Any) -> dict[str, Any]:
    """Return what the model's own configuration would have changed: setting to value, in alphabetical order."""
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
    return int(processor.tokenizer.convert_tokens_to_ids(family_of(model).end_of_answer))
