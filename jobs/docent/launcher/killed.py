"""Why a worker ended that could not write it down itself: it was killed, or it ended before its stage began.

Reads what the worker left; writes `<run>/<unit>/failed-00003.json` (attempt.py).
"""

from __future__ import annotations

from docent.attempt import Failure, failures, write_failure
from docent.errors import PipelineError, StoppedError
from docent.launcher.backends.local import Finished
from docent.launcher.cluster.loglines import last_error
from docent.spec import RunStates

SIGKILL = 9


def note_failure(states: RunStates, end: Finished) -> None:
    """Write down why a shard failed, unless its own process did; a shard that was asked to stop did not fail."""
    told = any(failure.index == end.shard.index for failure in failures(states.run_dir, end.unit))
    if told or end.exit_code == StoppedError.exit_code:
        return
    try:
        spec = states.of(end.unit).spec or ""
    except PipelineError:  # a source is gone: the plan hash alone tells what the failure is of
        spec = ""
    cause = cause_of_kill(end.exit_code) or last_error(end.cause) or "it ended without a message"
    write_failure(
        states.run_dir, end.unit, Failure(end.shard.index, states.plans[end.unit], spec, end.exit_code, cause)
    )


def cause_of_kill(exit_code: int) -> str:
    """By which signal a worker was killed; "" where it ended by itself."""
    if exit_code <= 128:
        return ""
    number = exit_code - 128
    return f"killed by signal {number}" + (", often because memory ran out" if number == SIGKILL else "")
