"""Why a worker ended: what its last words say, and what it could not write down itself, as when it was killed.

Reads what the worker left; writes `<run>/<unit>/failed-00003.json` (attempt.py).
"""

from __future__ import annotations

from dataclasses import replace

from docent.artifacts.attempt import Failure, failures, write_failure
from docent.errors import PipelineError, StoppedError
from docent.launcher.cluster.watch.loglines import last_error
from docent.launcher.local.shards import Finished
from docent.spec import RunStates

SIGKILL = 9
NEXT = "  next:  "
"""How an error's next step begins (errors.py)."""


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
        states.run_dir,
        end.unit,
        Failure(
            index=end.shard.index,
            plan=states.plans[end.unit],
            spec=spec,
            exit_code=end.exit_code,
            cause=cause,
            next_step="",
        ),
    )


def cause_of_kill(exit_code: int) -> str:
    """By which signal a worker was killed; "" where it ended by itself."""
    if exit_code <= 128:
        return ""
    number = exit_code - 128
    return f"killed by signal {number}" + (", often because memory ran out" if number == SIGKILL else "")


class LastWords:
    """What workers that failed said last, as a person is told it: each reason once, and one next step at the end.

    Attributes:
        advice: the next step that the first failure with one names; "" before.
    """

    def __init__(self) -> None:
        self.advice = ""
        self._told: set[str] = set()

    def shown(self, end: Finished) -> Finished:
        """A failure without the advice, and without what another one said already."""
        lines = end.cause.splitlines()
        self.advice = self.advice or next((line.removeprefix(NEXT) for line in lines if line.startswith(NEXT)), "")
        reason = end.cause.partition(" ERROR ")[2]
        if reason and reason in self._told:
            return replace(end, cause="for the same reason")
        self._told.add(reason)
        return replace(end, cause="\n".join(line for line in lines if line != NEXT + self.advice))
