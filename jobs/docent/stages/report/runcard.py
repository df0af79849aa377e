"""Read what the run cost, what is missing from it, and what it takes to repeat it.

Reads the markers and `_SUCCESS.json` of every unit before the report and the configuration; writes nothing. No
absolute path and no credential of a URL reaches the page.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from urllib.parse import urlsplit, urlunsplit

import yaml

from docent.config import PipelineConfig
from docent.context import Context
from docent.stages.report.inputs.generation import generation_entries
from docent.stages.report.sentences.cautions import OFFLINE_TEACHER
from docent.stages.report.steps.commands import Commands
from docent.store import Artifact

TOKENS = {"input_tokens": "input", "output_tokens": "output"}
USAGE = {
    "planned": "requests",
    "kept": "answered in full",
    "rejected": "not answered in full",
    "failed": "requests failed",
    "requests": "tries",
}
"""What the page calls the amounts of `docent.llm.accounting` and its client, in the order in which it says them."""


@dataclass(frozen=True)
class UnitCost:
    """One unit: what it wrote and what that took, over all its shards.

    Attributes:
        seconds: wall clock, added over shards.
        cpu_seconds: processor time, added over shards.
        usd: None where no price is known.
        usage: other amounts noted by the stage, name and amount.
    """

    artifact: Artifact
    shards: int
    seconds: float
    cpu_seconds: float
    tokens: int | None
    usd: float | None
    usage: tuple[tuple[str, float], ...]
    versions: str


@dataclass(frozen=True)
class Gap:
    """A shard that failed and was allowed to: its rows are missing."""

    unit: str
    shard: int
    shards: int
    cause: str


@dataclass(frozen=True)
class RunCard:
    """How to get the same run again."""

    entries: tuple[tuple[str, str], ...]
    command: str
    place: str
    """What to put in place of a path of the commands that is cut; "" where none is."""
    config_yaml: str


def read_costs(ctx: Context) -> tuple[UnitCost, ...]:
    """Return one row per unit that the report reads, in pipeline order."""
    costs = []
    for artifact in ctx.inputs.values():
        markers = artifact.markers()
        usage: Counter[str] = Counter()
        for marker in markers:
            usage.update(marker.usage)
        versions = sorted({" ".join(f"{k} {v}" for k, v in sorted(m.versions.items())) for m in markers})
        tokens = sum(usage.get(name, 0) for name in TOKENS) if usage.keys() & TOKENS.keys() else None
        costs.append(
            UnitCost(
                artifact=artifact,
                shards=len(markers),
                seconds=sum(marker.seconds for marker in markers),
                cpu_seconds=sum(marker.cpu_seconds for marker in markers),
                tokens=None if tokens is None else round(tokens),
                usd=usage.get("usd"),
                usage=_other_amounts(usage, ctx.config.llm.provider == "offline"),
                versions="; ".join(versions),
            )
        )
    return tuple(costs)


def _other_amounts(usage: Counter[str], offline: bool) -> tuple[tuple[str, float], ...]:
    """Amounts beside tokens and money, requests to the teacher first.

    Args:
        offline: whether the teacher is rules: it is not tried again, and what it does not write is no failure.
    """
    if offline and "planned" in usage:
        usage = Counter({name: n for name, n in usage.items() if name != "requests" and not name.startswith("tries_")})
        if missing := usage.pop("failed", 0):
            usage["rejected"] += missing
    known = tuple((label, usage[name]) for name, label in USAGE.items() if name in usage)
    others = sorted(usage.keys() - USAGE.keys() - TOKENS.keys() - {"usd"})
    return (*known, *((name.replace("_", " "), usage[name]) for name in others))


def read_gaps(ctx: Context) -> tuple[Gap, ...]:
    """Return every shard that failed and was let through, with its first line of explanation."""
    return tuple(
        Gap(artifact.unit, marker.index, marker.count, shortened(marker.failed.splitlines()[0]))
        for artifact in ctx.inputs.values()
        if artifact.success.failed_shards
        for marker in artifact.markers()
        if marker.failed
    )


def read_card(ctx: Context) -> RunCard:
    """Collect name, seed, model, teacher and the whole configuration."""
    config = ctx.config
    entries = [("Run", config.run.name), ("Seed", str(config.seed))]
    if config.ingest:
        entries.append(
            ("Sources", ", ".join(f"{s.kind}: {shortened(s.path.as_posix())}" for s in config.ingest.sources))
        )
    if config.assemble:
        entries.append(("Split", config.assemble.split))
    teacher = OFFLINE_TEACHER if config.llm.provider == "offline" else config.llm.model
    entries.append(("Teacher", teacher))
    if config.finetune:
        entries += [("Base model", shortened(config.finetune.base_model)), ("Arithmetic", config.finetune.dtype)]
    entries += generation_entries(ctx)
    versions = sorted({f"{k} {v}" for a in ctx.inputs.values() for m in a.markers() for k, v in m.versions.items()})
    entries.append(("Versions", ", ".join(versions)))
    commands = Commands(ctx)
    return RunCard(tuple(entries), commands.again(), commands.place(), config_text(config))


def config_text(config: PipelineConfig) -> str:
    """Write the configuration as YAML without what is private to a machine; skipped sections are left out."""
    data = {name: value for name, value in config.model_dump(mode="json", by_alias=True).items() if value is not None}
    return yaml.safe_dump(_public(data), sort_keys=False, allow_unicode=True)


def shortened(text: str) -> str:
    """Cut absolute paths in `text` to their last name and take user names and keys out of URLs."""
    if "://" in text:
        return re.sub(r"(?<!\S)\S*?://\S+", lambda match: _without_credentials(match[0]), text)
    return re.sub(r"(?<![\w.])(?:[A-Za-z]:[\\/]|/)[^\s'\":;,]+", lambda match: f"…/{_last_name(match[0])}", text)


def _last_name(path: str) -> str:
    return (PureWindowsPath if "\\" in path else PurePosixPath)(path).name


def _without_credentials(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "…"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _public(value: object) -> object:
    if isinstance(value, dict):
        return {key: _public(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_public(inner) for inner in value]
    return shortened(value) if isinstance(value, str) else value
