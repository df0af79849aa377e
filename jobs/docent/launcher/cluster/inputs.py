"""What a run reads from outside itself, and where on the volume that lies.

A relative path of the pipeline file means the same path below /data. What lies elsewhere on this machine goes to
/data/sources/<name>-<digest>, and the configuration is rewritten to say so. Reads the files here (for their digests)
and the records of the namespace's runs; writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
        source: where it lies here; None when it is only on the volume, where an earlier launch brought it.
        destination: where it lies below /data.
        digest: of its names and contents.
        outwards: whether links that lead out of it are followed: of a model they are, the hub's cache is made of them.
            Of sources they are not: they may be a stranger's, and ingest refuses such photos.
    """

    source: Path | None
    destination: str
    digest: str
    outwards: bool = False


def gather(
    config: PipelineConfig, known: Mapping[str, str], missing_ok: bool = False
) -> tuple[PipelineConfig, tuple[Input, ...]]:
    """The inputs of a run, and the configuration as the pods must read it.

    Args:
        config: as read from the pipeline file.
        known: digest of what earlier launches, of any run, brought to the volume, by its path there.
        missing_ok: leave out what is neither here nor known, to show a plan without its data.

    Raises:
        LauncherError: (105) something is neither here nor on the volume, or collides with the run's own folders.
    """
    found: dict[Path, Input] = {}
    missing = []
    for path in _paths(config):
        if _is_on_volume(path):
            continue
        if path.exists():
            is_model = bool(config.finetune and path == Path(config.finetune.base_model))
            digest = digest_of_paths([path], outwards=is_model)
            found[path] = Input(path, _destination(path, digest), digest, outwards=is_model)
        elif _is_plain(path) and path.as_posix() in known:
            found[path] = Input(None, path.as_posix(), known[path.as_posix()])
        else:
            missing.append(str(path))
    if missing and not missing_ok:
        raise LauncherError(
            105,
            f"neither here nor on the volume: {', '.join(missing)}",
            "pipeline file",
            "fix the path; what was pushed is named with /data before it",
        )
    _refuse_collisions(config.run.name, found.values())
    moved = {path: one.destination for path, one in found.items() if one.destination != path.as_posix()}
    return _rewritten(config, moved), tuple(found.values())


def are_all_here(config: PipelineConfig, inputs: tuple[Input, ...]) -> bool:
    """Whether all that a run reads lies here; what is only on the volume may have changed there unseen."""
    return all(one.source for one in inputs) and not any(_is_on_volume(path) for path in _paths(config))


def to_push(inputs: tuple[Input, ...], run: str, runs: Mapping[str, RunRecord], volume: str) -> list[Input]:
    """The inputs that are not on the volume as they are here: whoever pushed last to a path decides.

    Args:
        inputs: what the run reads.
        run: its name.
        runs: the records of all runs of the namespace.
        volume: uid of the claim; what was brought to another one says nothing about this one.

    Raises:
        LauncherError: (105) a run that is going on reads something else under the same path.
    """
    of_volume = {name: record for name, record in runs.items() if record.run.get("volume") == volume}
    by_age = sorted(of_volume.items(), key=lambda item: str(item[1].run.get("started", "")))
    on_volume: dict[str, tuple[str, str]] = {}
    for other, record in by_age:
        reads = _inputs_of(record)  # a folder that was sent took the place of what had been sent inside it
        kept = {path: was for path, was in on_volume.items() if not any(overlap(path, read) for read in reads)}
        on_volume = kept | {path: (digest, other) for path, digest in reads.items()}
    todo = [one for one in inputs if one.source and on_volume.get(one.destination, ("", ""))[0] != one.digest]
    for one in todo:
        for other, record in by_age:
            others = {path: digest for path, digest in _inputs_of(record).items() if overlap(path, one.destination)}
            if other != run and record.phase == "running" and others not in ({}, {one.destination: one.digest}):
                raise LauncherError(
                    105,
                    f"run {other} is reading another {one.destination}",
                    "the volume that both runs use",
                    f"take another path, or wait for the other run, in the same --namespace: docent wait --run {other}",
                )
    return todo


def _inputs_of(record: RunRecord) -> dict[str, str]:
    return {str(path): str(digest) for path, digest in record.run.get("inputs", {}).items()}


def overlap(path: str, other: str) -> bool:
    """Whether one of two paths on the volume is the other, or lies inside it."""
    return f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/")


def _paths(config: PipelineConfig) -> list[Path]:
    return list(dict.fromkeys(path for unit in units(config).values() for path in input_paths(config, unit)))


def _is_on_volume(path: Path) -> bool:
    return path.is_absolute() and VOLUME in path.parents


def _is_plain(path: Path) -> bool:
    return not path.is_absolute() and ".." not in path.parts and path.parts != ()


def _destination(path: Path, digest: str) -> str:
    """The same relative path; for what lies elsewhere, its name and digest below SOURCES."""
    if _is_plain(path):
        return path.as_posix()
    resolved = path.resolve()
    suffix = resolved.suffix if resolved.is_file() else ""
    return f"{SOURCES}/{resolved.name.removesuffix(suffix)}-{digest[:DIGEST_LENGTH]}{suffix}"


def _refuse_collisions(run: str, inputs: Any) -> None:
    for one in inputs:
        first = Path(one.destination).parts[0]
        if first in (run, RESERVED):
            raise LauncherError(
                105,
                f"the input {one.destination} lies where the {'run' if first == run else 'cache'} is on the volume",
                "run.name" if first == run else "pipeline file",
                "--run OTHER" if first == run else "move it to another folder",
            )


def _rewritten(config: PipelineConfig, moved: Mapping[Path, str]) -> PipelineConfig:
    """The configuration with the new places of what was moved."""
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
        data["finetune"]["base_model"] = (
            f"./{moved[Path(config.finetune.base_model)]}"  # a folder, not a name on the hub
        )
    return PipelineConfig.model_validate(data)
