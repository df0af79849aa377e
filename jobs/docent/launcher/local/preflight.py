"""Find problems that would stop a run on this machine, before its first unit starts: for `run`, `plan`, `doctor`.

Reads the configuration, the environment and the header of the base model; writes nothing. `docent/checks.py` refuses
configurations that a stage does not support on any machine.
"""

import importlib
import math
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from docent.artifacts.listings import RECORD
from docent.artifacts.pushed import is_open
from docent.config import PipelineConfig
from docent.errors import ConfigError, InputError
from docent.launcher.local import base_model
from docent.launcher.verbs.output.tables import say_warning
from docent.messages.suggested_commands import Invocation, complete
from docent.pipeline import Unit, needs_of, reads_base_model, section_of
from docent.source_files.collection import read_collection
from docent.spec import RunStates

MODEL = "use a folder with config.json and model.safetensors, or a model of the hub: --set finetune.base_model=..."


def look_ahead(config: PipelineConfig, states: RunStates, chosen: Sequence[str], given: Invocation) -> None:
    """Warn of problems that are likely to stop the chosen units, and refuse those that certainly would.

    Args:
        chosen: names of the units.
        given: the user's command-line options, used to complete the commands in warnings.

    Raises:
        ConfigError: a key, a usable model or pictures are missing.
    """
    todo = [states.units[name] for name in chosen if states.of(name).artifact is None]
    for short, next_step in shortages(config, todo, memory_bytes()):
        say_warning(short, complete(next_step, given))
    if "build-dataset" in chosen:
        _look_at_push(states, given)
    for problem in problems(config, todo):
        raise problem


def _look_at_push(states: RunStates, given: Invocation) -> None:
    """Refuse to build a data set that the hub would reject; if it is already built, only warn.

    Raises:
        ConfigError: the data set is not built yet, and its push would fail.
    """
    artifact = states.of("build-dataset").artifact
    if artifact and not is_open(states.config, states.run_dir, artifact):
        return
    sizes = {file.path: file.size for file in artifact.success.files if file.path != RECORD} if artifact else {}
    of_push = push_problems(states.config, sizes)
    stopping = [problem for problem in of_push if problem.stops]
    for problem in of_push:
        if artifact or not problem.stops:
            say_warning(problem.what, complete(problem.next_step, given))
    if stopping and not artifact:
        listed = "".join(f"\n  - {problem.what}: {complete(problem.next_step, given)}" for problem in stopping)
        name = states.config.build_dataset.push_to if states.config.build_dataset else ""
        raise ConfigError(
            f"the data set cannot be pushed to {name}:{listed}",
            "build_dataset.push_to",
            "fix this, or run without pushing: docent run --set build_dataset.push_to=",
        )


def push_problems(config: PipelineConfig, sizes: Mapping[str, int] | None = None) -> list[Any]:
    """Return problems that would stop a push, or that the user should know (`Problem` of `hub/limits.py`).

    Args:
        sizes: size in bytes of each file of the data set, by path, if it is built.
    """
    section = section_of(config, "build-dataset")
    if section is None or not section.push_to:
        return []
    stage = importlib.import_module("docent.stages.build_dataset.hub.preflight")
    licence = section.license or _stated_licence(config)
    listed: list[Any] = stage.problems(section, licence, os.environ, sizes or {})
    return listed


def _stated_licence(config: PipelineConfig) -> str:
    """Return the licence that all sources state, or "" if they differ or state none; the card then says `other`."""
    try:
        stated = {read_collection(source).license for source in (config.ingest.sources if config.ingest else ())}
    except (InputError, OSError):  # stage ingest refuses the file and reports the reason
        return ""
    return stated.pop() if len(stated) == 1 else ""


def problems(
    config: PipelineConfig, todo: Sequence[Unit], environ: Mapping[str, str] = os.environ
) -> Iterator[ConfigError]:
    """Yield the problems that would stop the given units on this machine."""
    yield from _missing_key(config, todo, environ)
    yield from _unusable_model(config, todo)
    yield from without_pictures(config, todo)


def shortages(config: PipelineConfig, todo: Sequence[Unit], machine_bytes: float) -> Iterator[tuple[str, str]]:
    """Yield shortages of memory that are likely to stop the units, each with a next step.

    Args:
        machine_bytes: memory of this machine in bytes.
    """
    section = config.finetune
    reading = [unit for unit in todo if reads_base_model(unit)]
    if section is None or not reading or shutil.which("nvidia-smi"):
        return
    parameters = base_model.parameters_of(section.base_model) or 0
    trains = any(unit.stage == "finetune" for unit in reading)
    needed = base_model.memory_bytes(parameters, section, trains)
    if needed > machine_bytes:
        in_full = needed > base_model.memory_bytes(parameters, section, trains=False)
        yield (
            f"{section.base_model} has {parameters / 1e9:.1f} billion parameters: "
            f"{'training it in full takes' if in_full else 'its weights take'} {needed / 1e9:.0f} GB of memory in "
            f"{section.dtype}; this machine has {machine_bytes / 1e9:.0f} GB and no GPU",
            "use a machine with a GPU, or a smaller base model (finetune.base_model)",
        )


def memory_bytes() -> float:
    """Return the memory of this machine in bytes, or infinity if it cannot be read."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError):
        return math.inf


def _missing_key(config: PipelineConfig, todo: Sequence[Unit], environ: Mapping[str, str]) -> Iterator[ConfigError]:
    asking = [unit.name for unit in todo if "llm" in needs_of(config, unit)]
    name = config.llm.api_key_env
    if asking and config.llm.needs_key and not environ.get(name, "").strip():
        yield ConfigError(
            f"{asking[0]} needs a key for {config.llm.base_url}, but the environment variable {name} is not set",
            "llm.api_key_env",
            f"export {name}=... (any word if the endpoint needs no key), then: docent run",
        )


def _unusable_model(config: PipelineConfig, todo: Sequence[Unit]) -> Iterator[ConfigError]:
    section = config.finetune
    if section is None or not any(reads_base_model(unit) for unit in todo):
        return
    name = section.base_model
    if base_model.is_missing_folder(name):
        yield ConfigError(f"base model {name!r}: the folder does not exist", "finetune.base_model", MODEL)
    elif Path(name).is_dir() and not (Path(name) / "config.json").is_file():
        yield ConfigError(f"base model {name!r}: the folder has no config.json", "finetune.base_model", MODEL)
    elif (kind := base_model.type_of(name)) not in (None, *base_model.TRAINED_TYPES):
        known = ", ".join(base_model.TRAINED_TYPES)
        yield ConfigError(
            f"base model {name!r} is of type {kind!r}, which this version of docent cannot train",
            "finetune.base_model",
            f"use a model of type {known}, such as HuggingFaceM4/idefics2-8b: --set finetune.base_model=...",
        )


def without_pictures(config: PipelineConfig, todo: Sequence[Unit]) -> Iterator[ConfigError]:
    """Yield an error for each source whose questions lack pictures, if models are to train on them or answer them.

    Once the data set is complete, stage finetune checks its rows instead.
    """
    stages = {unit.stage for unit in todo}
    if "build-dataset" not in stages or not stages & {"finetune", "answer"} or config.ingest is None:
        return
    for number, source in enumerate(config.ingest.sources):
        pictured = source.kind in ("csv", "xlsx") and config.ingest.rows.image_columns
        if source.kind not in ("exhibits-csv", "exhibits-folder") and not pictured:
            yield ConfigError(
                f"ingest.sources.{number} ({source.kind}): some or all questions about documents have no picture, but "
                "this version of docent can only train and evaluate models with pictures",
                str(source.path),
                "remove the source, or only build a data set for another trainer: docent run --to build-dataset",
            )
