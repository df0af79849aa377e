"""Checkpoints that survive a kill at any moment: whole or not there.

    step-000120/   trainable weights, optimiser state, random state of the moment
    best-000096/   trainable weights with the lowest validation loss so far
    …/manifest.json   numbers and the sha256 of every file beside it; written last, before the folder gets its name

Only safetensors and JSON are read back, never a pickle. A folder with a missing or altered file counts as absent.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from docent.store import sha256_of, sync_folder, temporary_name, write_durably

log = logging.getLogger("docent.finetune")

Tensors = dict[str, torch.Tensor]
MANIFEST = "manifest.json"


@dataclass
class State:
    """Where training stands.

    Attributes:
        step: optimiser steps done.
        best_step: the step with the lowest validation loss so far; 0 before the first evaluation.
        best_loss: that loss.
        log: one row per step, as in train_log.jsonl.
    """

    step: int = 0
    best_step: int = 0
    best_loss: float | None = None
    log: list[dict[str, Any]] = field(default_factory=list)


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
    """The weights kept at the best step."""
    weights: Tensors = load_file(folder / f"best-{step:06d}" / "weights.safetensors")
    return weights


def newest_checkpoint(folder: Path) -> tuple[State, dict[str, Tensors]] | None:
    """The newest checkpoint whose files, and whose best weights, are all as they were written; None to start afresh."""
    best = {manifest["step"] for _, manifest in _complete(folder, "best", verify=True)}
    for path, manifest in _complete(folder, "step", verify=True):
        if manifest["best_step"] and manifest["best_step"] not in best:
            log.warning("%s refers to best weights that are not there: left aside", path.name)
            continue
        tensors = {file.stem: load_file(file) for file in sorted(path.glob("*.safetensors"))}
        return State(**{name: manifest[name] for name in State.__dataclass_fields__}), tensors
    return None


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
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return manifest if intact else None
