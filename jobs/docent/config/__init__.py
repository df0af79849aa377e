"""Load pipeline.yaml as a PipelineConfig, with one section per stage; every field is defined once in this folder.

Reads a YAML file, `--set a.b=c` overrides and `DOCENT_A__B=c` variables; writes nothing. The string under a field is
its help text in the YAML schema and docs/configuration.md. Every field declares the effect of a change: `output` fields
enter the hash of the stages that use them, `execution` fields (shards, limits, budgets, logging) never cause a rerun.
Secrets are referenced by name (`llm.api_key_env: OPENAI_API_KEY`), never stored.

Sections: `stages.py` has one per stage, `llm.py` the teacher, `kubernetes.py` the cluster; the section of the run and
the PipelineConfig are here. Start reading at `stages.py`.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import yaml
from pydantic import ValidationError

from docent.config import stages
from docent.config.error_messages import refused, unreadable
from docent.config.fields import ConfigSection, execution, output
from docent.config.kubernetes import Kubernetes
from docent.config.llm import Llm
from docent.config.overrides import apply_override
from docent.config.run_names import RUN_NAME_PATTERN
from docent.errors import ConfigError


class Run(ConfigSection):
    """Execution settings of a run."""

    name: str = execution("demo", pattern=RUN_NAME_PATTERN)
    """Name of the run and of its folder inside the data folder: at most 16 characters, from a-z, 0-9 and hyphens."""
    workers: int = execution(0, ge=0)
    """Maximum number of shards processed at the same time on this machine; 0: one per CPU core. Lower it if
    memory runs out."""
    threads: int = output(1, ge=1)
    """CPU threads per process. A change reruns stages, because it changes the order of summation and with it the last
    digits of results."""
    input_wait_s: float = execution(90.0, ge=0)
    """Seconds to wait for an input that is not visible yet on a network filesystem, before the stage exits with 44."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = execution("INFO")
    """Minimum level of log messages. The environment variable LOG_LEVEL takes precedence."""


class PipelineConfig(ConfigSection):
    """The contents of pipeline.yaml. A stage without a section is skipped."""

    run: Run = execution(Run)
    """Execution settings."""
    seed: int = output(7)
    """Seed of all random choices."""
    llm: Llm = output(Llm)
    """Teacher model."""
    ingest: stages.Ingest | None = output(None)
    """Stage ingest."""
    assess_images: stages.AssessImages | None = output(None)
    """Stage assess-images."""
    augment_images: stages.AugmentImages | None = output(None)
    """Stage augment-images."""
    assemble: stages.Assemble | None = output(None)
    """Stage assemble."""
    generate_qa: stages.GenerateQA | None = output(None)
    """Stage generate-qa."""
    curate: stages.Curate | None = output(None)
    """Stage curate."""
    build_dataset: stages.BuildDataset | None = output(None)
    """Stage build-dataset."""
    finetune: stages.Finetune | None = output(None)
    """Stage finetune."""
    answer: stages.Answering | None = output(None)
    """Stage answer."""
    score: stages.Scoring | None = output(None)
    """Stage score."""
    report: stages.Reporting | None = output(None)
    """Stage report."""
    kubernetes: Kubernetes = execution(Kubernetes)
    """Cluster settings."""


def load_config(path: Path, overrides: Sequence[str] = (), environ: Mapping[str, str] = os.environ) -> PipelineConfig:
    """Read a pipeline file, apply overrides and validate the result.

    Args:
        path: the YAML file. Paths inside it are relative to the working directory.
        overrides: `a.b=c` strings; c is YAML, list items are numbered from 0 (`ingest.sources.0.path=x`).
        environ: variables `DOCENT_A__B=c` override like `--set a.b=c`, before `overrides`.

    Raises:
        ConfigError: with every problem of the file at once.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise unreadable(path, error) from None
    if not isinstance(raw, dict):
        raise ConfigError(
            "the pipeline file is not a mapping of sections", str(path), "see pipeline.yaml for an example"
        )
    from_env = [
        (name, f"{name.removeprefix('DOCENT_').lower().replace('__', '.')}={value}")
        for name, value in sorted(environ.items())
        if is_override(name)
    ]
    given = [*from_env, *(("--set", override) for override in overrides)]
    applied = [apply_override(raw, override, PipelineConfig, origin) for origin, override in given]
    try:
        return PipelineConfig.model_validate(raw)
    except ValidationError as error:
        raise refused(error, PipelineConfig, path, applied) from None


def is_override(name: str) -> bool:
    """Return whether an environment variable overrides a configuration value: `DOCENT_SEED` or `DOCENT_A__B`.

    Kubernetes itself sets variables such as DOCENT_PORT for a Service named docent; they are not overrides.
    """
    head = name.removeprefix("DOCENT_").split("__")[0].lower()
    return name.startswith("DOCENT_") and head in PipelineConfig.model_fields


def dump_config(config: PipelineConfig) -> str:
    """Return the configuration as YAML, including all defaults."""
    data = config.model_dump(mode="json", by_alias=True)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
