"""PipelineConfig: all that pipeline.yaml may say, one section per stage, said once.

Reads a YAML file, `--set a.b=c` overrides and `DOCENT_A__B=c` variables; writes nothing. The string under a field is
its help text in the YAML schema and docs/configuration.md. Every field says what changing it does: `output` fields
enter the hash of the stages that use them, `execution` fields (shards, limits, budgets, logging) never cause a rerun.
A secret is named (`llm.api_key_env: OPENAI_API_KEY`), never written down.

Sections: `stages.py` one per stage, `kubernetes.py` the cluster, here what concerns the whole run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl

import yaml
from pydantic import ValidationError, field_validator

from docent.config.error_messages import refused, unreadable
from docent.config.fields import Section, execution, output, output_fields
from docent.config.kubernetes import Kubernetes
from docent.config.overrides import apply_override
from docent.config.run_names import RUN_NAME_PATTERN
from docent.config.sources import Describe, Markdown, Pdf, Rows, Source, Text
from docent.config.stages import (
    Answering,
    Approach,
    Assemble,
    AssessImages,
    AugmentImages,
    BuildDataset,
    Curate,
    Finetune,
    GenerateQA,
    Ingest,
    Reporting,
    Scoring,
)
from docent.errors import ConfigError
from docent.messages.masking import SECRET_NAME, holds_secret, is_key_field

__all__ = [
    "Answering",
    "Approach",
    "Assemble",
    "AssessImages",
    "AugmentImages",
    "BuildDataset",
    "Curate",
    "Describe",
    "Finetune",
    "GenerateQA",
    "Ingest",
    "Kubernetes",
    "Llm",
    "Markdown",
    "Pdf",
    "PipelineConfig",
    "Reporting",
    "Rows",
    "Run",
    "Scoring",
    "Source",
    "Text",
    "dump_config",
    "is_override",
    "load_config",
    "output_fields",
]


class Run(Section):
    """Execution settings of a run."""

    name: str = execution("demo", pattern=RUN_NAME_PATTERN)
    """Name of the run and of its folder in the data folder; at most 16 characters: a-z, 0-9 and hyphens."""
    workers: int = execution(0, ge=0)
    """Number of local processes; 0 uses one per core."""
    threads: int = output(1, ge=1)
    """Compute threads per process. Fixed, because a different order of summation changes the last bits of results."""
    input_wait_s: float = execution(90.0, ge=0)
    """Time to wait for a missing input on network filesystems before the stage exits with 44."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = execution("INFO")
    """Log level; the environment variable LOG_LEVEL takes precedence."""


class Llm(Section):
    """The teacher that writes questions and answers: one client for every stage that asks a model."""

    provider: Literal["offline", "openai", "azure", "openrouter", "vllm", "lmdeploy"] = output("offline")
    """`offline` extracts pairs from the source text; `openai` is any OpenAI-compatible endpoint; the others are
    `openai` with what is known of that one: how it takes a key, its paths, its extra settings."""
    base_url: str = output("https://api.openai.com/v1")
    """Address of the endpoint, usually ending with /v1, without a key or password; for `azure`
    https://NAME.openai.azure.com."""
    api_version: str = output("")
    """For `azure` with deployments, such as 2024-10-21; empty takes its /openai/v1 path, which needs none."""
    model: str = output("gpt-4o-mini")
    """Model name sent to the endpoint; for `azure` the deployment's name."""
    api_key_env: str = execution("OPENAI_API_KEY", pattern=r"^[A-Z][A-Z0-9_]*$")
    """Name of the environment variable that holds the key."""
    mode: Literal["online", "batch"] = execution("online")
    """`batch` sends requests as files to the endpoint's batch API: the same rows, cheaper, within its window."""
    top_p: float | None = output(None, gt=0, le=1)
    """Nucleus sampling; sent only when set."""
    frequency_penalty: float | None = output(None, ge=-2, le=2)
    """Sent only when set."""
    presence_penalty: float | None = output(None, ge=-2, le=2)
    """Sent only when set."""
    extra_body: dict[str, Any] = output(dict)
    """Further fields of every request as the endpoint knows them, e.g. `{top_k: 40, min_p: 0.05}` for vLLM."""
    structured_output: Literal["auto", "json_schema", "json_object", "prompt"] = output("auto")
    """How JSON is asked for; `auto` tries the endpoint once, strictest first."""
    max_in_flight: int = execution(32, ge=1)
    """Most requests at the same time, over all shards; fewer are sent while the endpoint only queues them."""
    max_attempts: int = execution(5, ge=1, le=20)
    """Tries per request before it is given up."""
    timeout_s: float = execution(120.0, gt=0)
    """Seconds to wait for one reply."""
    deadline_s: float = execution(900.0, gt=0)
    """Seconds from the first failure of a request to its last try."""
    max_reply_mb: float = execution(4.0, gt=0, le=256)
    """A longer reply is cut off and refused."""
    requests_per_minute: int | None = execution(None, ge=1)
    """Over all shards; what the endpoint says or refuses is learned beside it."""
    tokens_per_minute: int | None = execution(None, ge=1)
    """Over all shards, input and output together."""
    requests_per_day: int | None = execution(None, ge=1)
    """In any 24 hours, over all shards and runs that share the journal."""
    tokens_per_day: int | None = execution(None, ge=1)
    """In any 24 hours, over all shards and runs that share the journal."""
    max_usd: float | None = execution(None, gt=0)
    """Stop cleanly before more than this is spent on a stage; needs prices."""
    max_tokens: int | None = execution(None, ge=1)
    """Stop cleanly before more tokens than this are used by a stage, input and output together."""
    usd_per_million_input_tokens: float | None = execution(None, ge=0)
    """Price for the limit and the report; without it the list price in `llm/pace/prices.yaml`, where one stands."""
    usd_per_million_output_tokens: float | None = execution(None, ge=0)
    """Price for the limit and the report; without it the list price in `llm/pace/prices.yaml`, where one stands."""
    batch_price: float = execution(0.5, gt=0, le=1)
    """Share of the prices above that batch mode costs."""
    batch_requests: int = execution(50_000, ge=1, le=50_000)
    """Most requests in one batch file."""
    batch_mb: float = execution(190.0, gt=0, le=200)
    """Most megabytes in one batch file."""
    batch_poll_s: float = execution(30.0, gt=0)
    """Seconds between looks at a running batch."""

    @field_validator("base_url")
    @classmethod
    def _without_secrets(cls, address: str) -> str:
        """Refuse an address that would put a password or key into `pipeline.resolved.yaml`, without repeating it."""
        parts = address.partition("://")[2] or address
        host, _, query = parts.partition("?")
        named = any(SECRET_NAME.search(name) for name, _ in parse_qsl(query))
        if "@" in host.partition("/")[0] or named or holds_secret("", address):
            raise ValueError("holds a password or key: put it in the environment variable that llm.api_key_env names")
        return address

    @field_validator("extra_body")
    @classmethod
    def _without_keys(cls, fields: dict[str, Any]) -> dict[str, Any]:
        """Refuse a field that would put a key into `pipeline.resolved.yaml`, without repeating it."""
        if found := sorted(name for name, value in fields.items() if is_key_field(name, value)):
            raise ValueError(f"{', '.join(found)} holds a key: put it in the variable that llm.api_key_env names")
        return fields

    @property
    def needs_key(self) -> bool:
        """Whether the endpoint cannot be asked without a key; a server of one's own often can."""
        return self.provider not in ("offline", "vllm", "lmdeploy")


class PipelineConfig(Section):
    """The whole of pipeline.yaml. A stage whose section is absent is skipped."""

    run: Run = execution(Run)
    """Execution settings."""
    seed: int = output(7)
    """Seed of every random choice."""
    llm: Llm = output(Llm)
    """Teacher model."""
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
    kubernetes: Kubernetes = execution(Kubernetes)
    """Cluster settings."""


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
    """Whether an environment variable overrides a configuration value: `DOCENT_SEED` or `DOCENT_A__B`.

    Kubernetes itself sets DOCENT_PORT and the like for a Service named docent; those are none.
    """
    head = name.removeprefix("DOCENT_").split("__")[0].lower()
    return name.startswith("DOCENT_") and head in PipelineConfig.model_fields


def dump_config(config: PipelineConfig) -> str:
    """The configuration as YAML, every default filled in."""
    data = config.model_dump(mode="json", by_alias=True)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
