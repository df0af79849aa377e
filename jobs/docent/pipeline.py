"""Define the pipeline as one table. Start reading here.

A stage is a generator of rows, named by its dotted path; a unit is the part of a stage that becomes one workload. Most
stages have one unit of the same name; `finetune` has one per approach and `answer` one per arm. Nothing here runs
anything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from docent.config import PipelineConfig
from docent.config.fields import output_fields
from docent.errors import ConfigError
from docent.records import Answer, Checkpoint, Document, Example, ImageFile, ImageQuality, Item, QAPair, Row, Score
from docent.source_files.collection import collection_file, source_name
from docent.source_files.markdown_pictures import pictures_beside
from docent.tables import APPROACHES, ARMS, ApproachKind

Kind = Literal["job", "indexed", "training"]
Needs = Literal["llm", "hub", "web", "gpu"]


@dataclass(frozen=True)
class Stage:
    """One row of the pipeline table.

    Attributes:
        run: dotted path of the generator, `module:function`; imported only when the stage runs.
        writes: type of its rows; None for a stage that writes only files.
        reads: stages whose rows or files it reads.
        requires: the stages in `reads` that it cannot work without.
        uses: config sections whose output fields enter its hash, in addition to its own section.
        version: version of its output; raised when the bytes that it writes change.
        kind: kind of workload on Kubernetes.
        needs: resources that a pod of it must reach.
        revises: whether its rows replace the rows of the same type that it reads.
        deliver: dotted path of a function that pushes the complete unit elsewhere, `module:function`, or "". It is
            called once the unit is complete, and by later runs while anything is left to push; it never fails the unit.
    """

    run: str
    writes: type[Row] | None = None
    reads: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    version: int = 1
    kind: Kind = "job"
    needs: tuple[Needs, ...] = ()
    revises: bool = False
    deliver: str = ""


STAGES: dict[str, Stage] = {
    "ingest": Stage("docent.stages.ingest:run", Document, version=7, kind="indexed", needs=("llm",)),
    "assess-images": Stage(
        "docent.stages.assess_images:run", ImageQuality, ("ingest",), ("ingest",), version=2, kind="indexed"
    ),
    "augment-images": Stage(
        "docent.stages.augment_images:run",
        ImageFile,
        reads=("ingest", "assess-images"),
        requires=("ingest",),
        uses=("assemble",),
        version=3,
        kind="indexed",
    ),
    "assemble": Stage(
        "docent.stages.assemble:run",
        Item,
        reads=("ingest", "assess-images", "augment-images"),
        requires=("ingest",),
        version=4,
    ),
    "generate-qa": Stage(
        "docent.stages.generate_qa:run",
        QAPair,
        reads=("ingest", "assemble"),
        requires=("assemble",),
        uses=("llm",),
        version=13,
        kind="indexed",
        needs=("llm",),
    ),
    "curate": Stage(
        "docent.stages.curate:run",
        QAPair,
        reads=("assemble", "generate-qa"),
        requires=("assemble", "generate-qa"),
        version=7,
        revises=True,
    ),
    "build-dataset": Stage(
        "docent.stages.build_dataset:run",
        Example,
        reads=("ingest", "augment-images", "assemble", "generate-qa", "curate"),
        requires=("ingest", "assemble", "generate-qa"),
        version=7,
        deliver="docent.stages.build_dataset.hub.delivery:deliver",
    ),
    "finetune": Stage(
        "docent.stages.finetune:run",
        Checkpoint,
        reads=("build-dataset",),
        requires=("build-dataset",),
        version=5,  # frozen parts train without dropout, steps with infinite gradients are skipped, BOS comes once
        kind="training",
    ),
    "answer": Stage(
        "docent.stages.answer:run",
        Answer,
        reads=("build-dataset", "finetune"),
        requires=("build-dataset",),
        version=4,
        kind="indexed",
        needs=("gpu",),
    ),
    "score": Stage(
        "docent.stages.score:run",
        Score,
        reads=("assemble", "build-dataset", "answer"),
        requires=("build-dataset", "answer"),
        version=5,
    ),
}
STAGES["report"] = Stage("docent.stages.report:run", reads=tuple(STAGES), version=7)

# Arms that run a model, by model: the base model, or the first fine-tuned one.
BASE_MODEL_ARMS = tuple(name for name, arm in ARMS.items() if arm.model == "base")
TUNED_MODEL_ARMS = tuple(name for name, arm in ARMS.items() if arm.model == "tuned")


@dataclass(frozen=True)
class Unit:
    """One workload: a stage, or one approach or arm of it.

    Attributes:
        name: `finetune-lora`, `answer-base`, or the stage's name.
        stage: key of STAGES.
        part: the approach or arm, or "" if the stage has a single unit.
        reads: names of the units that it reads, in pipeline order.
    """

    name: str
    stage: str
    part: str = ""
    reads: tuple[str, ...] = ()


def section_of(config: PipelineConfig, stage: str) -> Any:
    """Return the config section of a stage, or None if the section is missing or disabled."""
    section = getattr(config, stage.replace("-", "_"))
    return section if section is not None and section.enabled else None


def units(config: PipelineConfig) -> dict[str, Unit]:
    """Return all units of a run by name, each after the units that it reads.

    Raises:
        ConfigError: a stage is configured without a stage that it requires.
    """
    present = [name for name in STAGES if section_of(config, name) is not None]
    missing = [
        f"{name} needs {needed}: add a section `{needed.replace('-', '_')}:`"
        for name in present
        for needed in STAGES[name].requires
        if needed not in present
    ]
    answer = section_of(config, "answer")
    if answer and not config.finetune and set(answer.arms) & set(BASE_MODEL_ARMS):
        missing.append("answer needs the base model: add a section `finetune:` (enabled: false is enough)")
    if missing:
        raise ConfigError("\n  - ".join(["stages are missing", *missing]), "pipeline file", "add these sections")
    by_name: dict[str, Unit] = {}
    for stage in present:
        parts = _PARTS[stage](config) if stage in _PARTS else ("",)
        for part in parts:
            name = f"{stage}-{part}" if part else stage
            by_name[name] = Unit(name, stage, part, _reads(config, stage, part, by_name))
    return by_name


def shards_of(config: PipelineConfig, unit: Unit) -> int:
    """Return the number of shards of a unit."""
    return int(getattr(section_of(config, unit.stage), "shards", 1))


def workers_of(config: PipelineConfig, unit: Unit) -> int:
    """Return the number of pods that run a unit together: for `finetune` as its approach defines, otherwise one."""
    approach = _approach_of(config, unit)
    return approach.workers if approach else 1


def needs_of(config: PipelineConfig, unit: Unit) -> frozenset[Needs]:
    """Return the resources that a pod of the unit must reach with this configuration.

    The endpoint is included only if one is configured, the hub only if the base model is not a folder or the data set
    is pushed, the web only if pictures are fetched from named hosts.
    """
    approach = _approach_of(config, unit)
    needs = {*STAGES[unit.stage].needs, *(approach.needs if approach else ())}
    if config.llm.provider == "offline" or (unit.stage == "ingest" and not describes(config)):
        needs.discard("llm")
    if unit.stage == "ingest" and config.ingest and config.ingest.rows.image_hosts:
        needs.add("web")
    if reads_base_model(unit) and config.finetune and not is_folder(config.finetune.base_model):
        needs.add("hub")
    if unit.stage == "build-dataset" and config.build_dataset and config.build_dataset.push_to:
        needs.add("hub")
    return frozenset(needs)


def describes(config: PipelineConfig) -> bool:
    """Return whether a teacher describes the pictures of documents while they are read."""
    return bool(config.ingest and config.ingest.describe.enabled)


def is_folder(model: str) -> bool:
    """Return whether a model is given as a folder rather than by its name on the hub."""
    return model.startswith((".", "/", "~")) or Path(model).is_dir()


def reads_base_model(unit: Unit) -> bool:
    """Return whether the unit loads the base model itself."""
    return unit.stage == "finetune" or (unit.stage == "answer" and unit.part in BASE_MODEL_ARMS)


def arms(config: PipelineConfig) -> tuple[str, ...]:
    """Return the names of all arms: the fine-tuned approaches first, then the arms that they are compared with."""
    tuned = _approach_names(config)
    compared = config.answer.arms if config.answer else ()
    return tuned + tuple(arm for arm in compared if tuned or arm not in TUNED_MODEL_ARMS)


def hashed_fields(config: PipelineConfig, unit: Unit) -> dict[str, Any]:
    """Return the settings that affect a unit's output as JSON values, with no other unit's approach or arm."""
    fields: dict[str, Any] = {"run": output_fields(config.run)}
    uses = ("llm",) if unit.stage == "ingest" and describes(config) else STAGES[unit.stage].uses
    for name in (*uses, unit.stage):
        section = getattr(config, name.replace("-", "_"))
        if section is not None:
            fields[name] = output_fields(section)
    if unit.stage == "ingest":
        for source in fields["ingest"]["sources"]:  # moving files changes no row, and their content is hashed
            source |= {key: Path(source[key]).name for key in ("path", "images") if source[key] is not None}
        tables = (source for source in config.ingest.sources if source.kind == "exhibits-csv") if config.ingest else ()
        fields["names"] = [source_name(source) for source in tables]  # names may come from the sources' folders
    if unit.stage == "report" and config.ingest:
        fields["sources"] = [str(source.path) for source in config.ingest.sources]  # the report shows them
    if unit.stage == "finetune":
        fields["finetune"]["approaches"] = [a for a in fields["finetune"]["approaches"] if a["name"] == unit.part]
    if unit.stage == "answer":
        del fields["answer"]["arms"]
        if unit.part in BASE_MODEL_ARMS and config.finetune:
            fields["model"] = [config.finetune.base_model, config.finetune.dtype]
    return fields


def input_paths(config: PipelineConfig, unit: Unit) -> tuple[Path, ...]:
    """Return the files and folders outside the run that the unit reads; their content enters its spec hash."""
    if unit.stage == "ingest" and config.ingest:
        paths: list[Path | None] = []
        for source in config.ingest.sources:
            paths += [source.path, source.images_folder, source.figures_folder, *pictures_beside(source)]
            paths += [] if source.path.is_dir() else [collection_file(source)]
        return tuple(path for path in paths if path is not None)
    if unit.stage == "curate" and config.curate and config.curate.edits:
        return (config.curate.edits,)
    if reads_base_model(unit) and config.finetune and Path(config.finetune.base_model).is_dir():
        return (Path(config.finetune.base_model),)
    return ()


def _approach_of(config: PipelineConfig, unit: Unit) -> ApproachKind | None:
    """Return the row of the approaches table for a unit of `finetune`, or None for other units."""
    section = config.finetune if unit.stage == "finetune" else None
    return next((APPROACHES[a.kind] for a in section.approaches if a.name == unit.part), None) if section else None


def _approach_names(config: PipelineConfig) -> tuple[str, ...]:
    section = section_of(config, "finetune")
    return tuple(a.name for a in section.approaches) if section else ()


_PARTS: dict[str, Callable[[PipelineConfig], tuple[str, ...]]] = {"finetune": _approach_names, "answer": arms}


def _reads(config: PipelineConfig, stage: str, part: str, before: dict[str, Unit]) -> tuple[str, ...]:
    if stage == "answer":
        tuned = _approach_names(config)
        model = part if part in tuned else tuned[0] if part in TUNED_MODEL_ARMS else ""
        return ("build-dataset", f"finetune-{model}") if model else ("build-dataset",)
    return tuple(unit.name for unit in before.values() if unit.stage in STAGES[stage].reads)
