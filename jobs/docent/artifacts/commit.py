"""Commit a shard (its rows, its files, its marker), and a unit once every shard has its marker.

Writes `<run>/<unit>/<spec10>/shard-<i>-of-<n>.json`, whose rename is the commit, and `<run>/<unit>/_SUCCESS.json`.
Commits nothing if sources changed while the stage read them.
"""

import logging
import platform
import time
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from docent import __version__
from docent.artifacts.durable import write_durably
from docent.artifacts.listings import SCHEMA, SPEC_DIGITS, Marker
from docent.artifacts.parts import Parts
from docent.config import PipelineConfig
from docent.context import PICTURES, Context
from docent.errors import ConfigError, InputError, StoppedError, TemporaryError
from docent.messages.masking import mask
from docent.messages.plurals import counted
from docent.pipeline import Unit, section_of
from docent.source_files.digests import describe_changes
from docent.spec import RunStates
from docent.store import Shard, find_marker, finish, marker_path

log = logging.getLogger("docent.stage")


def _write_rows(states: RunStates, ctx: Context, rows: Iterator[Any], parts: Parts) -> str:
    """Write the rows that the generator yields; return "", or the reason of a failure that the config tolerates."""
    try:
        for row in rows:
            parts.write(row)
            if ctx.stop.is_set():
                raise StoppedError(f"{ctx.unit.name} was stopped by SIGTERM", next_step="docent run")
    except (StoppedError, ConfigError):
        raise
    except Exception as error:
        _refuse_changed_sources(states, ctx.unit)  # a source that was missing or half written is not bad input or a bug
        if not isinstance(error, InputError) or not section_of(ctx.config, ctx.unit.stage).max_failed_shards:
            raise
        log.error("shard %s failed; the run continues because max_failed_shards allows it: %s", ctx.shard, error)
        return mask(str(error))
    finally:
        # A stopped stage is suspended at its last row: closing it lets the chat client wait for replies in flight.
        if isinstance(rows, Generator):
            rows.close()
    return ""


def _refuse_changed_sources(states: RunStates, unit: Unit) -> None:
    """Refuse to commit rows of sources that changed after they were hashed.

    The spec hash describes the old content, and rows of a file that was missing briefly would be missing permanently.

    Raises:
        TemporaryError: a source changed, or can no longer be read.
    """
    try:
        changes = states.changed_sources(unit.name)
    except (OSError, InputError) as error:
        raise TemporaryError(
            f"cannot check whether the sources of {unit.name} have changed: {error}", next_step="docent run"
        ) from None
    if changes:
        raise TemporaryError(
            f"sources changed while {unit.name} was reading them",
            describe_changes(changes),
            "wait until no process writes to them, then: docent run",
        )


def commit(states: RunStates, ctx: Context, spec: str, generated: Iterator[Any]) -> None:
    """Write and commit a shard: its rows, its files, then its marker.

    Args:
        generated: the rows and rejects that the stage yields.

    Raises:
        TemporaryError: a source changed while the stage read it; nothing is committed.
        StoppedError: the shard was stopped.
    """
    started_s, cpu_s = time.monotonic(), time.process_time()
    parts = Parts(ctx.folder, ctx.shard)
    try:
        failed = _write_rows(states, ctx, generated, parts)
        _refuse_changed_sources(states, ctx.unit)
        files = ctx.publish()
        rows, rejects = parts.close()
    except BaseException:
        ctx.discard()
        parts.discard()
        raise
    ctx.progress.write()
    marker = Marker(
        schema=SCHEMA,
        spec=spec,
        index=ctx.shard.index,
        count=ctx.shard.count,
        parts=rows,
        rejects=rejects,
        files=files,
        reject_reasons=dict(parts.reasons),
        failed=failed,
        seconds=round(time.monotonic() - started_s, 3),
        cpu_seconds=round(time.process_time() - cpu_s, 3),
        usage={name: round(amount, 6) for name, amount in ctx.usage.items()},
        versions={"docent": __version__, "python": platform.python_version()},
    )
    write_durably(marker_path(ctx.folder, ctx.shard), marker.to_json(sort_keys=True))
    written = f"{counted(parts.rows.count, 'row')}, {counted(parts.rejects.count, 'reject')}"
    log.info("%s shard %s: %s", ctx.unit.name, ctx.shard, written)


def finish_when_last(states: RunStates, unit: Unit, spec: str, count: int) -> None:
    """Write `_SUCCESS.json` once all shards are committed, if no limit on failed shards or rejects is exceeded."""
    folder = states.run_dir / unit.name / spec[:SPEC_DIGITS]
    markers = [marker for i in range(count) if (marker := find_marker(folder, Shard(i, count), spec))]
    if len(markers) < count:
        return
    _check_gates(states.config, unit, markers, folder)
    artifact = finish(states.run_dir, unit, spec, markers, states.sources_digest(unit.name))
    rows = counted(artifact.success.rows, "row")
    log.info("%s is complete: %s, digest %s", unit.name, rows, artifact.digest[:10])


def _check_gates(config: PipelineConfig, unit: Unit, markers: list[Marker], folder: Path) -> None:
    section = section_of(config, unit.stage)
    failed = [marker for marker in markers if marker.failed]
    if len(failed) > section.max_failed_shards:
        limit = f"max_failed_shards is {section.max_failed_shards}"
        listed = "; ".join(f"shard {m.index}: {m.failed.splitlines()[0]}" for m in failed)
        what = f"{counted(len(failed), 'shard')} of {unit.name} failed ({limit}): {listed}"
        raise InputError(what, str(folder), "fix the input, then: docent run")
    reasons = sum((Counter(marker.reject_reasons) for marker in markers), Counter[str]())
    rejected = sum(part.rows for marker in markers for part in marker.rejects)
    rejected -= sum(reasons[why] for why in section.uncounted)
    # A document is one row, and its pictures may be rejected one by one.
    pictures = sum(int(marker.usage.get(PICTURES, 0)) for marker in markers)
    total = rejected + pictures + sum(part.rows for marker in markers for part in marker.parts)
    if total and rejected / total > section.reject_limit:
        top = ", ".join(f"{number} x {reason}" for reason, number in reasons.most_common(5))
        allowed = f"{unit.stage.replace('-', '_')}.max_reject_rate={min(1.0, rejected / total + 0.005):.2f}"
        raise InputError(
            f"{unit.name} rejected {rejected} of {total} (limit {section.reject_limit:.0%}): {top}",
            f"{folder}/rejects-*.jsonl",
            f"fix the input, or raise the limit: docent run --set {allowed}",
        )
