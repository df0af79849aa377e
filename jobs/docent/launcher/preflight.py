"""What would stop a run on this machine, found before its first unit starts: for `run`, `plan` and `doctor`.

Reads the configuration, the environment, the head of the base model and Markdown sources; writes nothing. What a stage
could do nowhere is said by `docent/checks.py`.
"""

from __future__ import annotations

import math
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from docent import base_model
from docent.config import PipelineConfig, Source
from docent.errors import ConfigError
from docent.launcher.verbs.tables import say_warning
from docent.pipeline import Unit, needs_of, reads_base_model
from docent.spec import RunStates
from docent.suggested_commands import Invocation, complete
from docent.walk import walk

MODEL = "name a folder with config.json and model.safetensors, or a model of the hub: --set finetune.base_model=..."
MARKDOWN_SUFFIXES = frozenset((".md", ".markdown", ".mdown", ".mkd"))
MAX_LOOKED_AT_BYTES = 64_000_000
"""Of the Markdown of a source so much is searched for a picture."""
_SHOWS_PICTURE = re.compile(r"!\[|<img[\s/>]", re.IGNORECASE)


def look_ahead(config: PipelineConfig, states: RunStates, chosen: Sequence[str], given: Invocation) -> None:
    """Say what is likely to stop the units that are still to be done, and refuse what would.

    Args:
        chosen: names of the units.
        given: what the person gave, for the commands of warnings.

    Raises:
        ConfigError: a key, a usable model or pictures are missing.
    """
    todo = [states.units[name] for name in chosen if states.of(name).artifact is None]
    for short, next_step in shortages(config, todo, memory_bytes()):
        say_warning(short, complete(next_step, given))
    for problem in problems(config, todo):
        raise problem


def problems(
    config: PipelineConfig, todo: Sequence[Unit], environ: Mapping[str, str] = os.environ
) -> Iterator[ConfigError]:
    """What would stop the units that are still to be done, on this machine."""
    yield from _missing_key(config, todo, environ)
    yield from _unusable_model(config, todo)
    yield from without_pictures(config, todo)


def shortages(config: PipelineConfig, todo: Sequence[Unit], memory_bytes: float) -> Iterator[tuple[str, str]]:
    """What is likely to stop them, as what is short and what to do.

    Args:
        memory_bytes: memory of this machine.
    """
    yield from _short_of_memory(config, todo, memory_bytes)
    if not _trained_later(todo):
        return
    for number, source in enumerate(config.ingest.sources if config.ingest else ()):
        if source.kind in ("markdown", "pdf") and not _is_without_pictures(source, config):
            yield (
                f"ingest.sources.{number} ({source.kind}): a question about a section without figures cannot be "
                "trained on, and stops finetune",
                "docent run --to build-dataset, which writes the data set without training",
            )


def _short_of_memory(config: PipelineConfig, todo: Sequence[Unit], memory_bytes: float) -> Iterator[tuple[str, str]]:
    section = config.finetune
    reading = [unit for unit in todo if reads_base_model(unit)]
    if section is None or not reading or shutil.which("nvidia-smi"):
        return
    parameters = base_model.parameters_of(section.base_model) or 0
    trains = any(unit.stage == "finetune" for unit in reading)
    needed = base_model.memory_bytes(parameters, section, trains)
    if needed > memory_bytes:
        in_full = needed > base_model.memory_bytes(parameters, section, trains=False)
        yield (
            f"{section.base_model} has {parameters / 1e9:.1f} billion parameters: "
            f"{'training it in full takes' if in_full else 'its weights take'} {needed / 1e9:.0f} GB of memory in "
            f"{section.dtype}; this machine has {memory_bytes / 1e9:.0f} GB and no GPU",
            "use a machine with a GPU, or a smaller base model (finetune.base_model)",
        )


def memory_bytes() -> float:
    """Memory of this machine; infinite where the system does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError):
        return math.inf


def _missing_key(config: PipelineConfig, todo: Sequence[Unit], environ: Mapping[str, str]) -> Iterator[ConfigError]:
    asking = [unit.name for unit in todo if "llm" in needs_of(config, unit)]
    name = config.llm.api_key_env
    if asking and config.llm.needs_key and not environ.get(name, "").strip():
        yield ConfigError(
            f"the variable {name} holds no key for {config.llm.base_url}, which {asking[0]} asks",
            "llm.api_key_env",
            f"export {name}=... (any word where the endpoint needs no key), then: docent run",
        )


def _unusable_model(config: PipelineConfig, todo: Sequence[Unit]) -> Iterator[ConfigError]:
    section = config.finetune
    if section is None or not any(reads_base_model(unit) for unit in todo):
        return
    name = section.base_model
    if base_model.is_missing_folder(name):
        yield ConfigError(f"base model {name!r}: there is no such folder", "finetune.base_model", MODEL)
    elif Path(name).is_dir() and not (Path(name) / "config.json").is_file():
        yield ConfigError(f"base model {name!r}: the folder has no config.json", "finetune.base_model", MODEL)
    elif (kind := base_model.type_of(name)) not in (None, *base_model.TRAINED_TYPES):
        known = ", ".join(base_model.TRAINED_TYPES)
        yield ConfigError(
            f"base model {name!r} is of type {kind!r}, which this version of docent cannot train",
            "finetune.base_model",
            f"name a model of type {known}, such as HuggingFaceM4/idefics2-8b: --set finetune.base_model=...",
        )


def without_pictures(config: PipelineConfig, todo: Sequence[Unit]) -> Iterator[ConfigError]:
    """Sources that models cannot be trained on or asked about, on any machine."""
    if not _trained_later(todo):
        return
    for number, source in enumerate(config.ingest.sources if config.ingest else ()):
        if _is_without_pictures(source, config):
            yield ConfigError(
                f"ingest.sources.{number} ({source.kind}) has no pictures, and this version of docent trains and asks "
                "models with pictures only",
                str(source.path),
                "docent run --to build-dataset, which writes a data set to train on elsewhere; or leave the source out",
            )


def _trained_later(todo: Sequence[Unit]) -> bool:
    """Whether a data set is still to be made and models are to learn from it or to be asked about it."""
    stages = {unit.stage for unit in todo}
    return "build-dataset" in stages and bool(stages & {"finetune", "answer"})


def _is_without_pictures(source: Source, config: PipelineConfig) -> bool:
    """Whether it is certain that no row about a source gets a picture."""
    if source.kind in ("csv", "xlsx"):
        return not (config.ingest and config.ingest.rows.image_columns)
    if source.kind == "markdown" and config.ingest:
        pattern = re.compile(config.ingest.markdown.figure_pattern)
        if not source.path.exists():
            return False  # said when its input is looked for
        return not any(_SHOWS_PICTURE.search(text) or pattern.search(text) for text in _markdown_of(source.path))
    return source.kind == "txt"


def _markdown_of(path: Path) -> Iterator[str]:
    """The texts of a Markdown source, as far as they are looked at."""
    left = MAX_LOOKED_AT_BYTES
    files = (entry.path for entry in walk(path) if entry.kind == "file") if path.is_dir() else iter([path])
    for file in files:
        if file.suffix.lower() in MARKDOWN_SUFFIXES and left > 0:
            with file.open("rb") as opened:
                data = opened.read(left)
            left -= len(data)
            yield data.decode("utf-8", "replace")
