"""Carries out a plan: starts units whose inputs are complete, as many shards at a time as there are slots.

Reads and writes the run folder `<data>/<run>/`: the lock, `failed-*.json`, and what the stages write.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from docent.artifacts.attempt import forget_failure
from docent.artifacts.pushed import is_kept, is_left
from docent.errors import ConfigError, InputError, LauncherError, PipelineError
from docent.launcher.local.killed import LastWords, note_failure
from docent.launcher.local.shards import Finished
from docent.launcher.runs.standing import continuation, standing
from docent.launcher.runs.trust import distrust_damaged
from docent.pipeline import shards_of
from docent.spec import RunStates
from docent.store import Artifact, Shard, find_marker

WAIT_S = 0.5
LOCK_ATTEMPTS = 10
LOCK_PAUSE_S = 0.1


class Backend(Protocol):
    """What a place to run shards must offer."""

    @property
    def free(self) -> int:
        """How many more shards may start now."""
        ...

    def submit(self, unit: str, shard: Shard) -> None:
        """Start one shard."""
        ...

    def wait(self, timeout_s: float) -> list[Finished]:
        """Shards that ended."""
        ...

    def running(self) -> Iterator[tuple[str, Shard]]:
        """Shards at work."""
        ...

    def cancel(self) -> None:
        """Stop everything."""
        ...


class View(Protocol):
    """Who is told what happens."""

    def started(self, unit: str, continuation: str) -> None:
        """A unit began; `continuation` says what it goes on from, "" where it begins anew."""
        ...

    def finished(self, unit: str, seconds: float, artifact: Artifact) -> None:
        """A unit is complete."""
        ...

    def failed(self, end: Finished) -> None:
        """A shard ended badly."""
        ...

    def tick(self) -> None:
        """Some time went by."""
        ...


@contextmanager
def lock(run_dir: Path) -> Iterator[None]:
    """Hold the run's lock; it is gone with the process, however that ends.

    Raises:
        LauncherError: (105) another launcher works on this run.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    with _open_lock(run_dir) as file:
        for attempt in range(LOCK_ATTEMPTS):  # `docent status` holds it for a moment to see whether somebody does
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if attempt == LOCK_ATTEMPTS - 1:
                    raise LauncherError(
                        105,
                        "another docent run works on this folder",
                        str(run_dir),
                        "give this run another name with --run, or see how the other stands: docent status",
                    ) from None
                time.sleep(LOCK_PAUSE_S)
        yield


def _open_lock(run_dir: Path) -> IO[bytes]:
    """The lock's file, made where it is absent; a link or pipe in its place is refused.

    Raises:
        LauncherError: (105) something else is in its place.
    """
    path = run_dir / ".lock"
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        return os.fdopen(os.open(path, flags, 0o644), "ab")
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
            raise
        raise LauncherError(
            105, "the lock of the run is no plain file", str(path), "delete it, then run again"
        ) from None


def refuse_gaps(states: RunStates, chosen: list[str], again: str) -> None:
    """Refuse a choice of units that cannot all be done, before anything is changed.

    Args:
        again: what makes `docent run` work on this run, for the message.

    Raises:
        LauncherError: (101) a unit reads what is neither complete nor chosen.
    """
    todo = [name for name in chosen if states.of(name).artifact is None]
    for read in (read for name in todo for read in states.units[name].reads if read not in chosen):
        if states.of(read).artifact is None:
            raise LauncherError(101, f"{read} is not complete", str(states.run_dir), f"docent run {again} --to {read}")


@dataclass
class _Progress:
    """Where the launcher stands with one unit."""

    waiting: list[Shard]
    continuation: str = ""
    started_s: float = 0.0
    at_work: int = 0
    failed: bool = False
    is_told: bool = False


class Launch:
    """One pass over the chosen units.

    Args:
        states: the run on disk.
        chosen: names of the units to do, in pipeline order; what else they read is complete (`refuse_gaps`).
        backend: where shards run.
        view: who is told.
        succeeded: called whenever a unit was completed by this launch.
    """

    def __init__(
        self, states: RunStates, chosen: list[str], backend: Backend, view: View, succeeded: Callable[[], None]
    ) -> None:
        self.states, self.backend, self.view, self.succeeded = states, backend, view, succeeded
        self.todo = [name for name in chosen if is_left(states, name)]
        self.open: dict[str, _Progress] = {}
        self.failures: list[Finished] = []
        self.words = LastWords()

    def carry_out(self) -> None:
        """Run until everything chosen is complete.

        Raises:
            LauncherError: (100) a stage failed; the others already at work were let finish.
            ConfigError: a stage cannot run with this configuration.
        """
        while self.todo or self.open:
            if not self.failures:
                self._open_ready_units()
                self._submit()
            if self.failures and not any(True for _ in self.backend.running()):
                break
            for end in self.backend.wait(WAIT_S):
                self._settle(end)
            self.view.tick()
        if self.failures:
            names = ", ".join(dict.fromkeys(end.unit for end in self.failures))
            logs = f"docent logs {self.failures[0].unit}"
            raise LauncherError(100, f"failed: {names}", str(self.states.run_dir), self.words.advice or logs)

    def _open_ready_units(self) -> None:
        for name in list(self.todo):
            state = self.states.of(name)
            if state.spec is None:
                continue
            for read in self.states.units[name].reads:
                if read in self.open:  # complete, but its process has not ended yet
                    self._tell_complete(read, self.open[read])
            self.todo.remove(name)
            if self.states.verify:
                distrust_damaged(self.states.run_dir, name)
            if state.artifact and not is_left(self.states, name):
                self.view.finished(name, 0.0, state.artifact)
                continue
            count = shards_of(self.states.config, self.states.units[name])
            shards = [Shard(i, count) for i in range(count)]
            folder = self.states.run_dir / name / state.spec[:10]
            waiting = [shard for shard in shards if find_marker(folder, shard, state.spec) is None]
            # All shards there but no _SUCCESS.json: any shard's shell writes it, or says which gate it fails.
            self.open[name] = _Progress(waiting or shards[:1], continuation(standing(self.states, name)))
            for shard in shards:
                if shard not in waiting:  # complete: what failed was a gate, which is asked again
                    forget_failure(self.states.run_dir, name, shard.index)

    def _submit(self) -> None:
        for name, progress in self.open.items():
            while progress.waiting and self.backend.free > 0:
                if not progress.started_s:
                    progress.started_s = time.monotonic()
                    self.view.started(name, progress.continuation)
                forget_failure(self.states.run_dir, name, progress.waiting[0].index)
                self.backend.submit(name, progress.waiting.pop(0))
                progress.at_work += 1

    def _settle(self, end: Finished) -> None:
        progress = self.open[end.unit]
        progress.at_work -= 1
        if end.exit_code != 0 and not is_kept(self.states, end.unit):
            note_failure(self.states, end)
            self.view.failed(self.words.shown(end))
            progress.failed = True
            self.failures.append(end)
            if end.exit_code != InputError.exit_code:
                progress.waiting.clear()
            if end.exit_code == ConfigError.exit_code:
                self.backend.cancel()
        # After bad input the other shards of the unit go on; after anything else nothing new starts.
        if progress.waiting and self.failures and all(e.exit_code == InputError.exit_code for e in self.failures):
            self._submit()
        if not progress.waiting and not progress.at_work:
            self._close(end, progress)

    def _close(self, end: Finished, progress: _Progress) -> None:
        del self.open[end.unit]
        if self.states.of(end.unit).artifact:
            self._tell_complete(end.unit, progress)
        elif not progress.failed:
            said_done = Finished(end.unit, end.shard, PipelineError.exit_code, "it said done but left no _SUCCESS.json")
            note_failure(self.states, said_done)
            self.view.failed(said_done)
            self.failures.append(said_done)

    def _tell_complete(self, unit: str, progress: _Progress) -> None:
        artifact = self.states.of(unit).artifact
        if artifact and not progress.is_told:
            progress.is_told = True
            self.succeeded()
            self.view.finished(unit, time.monotonic() - progress.started_s, artifact)
