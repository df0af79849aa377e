"""PipelineConfig: all that pipeline.yaml may say, one section per stage, said once.

Reads a YAML file, `--set a.b=c` overrides and `DOCENT_A__B=c` variables; writes nothing. The string under a field is
its help text in the YAML schema and the README. Every field says what changing it does: `output` fields enter the
hash of the stages that use them, `execution` fields (shards, limits, budgets, logging) never cause a rerun.
A secret is named (`llm.api_key_env: OPENAI_API_KEY`), never written down.
"""

from __future__ import annotations

import os
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from docent.config_errors import describe, unreadable
from docent.errors import ConfigError
from docent.overrides import apply_override

ComparedArm = Literal["base", "retrieval", "colour", "constant", "blind"]
COMPARED_ARMS: tuple[ComparedArm, ...] = typing.get_args(ComparedArm)


def output(default: Any = ..., **limits: Any) -> Any:
    """A field whose value changes what the stage writes."""
    return _field("output", default, limits)


def execution(default: Any = ..., **limits: Any) -> Any:
    """A field that changes how a stage runs, never what it writes."""
    return _field("execution", default, limits)


def _field(effect: str, default: Any, limits: Mapping[str, Any]) -> Any:
    made = {"default_factory": default} if callable(default) else {"default": default}
    return Field(json_schema_extra={"effect": effect}, **made, **limits)


class Section(BaseModel):
    """What every section of the file shares: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True, allow_inf_nan=False)


class Stage(Section):
    """What every stage's section has."""

    enabled: bool = output(True)
    """false skips the stage; what it would have written counts as empty."""
    max_reject_rate: float = execution(1.0, ge=0, le=1)
    """The stage fails when more than this share of its rows is rejected."""
    max_failed_shards: int = execution(0, ge=0)
    """Shards that may end with bad input before the stage fails; the report lists the gap."""


class Run(Section):
    """How a run is carried out."""

    name: str = execution("demo", pattern=r"^[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?$")
    """Folder of the run below the data folder; at most 16 characters, a-z, 0-9 and hyphens."""
    workers: int = execution(0, ge=0)
    """Processes at the same time on this machine; 0 takes one per core."""
    threads: int = output(1, ge=1)
    """Arithmetic threads of each process. Fixed, because sums in another order differ in the last bits."""
    input_wait_s: float = execution(90.0, ge=0)
    """How long a stage looks again for a missing input (network filesystems) before it ends with 44."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = execution("INFO")
    """How much is logged; the variable LOG_LEVEL wins."""


class Llm(Section):
    """The teacher that writes questions and answers."""

    provider: Literal["offline", "openai"] = output("offline")
    """`offline` extracts pairs from the source text; `openai` is any OpenAI-compatible endpoint."""
    base_url: str = output("https://api.openai.com/v1")
    """Endpoint of `openai`: OpenAI, Azure, OpenRouter, vLLM, LMDeploy."""
    model: str = output("gpt-4o-mini")
    """Model name sent to the endpoint."""
    api_key_env: str = execution("OPENAI_API_KEY", pattern=r"^[A-Z][A-Z0-9_]*$")
    """Name of the environment variable that holds the key."""
    max_in_flight: int = execution(8, ge=1)
    """Requests at the same time, over all shards."""
    max_attempts: int = execution(5, ge=1, le=20)
    """Tries per request before it is given up."""
    timeout_s: float = execution(120.0, gt=0)
    """Seconds to wait for one reply."""
    max_usd: float | None = execution(None, gt=0)
    """Stop cleanly before more than this is spent; needs both prices."""
    usd_per_million_input_tokens: float = execution(0.0, ge=0)
    """Price used for the spending limit and the report."""
    usd_per_million_output_tokens: float = execution(0.0, ge=0)
    """Price used for the spending limit and the report."""


class Source(Section):
    """One place to read from."""

    kind: Literal["exhibits-csv", "exhibits-folder"] = output()
    """`exhibits-csv`: a CSV with one exhibit per row; `exhibits-folder`: one subfolder per exhibit."""
    path: Path = output()
    """The CSV file, or the folder of subfolders with photos and `description.txt`."""
    images: Path | None = output(None)
    """Folder of the CSV's images; `images` beside the CSV when not given."""

    @property
    def images_folder(self) -> Path | None:
        """Where the CSV's images lie; None for a folder source, which holds its own."""
        return (self.images or self.path.parent / "images") if self.kind == "exhibits-csv" else None


class Ingest(Stage):
    """Read raw exhibits."""

    sources: tuple[Source, ...] = output(min_length=1)
    """What to read, in order."""
    max_exhibits: int | None = output(None, ge=1)
    """Read only the first so many exhibits, for a quick try."""
    shards: int = execution(1, ge=1)
    """Parallel parts."""
    max_reject_rate: float = execution(0.05, ge=0, le=1)
    """Share of photos and exhibits that may be unusable."""
    max_image_mb: float = output(50.0, gt=0)
    """Larger image files are rejected."""
    max_image_megapixels: float = output(100.0, gt=0)
    """Images with more pixels are rejected by their header, before decoding."""


class AssessImages(Stage):
    """Measure every photo; keep or reject it with a reason."""

    shards: int = execution(2, ge=1)
    """Parallel parts."""
    min_side_px: int = output(64, ge=1)
    """Smaller photos are rejected."""
    min_color_std: float = output(3.0, ge=0)
    """Photos with less variation are rejected as blank."""
    min_sharpness: float = output(2.0, ge=0)
    """Photos with a lower Laplacian variance are rejected as blurred."""
    duplicate_similarity: float = output(0.93, gt=0.5, le=1)
    """Photos of one exhibit whose hashes agree in at least this share of bits count as the same photo."""


class AugmentImages(Stage):
    """Make altered copies of photos until every exhibit has its quota."""

    shards: int = execution(2, ge=1)
    """Parallel parts."""
    probability: float = output(0.5, ge=0, le=1)
    """Chance of each of the five transforms."""


class Assemble(Stage):
    """One item per exhibit, and which photo goes to which split."""

    split: Literal["clean", "published", "given"] = output("clean")
    """`clean`: all derivatives of a photo in one split. `published`: originals to test first, altered copies to
    train first (leaks, as published). `given`: the columns of the CSV."""
    images_per_item: int = output(15, ge=2)
    """Photos per exhibit, originals and altered copies together."""
    test_images: int = output(3, ge=0)
    """Photos per exhibit kept for testing."""
    validation_images: int = output(1, ge=0)
    """Photos per exhibit kept for choosing a checkpoint."""


class GenerateQA(Stage):
    """Questions and answers about every item."""

    shards: int = execution(2, ge=1)
    """Parallel parts."""
    temperatures: tuple[float, ...] = output((0.4, 0.7, 0.9), min_length=1)
    """One call per item and temperature; the lowest goes to test, the highest to train."""
    pairs_per_call: int = output(5, ge=1, le=20)
    """Pairs asked for in one call."""
    max_answer_words: int = output(300, ge=10)
    """Longest answer asked for."""
    language: str = output("English")
    """Language of questions and answers."""
    max_reject_rate: float = execution(0.2, ge=0, le=1)
    """Share of calls that may give nothing usable."""


class Curate(Stage):
    """Reject or mark pairs that should not be trained on."""

    min_answer_words: int = output(4, ge=1)
    """Shorter answers are rejected."""
    max_answer_words: int = output(300, ge=1)
    """Longer answers are rejected."""
    max_unsupported_numbers: int = output(0, ge=0)
    """Answers with more numbers that the source does not have are rejected."""
    max_reject_rate: float = execution(0.5, ge=0, le=1)
    """Share of pairs that may be rejected."""


class BuildDataset(Stage):
    """Pairs meet photos: splits, leak count, Hugging Face dataset, exports."""

    pairs_per_train_image: int = output(4, ge=1)
    """Training rows per training photo; 1 pairs photo and answer one to one, as published."""
    name: str = output("docent-dataset")
    """Title of the data set card."""
    license: str = output("other")
    """Licence identifier for the data set card."""


class Approach(Section):
    """One way of fine-tuning. A plain name such as `lora` stands for `{name: lora, is: lora}`."""

    model_config = ConfigDict(populate_by_name=True)

    name: str = output(pattern=r"^[a-z0-9]([a-z0-9-]{0,12}[a-z0-9])?$")
    """Name of the approach and of its arm; at most 14 characters."""
    kind: Literal["lora", "full"] = Field(alias="is", json_schema_extra={"effect": "output"})
    """The row of the approaches table."""
    epochs: float | None = output(None, gt=0)
    """Overrides `finetune.epochs`."""
    learning_rate: float | None = output(None, gt=0)
    """Overrides the learning rate of the approaches table."""
    rank: int | None = output(None, ge=1)
    """Overrides the LoRA rank."""
    seed: int | None = output(None)
    """Overrides the run's seed."""


class Finetune(Stage):
    """Train the base model on the data set, once per approach."""

    base_model: str = output("samples/docent-tiny")
    """Folder of the model, or its name on the Hugging Face hub."""
    approaches: tuple[Approach, ...] = output(("lora", "full"), min_length=1, validate_default=True)
    """What to train: names from the approaches table, or mappings with settings."""
    epochs: float = output(3.0, gt=0)
    """Passes over the training rows."""
    max_steps: int | None = output(None, ge=1)
    """Stop after so many optimiser steps, for a quick try."""
    batch_size: int = output(16, ge=1)
    """Rows per optimiser step."""
    warmup_share: float = output(0.03, ge=0, lt=1)
    """Share of the steps in which the learning rate rises to its peak; after it a cosine falls to zero."""
    weight_decay: float = output(0.01, ge=0)
    """AdamW weight decay."""
    max_grad_norm: float = output(1.0, gt=0)
    """Gradients are scaled down to this norm."""
    evaluations: int = output(10, ge=1)
    """Times the validation loss is measured, evenly spread; the best checkpoint is kept."""
    dtype: Literal["float32", "bfloat16"] = output("float32")
    """Arithmetic of the model; float32 on CPU resumes bit for bit."""
    max_checkpoints: int = execution(2, ge=1)
    """Checkpoints kept on disk while training."""

    @field_validator("approaches", mode="before")
    @classmethod
    def _names_to_mappings(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        return tuple({"name": v, "is": v} if isinstance(v, str) else v for v in value)

    @field_validator("approaches")
    @classmethod
    def _names_differ(cls, value: tuple[Approach, ...]) -> tuple[Approach, ...]:
        names = [a.name for a in value]
        if taken := sorted(set(names) & set(COMPARED_ARMS)):
            raise ValueError(f"an approach cannot be named like an arm it is compared with: {', '.join(taken)}")
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise ValueError(f"approach named twice: {', '.join(twice)}")
        return value


class Answering(Stage):
    """Every arm answers the test examples; the approaches of `finetune` are always among them."""

    arms: tuple[ComparedArm, ...] = output(COMPARED_ARMS)
    """What the fine-tuned models are compared with."""
    shards: int = execution(1, ge=1)
    """Parallel parts of each arm."""
    batch_size: int = output(20, ge=1)
    """Examples generated together."""
    max_new_tokens: int = output(96, ge=1)
    """Longest answer in tokens; greedy decoding."""


class Scoring(Stage):
    """Metrics with intervals, from the answer files alone."""

    bootstrap_draws: int = output(10_000, ge=100)
    """Resamples of the items for every 95 % interval."""


class Reporting(Stage):
    """One self-contained HTML page."""

    title: str = output("docent report")
    """Heading of the page."""
    max_samples: int = output(40, ge=1)
    """Test photos shown side by side with every arm's answer."""


class PipelineConfig(Section):
    """The whole of pipeline.yaml. A stage whose section is absent is skipped."""

    run: Run = execution(Run)
    """How the run is carried out."""
    seed: int = output(7)
    """Every random choice derives from it."""
    llm: Llm = output(Llm)
    """The teacher."""
    ingest: Ingest | None = output(None)
    """Stage ingest."""
    assess_images: AssessImages | None = output(None)
    """Stage assess-images."""
    augment_images: AugmentImages | None = output(None)
    """Stage augment-images."""
    assemble: Assemble | None = output(None)
    """Stage assemble."""
    generate_qa: GenerateQA | None = output(None)
    """Stage generate-qa."""
    curate: Curate | None = output(None)
    """Stage curate."""
    build_dataset: BuildDataset | None = output(None)
    """Stage build-dataset."""
    finetune: Finetune | None = output(None)
    """Stage finetune."""
    answer: Answering | None = output(None)
    """Stage answer."""
    score: Scoring | None = output(None)
    """Stage score."""
    report: Reporting | None = output(None)
    """Stage report."""


def load_config(path: Path, overrides: Sequence[str] = (), environ: Mapping[str, str] = os.environ) -> PipelineConfig:
    """Read a pipeline file, apply overrides, check everything.

    Args:
        path: the YAML file. Paths inside it are relative to the working directory.
        overrides: `a.b=c` strings; c is YAML, list items are numbers (`ingest.sources.0.path=x`).
        environ: variables `DOCENT_A__B=c` override like `--set a.b=c`, before `overrides`.

    Raises:
        ConfigError: with every problem of the file at once.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise unreadable(path, error) from None
    if not isinstance(raw, dict):
        raise ConfigError("a pipeline file is a mapping of sections", str(path), "see pipeline.yaml for an example")
    from_env = [
        f"{name.removeprefix('DOCENT_').lower().replace('__', '.')}={value}"
        for name, value in sorted(environ.items())
        if is_override(name)
    ]
    for override in [*from_env, *overrides]:
        apply_override(raw, override)
    try:
        return PipelineConfig.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(
            describe(error, PipelineConfig), str(path), f"edit {path}, then: docent plan {path}"
        ) from None


def is_override(name: str) -> bool:
    """Whether an environment variable overrides a configuration value: `DOCENT_SEED` or `DOCENT_A__B`.

    Kubernetes itself sets DOCENT_PORT and the like for a Service named docent; those are none.
    """
    head = name.removeprefix("DOCENT_").split("__")[0].lower()
    return name.startswith("DOCENT_") and head in PipelineConfig.model_fields


def dump_config(config: PipelineConfig) -> str:
    """The configuration as YAML, every default filled in."""
    data = config.model_dump(mode="json", by_alias=True)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


def output_fields(section: BaseModel) -> dict[str, Any]:
    """The fields of a section that change what is written, as plain JSON values, nested sections included."""
    found: dict[str, Any] = {}
    for name, field in type(section).model_fields.items():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and extra.get("effect") == "output":
            found[name] = _plain(getattr(section, name))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return output_fields(value)
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return value.as_posix() if isinstance(value, Path) else value
