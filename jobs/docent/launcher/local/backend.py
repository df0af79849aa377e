"""The local backend: run every shard as a process on this machine, by default as many at a time as there are cores.

Starts `docent stage UNIT --config FILE --run-dir <run> --shard i/n`. A worker exits when its launcher exits, however
that happens: it holds the read end of a pipe that only the launcher keeps open. As in an Indexed Job, the other shards
of a unit continue after one had bad input, and a shard is repeated after a temporary failure.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from docent.artifacts.attempt import failures, forget_failure
from docent.artifacts.listings import SPEC_DIGITS
from docent.config import is_override
from docent.errors import ConfigError, InputError, PipelineError, TemporaryError
from docent.launcher.local.failures import ShardEnd, note_failure
from docent.launcher.runs.folder import unit_state
from docent.launcher.runs.log_tail import log_tail
from docent.launcher.runs.progress import read_progress
from docent.launcher.runs.trust import distrust_damaged
from docent.launcher.runs.unit_state import Phase, UnitState
from docent.messages.masking import mask
from docent.messages.printing import terminal_safe
from docent.pipeline import shards_of
from docent.spec import RunStates
from docent.store import Shard, find_marker

POLL_S = 0.1
GRACE_S = 30.0
CAUSE_BYTES = 4096
# The delays of a Kubernetes Job: 10 s after a shard's first failure, doubled after each further one, at most 6 min.
FIRST_DELAY_S, MAX_DELAY_S = 10.0, 360.0
# In a locale other than UTF-8, file names with umlauts would be read differently, and ids would change.
WORKER_ENVIRONMENT = {
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONUNBUFFERED": "1",
    "PYTHONUTF8": "1",
    # Keep the memory of one training step for the next: otherwise glibc returns it to the kernel, 5 % of a step.
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
}


@dataclass
class Worker:
    """A running process that works on one shard."""

    unit: str
    shard: Shard
    process: subprocess.Popen[bytes]
    output: IO[bytes]


@dataclass
class UnitWork:
    """The remaining work of a submitted unit.

    Attributes:
        spec: spec hash of the unit.
        queue: shards to start, each with its earliest start time (monotonic, in seconds).
        continuation: the point that the unit continues from, or "" if it starts from the beginning.
        started_s: when its first shard started.
        attempts: number of attempts so far, by shard index.
        repeated: last failed attempt of each shard that waits for its next one, by index.
        failures: failed attempts of shards that are not repeated.
        is_dropped: whether some of its shards were not started, or were stopped.
        cause: which shard is repeated, and when.
    """

    spec: str
    queue: list[tuple[float, Shard]]
    continuation: str
    started_s: float | None = None
    attempts: dict[int, int] = field(default_factory=dict)
    repeated: dict[int, ShardEnd] = field(default_factory=dict)
    failures: list[ShardEnd] = field(default_factory=list)
    is_dropped: bool = False
    cause: str = ""


class LocalBackend:
    """Runs the shards of units as processes.

    Args:
        states: state of the run on disk.
        file: the configuration that workers read; must exist until the last of them has ended.
        on_failure: called with every failed attempt at a shard, and with what happens next.
    """

    def __init__(self, states: RunStates, file: Path, on_failure: Callable[[ShardEnd, str], None]) -> None:
        self.states, self.file, self.on_failure = states, file, on_failure
        self.slots = slots(states.config.run.workers)
        self.max_attempts = states.config.kubernetes.max_retries + 1
        # The resolved file includes DOCENT_A__B overrides; applied again, they would take precedence over --set.
        inherited = {name: value for name, value in os.environ.items() if not is_override(name)}
        self._environment = {**inherited, **WORKER_ENVIRONMENT}
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            self._environment[name] = str(states.config.run.threads)
        self._workers: list[Worker] = []
        self._units: dict[str, UnitWork] = {}
        self._starts_nothing = False

    def submit(self, unit: str, attach_only: bool) -> UnitState:
        """Queue the shards of a unit that are not complete; there is never a process to attach to."""
        # Nothing new starts while other shards of a failed unit are still at work; the scheduler learns of it later.
        if attach_only or any(work.failures for work in self._units.values()):
            return UnitState()
        self._starts_nothing = False
        run_dir = self.states.run_dir
        if self.states.verify:
            distrust_damaged(run_dir, unit)
        spec = self.states.of(unit).spec or ""
        count = shards_of(self.states.config, self.states.units[unit])
        shards = [Shard(i, count) for i in range(count)]
        missing = [shard for shard in shards if find_marker(run_dir / unit / spec[:SPEC_DIGITS], shard, spec) is None]
        before = unit_state(self.states, unit)
        # All shards have markers but _SUCCESS.json is missing: any shard's process writes it or reports a failed gate.
        work = UnitWork(spec, [(0.0, shard) for shard in missing or shards[:1]], before.continuation)
        for shard in shards:
            if shard not in missing:  # complete, so that only a gate can have failed, which is checked again
                forget_failure(run_dir, unit, shard.index)
        self._units[unit] = work
        self._start_queued()
        return self._state(unit, work)

    def wait(self, timeout_s: float) -> dict[str, UnitState]:
        """Start queued shards and collect ended ones; return once a shard has ended, or after `timeout_s`."""
        until_s = time.monotonic() + timeout_s
        while True:
            ended = [worker for worker in self._workers if worker.process.poll() is not None]
            for worker in ended:
                if worker in self._workers:  # an earlier failure in this loop may have stopped it
                    self._settle(self._collect(worker))
            self._start_queued()
            if ended or time.monotonic() >= until_s:
                break
            time.sleep(POLL_S)
        reports = {unit: self._state(unit, work) for unit, work in self._units.items()}
        for unit, report in reports.items():
            if report.phase not in (Phase.QUEUED, Phase.RUNNING):
                del self._units[unit]
        return reports

    def logs(self, unit: str) -> str:
        """Return the end of a unit's log, or "" if there is none."""
        return log_tail(self.states.run_dir, unit)

    def cancel(self) -> None:
        """Ask all workers to stop, wait while they write checkpoints, then kill the rest."""
        self._drop_queued()
        for worker in self._workers:
            self._units[worker.unit].is_dropped = True
            worker.process.terminate()
        until_s = time.monotonic() + GRACE_S
        for worker in self._workers:
            try:
                worker.process.wait(max(0.0, until_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
        for worker in list(self._workers):
            self._collect(worker)

    def _drop_queued(self) -> None:
        """Start no further shards; a shard that waits for its next attempt has failed."""
        self._starts_nothing = True
        for work in self._units.values():
            work.is_dropped = work.is_dropped or bool(work.queue)
            work.failures += work.repeated.values()
            work.repeated.clear()
            work.queue.clear()

    def _start_queued(self) -> None:
        for unit, work in self._units.items():
            due = [entry for entry in work.queue if entry[0] <= time.monotonic()]
            for entry in due[: max(0, self.slots - len(self._workers))]:
                work.queue.remove(entry)
                shard, work.cause = entry[1], ""
                work.started_s = work.started_s or time.monotonic()
                work.attempts[shard.index] = work.attempts.get(shard.index, 0) + 1
                work.repeated.pop(shard.index, None)
                forget_failure(self.states.run_dir, unit, shard.index)
                self._start(unit, shard)

    def _start(self, unit: str, shard: Shard) -> None:
        # -P: a yaml.py in the current folder must not shadow the package that docent imports.
        command = [sys.executable, "-P", "-m", "docent", "stage", unit, "--with-launcher"]
        command += ["--config", str(self.file), "--run-dir", str(self.states.run_dir)]
        command += ["--shard", f"{shard.index}/{shard.count}"]
        output = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the worker
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=self._environment,
            start_new_session=True,
        )
        self._workers.append(Worker(unit, shard, process, output))

    def _settle(self, end: ShardEnd) -> None:
        """Repeat a shard after a temporary failure; after any other failure, decide which work continues."""
        if end.exit_code == 0 or self._is_complete(end.unit):
            return
        note_failure(self.states, end)
        work = self._units[end.unit]
        attempt = work.attempts[end.shard.index]
        if end.exit_code == TemporaryError.exit_code and attempt < self.max_attempts and not self._starts_nothing:
            delay_s = min(MAX_DELAY_S, FIRST_DELAY_S * 2 ** (attempt - 1))
            work.queue.append((time.monotonic() + delay_s, end.shard))
            work.repeated[end.shard.index] = end
            again = f"attempt {attempt + 1} of {self.max_attempts} starts in {delay_s:.0f} s"
            work.cause = f"shard {end.shard.index} failed, {again}"
            self.on_failure(end, again)
            return
        self.on_failure(end, f"attempt {attempt} of {self.max_attempts}" if attempt > 1 else "")
        work.failures.append(end)
        # After bad input the other shards continue, as in an Indexed Job; after any other error nothing new starts.
        if end.exit_code != InputError.exit_code:
            self._drop_queued()
        if end.exit_code == ConfigError.exit_code:
            self.cancel()

    def _is_complete(self, unit: str) -> bool:
        """Return whether a unit's output is complete, however its last process ended."""
        try:
            return self.states.of(unit).artifact is not None
        except PipelineError:  # a source is gone: the unit's own failure says so
            return False

    def _state(self, unit: str, work: UnitWork) -> UnitState:
        at_work = any(worker.unit == unit for worker in self._workers)
        state = UnitState(continuation=work.continuation, retries=sum(work.attempts.values()) - len(work.attempts))
        if at_work or work.queue:
            state.phase = Phase.RUNNING if work.started_s else Phase.QUEUED
            progress = read_progress(self.states.run_dir, unit, work.spec)
            state.progress = progress if progress["parts"] else None
            state.cause = work.cause
        elif work.failures:
            first = max(work.failures, key=lambda end: end.exit_code == ConfigError.exit_code)
            noted = {failure.index: failure.cause for failure in failures(self.states.run_dir, unit)}
            cause = noted.get(first.shard.index, f"shard {first.shard.index} was stopped")
            state.phase, state.exit_code = Phase.FAILED, first.exit_code
            state.cause = f"{cause} (exit code {first.exit_code})"
        else:
            state.phase = Phase.STOPPED if work.is_dropped else Phase.DONE
        if work.started_s:
            state.wall_s = time.monotonic() - work.started_s
        return state

    def _collect(self, worker: Worker) -> ShardEnd:
        self._workers.remove(worker)
        if worker.process.stdin:
            worker.process.stdin.close()
        size = worker.output.seek(0, os.SEEK_END)
        worker.output.seek(max(0, size - CAUSE_BYTES))
        cause = terminal_safe(mask(worker.output.read().decode("utf-8", "replace").strip()))
        worker.output.close()
        code = worker.process.returncode
        return ShardEnd(worker.unit, worker.shard, code if code >= 0 else 128 - code, cause)


def slots(workers: int) -> int:
    """Return how many workers run at the same time for the setting `run.workers`; 0 means one per core."""
    return workers or cores()


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
