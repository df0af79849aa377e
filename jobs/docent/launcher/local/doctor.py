"""Check whether this machine has everything that a run needs. Leaves no files behind."""

import importlib.metadata
import math
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docent.checks import check_stages
from docent.config import PipelineConfig
from docent.errors import ConfigError, InputError
from docent.launcher.local.backend import cores
from docent.launcher.local.preflight import memory_bytes, problems, push_problems, shortages
from docent.messages.printing import printable
from docent.pipeline import input_paths, reads_base_model, section_of, units
from docent.source_files.walk import refuse_system_folder

MIN_DISK_GB = 5.0
MIN_MEMORY_GB = 4.0
INSTALL = "make setup"
# The package `packaging` is not a dependency of docent; this covers the requirements in pyproject.toml.
REQUIREMENT = re.compile(
    r"""(?P<name>[\w.-]+)(?![\w.-])(?:\[(?P<nested>[\w,-]+)\])?[^;]*;.*\bextra == ['"](?P<extra>[\w-]+)"""
)
NAMES = {"llm.api_key_env": "teacher", "finetune.base_model": "base model"}
"""Names of the checks for problems with these fields."""


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes:
        level: `ok`, `warn` (a run works, but with restrictions), or `missing` (a run fails).
    """

    name: str
    level: str
    found: str
    next_step: str = ""


def examine(config: PipelineConfig, data_dir: Path) -> list[Check]:
    """Return all checks for this configuration, in the order in which to fix them."""
    return [
        Check("Python", "ok", f"{platform.python_version()}, {cores()} cores"),
        *_packages(config),
        _pytorch(config),
        _disk(data_dir),
        _memory(),
        _links(data_dir),
        *_sources(config),
        *_base_model(config),
        *_teacher(config),
        *_problems(config),
    ]


def _packages(config: PipelineConfig) -> Iterator[Check]:
    """Yield one check per stage of the run: whether the packages of its extra are installed."""
    required = importlib.metadata.requires("docent") or []
    stages = dict.fromkeys(unit.stage for unit in units(config).values())
    for stage in stages:
        lacking = ", ".join(sorted(set(_lacking(stage, required))))
        found = ("missing", f"not installed: {lacking}", INSTALL) if lacking else ("ok", "installed")
        yield Check(f"packages of {stage}", *found)


def _lacking(extra: str, required: list[str]) -> Iterator[str]:
    """Yield the packages of an extra that are not installed; an extra may include other extras of docent."""
    for line in required:
        match = REQUIREMENT.match(line)
        if match is None or match["extra"] != extra:
            continue
        if match["name"] == "docent":
            for nested in match["nested"].split(","):
                yield from _lacking(nested, required)
            continue
        try:
            importlib.metadata.version(match["name"])
        except importlib.metadata.PackageNotFoundError:
            yield match["name"]


def _pytorch(config: PipelineConfig) -> Check:
    if not section_of(config, "finetune") and not section_of(config, "answer"):
        return Check("PyTorch", "ok", "not needed")
    try:
        import torch
    except ImportError:
        return Check("PyTorch", "missing", "not installed", INSTALL)
    if torch.cuda.is_available():
        return Check("PyTorch", "ok", f"{torch.__version__}, {torch.cuda.get_device_name(0)}")
    if shutil.which("nvidia-smi"):
        return Check("PyTorch", "warn", f"{torch.__version__} cannot use the GPU", "reinstall PyTorch with CUDA")
    return Check("PyTorch", "ok", f"{torch.__version__}, CPU")


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def _disk(data_dir: Path) -> Check:
    free_gb = shutil.disk_usage(_existing(data_dir)).free / 1e9
    level = "ok" if free_gb >= MIN_DISK_GB else "warn"
    return Check("disk", level, f"{free_gb:.0f} GB free for {data_dir}", "" if level == "ok" else "docent gc")


def _memory() -> Check:
    gigabytes = memory_bytes() / 1e9
    if math.isinf(gigabytes):
        return Check("memory", "warn", "the size of the memory is unknown")
    level = "ok" if gigabytes >= MIN_MEMORY_GB else "warn"
    return Check("memory", level, f"{gigabytes:.0f} GB", "" if level == "ok" else "lower run.workers")


def _links(data_dir: Path) -> Check:
    existing = _existing(data_dir)
    try:
        with tempfile.TemporaryDirectory(dir=existing) as folder:
            (Path(folder) / "link").symlink_to("target")
    except PermissionError:
        next_step = "make it writable, or use another folder: --data FOLDER"
        return Check("data folder", "missing", f"{existing} is not writable", next_step)
    except OSError:
        return Check("data folder", "warn", "the file system has no symbolic links, so there will be no link `latest`")
    return Check("data folder", "ok", f"{existing} is writable")


def _sources(config: PipelineConfig) -> Iterator[Check]:
    ingest = units(config).get("ingest")
    for path in input_paths(config, ingest) if ingest else ():
        problem = "" if path.exists() else " does not exist"
        try:
            refuse_system_folder(path)
        except InputError as error:
            problem = f": {error.what}"
        level, next_step = ("missing", "correct ingest.sources") if problem else ("ok", "")
        yield Check("source", level, f"{printable(str(path))}{problem}", next_step)


def _base_model(config: PipelineConfig) -> Iterator[Check]:
    if not config.finetune:
        return
    name = config.finetune.base_model
    if next(problems(config, [unit for unit in units(config).values() if reads_base_model(unit)]), None):
        return  # _problems reports it
    if Path(name).is_dir():
        yield Check("base model", "ok", name)
    else:
        yield Check("base model", "warn", f"{name} will be downloaded from the hub", "the first run needs the network")


def _problems(config: PipelineConfig) -> Iterator[Check]:
    """Yield checks for problems that stop the run, and for problems that are likely to."""
    todo = list(units(config).values())
    stopping = list(problems(config, todo))
    try:
        check_stages(config)
    except ConfigError as error:
        stopping.append(error)
    for problem in stopping:
        yield Check(NAMES.get(problem.where, "configuration"), "missing", problem.what, problem.next_step)
    for problem in push_problems(config):
        yield Check("push to the hub", "missing" if problem.stops else "warn", problem.what, problem.next_step)
    for short, next_step in shortages(config, todo, memory_bytes()):
        yield Check("likely to fail", "warn", short, next_step)


def _teacher(config: PipelineConfig) -> Iterator[Check]:
    if not section_of(config, "generate-qa"):
        return
    llm = config.llm
    has_key = bool(os.environ.get(llm.api_key_env))
    if llm.provider == "offline":
        yield Check("teacher", "ok", "offline-extractive: no key, no network")
    elif has_key or not llm.needs_key:  # _problems reports a missing key
        key = f"key in {llm.api_key_env}" if has_key else "without a key"
        yield Check("teacher", "ok", f"{llm.model} at {llm.base_url}, {key}")
