"""Derive the states of units from a run folder: done, running, failed, stopped or to do, each with the reason.

Reads `_SUCCESS.json`, markers, `failed-*.json`, `progress-*.json`, checkpoints and locks; writes nothing.
"""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from docent.artifacts.attempt import Failure, failures, is_at_work
from docent.artifacts.listings import SPEC_DIGITS, SUCCESS, load_success
from docent.artifacts.side_files import load_json
from docent.config import load_config
from docent.errors import ConfigError, InputError
from docent.launcher.runs.progress import newest_checkpoint, read_progress
from docent.launcher.runs.settings import ATTEMPT, LAUNCH, RESOLVED, is_locked
from docent.launcher.runs.unit_state import Phase, StatusLine, UnitState, status_line
from docent.messages.plurals import joined
from docent.pipeline import needs_of, shards_of
from docent.spec import RunStates
from docent.store import Artifact, Shard, find_marker

NOT_STARTED = "ready to start"
DAMAGED = "an output was damaged"
DAMAGED_SUCCESS = f"its {SUCCESS} is damaged"
MAX_LISTED = 3
"""Maximum number of units that a note lists by name; if there are more, it gives their number by stage."""


def status(states: RunStates) -> list[StatusLine]:
    """Return the status table of a run."""
    chosen = chosen_units(states) if is_locked(states.run_dir) else []
    units = unit_states(states, tolerant=True)
    failed = in_words(states, [name for name, unit in units.items() if unit.phase is Phase.FAILED])
    for name, unit in units.items():
        if name in chosen and unit.phase in (Phase.TO_DO, Phase.WAITING, Phase.STOPPED):
            if unit.phase is Phase.TO_DO and unit.cause == NOT_STARTED:
                unit.cause = f"not started because {failed} failed" if failed else "ready, waiting for a free worker"
            unit.phase = Phase.WAITING
        elif unit.phase is Phase.WAITING:  # no launch is going to run it
            unit.phase = Phase.TO_DO
    return [status_line(name, unit) for name, unit in units.items()]


def chosen_units(states: RunStates) -> list[str]:
    """Return the units that the current launch was asked to run, in pipeline order; all units if that is unknown."""
    chosen = (load_json(states.run_dir / LAUNCH) or {}).get("units")
    return [name for name in states.units if not isinstance(chosen, list) or name in chosen]


def unstored_attempt(states: RunStates) -> dict[str, UnitState]:
    """Return the units that failed or stopped in the last launch, if its settings were not stored with the run."""
    attempt, resolved = states.run_dir / ATTEMPT, states.run_dir / RESOLVED
    units: dict[str, UnitState] = {}
    if not (attempt.is_file() and resolved.is_file()) or attempt.read_bytes() == resolved.read_bytes():
        return units
    with suppress(ConfigError, InputError):  # damaged, or its sources are missing: then it cannot be continued
        others = RunStates(load_config(attempt, environ={}), states.run_dir, as_left=True)
        for name in others.units:
            unit = unit_state(others, name)
            if unit.phase in (Phase.FAILED, Phase.STOPPED) and others.plans[name] != states.plans.get(name):
                units[name] = unit
    return units


def unit_states(states: RunStates, tolerant: bool = False) -> dict[str, UnitState]:
    """Return the states of all units, in pipeline order; units with incomplete inputs are `waiting`.

    Args:
        tolerant: report a missing source as the cause of its unit, instead of raising.

    Raises:
        InputError: a source file or folder of the configuration does not exist.
    """
    units: dict[str, UnitState] = {}
    ahead: dict[str, set[str]] = {}  # incomplete units that must be completed before each unit
    for name, unit in states.units.items():
        open_reads = [read for read in unit.reads if units[read].phase is not Phase.DONE]
        ahead[name] = set(open_reads).union(*(ahead[read] for read in open_reads))
        if open_reads:  # do not check the unit's own sources: a missing one makes every later unit raise
            cause = _after(states, name, ahead, units)
            units[name] = UnitState(Phase.WAITING, cause=cause, shards=shards_of(states.config, unit))
            continue
        try:
            units[name] = unit_state(states, name)
        except InputError as error:
            if not tolerant:
                raise
            units[name] = UnitState(Phase.TO_DO, cause=f"cannot run: {error.what} ({error.where})")
    return units


def _after(states: RunStates, name: str, ahead: dict[str, set[str]], units: dict[str, UnitState]) -> str:
    """Return the units that a unit waits for, in words: the failed ones, or else the last incomplete ones before it."""
    if failed := [one for one, unit in units.items() if one in ahead[name] and unit.phase is Phase.FAILED]:
        return f"after {in_words(states, failed)}, which failed"
    early = set().union(*(ahead[one] for one in ahead[name]))
    return f"after {in_words(states, [one for one in units if one in ahead[name] - early])}"


def in_words(states: RunStates, names: list[str]) -> str:
    """List units for a message: by name, or their number by stage if there are many."""
    if len(names) <= MAX_LISTED:
        return joined(names)
    of_stage: dict[str, list[str]] = {}
    for name in names:
        of_stage.setdefault(states.units[name].stage, []).append(name)
    return joined([f"{len(of)} units of {stage}" if len(of) > 1 else of[0] for stage, of in of_stage.items()])


def unit_state(states: RunStates, name: str) -> UnitState:
    """Return the state of a unit.

    Raises:
        InputError: a source file or folder of the configuration does not exist.
    """
    unit = states.units[name]
    shards = shards_of(states.config, unit)
    state = states.of(name)
    if state.artifact:
        return done_state(state.artifact, shards)
    if state.spec is None:
        missing = [read for read in unit.reads if states.of(read).artifact is None]
        return UnitState(Phase.WAITING, cause=f"after {in_words(states, missing)}", shards=shards)
    return _incomplete_state(states, name, state.spec)


def _incomplete_state(states: RunStates, name: str, spec: str) -> UnitState:
    unit, run_dir = states.units[name], states.run_dir
    shards, folder = shards_of(states.config, unit), run_dir / name / spec[:SPEC_DIGITS]
    known = [one for one in failures(run_dir, name) if one.plan == states.plans[name]]
    failed = [one for one in known if one.spec in ("", spec)]
    complete = sum(find_marker(folder, Shard(i, shards), spec) is not None for i in range(shards))
    progress, step = read_progress(run_dir, name, spec), newest_checkpoint(folder)
    reason = _why_to_do(run_dir, name, spec)
    damaged = reason in (DAMAGED, DAMAGED_SUCCESS)  # the unit was complete, so no attempt was interrupted
    begun = (progress["parts"] > 0 or step is not None) and complete < shards and not damaged
    if complete and not damaged:
        reason = f"{complete} of {shards} shards are complete"
    elif known:
        reason = f"inputs changed since it failed: {known[0].cause} (exit code {known[0].exit_code})"
    state = UnitState(Phase.TO_DO, spec=spec, cause=reason, shards=shards)
    if progress["parts"]:
        state.progress = progress
    if step is not None:
        state.continuation = f"resumes from step {step}" + (f" of {progress['total']:g}" if progress["total"] else "")
    elif 0 < complete < shards and (failed or begun):
        state.continuation = f"continues with {complete} of {shards} shards complete"
    if state.progress and is_at_work(run_dir, name):
        state.phase, state.cause = Phase.RUNNING, _in_words(failed, shards)
    elif failed:
        state.phase, state.cause = Phase.FAILED, _in_words(failed, shards)
    elif begun:
        again = "starts over, with the replies so far" if "llm" in needs_of(states.config, unit) else "starts over"
        reached = _reached(progress, step, is_training=unit.stage == "finetune")
        state.phase, state.cause = Phase.STOPPED, f"stopped {reached}; {state.continuation or again}"
    if failed:
        state.exit_code, state.next_step = failed[0].exit_code, failed[0].next_step
    return state


def done_state(artifact: Artifact, shards: int, before: UnitState | None = None, log: str = "") -> UnitState:
    """Return the state of a complete unit; `cause` gives the reasons for rejected rows.

    Args:
        before: the unit's previous state; its workload and retries are kept if it describes the same output.
        log: end of its log.
    """
    success = artifact.success
    unit = UnitState(
        Phase.DONE,
        spec=success.spec,
        digest=artifact.digest,
        rows=success.rows,
        rejected=success.rejected,
        seconds=artifact.seconds,
        usd=artifact.usd,
        cause=artifact.rejected_because,
        log=log,
        shards=shards,
        failed_shards=len(success.failed_shards),
    )
    if before and before.spec in (None, success.spec):
        unit = replace(unit, job=before.job, retries=before.retries, wall_s=before.wall_s)
    return unit


def _why_to_do(run_dir: Path, name: str, spec: str) -> str:
    success = load_success(run_dir, name)
    if success is None:
        return DAMAGED_SUCCESS if (run_dir / name / SUCCESS).exists() else NOT_STARTED
    return DAMAGED if success.spec == spec else "configuration or inputs changed"


def _reached(progress: dict[str, Any], step: int | None, is_training: bool) -> str:
    """Return how far a unit got before it stopped."""
    if not progress["total"]:
        before = "before its first step" if is_training else "before its first row"
        return before if step is None else f"at step {step}"
    # Progress is written once a second, a checkpoint also when the training is asked to stop.
    where = f"at {max(progress['done'], step or 0):g} of {progress['total']:g}"
    return f"{where}, before its first checkpoint" if is_training and step is None else where


def _in_words(failed: list[Failure], shards: int) -> str:
    """Return the first failure of a unit's shards and the number of failed shards, or "" if none failed."""
    if not failed:
        return ""
    several = f"{len(failed)} of {shards} shards failed; shard {failed[0].index}: " if len(failed) > 1 else ""
    return f"{several}{failed[0].cause} (exit code {failed[0].exit_code})"
