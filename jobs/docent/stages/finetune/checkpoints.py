"""Write and read checkpoints that survive a kill at any moment: each one is complete or absent.

    step-000120/   trainable weights, optimiser state and random state after that step
    best-000096/   trainable weights with the best validation loss so far
    …/manifest.json   numbers, and the sha256 of every file next to it; written last, before the folder is renamed

The manifest of a step also has the sha256 of the best weights that it refers to. An attempt that was resumed writes the
steps that it reaches again: their losses may differ in the last bits, and losses and weights must belong together.
Only safetensors and JSON are read back, never a pickle. A folder with a missing or altered file, or with tensors of
another training, is skipped with a warning: training resumes from the previous checkpoint, or starts over.
"""

import json
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field, StrictFloat, TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from docent.artifacts.durable import sha256_of, sync_file, sync_folder, temporary_name, write_durably
from docent.errors import InputError
from docent.stages.finetune.schedule import Evaluation

log = logging.getLogger("docent.finetune")

Tensors = dict[str, torch.Tensor]
MANIFEST, WEIGHTS = "manifest.json", "weights.safetensors"
Count = Annotated[int, Field(ge=0, strict=True)]


@dataclass
class TrainingState:
    """Progress of a training.

    Attributes:
        step: number of completed optimiser steps.
        best_step: the step whose weights are kept, chosen by validation loss; 0 before the first evaluation.
        best_loss: the validation loss at that step, if there are validation rows.
        best_sha256: hash of the file with the weights of that step.
        log: one row per step, as in train_log.jsonl.
    """

    step: Count = 0
    best_step: Count = 0
    best_loss: StrictFloat | None = None
    best_sha256: str = ""
    log: list[dict[str, Any]] = field(default_factory=list)

    @property
    def measured(self) -> list[Evaluation]:
        """Return every measured validation loss, in order."""
        rows = (row for row in self.log if row.get("validation_loss") is not None)
        return [Evaluation(row["step"], row["validation_loss"], row["validation_error"]) for row in rows]


_STATE = TypeAdapter(TrainingState)


def save_checkpoint(folder: Path, state: TrainingState, tensors: dict[str, Tensors], keep: int) -> None:
    """Write `step-N`; then remove all but the newest `keep` checkpoints and the best weights that they refer to.

    Later steps of an attempt that could not be resumed are removed too. Nothing is removed before `step-N` is durable.
    """
    _publish(folder / f"step-{state.step:06d}", asdict(state), tensors)
    complete = _complete(folder, "step", verify=False)
    kept = [(path, manifest) for path, manifest in complete if _number(path) <= state.step][:keep]
    needed = {path for path, _ in kept}
    needed |= {folder / f"best-{manifest['best_step']:06d}" for _, manifest in kept}
    for path in folder.iterdir():
        if path not in needed:
            shutil.rmtree(path, ignore_errors=True)


def save_best(folder: Path, step: int, weights: Tensors) -> str:
    """Write `best-N` and return the sha256 of its weights; the previous one stays until no checkpoint refers to it."""
    return _publish(folder / f"best-{step:06d}", {"step": step}, {"weights": weights})[WEIGHTS]


def load_best(folder: Path, state: TrainingState) -> Tensors:
    """Return the weights of the best step.

    Raises:
        InputError: the weights are missing, damaged, or not those that the state refers to.
    """
    path = folder / f"best-{state.best_step:06d}" / WEIGHTS
    try:
        if sha256_of(path) != state.best_sha256:
            raise OSError("their sha256 is not that of the checkpoint")
        weights: Tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        what = f"the best weights of this training cannot be read: {error}"
        raise InputError(what, str(path), "to resume from an earlier checkpoint: docent run") from None
    return weights


def newest_checkpoint(
    folder: Path, problem_with: Callable[[TrainingState, dict[str, Tensors]], str] = lambda state, tensors: ""
) -> tuple[TrainingState, dict[str, Tensors]] | None:
    """Return the newest checkpoint whose files and best weights are intact, or None if there is none.

    Args:
        problem_with: returns why a checkpoint belongs to another training, or "" if it does not.
    """
    best = {
        (_number(path), manifest["files"].get(WEIGHTS)) for path, manifest in _complete(folder, "best", verify=True)
    }
    for path, manifest in _complete(folder, "step", verify=True):
        if manifest.get("best_step") and (manifest["best_step"], manifest.get("best_sha256")) not in best:
            log.warning("%s skipped: the best weights that it refers to are missing or of another attempt", path.name)
            continue
        try:
            tensors = {file.stem: load_file(file) for file in sorted(path.glob("*.safetensors"))}
            state = _state(manifest)
        except (OSError, SafetensorError, ValueError) as error:
            log.warning("%s skipped: it cannot be read (%s)", path.name, error)
            continue
        if problem := problem_with(state, tensors):
            log.warning("%s skipped: it belongs to another training (%s)", path.name, problem)
            continue
        return state, tensors
    return None


def _state(manifest: dict[str, Any]) -> TrainingState:
    """Return the training state in a manifest.

    Raises:
        ValueError: a value is missing or has another type.
    """
    if missing := sorted(TrainingState.__dataclass_fields__.keys() - manifest.keys()):
        raise ValueError(f"{MANIFEST} lacks {', '.join(missing)}")
    try:
        return _STATE.validate_python(manifest)
    except ValidationError:
        raise ValueError(f"{MANIFEST} has values of other types") from None


def _publish(final: Path, manifest: dict[str, Any], tensors: dict[str, Tensors]) -> dict[str, str]:
    """Write a folder durably under its final name, in place of an older one; return the sha256 of its files by name."""
    temporary = temporary_name(final)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    files = {}
    for name, group in sorted(tensors.items()):
        path = temporary / f"{name}.safetensors"
        save_file({key: tensor.detach().contiguous() for key, tensor in group.items()}, path)
        sync_file(path)
        files[path.name] = sha256_of(path)
    write_durably(temporary / MANIFEST, json.dumps({**manifest, "files": files}).encode())
    replaced = temporary.with_suffix(".replaced")
    if final.exists():  # a kill during a removal would leave half a folder under the final name
        os.replace(final, replaced)
    os.replace(temporary, final)
    sync_folder(final.parent)
    shutil.rmtree(replaced, ignore_errors=True)
    return files


def _number(path: Path) -> int:
    """Return the step in the name of a folder, or -1 for another name."""
    number = path.name.rpartition("-")[2]
    return int(number) if number.isdecimal() else -1


def _complete(folder: Path, kind: str, verify: bool) -> list[tuple[Path, dict[str, Any]]]:
    """Return the complete folders of a kind with their manifests, newest first; `verify` also hashes their files."""
    complete = []
    for path in sorted(folder.glob(f"{kind}-*"), key=_number, reverse=True):
        manifest = _manifest(path, verify)
        if manifest is None:
            log.warning("%s skipped: it is not complete", path.name)
        else:
            complete.append((path, manifest))
    return complete


def _manifest(path: Path, verify: bool) -> dict[str, Any] | None:
    try:
        manifest: dict[str, Any] = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        intact = not verify or all(sha256_of(path / name) == sha for name, sha in manifest["files"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return manifest if intact and manifest["files"] else None
