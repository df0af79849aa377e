"""Inspect a base model before it is loaded: its type, its number of parameters, and the memory that it needs.

Reads `config.json` and the headers of the weights in a model folder; for a model on the hub, reads the cache, then the
hub itself (one short request). Writes nothing and does not import torch.
"""

import json
import logging
import math
import re
from pathlib import Path
from typing import Any

from docent.config.stages import Finetune

log = logging.getLogger("docent.launcher.local.base_model")

TRAINED_TYPES = ("idefics2",)
"""`model_type` of each model that docent has an adapter for (models/family.py); a test compares both."""
HUB_TIMEOUT_S = 5.0
MAX_HEADER_BYTES = 100_000_000
"""The limit of the safetensors format."""
DTYPE_BYTES = {"float32": 4, "bfloat16": 2}
COPIES_IN_FULL = 4
"""Weights, gradients and the two moments of AdamW (Loshchilov & Hutter 2019)."""
_BILLIONS = re.compile(r"(?<!\d)(\d++(?:\.\d++)?)b(?![a-z0-9])", re.IGNORECASE)


def is_missing_folder(name: str) -> bool:
    """Return whether the name of a base model is a path to a folder that does not exist."""
    path = Path(name)
    return not path.is_dir() and ((path.parent.is_dir() and path.parent != Path()) or name.count("/") != 1)


def type_of(name: str) -> str | None:
    """Return the `model_type` of a base model, or None if the file or the network is missing."""
    path = Path(name)
    if path.is_dir():
        return _type_in(path / "config.json")
    try:
        from huggingface_hub import HfApi, try_to_load_from_cache
    except ImportError:
        return None
    try:
        cached = try_to_load_from_cache(name, "config.json")
        if isinstance(cached, str):
            return _type_in(Path(cached))
        config = HfApi().model_info(name, timeout=HUB_TIMEOUT_S, expand=["config"]).config
    except Exception as error:  # noqa: BLE001 - any HTTP library may raise; loading the model checks its type again
        log.info("the type of %s is unknown: %s", name, error)
        return None
    return _model_type(config)


def parameters_of(name: str) -> int | None:
    """Return the parameter count of a base model: from the weights in a folder, or from its name (`idefics2-8b`)."""
    path = Path(name)
    if path.is_dir():
        return sum(map(_parameters_in, path.glob("*.safetensors"))) or None
    billions = _BILLIONS.search(name)
    return int(float(billions[1]) * 1e9) if billions else None


def memory_bytes(parameters: int, section: Finetune, trains: bool) -> int:
    """Return the minimum memory that a model needs: its weights, plus gradients and optimiser state if trained `full`.

    Args:
        trains: whether the model is trained, not only used for inference.
    """
    in_full = trains and section.enabled and any(approach.kind == "full" for approach in section.approaches)
    return parameters * DTYPE_BYTES[section.dtype] * (COPIES_IN_FULL if in_full else 1)


def _type_in(path: Path) -> str | None:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # loading the model later reports the error in full
    return _model_type(config)


def _model_type(config: Any) -> str | None:
    kind = config.get("model_type") if isinstance(config, dict) else None
    return kind if isinstance(kind, str) else None


def _parameters_in(path: Path) -> int:
    """Return the number of elements of all tensors in a safetensors file, or 0 if its header cannot be read."""
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(size)) if size <= MAX_HEADER_BYTES else {}
        return sum(math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return 0
