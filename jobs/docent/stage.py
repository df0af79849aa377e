"""Run one shard of a stage: load configuration and inputs, write rows, commit, and return the exit code.

Takes the configuration as loaded by the verb `stage` and reads the units before this one; writes one shard of one unit
below `<run>/<unit>/`. To run it alone: `docent stage UNIT --config pipeline.yaml --run-dir runs/demo --shard 0/1`.

If the environment requests several processes, the first process of a pod checks the disk and waits for the inputs, then
starts the others (ranks/lead.py); of the ranks, only rank 0 commits.
"""

import contextlib
import errno
import importlib
import logging
import os
import signal
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from docent.artifacts.attempt import at_work, failure_of, forget_failure, write_failure
from docent.artifacts.commit import commit, finish_when_last
from docent.artifacts.confinement import inside
from docent.artifacts.listings import SPEC_DIGITS
from docent.artifacts.pushed import deliver, is_open
from docent.config import PipelineConfig
from docent.context import Context
from docent.errors import ConfigError, IncompleteInputError, InputError, PipelineError, StoppedError, TemporaryError
from docent.logs import attach_tail
from docent.messages.suggested_commands import complete, invocation_of
from docent.pipeline import STAGES, Unit, shards_of, units
from docent.progress import Progress
from docent.ranks import lead as ranks
from docent.ranks import peers
from docent.spec import RunStates
from docent.store import Artifact, Shard, find_marker
from docent.tables import function_at

log = logging.getLogger("docent.stage")

INPUT_POLL_S = 1.0
TRACEBACK_CHARACTERS = 4096


def run_shard(
    config: PipelineConfig, unit_name: str, run_dir: Path, shard: Shard | None = None, rehearse: int | None = None
) -> int:
    """Run one shard of one unit, whatever the state on disk; return the exit code (see errors.py).

    Errors that a user can fix are logged as one message without a traceback. A rank ends its process here, and the
    first process of its pod reports the result.

    Args:
        rehearse: number of steps of the stage's rehearsal to run instead of the work itself; None for the work.
    """
    stop = threading.Event()
    if threading.current_thread() is threading.main_thread():  # other threads cannot handle signals
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
    failed: PipelineError | None = None
    states: RunStates | None = None
    try:
        unit = _unit(config, unit_name)
        shard = shard or Shard(0, shards_of(config, unit))
        if peers.is_rank():
            peers.begin()
        states = RunStates(config, run_dir, stage_unit=unit_name)
        _work(states, unit, shard, stop, rehearse)
    except PipelineError as error:
        failed = error
    except Exception as error:
        failed = _system_error(error, run_dir)
        if failed is None and peers.is_rank():
            failed = PipelineError(traceback.format_exc()[-TRACEBACK_CHARACTERS:], next_step=PipelineError.meaning)
        elif failed is None:
            log.exception("unexpected error in %s", unit_name)
            bug = PipelineError(f"{type(error).__name__}: {error}", next_step=PipelineError.meaning)
            _note_failure(states, unit_name, shard, bug, rehearse)
            return PipelineError.exit_code
    if failed:
        failed.next_step = complete(failed.next_step, invocation_of(os.environ, run_dir.name))
    if peers.is_rank():
        peers.leave(failed)
    if failed:
        log.error("%s", failed)
        _note_failure(states, unit_name, shard, failed, rehearse)
    return failed.exit_code if failed else 0


def _note_failure(
    states: RunStates | None, unit: str, shard: Shard | None, error: PipelineError, rehearse: int | None
) -> None:
    """Record why the shard failed, so that `docent status` can show it; a stopped shard has not failed."""
    if states is None or shard is None or rehearse is not None or isinstance(error, StoppedError):
        return
    try:
        spec = states.of(unit).spec or ""
    except (PipelineError, OSError):  # it failed because of its inputs
        spec = ""
    write_failure(states.run_dir, unit, failure_of(error, shard.index, states.plans[unit], spec))


def _system_error(error: Exception, run_dir: Path) -> PipelineError | None:
    """Return the user-facing error for an error of the operating system, or None if the error is a bug."""
    where = str(getattr(error, "filename", None) or run_dir)
    if peers.is_lost_peer(error):
        return TemporaryError(f"{peers.LOST}: {str(error).splitlines()[0]}", next_step="docent run")
    number = getattr(error, "errno", None)
    # Some libraries write files themselves and wrap the system's error, such as safetensors.
    if number == errno.EFBIG:
        return TemporaryError("a file exceeds the file size limit", where, "raise ulimit -f, then: docent run")
    if number in (errno.ENOSPC, errno.EDQUOT) or "No space left on device" in str(error):
        return TemporaryError("the disk is full", where, "free space, then: docent run")
    if number in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR):
        return ConfigError(f"cannot read or write: {os.strerror(number)}", where, "fix permissions, or --data OTHER")
    return None


def _unit(config: PipelineConfig, name: str) -> Unit:
    known = units(config)
    if name not in known:
        raise ConfigError(f"no unit {name!r} in this configuration", "docent stage", f"use one of: {', '.join(known)}")
    return known[name]


def _work(states: RunStates, unit: Unit, shard: Shard, stop: threading.Event, rehearse: int | None) -> None:
    run_dir = states.run_dir
    # Check before anything is written, including the log's tail. All ranks must do the same, so they skip this check.
    done = rehearse is None and not peers.is_rank() and _is_complete(states, unit)
    if done and not is_open(states.config, run_dir, states.of(unit.name).artifact):
        log.info("%s is complete: nothing to do", unit.name)
        return
    inside(run_dir, unit.name).mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        if not peers.is_rank():
            index = ranks.node_index() if ranks.wanted() else shard.index
            tail = inside(run_dir, f"{unit.name}/log-tail-{index:05d}.txt")
            tail.touch()  # walk.py recognises the folder of a unit by this file, in case a source contains the run
            attach_tail(tail)
            stack.enter_context(at_work(tail))
            if rehearse is None:
                forget_failure(run_dir, unit.name, shard.index)
        if not done:
            _attempt(states, unit, shard, stop, rehearse)
        if rehearse is None and not peers.is_rank() and _is_complete(states, unit):
            deliver(states, unit, stop)


def _attempt(states: RunStates, unit: Unit, shard: Shard, stop: threading.Event, rehearse: int | None) -> None:
    config, run_dir = states.config, states.run_dir
    spec, inputs = _wait_for_inputs(states, unit, stop)
    folder = inside(run_dir, f"{unit.name}/{spec[:SPEC_DIGITS]}")
    if rehearse is None and not peers.is_rank() and find_marker(folder, shard, spec):
        finish_when_last(states, unit, spec, shard.count)
    elif ranks.wanted():
        ranks.run_ranks(stop, config.kubernetes.grace_s)
    else:
        folder.mkdir(parents=True, exist_ok=True)
        _forget_progress(run_dir / unit.name, shard)
        path = run_dir / unit.name / f"progress-{shard.index:05d}.json" if peers.rank() == 0 else None
        progress = Progress(path, spec)
        progress.write()  # shows that an attempt began, even if it is killed before its first row
        ctx = Context(config, unit, run_dir, folder, shard, inputs, progress, stop)
        try:
            with peers.together():
                _do(states, ctx, spec, rehearse)
        except BaseException:
            progress.write()
            raise


def _forget_progress(folder: Path, shard: Shard) -> None:
    """Remove progress files of earlier attempts at this shard, and of shards that no longer exist."""
    if peers.rank() != 0:
        return
    for path in folder.glob("progress-*.json"):
        index = path.stem.removeprefix("progress-")
        if index.isdigit() and (int(index) == shard.index or int(index) >= shard.count):
            path.unlink(missing_ok=True)


def _do(states: RunStates, ctx: Context, spec: str, rehearse: int | None) -> None:
    """Run the generator and commit. Only rank 0 publishes; other ranks compute the same and write nothing."""
    if rehearse is not None:
        _rehearse(ctx, rehearse)
    elif peers.rank() == 0:
        commit(states, ctx, spec, _generator(ctx.unit)(ctx))
        finish_when_last(states, ctx.unit, spec, ctx.shard.count)
    else:
        try:
            for _ in _generator(ctx.unit)(ctx):
                pass
        finally:
            ctx.discard()


def _is_complete(states: RunStates, unit: Unit) -> bool:
    try:
        return states.of(unit.name).artifact is not None
    except InputError:  # a source is missing: the stage reports it when it looks for it, also in the log's tail
        return False


def _wait_for_inputs(states: RunStates, unit: Unit, stop: threading.Event) -> tuple[str, dict[str, Artifact]]:
    """Return spec hash and input artifacts once all are complete; poll, as network filesystems lag."""
    give_up_s = time.monotonic() + states.config.run.input_wait_s
    while True:
        spec = states.of(unit.name).spec
        if spec is not None:
            return spec, {read: a for read in unit.reads if (a := states.of(read).artifact) is not None}
        if stop.wait(0 if time.monotonic() >= give_up_s else INPUT_POLL_S):
            raise StoppedError(f"{unit.name} was stopped by SIGTERM", next_step="docent run")
        if time.monotonic() >= give_up_s:
            missing = [read for read in unit.reads if states.of(read).artifact is None]
            raise IncompleteInputError(
                f"{unit.name} needs units that are not complete: {', '.join(missing)}",
                str(states.run_dir),
                f"docent run --to {missing[-1]}",
            )


def _generator(unit: Unit) -> Any:
    return function_at(STAGES[unit.stage].run)


def _rehearse(ctx: Context, steps: int) -> None:
    """Run the module `rehearsal` of the unit's stage."""
    module = STAGES[ctx.unit.stage].run.partition(":")[0] + ".rehearsal"
    try:
        rehearsal = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if module.startswith(str(error.name)):
            raise ConfigError(f"{ctx.unit.stage} has no rehearsal", ctx.unit.name, "omit --rehearse") from None
        raise
    rehearsal.run(ctx, steps)
