"""Build models without weights, on PyTorch's meta device, to count parameters and bytes.

Reads `config.json` of a model folder, or of a hub model that is in the cache or can be downloaded; writes nothing.
A model of 8 billion parameters takes about 3 s and no memory worth mentioning.
"""

import math
import os
from pathlib import Path
from typing import Any

import torch

from docent.errors import ConfigError

FIX = "use a model folder with a config.json: --set finetune.base_model=FOLDER"
PROBE_TOKENS = 397
"""Sequence length of the counted forward pass: a prime, so that no other dimension of a model is likely to equal it."""


def model_without_weights(name: str, dtype: str) -> Any:
    """Return a model whose parameters have shapes and dtypes, but no values.

    Args:
        name: a model folder, or `owner/name` on the hub.
        dtype: `float32` or `bfloat16`.

    Raises:
        ConfigError: its configuration is missing, damaged, or not that of an image-text-to-text model.
    """
    local = Path(name).is_dir() or os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0")
    from accelerate import init_empty_weights
    from transformers import AutoConfig, AutoModelForImageTextToText

    try:
        config = AutoConfig.from_pretrained(name, local_files_only=local, trust_remote_code=False)
        with init_empty_weights(include_buffers=True):
            return AutoModelForImageTextToText.from_config(config, dtype=getattr(torch, dtype))
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConfigError(f"cannot read the configuration of {name!r}: {reason}", "finetune.base_model", FIX) from None


def activation_bytes_per_token(model: Any) -> float:
    """Count the bytes that a forward pass keeps for the backward pass, per token of the text model and its head.

    Runs the text model, with adapters if it has them, on the meta device and adds up what autograd saves. Matrices of
    tokens by tokens are left out, since fused attention kernels recompute them. In the vision tower nothing is saved
    while it is frozen.

    Args:
        model: a model from `model_without_weights`; which of its parameters are trainable decides what is saved.
    """
    text, head = model.model.text_model, model.lm_head
    dtype, width = head.weight.dtype, model.config.text_config.hidden_size
    weights = {parameter.untyped_storage()._cdata for parameter in model.parameters()}
    saved: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in weights and tuple(tensor.shape[-2:]) != (PROBE_TOKENS, PROBE_TOKENS):
            saved[storage._cdata] = storage
        return tensor

    embedded = torch.empty(1, PROBE_TOKENS, width, dtype=dtype, device="meta")
    # A mask of four dimensions is used as it is; others are inspected, which meta tensors do not support.
    mask = torch.empty(1, 1, PROBE_TOKENS, PROBE_TOKENS, dtype=torch.bool, device="meta")
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        hidden = text(inputs_embeds=embedded, attention_mask=mask, use_cache=False).last_hidden_state
        logits = head(hidden).float()[0]
        torch.nn.functional.cross_entropy(logits, torch.empty(PROBE_TOKENS, dtype=torch.long, device="meta"))
    return math.fsum(storage.nbytes() for storage in saved.values()) / PROBE_TOKENS
