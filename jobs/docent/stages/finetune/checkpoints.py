"""Checkpoints that survive a kill at any moment: whole or not there.

    step-000120/   trainable weights, optimiser state, random state of the moment
    best-000096/   trainable weights that are kept so far, by validation loss
    …/manifest.json   numbers and the sha256 of every file beside it; written last, before the folder gets its name

Only safetensors and JSON are read back, never a pickle. A folder with a missing or altered file, or with tensors of
another training, counts as absent, with a warning: training goes on from the one before, or from the beginning.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from docent.artifacts.durable import sha256_of, sync_folder, temporary_name, write_durably
from docent.errors import InputError
from docent.stages.finetune.schedule import Evaluation

log = logging.getLogger("docent.finetune")

Tensors = dict[str, torch.Tensor]
MANIFEST = "manifest.json"


@dataclass
class State:
    """Where training stands.

    Attributes:
        step: optimiser steps done.
        best_step: the step whose weights are kept, by validation loss; 0 before the first evaluation.
        best_loss: its validation loss.
        log: one row per step, as in train_log.jsonl.
    """

    step: int = 0
    best_step: int = 0
    best_loss: float | None = None
    log: list[dict[str, Any]] = field(default_factory=list)

    @property
    def measured(self) -> list[Evaluation]:
        """Every validation loss that was measured, in order."""
        rows = (row for row in self.log if row.get("validation_loss") is not None)
        return [Evaluation(row["step"], row["validation_loss"], row["validation_error"]) for row in rows]


def save_checkpoint(folder: Path, state: State, tensors: dict[str, Tensors], keep: int) -> None:
    """Publish `step-N`, then remove all but the newest `keep` checkpoints and the best weights they refer to."""
    _publish(folder / f"step-{state.step:06d}", asdict(state), tensors)
    kept = _complete(folder, "step", verify=False)[:keep]
    needed = {path for path, _ in kept}
    needed |= {folder / f"best-{manifest['best_step']:06d}" for _, manifest in kept}
    for path in folder.iterdir():
        if path not in needed:
            shutil.rmtree(path, ignore_errors=True)


def save_best(folder: Path, step: int, weights: Tensors) -> None:
    """Publish `best-N`; the one before it stays until no checkpoint refers to it."""
    _publish(folder / f"best-{step:06d}", {"step": step}, {"weights": weights})


def load_best(folder: Path, step: int) -> Tensors:
    """The weights kept at the best step.

    Raises:
        InputError: they are not there any more, or were damaged.
    """
    path = folder / f"best-{step:06d}" / "weights.safetensors"
    try:
        weights: Tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        what = f"the best weights of this training cannot be read: {error}"
        raise InputError(what, str(path), "to go on from an earlier checkpoint: docent run") from None
    return weights


def newest_checkpoint(
    folder: Path, problem_with: Callable[[State, dict[str, Tensors]], str] = lambda state, tensors: ""
) -> tuple[State, dict[str, Tensors]] | None:
    """The newest checkpoint whose files, and whose best weights, are all as they were written; None to start afresh.

    Args:
        problem_with: says why a checkpoint is of another training; "" where it is not.
    """
    best = {manifest.get("step") for _, manifest in _complete(folder, "best", verify=True)}
    for path, manifest in _complete(folder, "step", verify=True):
        if manifest.get("best_step") and manifest["best_step"] not in best:
            log.warning("%s refers to best weights that are not there: left aside", path.name)
            continue
        try:
            tensors = {file.stem: load_file(file) for file in sorted(path.glob("*.safetensors"))}
            state = _state(manifest)
        except (OSError, SafetensorError, ValueError) as error:
            log.warning("%s cannot be read (%s): left aside", path.name, error)
            continue
        if problem := problem_with(state, tensors):
            log.warning("%s does not belong to this training (%s): left aside", path.name, problem)
            continue
        return state, tensors
    return None


def _state(manifest: dict[str, Any]) -> State:
    """The numbers of a manifest.

    Raises:
        ValueError: one is missing or of another type.
    """
    missing = [name for name in State.__dataclass_fields__ if name not in manifest]
    if missing:
        raise ValueError(f"{MANIFEST} lacks {', '.join(missing)}")
    state = State(**{name: manifest[name] for name in State.__dataclass_fields__})
    whole = all(type(number) is int and number >= 0 for number in (state.step, state.best_step))
    rows = isinstance(state.log, list) and all(isinstance(row, dict) for row in state.log)
    if not (whole and rows and (state.best_loss is None or isinstance(state.best_loss, float))):
        raise ValueError(f"{MANIFEST} has values of other types")
    return state


def _publish(final: Path, manifest: dict[str, Any], tensors: dict[str, Tensors]) -> None:
    if _manifest(final, verify=True):  # a resumed run comes past the same step with the same bytes
        return
    made = temporary_name(final)
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    for name, group in tensors.items():
        save_file({key: tensor.detach().contiguous() for key, tensor in group.items()}, made / f"{name}.safetensors")
        _sync(made / f"{name}.safetensors")
    files = {path.name: sha256_of(path) for path in sorted(made.iterdir())}
    write_durably(made / MANIFEST, json.dumps({**manifest, "files": files}).encode())
    shutil.rmtree(final, ignore_errors=True)
    os.replace(made, final)
    sync_folder(final.parent)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _complete(folder: Path, kind: str, verify: bool) -> list[tuple[Path, dict[str, Any]]]:
    """Complete folders of a kind with their manifests, newest first; `verify` hashes their files."""
    found = []
    for path in sorted(folder.glob(f"{kind}-*"), reverse=True):
        manifest = _manifest(path, verify)
        if manifest is None:
            log.warning("%s is not complete: left aside", path.name)
        else:
            found.append((path, manifest))
    return found


def _manifest(path: Path, verify: bool) -> dict[str, Any] | None:
    try:
        manifest: dict[str, Any] = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        intact = not verify or all(sha256_of(path / name) == sha for name, sha in manifest["files"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return manifest if intact and manifest["files"] else None
