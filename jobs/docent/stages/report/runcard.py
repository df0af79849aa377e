"""Read the costs of the run, its failed shards, and what is needed to repeat it.

Reads the configuration, and the markers and `_SUCCESS.json` of all units that the report reads; writes nothing.
Absolute paths and credentials in URLs are removed.
"""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit, urlunsplit

import yaml

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
"""Amounts that `docent.llm.accounting` and the chat client record -> their names on the page, in page order."""


@dataclass(frozen=True)
class UnitCost:
    """The output of one unit and its cost, summed over all shards.

    Attributes:
        artifact: the unit's output.
        shards: number of shards.
        seconds: wall-clock time, summed over shards.
        cpu_seconds: processor time, summed over shards.
        tokens: input and output tokens; None if the unit counted none.
        usd: cost in US dollars; None if the price is unknown.
        usage: (name, amount) of everything else that the stage counted.
        versions: versions of the libraries that the shards used.
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
    """A shard that failed without failing the run, as configured: its rows are missing."""

    unit: str
    shard: int
    shards: int
    cause: str


@dataclass(frozen=True)
class RunCard:
    """What is needed to repeat the run."""

    entries: tuple[tuple[str, str], ...]
    command: str
    place: str
    """Which path replaces the shortened one in the commands, as a sentence, or "" if none is shortened."""
    config_yaml: str
    """The configuration without absolute paths, credentials and skipped sections."""


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
    """Return all amounts except tokens and money, starting with requests to the teacher.

    Args:
        offline: whether the teacher is rule-based: it has no retries, and pairs that it cannot write count as rejected,
            not as failed.
    """
    if offline and "planned" in usage:
        usage = Counter({name: n for name, n in usage.items() if name != "requests" and not name.startswith("tries_")})
        if missing := usage.pop("failed", 0):
            usage["rejected"] += missing
    known = tuple((label, usage[name]) for name, label in USAGE.items() if name in usage)
    others = sorted(usage.keys() - USAGE.keys() - TOKENS.keys() - {"usd"})
    return (*known, *((name.replace("_", " "), usage[name]) for name in others))


def read_gaps(ctx: Context) -> tuple[Gap, ...]:
    """Return all failed shards of the inputs, with the first line of their error messages."""
    return tuple(
        Gap(artifact.unit, marker.index, marker.count, shortened(marker.failed.splitlines()[0]))
        for artifact in ctx.inputs.values()
        if artifact.success.failed_shards
        for marker in artifact.markers()
        if marker.failed
    )


def read_card(ctx: Context) -> RunCard:
    """Collect name, seed, sources, models, versions, the command to repeat the run, and the configuration."""
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
    data = config.model_dump(mode="json", by_alias=True)
    sections = {name: value for name, value in data.items() if value is not None}
    config_yaml = yaml.safe_dump(_public(sections), sort_keys=False, allow_unicode=True)
    return RunCard(tuple(entries), commands.again(), commands.place(), config_yaml)


def shortened(text: str) -> str:
    """Remove credentials and queries from URLs in `text`; if it has no URL, cut absolute paths to the last name."""
    if "://" in text:
        return re.sub(r"(?<!\S)\S*?://\S+", lambda match: _without_credentials(match[0]), text)
    paths = re.compile(r"(?<![\w.])(?:[A-Za-z]:[\\/]|/)[^\s'\":;,]+")
    return paths.sub(lambda match: "…/" + PurePosixPath(match[0].replace("\\", "/")).name, text)


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
