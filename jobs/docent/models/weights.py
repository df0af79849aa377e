"""Find damaged files and unfitting tensors of a model; reads headers and JSON, writes nothing.

Libraries often report a damaged file without its name, and only warn about tensors that they fill with random numbers.
Only safetensors are read; a pickle could run code.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

MAX_JSON_BYTES = 256 << 20
LFS_POINTER = b"version https://git-lfs"
FLOATS = frozenset({"F64", "F32", "F16", "BF16"})
MODEL, ADAPTER = "model.safetensors", "adapter_model.safetensors"
INDEX = "model.safetensors.index.json"
DESCRIPTIONS = (
    "config.json",
    "adapter_config.json",
    "generation_config.json",
    "processor_config.json",
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.json",
    INDEX,
)
"""Files that libraries read; each has one JSON object."""
PICKLES = ("pytorch_model.bin", "adapter_model.bin", "pytorch_model.bin.index.json")
POINTER = "a git-lfs pointer, not the file itself: run `git lfs pull` in the repository it comes from"

MAX_NAMES = 5
"""Tensors that a message names."""


class UnusableModelError(Exception):
    """A model cannot be loaded; callers turn this into a docent error with the next command."""


def damage_in(folder: Path, config: str = "config.json", weights: str = MODEL) -> str:
    """Return the first missing or damaged file of a model or adapter folder, and why, or "" if there is none.

    Args:
        config: the file that describes the model.
        weights: the weights file of an unsharded model.
    """
    present = [folder / name for name in DESCRIPTIONS if (folder / name).exists()]
    for path in dict.fromkeys([folder / config, *present]):
        if problem := _problem_with_json(path):
            return f"{path.name}: {problem}"
    quantized = "quantization_config" in json.loads((folder / config).read_bytes())
    names = [weights]
    if weights == MODEL and not (folder / MODEL).is_file() and (folder / INDEX).is_file():
        places = json.loads((folder / INDEX).read_bytes()).get("weight_map")
        if not isinstance(places, dict) or not places or not all(map(_is_file_name, places.values())):
            return f"{INDEX}: lists no weight files of this folder"
        names = sorted(set(places.values()))
    for name in names:
        if problem := _problem_with_weights(folder / name, quantized):
            return f"{name}: {problem}"
    return ""


def unfitting_tensors(report: Mapping[str, Any]) -> str:
    """Return which tensors do not fit the model of config.json, or "" if all fit; a renamed one is listed twice.

    Args:
        report: the loading info of `from_pretrained`. The library fills missing and mismatched tensors with random
            numbers, which differ between processes, and leaves unexpected ones out.
    """
    shapes = sorted(f"{name} ({tuple(got)} instead of {tuple(due)})" for name, got, due in report["mismatched_keys"])
    problems = {
        "missing tensors": sorted(report["missing_keys"]),
        "tensors that config.json does not describe": sorted(report["unexpected_keys"]),
        "tensors of another shape": shapes,
    }
    return "; ".join(f"{len(names)} {what}: {_listed(names)}" for what, names in problems.items() if names)


def first_line(error: BaseException) -> str:
    """Return the kind of an error and the first line of its message."""
    if isinstance(error, MemoryError):  # a damaged header can request any amount
        return "MemoryError: it asks for more memory than there is"
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _listed(names: Collection[str]) -> str:
    more = len(names) - MAX_NAMES
    return ", ".join([*names][:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")


def _problem_with_json(path: Path) -> str:
    if not path.is_file():
        return "missing"
    if path.stat().st_size > MAX_JSON_BYTES:
        return f"larger than {MAX_JSON_BYTES >> 20} MiB"
    data = path.read_bytes()
    if data.startswith(LFS_POINTER):
        return POINTER
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        return f"not JSON ({error})" if data.strip() else "empty"
    return "" if isinstance(value, dict) else "not a JSON object"


def _is_file_name(name: Any) -> bool:
    return isinstance(name, str) and bool(name) and name not in (".", "..") and not set(name) & set("/\\\0")


def _problem_with_weights(path: Path, quantized: bool) -> str:
    """Return what is wrong with a weights file, or "" if nothing; its header states the length of the file."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        pickles = [name for name in PICKLES if (path.parent / name).exists()]
        return f"missing; {pickles[0]} is a pickle, which is not read: convert it" if pickles else "missing"
    with path.open("rb") as file:
        if file.read(len(LFS_POINTER)) == LFS_POINTER:
            return POINTER
    try:
        with safe_open(str(path), framework="pt") as stored:
            kinds = {name: stored.get_slice(name).get_dtype() for name in stored.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        return f"damaged or cut short ({error})"
    if not kinds:
        return "holds no weights"
    wrong = [name for name, kind in kinds.items() if kind not in FLOATS]
    return f"{wrong[0]} is stored as {kinds[wrong[0]]}, not as floating point" if wrong and not quantized else ""
