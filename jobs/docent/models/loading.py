"""Load base and fine-tuned models from a folder or the Hugging Face hub.

Reads safetensors only, and runs no code from the hub; writes nothing. A folder is loaded without network access. A
problem with a model becomes one message that names the file, if known, and the next command.
"""

import os
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from docent.errors import ConfigError, InputError
from docent.models import inference
from docent.models.adapters import merge_adapter
from docent.models.chat import prompt_text
from docent.models.decoding import end_of_answer_id
from docent.models.embeddings import add_pad_token
from docent.models.family import FAMILIES
from docent.models.weights import ADAPTER, UnusableModelError, damage_in, first_line, unfitting_tensors

FIX = "name a folder with config.json and model.safetensors, or a model of the hub: --set finetune.base_model=..."
AGAIN = "to train it again if its files have changed since: docent run --verify"


def load_base(name: str, dtype: str | None = "float32") -> tuple[Any, Any]:
    """Load a base model in evaluation mode, and its processor.

    Args:
        name: a model folder, or `owner/name` on the hub.
        dtype: `float32` or `bfloat16`; None keeps the dtype that the weights are stored in.

    Raises:
        ConfigError: the model does not exist or is damaged.
    """
    local = Path(name).is_dir()
    if not local and (Path(name).parent.is_dir() and Path(name).parent != Path() or name.count("/") != 1):
        raise ConfigError(f"base model {name!r}: there is no such folder", "finetune.base_model", FIX)
    try:
        return _load(name, dtype, local)
    except UnusableModelError as error:
        raise ConfigError(f"base model {name!r} cannot be loaded: {error}", "finetune.base_model", FIX) from None


def load_tuned(base: str, folder: Path, dtype: str = "float32") -> tuple[Any, Any]:
    """Load a fine-tuned model in evaluation mode, and its processor; an adapter is merged into the base model.

    Args:
        base: the base model, by the name used in training.
        folder: finetune's `model/` folder; it has an adapter or full weights.
        dtype: `float32` or `bfloat16`.

    Raises:
        ConfigError: the folder or the base model is missing, or the base model is damaged.
        InputError: the fine-tuned model is damaged, or the adapter belongs to another base model.
    """
    adapter = (folder / "adapter_config.json").is_file() or (folder / ADAPTER).is_file()
    if not adapter and not (folder / "config.json").is_file():
        raise ConfigError("no fine-tuned model here", str(folder), "docent run --to finetune")
    try:
        if not adapter:
            return _load(str(folder), dtype, local=True)
        if problem := damage_in(folder, "adapter_config.json", ADAPTER):
            raise UnusableModelError(problem)
        processor = _processor(str(folder), local=True)
        # The adapter is added to the stored numbers; in bfloat16, most of its small changes would be rounded away.
        model, _ = load_base(base, None if dtype == "bfloat16" else dtype)
        tuned = merge_adapter(model, base, folder, getattr(torch, dtype))
        _check(tuned, processor)
    except UnusableModelError as error:
        raise InputError(f"the fine-tuned model cannot be loaded: {error}", str(folder), AGAIN) from None
    return tuned, processor


def _load(name: str, dtype: str | None, local: bool) -> tuple[Any, Any]:
    """Load a model and its processor; without a dtype, in the dtype that the weights are stored in.

    Raises:
        UnusableModelError: the model or the processor is missing or damaged, or they do not match.
    """
    if local and (problem := damage_in(Path(name))):
        raise UnusableModelError(problem)
    local = local or os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0")
    if local:
        os.environ["HF_HUB_OFFLINE"] = "1"
    from huggingface_hub import hf_hub_download
    from transformers import AutoModelForImageTextToText
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    try:
        if not local:  # try a small file first: without a network, each of the other files would take 30 s to fail
            hf_hub_download(name, "config.json")
        processor = _processor(name, local)
        model, report = AutoModelForImageTextToText.from_pretrained(
            name,
            dtype=getattr(torch, dtype) if dtype else "auto",
            local_files_only=local,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # reported below, with the names of the tensors
        )
    except (torch.OutOfMemoryError, UnusableModelError):
        raise
    except Exception as error:  # the library raises all kinds of exceptions for damage, even ZeroDivisionError
        raise UnusableModelError(first_line(error)) from error
    if problem := unfitting_tensors(report):
        raise UnusableModelError(problem)
    add_pad_token(model, processor)
    model = model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
    _check(model, processor)
    return model, processor


def _processor(name: str, local: bool) -> Any:
    """Load the processor of a model.

    Raises:
        UnusableModelError: the processor is missing or damaged.
    """
    from transformers import AutoProcessor

    try:
        # Pillow and torchvision resize to slightly different pixels; a single backend keeps machines comparable.
        return AutoProcessor.from_pretrained(name, local_files_only=local, backend="pil", trust_remote_code=False)
    except BaseException as error:  # tokenizers raise bare `Exception`s, and Rust panics
        if not _is_of_library(error):
            raise
        raise UnusableModelError(f"its processor or tokenizer: {first_line(error)}") from error


@torch.no_grad()
def _check(model: Any, processor: Any) -> None:
    """Ask a trial question about a grey picture, to detect damage that loading does not report.

    Raises:
        UnusableModelError: weights are not finite, there is no chat template, or the processor is of another model.
    """
    for name, parameter in model.named_parameters():
        if not bool(torch.isfinite(parameter).all()):
            raise UnusableModelError(f"{name} contains NaN or infinite values")
    if model.config.model_type not in FAMILIES:
        return  # family_of raises the error when the model is used
    try:
        ids = processor(text=[prompt_text(processor, "?")])["input_ids"][0]
        end = end_of_answer_id(model, processor)
        inference.generate(model, processor, [Image.new("RGB", (8, 8), "grey")], ["?"], 1)
    except torch.OutOfMemoryError:
        raise
    except BaseException as error:  # a chat template is code that can raise any exception
        if not _is_of_library(error):
            raise
        raise UnusableModelError(f"a trial question failed: {first_line(error)}") from error
    largest = max(end, len(processor.tokenizer) - 1)
    if model.config.image_token_id not in ids or end in (None, processor.tokenizer.unk_token_id):
        raise UnusableModelError("its tokenizer does not know the tokens for a picture and for the end of an answer")
    if largest >= (rows := model.get_input_embeddings().weight.shape[0]):
        raise UnusableModelError(f"its tokenizer has {largest + 1} tokens and the model {rows}")


def _is_of_library(error: BaseException) -> bool:
    """Return whether an error is a library failure: any `Exception`, or a panic of Rust code, which is not one."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"
