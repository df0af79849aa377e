"""Find the files that a run reads, and where they belong on the volume.

A relative path of the pipeline file means the same path below /data. Files elsewhere on this machine go to
/data/sources/<name>-<digest>, and the configuration is rewritten accordingly. Reads the files here (for their digests)
and the records of the namespace's runs; writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from docent.config import PipelineConfig
from docent.errors import LauncherError
from docent.launcher.cluster.state import RunRecord
from docent.pipeline import input_paths, units
from docent.source_files.digests import digest_of_paths

VOLUME = Path("/data")
SOURCES = "sources"
DIGEST_LENGTH = 8
RESERVED = "cache"


@dataclass(frozen=True)
class Input:
    """One file or folder that the run reads.

    Attributes:
        source: its path here; None when it is only on the volume, where an earlier launch pushed it.
        destination: its path below /data.
        digest: of its names and contents.
        outwards: whether links that lead out of it are followed: those of a model are (the hub's cache).
            Those of sources are not: sources may come from strangers, and ingest refuses such photos.
    """

    source: Path | None
    destination: str
    digest: str
    outwards: bool = False


def gather(
    config: PipelineConfig, known: Mapping[str, str], missing_ok: bool = False
) -> tuple[PipelineConfig, tuple[Input, ...]]:
    """Return the configuration as the pods must read it, and the inputs of the run.

    Args:
        config: as read from the pipeline file.
        known: digest of what earlier launches, of any run, pushed to the volume, by its path there.
        missing_ok: leave out what is neither here nor known, to show a plan without its data.

    Raises:
        LauncherError: (105) something is neither here nor on the volume, or collides with the run's own folders.
    """
    inputs: dict[Path, Input] = {}
    missing = []
    for path in _paths(config):
        if _is_on_volume(path):
            continue
        if path.exists():
            is_model = bool(config.finetune and path == Path(config.finetune.base_model))
            digest = digest_of_paths([path], outwards=is_model)
            inputs[path] = Input(path, _destination(path, digest), digest, outwards=is_model)
        elif _is_plain(path) and path.as_posix() in known:
            inputs[path] = Input(None, path.as_posix(), known[path.as_posix()])
        else:
            missing.append(str(path))
    if missing and not missing_ok:
        what = f"neither here nor on the volume: {', '.join(missing)}"
        raise LauncherError(105, what, "pipeline file", "fix the path; pushed files are named with /data before them")
    _refuse_collisions(config.run.name, inputs.values())
    moved = {path: one.destination for path, one in inputs.items() if one.destination != path.as_posix()}
    return _rewritten(config, moved), tuple(inputs.values())


def are_all_here(config: PipelineConfig, inputs: tuple[Input, ...]) -> bool:
    """Whether everything that a run reads is here; what is only on the volume may have changed there unnoticed."""
    return all(one.source for one in inputs) and not any(_is_on_volume(path) for path in _paths(config))


def to_push(inputs: tuple[Input, ...], run: str, runs: Mapping[str, RunRecord], volume: str) -> list[Input]:
    """Return the inputs that are not on the volume as they are here; the last push to a path counts.

    Args:
        inputs: what the run reads.
        run: its name.
        runs: the records of all runs of the namespace.
        volume: uid of the claim; records about another one do not matter.

    Raises:
        LauncherError: (105) a running run reads something else under the same path.
    """
    of_volume = {name: record for name, record in runs.items() if record.run.get("volume") == volume}
    by_age = sorted(of_volume.items(), key=lambda item: str(item[1].run.get("started", "")))
    on_volume: dict[str, str] = {}
    for _, record in by_age:
        reads = _inputs_of(record)  # a pushed folder replaces what was pushed inside it
        kept = {path: one for path, one in on_volume.items() if not any(overlap(path, read) for read in reads)}
        on_volume = kept | reads
    todo = [one for one in inputs if one.source and on_volume.get(one.destination) != one.digest]
    for one in todo:
        for other, record in by_age:
            others = {path: digest for path, digest in _inputs_of(record).items() if overlap(path, one.destination)}
            if other != run and record.phase == "running" and others not in ({}, {one.destination: one.digest}):
                what, wait = f"run {other} is reading another {one.destination}", f"docent wait --run {other}"
                next_step = f"use another path, or wait for the other run, in the same --namespace: {wait}"
                raise LauncherError(105, what, "the volume that both runs use", next_step)
    return todo


def _inputs_of(record: RunRecord) -> dict[str, str]:
    return {str(path): str(digest) for path, digest in record.run.get("inputs", {}).items()}


def overlap(path: str, other: str) -> bool:
    """Whether one of two paths on the volume is the other or contains it."""
    return f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/")


def _paths(config: PipelineConfig) -> list[Path]:
    return list(dict.fromkeys(path for unit in units(config).values() for path in input_paths(config, unit)))


def _is_on_volume(path: Path) -> bool:
    return path.is_absolute() and VOLUME in path.parents


def _is_plain(path: Path) -> bool:
    return not path.is_absolute() and ".." not in path.parts and path.parts != ()


def _destination(path: Path, digest: str) -> str:
    """Return the same relative path; for files elsewhere, name and digest below SOURCES."""
    if _is_plain(path):
        return path.as_posix()
    resolved = path.resolve()
    suffix = resolved.suffix if resolved.is_file() else ""
    return f"{SOURCES}/{resolved.name.removesuffix(suffix)}-{digest[:DIGEST_LENGTH]}{suffix}"


def _refuse_collisions(run: str, inputs: Iterable[Input]) -> None:
    for one in inputs:
        first, what = Path(one.destination).parts[0], f"the input {one.destination} collides on the volume with"
        if first == run:
            raise LauncherError(105, f"{what} the folder of the run", "run.name", "--run OTHER")
        if first == RESERVED:
            raise LauncherError(105, f"{what} the cache", "pipeline file", "move it to another folder")


def _rewritten(config: PipelineConfig, moved: Mapping[Path, str]) -> PipelineConfig:
    """Return the configuration with the new paths of what was moved."""
    if not moved:
        return config
    data = config.model_dump(mode="json", by_alias=True)
    if config.ingest:
        for source, raw in zip(config.ingest.sources, data["ingest"]["sources"], strict=True):
            raw["path"] = moved.get(source.path, raw["path"])
            images = source.images_folder
            if images and images in moved:
                raw["images"] = moved[images]
    if config.curate and config.curate.edits and config.curate.edits in moved:
        data["curate"]["edits"] = moved[config.curate.edits]
    if config.finetune and Path(config.finetune.base_model) in moved:
        # ./ makes it a folder: without it the hub would be asked for a model of that name.
        data["finetune"]["base_model"] = f"./{moved[Path(config.finetune.base_model)]}"
    return PipelineConfig.model_validate(data)
