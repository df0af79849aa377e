"""How a unit stands on disk and in words: done, running, failed and why, stopped and where, or still to do.

Reads the run folder: `_SUCCESS.json`, markers, `failed-*.json`, `progress-*.json`, checkpoints; writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from docent.artifacts.attempt import Failure, failures, is_at_work
from docent.artifacts.listings import SPEC_DIGITS, load_success
from docent.errors import InputError
from docent.launcher.runs.progress import describe, read_progress
from docent.launcher.runs.trained import newest_checkpoint
from docent.messages.plurals import joined
from docent.pipeline import needs_of, shards_of
from docent.spec import RunStates
from docent.store import SUCCESS, Artifact, Shard, find_marker

Phase = Literal["done", "running", "failed", "stopped", "to do", "after"]

NOT_STARTED = "ready to start"
DAMAGED = "an output was damaged"
DAMAGED_SUCCESS = f"its {SUCCESS} is damaged"
MAX_LISTED = 3
"""Units that a note names one by one; of more it says how many there are of each stage."""


@dataclass(frozen=True)
class Standing:
    """One unit as it stands.

    Attributes:
        phase: `after` waits for a unit that it reads; `stopped` was begun, and nothing works on it any more.
        shards: into how many parts it is divided.
        complete_shards: how many of them are complete; of a unit that is not done.
        artifact: its complete output, if any.
        failures: of its shards' last attempts, with the configuration and inputs of now.
        progress: of these attempts together: done, total, rate_per_s, eta_s, message.
        checkpoint_step: the training step that the next attempt goes on from; None where there is no checkpoint.
        is_training: whether it writes checkpoints.
        keeps_replies: whether it asks an endpoint, whose replies so far the next attempt finds in its journal.
        reason: why it is to do, or which units it waits for.
    """

    phase: Phase
    shards: int
    complete_shards: int = 0
    artifact: Artifact | None = None
    failures: tuple[Failure, ...] = ()
    progress: dict[str, Any] = field(default_factory=dict)
    checkpoint_step: int | None = None
    is_training: bool = False
    keeps_replies: bool = False
    reason: str = ""


def standings(states: RunStates, tolerant: bool = False) -> dict[str, Standing]:
    """How every unit stands, in pipeline order; those that read what is not complete say what they wait for.

    Args:
        tolerant: a source that does not exist is said of its unit, not raised.

    Raises:
        InputError: a source file or folder of the configuration does not exist.
    """
    seen: dict[str, Standing] = {}
    ahead: dict[str, set[str]] = {}  # all that has to be complete before a unit, and is not
    for name, unit in states.units.items():
        open_reads = [read for read in unit.reads if seen[read].phase != "done"]
        ahead[name] = set(open_reads).union(*(ahead[read] for read in open_reads))
        if open_reads:  # not asked: a source that is gone makes every unit after it raise
            seen[name] = Standing("after", shards_of(states.config, unit), reason=_after(states, name, ahead, seen))
            continue
        try:
            seen[name] = standing(states, name)
        except InputError as error:
            if not tolerant:
                raise
            seen[name] = Standing("to do", 1, reason=f"cannot run: {error.what} ({error.where})")
    return seen


def _after(states: RunStates, name: str, ahead: dict[str, set[str]], seen: dict[str, Standing]) -> str:
    """What a unit waits for: the failed units in its way, or all that has to be complete last."""
    if failed := [one for one in seen if one in ahead[name] and seen[one].phase == "failed"]:
        return f"after {in_words(states, failed)}, which failed"
    early = set().union(*(ahead[one] for one in ahead[name]))
    return f"after {in_words(states, [one for one in seen if one in ahead[name] - early])}"


def in_words(states: RunStates, names: list[str]) -> str:
    """Units as a message lists them: by name, or of many how many there are of each stage."""
    if len(names) <= MAX_LISTED:
        return joined(names)
    of_stage: dict[str, list[str]] = {}
    for name in names:
        of_stage.setdefault(states.units[name].stage, []).append(name)
    return joined([f"{len(of)} units of {stage}" if len(of) > 1 else of[0] for stage, of in of_stage.items()])


def standing(states: RunStates, name: str) -> Standing:
    """How a unit stands.

    Raises:
        InputError: a source file or folder of the configuration does not exist.
    """
    unit, run_dir = states.units[name], states.run_dir
    shards = shards_of(states.config, unit)
    state = states.of(name)
    if state.artifact:
        return Standing("done", shards, shards, state.artifact)
    if state.spec is None:
        missing = [read for read in unit.reads if states.of(read).artifact is None]
        return Standing("after", shards, reason=f"after {in_words(states, missing)}")
    spec, folder = state.spec, run_dir / name / state.spec[:SPEC_DIGITS]
    known = [one for one in failures(run_dir, name) if one.plan == states.plans[name]]
    failed = tuple(one for one in known if one.spec in ("", spec))
    complete = sum(find_marker(folder, Shard(i, shards), spec) is not None for i in range(shards))
    progress = read_progress(run_dir, name, spec)
    step = newest_checkpoint(folder)
    begun = (progress["parts"] > 0 or step is not None) and complete < shards
    reason = _why_to_do(run_dir, name, spec)
    damaged = reason in (DAMAGED, DAMAGED_SUCCESS)  # it was complete, so no attempt stopped
    if complete and not damaged:
        reason = f"{complete} of {shards} shards are complete"
    elif known:
        reason = f"inputs changed since it failed: {known[0].cause} (exit code {known[0].exit_code})"
    phase: Phase = "failed" if failed else "stopped" if begun and not damaged else "to do"
    if progress["parts"] and is_at_work(run_dir, name):
        phase = "running"
    asks, trains = "llm" in needs_of(states.config, unit), unit.stage == "finetune"
    return Standing(phase, shards, complete, None, failed, progress, step, trains, asks, reason)


def _why_to_do(run_dir: Path, name: str, spec: str) -> str:
    success = load_success(run_dir, name)
    if success is None:
        return DAMAGED_SUCCESS if (run_dir / name / SUCCESS).exists() else NOT_STARTED
    return DAMAGED if success.spec == spec else "configuration or inputs changed"


def note(unit: Standing) -> str:
    """What there is to say about a unit, in a few words."""
    if unit.phase == "done":
        return rejected(unit)
    if unit.phase == "running":
        return "; ".join(filter(None, [describe(unit.progress), _first_failure(unit)]))
    if unit.phase == "failed":
        return "; ".join(filter(None, [_first_failure(unit), continuation(unit)]))
    if unit.phase == "stopped":
        return f"stopped {_how_far(unit)}; {continuation(unit) or _anew(unit)}"
    return unit.reason


def rejected(unit: Standing) -> str:
    """How many rows of a complete unit were rejected and why, and which shards failed; "" where none did."""
    if unit.artifact is None:
        return ""
    success = unit.artifact.success
    words = [f"{success.rejected} rejected: {unit.artifact.rejected_because}"] if success.rejected else []
    if success.failed_shards:
        words.append(f"{len(success.failed_shards)} of {unit.shards} shards failed")
    return "; ".join(words)


def continuation(unit: Standing) -> str:
    """What the next attempt at a unit goes on from; "" where it begins anew."""
    if unit.checkpoint_step is not None:
        total = f" of {unit.progress['total']:g}" if unit.progress.get("total") else ""
        return f"resumes from step {unit.checkpoint_step}{total}"
    if unit.phase in ("failed", "stopped") and 0 < unit.complete_shards < unit.shards:
        return f"goes on with {unit.complete_shards} of {unit.shards} shards complete"
    return ""


def _anew(unit: Standing) -> str:
    """What the next attempt does where nothing of this one is left to go on from."""
    return "starts over with the replies so far" if unit.keeps_replies else "starts over"


def _how_far(unit: Standing) -> str:
    step = unit.checkpoint_step
    if not unit.progress.get("total"):
        before = "before its first step" if unit.is_training else "before its first row"
        return before if step is None else f"at step {step}"
    # Progress is written once a second, a checkpoint when the training is asked to stop.
    where = f"at {max(unit.progress['done'], step or 0):g} of {unit.progress['total']:g}"
    return f"{where}, before its first checkpoint" if unit.is_training and step is None else where


def _first_failure(unit: Standing) -> str:
    if not unit.failures:
        return ""
    first = unit.failures[0]
    several = len(unit.failures) > 1
    which = f"{len(unit.failures)} of {unit.shards} shards failed; shard {first.index}: " if several else ""
    return f"{which}{first.cause} (exit code {first.exit_code})"
