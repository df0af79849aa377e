"""Find the files that a run reads, and map them to paths on the volume.

A relative path in the pipeline file means the same path below /data. Files elsewhere on this machine go to
/data/sources/<name>-<digest>, and the configuration is rewritten accordingly. Reads the local files (for their digests)
and the records of the namespace's runs; writes nothing.
"""

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
        source: local path; None if it is only on the volume, where an earlier launch pushed it.
        destination: path below /data.
        digest: digest of its file names and contents.
        outwards: whether links that lead outside are followed. They are for a model (the hub's cache has such links),
            but not for sources, which may be untrusted: ingest refuses photos behind such links.
    """

    source: Path | None
    destination: str
    digest: str
    outwards: bool = False


def gather(
    config: PipelineConfig, known: Mapping[str, str], missing_ok: bool = False
) -> tuple[PipelineConfig, tuple[Input, ...]]:
    """Return the configuration with the paths that the pods see, and the inputs of the run.

    Args:
        config: the configuration from the pipeline file.
        known: digests of the inputs that earlier launches of any run pushed, by path on the volume.
        missing_ok: skip inputs that are neither here nor in `known`, to show a plan without its data.

    Raises:
        LauncherError: (105) an input is neither here nor on the volume, or collides with docent's own folders.
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
        what = f"missing on this machine and on the volume: {', '.join(missing)}"
        raise LauncherError(105, what, "pipeline file", "fix the path; for a pushed file, write /data/PATH")
    _refuse_collisions(config.run.name, inputs.values())
    moved = {path: one.destination for path, one in inputs.items() if one.destination != path.as_posix()}
    return _rewritten(config, moved), tuple(inputs.values())


def are_all_here(config: PipelineConfig, inputs: tuple[Input, ...]) -> bool:
    """Return whether all inputs are on this machine; inputs that are only on the volume may change unnoticed."""
    return all(one.source for one in inputs) and not any(_is_on_volume(path) for path in _paths(config))


def to_push(inputs: tuple[Input, ...], run: str, runs: Mapping[str, RunRecord], volume: str) -> list[Input]:
    """Return the inputs whose content on the volume is missing or differs; for each path the last push counts.

    Args:
        inputs: the inputs of the run.
        run: name of the run.
        runs: the records of all runs in the namespace.
        volume: uid of the claim; records with another claim are ignored.

    Raises:
        LauncherError: (105) a running run uses different content under the same path.
    """
    of_volume = {name: record for name, record in runs.items() if record.run.get("volume") == volume}
    by_age = sorted(of_volume.items(), key=lambda item: str(item[1].run.get("started", "")))
    on_volume: dict[str, str] = {}
    for _, record in by_age:
        reads = _inputs_of(record)  # a pushed folder replaces inputs that were pushed inside it
        kept = {path: one for path, one in on_volume.items() if not any(overlap(path, read) for read in reads)}
        on_volume = kept | reads
    todo = [one for one in inputs if one.source and on_volume.get(one.destination) != one.digest]
    for one in todo:
        for other, record in by_age:
            others = {path: digest for path, digest in _inputs_of(record).items() if overlap(path, one.destination)}
            if other != run and record.phase == "running" and others not in ({}, {one.destination: one.digest}):
                what, wait = f"run {other} reads other content of {one.destination}", f"docent wait --run {other}"
                next_step = f"use another path, or wait for the other run in the same --namespace: {wait}"
                raise LauncherError(105, what, "the volume that both runs use", next_step)
    return todo


def _inputs_of(record: RunRecord) -> dict[str, str]:
    return {str(path): str(digest) for path, digest in record.run.get("inputs", {}).items()}


def overlap(path: str, other: str) -> bool:
    """Return whether two paths on the volume are equal or one contains the other."""
    return f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/")


def _paths(config: PipelineConfig) -> list[Path]:
    return list(dict.fromkeys(path for unit in units(config).values() for path in input_paths(config, unit)))


def _is_on_volume(path: Path) -> bool:
    return path.is_absolute() and VOLUME in path.parents


def _is_plain(path: Path) -> bool:
    return not path.is_absolute() and ".." not in path.parts and path.parts != ()


def _destination(path: Path, digest: str) -> str:
    """Return the same path if it is relative, otherwise name and digest below SOURCES."""
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
    """Return the configuration with the new paths of moved inputs."""
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
        # ./ marks it as a folder: without it, the name would be looked up as a model on the hub.
        data["finetune"]["base_model"] = f"./{moved[Path(config.finetune.base_model)]}"
    return PipelineConfig.model_validate(data)
