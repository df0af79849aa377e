"""Determine why a worker failed: from its last output, or from its exit code if it was killed.

Reads the files that the worker wrote; writes `<run>/<unit>/failed-00003.json` (attempt.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from docent.artifacts.attempt import Failure, failures, write_failure
from docent.errors import PipelineError, StoppedError
from docent.launcher.cluster.watch.loglines import last_error
from docent.spec import RunStates
from docent.store import Shard

SIGKILL = 9
NEXT = "  next:  "
"""Prefix of an error's next step (errors.py)."""


@dataclass(frozen=True)
class ShardEnd:
    """The end of a worker's process.

    Attributes:
        exit_code: exit code of the process; 128 + signal if it was killed.
        output: end of its output.
    """

    unit: str
    shard: Shard
    exit_code: int
    output: str


def note_failure(states: RunStates, end: ShardEnd) -> None:
    """Record why a shard failed, unless its own process did; a shard that was asked to stop has not failed."""
    is_noted = any(failure.index == end.shard.index for failure in failures(states.run_dir, end.unit))
    if is_noted or end.exit_code == StoppedError.exit_code:
        return
    try:
        spec = states.of(end.unit).spec or ""
    except PipelineError:  # a source is gone: only the plan hash then identifies what failed
        spec = ""
    cause = cause_of_kill(end.exit_code) or last_error(end.output) or "it ended without a message"
    failure = Failure(
        index=end.shard.index,
        plan=states.plans[end.unit],
        spec=spec,
        exit_code=end.exit_code,
        cause=cause,
        next_step="",
    )
    write_failure(states.run_dir, end.unit, failure)


def cause_of_kill(exit_code: int) -> str:
    """Return which signal killed a worker, or "" if it ended by itself."""
    if exit_code <= 128:
        return ""
    number = exit_code - 128
    return f"killed by signal {number}" + (", often because memory ran out" if number == SIGKILL else "")


class FailureOutput:
    """Formats the last output of failed workers: each reason once, and one next step at the end.

    Attributes:
        advice: the next step from the first failure that has one; "" until then.
    """

    def __init__(self) -> None:
        self.advice = ""
        self._shown: set[str] = set()

    def of(self, end: ShardEnd) -> str:
        """Return a worker's last output, without the advice and without a reason that was already shown."""
        lines = end.output.splitlines()
        self.advice = self.advice or next((line.removeprefix(NEXT) for line in lines if line.startswith(NEXT)), "")
        reason = end.output.partition(" ERROR ")[2]
        if reason and reason in self._shown:
            return "for the same reason"
        self._shown.add(reason)
        return "\n".join(line for line in lines if line != NEXT + self.advice)
