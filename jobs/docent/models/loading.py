"""Models from a folder or the Hugging Face hub: the base model, and what fine-tuning made of it.

Reads model folders (safetensors only, no code from the hub); writes nothing. A folder is read without the network.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import torch

from docent.errors import ConfigError, InputError
from docent.models.inference import generate, vision_features

__all__ = ["device", "generate", "load_base", "load_tuned", "vision_features"]

MEND = "name a folder with config.json and model.safetensors, or a model of the hub: --set finetune.base_model=..."


def device() -> torch.device:
    """The GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load_base(name: str, dtype: str = "float32") -> tuple[Any, Any]:
    """The base model in evaluation mode and its processor.

    Args:
        name: a model folder, or `owner/name` on the hub.
        dtype: `float32` or `bfloat16`.

    Raises:
        ConfigError: there is no such model.
    """
    local = Path(name).is_dir()
    if not local and (Path(name).parent.is_dir() and Path(name).parent != Path() or name.count("/") != 1):
        raise ConfigError(f"base model {name!r}: there is no such folder", "finetune.base_model", MEND)
    local = local or os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0")
    if local:
        os.environ["HF_HUB_OFFLINE"] = "1"
    from huggingface_hub import hf_hub_download
    from transformers import AutoModelForImageTextToText
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    try:
        if not local:  # one small file first: without a network each of the others would be tried for half a minute
            hf_hub_download(name, "config.json")
        processor = _processor(name, local)
        model = AutoModelForImageTextToText.from_pretrained(
            name, dtype=getattr(torch, dtype), local_files_only=local, use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise ConfigError(f"base model {name!r} cannot be loaded: {first}", "finetune.base_model", MEND) from None
    return model.to(device()).eval(), processor


def load_tuned(base: str, folder: Path, dtype: str = "float32") -> tuple[Any, Any]:
    """A fine-tuned model in evaluation mode and its processor; an adapter is merged into the base model.

    Args:
        base: what the base model was called in training.
        folder: the `model/` folder of finetune: an adapter, or whole weights.
        dtype: `float32` or `bfloat16`.

    Raises:
        ConfigError: the folder or the base model is missing.
        InputError: the adapter does not belong to this base model.
    """
    if not (folder / "adapter_config.json").is_file():
        if not (folder / "config.json").is_file():
            raise ConfigError("no fine-tuned model here", str(folder), "docent run --to finetune")
        return load_base(str(folder), dtype)
    from peft import PeftModel, get_peft_model_state_dict
    from safetensors import safe_open

    model, _ = load_base(base, dtype)
    with warnings.catch_warnings(action="ignore"):  # what could matter is checked below
        tuned = PeftModel.from_pretrained(model, str(folder), local_files_only=True)
    with safe_open(str(folder / "adapter_model.safetensors"), framework="pt") as stored:
        kept = set(stored.keys())
    # peft only warns about adapter tensors that found no place, and then answers like the base model.
    if kept != set(get_peft_model_state_dict(tuned, save_embedding_layers=False)):
        raise InputError(f"the adapter does not fit {base}", str(folder), "name the base model it was trained on")
    return tuned.merge_and_unload().eval(), _processor(str(folder), local=True)


def _processor(name: str, local: bool) -> Any:
    from transformers import AutoProcessor

    # Pillow and torchvision resize to slightly different pixels; one backend keeps machines comparable.
    return AutoProcessor.from_pretrained(name, local_files_only=local, backend="pil", trust_remote_code=False)
