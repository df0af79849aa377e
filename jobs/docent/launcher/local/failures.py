"""Determine why a worker failed: from its last output, or from its exit code if it was killed.

Reads the files that the worker wrote; writes `<run>/<unit>/failed-00003.json` (attempt.py).
"""

from dataclasses import dataclass

from docent.artifacts.attempt import Failure, failures, write_failure
from docent.errors import PipelineError, StoppedError
from docent.launcher.cluster.watch.loglines import last_error
from docent.launcher.runs.unit_state import UnitState
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
    cause = cause_of_kill(end.exit_code) or last_error(end.output) or "its process ended without a message"
    _write(states, end.unit, end.shard.index, UnitState(spec=spec, exit_code=end.exit_code, cause=cause))


def note_unit_failure(states: RunStates, name: str, unit: UnitState) -> None:
    """Record why a unit failed although none of its shards did, such as one without `_SUCCESS.json`."""
    if (states.run_dir / name).is_dir() and not failures(states.run_dir, name):
        _write(states, name, 0, unit)


def _write(states: RunStates, name: str, index: int, unit: UnitState) -> None:
    failure = Failure(
        index=index,
        plan=states.plans[name],
        spec=unit.spec or "",
        exit_code=unit.exit_code or PipelineError.exit_code,
        cause=unit.cause,
        next_step=unit.next_step,
    )
    write_failure(states.run_dir, name, failure)


def cause_of_kill(exit_code: int) -> str:
    """Return which signal killed a worker, or "" if it ended by itself."""
    if exit_code <= 128:
        return ""
    number = exit_code - 128
    return f"killed by signal {number}" + (", often because there was not enough memory" if number == SIGKILL else "")


class FailureOutput:
    """Formats the last output of failed workers: each reason once, and one next step at the end.

    Attributes:
        advice: by unit, the next step of its latest failure that names one.
    """

    def __init__(self) -> None:
        self.advice: dict[str, str] = {}
        self._shown: set[str] = set()

    def of(self, end: ShardEnd) -> str:
        """Return a worker's last output, without the advice and without a reason that was already shown."""
        lines = end.output.splitlines()
        if advice := next((line.removeprefix(NEXT) for line in lines if line.startswith(NEXT)), ""):
            self.advice[end.unit] = advice
        shown_at_end = next(iter(self.advice.values()), "")
        reason = end.output.partition(" ERROR ")[2]
        if reason and reason in self._shown:
            return "for the same reason"
        self._shown.add(reason)
        return "\n".join(line for line in lines if line != NEXT + shown_at_end)
