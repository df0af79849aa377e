"""Load an adapter and merge it into its base model.

Reads `adapter_config.json` and `adapter_model.safetensors` of finetune's `model/` folder; writes nothing.
"""

import warnings
from pathlib import Path
from typing import Any

import torch

from docent.errors import InputError
from docent.models.embeddings import has_added_rows
from docent.models.weights import ADAPTER, UnusableModelError, first_line


def merge_adapter(model: Any, base: str, folder: Path, dtype: torch.dtype) -> Any:
    """Return the model in evaluation mode with the adapter merged into it, all weights in `dtype`.

    Args:
        model: the base model, best in the dtype that its weights are stored in.
        base: name of the base model, for messages.
        folder: folder of the adapter.

    Raises:
        UnusableModelError: the adapter cannot be read.
        InputError: the adapter belongs to another base model.
    """
    from peft import PeftModel, get_peft_model_state_dict
    from safetensors import safe_open

    refused = InputError(f"the adapter does not fit {base}", str(folder), "name the base model it was trained on")
    try:
        with warnings.catch_warnings(action="ignore"):  # the relevant problems are checked below
            tuned = PeftModel.from_pretrained(model, str(folder), local_files_only=True)
        with safe_open(str(folder / ADAPTER), framework="pt") as stored:
            kept = set(stored.keys())
        own = set(get_peft_model_state_dict(tuned, save_embedding_layers=has_added_rows(model)))
        if kept == own:
            return merged(tuned, dtype)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        if "size mismatch" in str(error):
            raise refused from None
        raise UnusableModelError(first_line(error)) from error
    except Exception as error:
        raise UnusableModelError(first_line(error)) from error
    raise refused  # peft only warns about adapter tensors that do not fit, and the model would answer like the base


@torch.no_grad()
def merged(tuned: Any, dtype: torch.dtype) -> Any:
    """Merge the adapter of a peft model, and return the model inside it in evaluation mode, in `dtype`.

    Each product is added in float32 and rounded once. Layers take turns, so that only one is in float32 at a time.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer

    for layer in tuned.modules():
        if isinstance(layer, BaseTunerLayer):
            layer.float()
            layer.merge()
            layer.to(dtype)
    model = tuned.unload()
    cast_parameters(model, dtype)
    return model.eval()


def cast_parameters(model: Any, dtype: torch.dtype) -> None:
    """Convert all parameters to `dtype`, but no buffers: the frequencies of the position encoding stay in float32."""
    for parameter in model.parameters():
        parameter.data = parameter.data.to(dtype)
