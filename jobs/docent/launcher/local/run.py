"""Prepare and execute a launch on this machine.

Reads and writes the run folder `<data>/<run>/`: the lock, the stored settings, `failed-*.json`, and the output of
stages.
"""

import errno
import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rich.console import Console

from docent.artifacts.pushed import is_left
from docent.errors import LauncherError
from docent.launcher.local.backend import LocalBackend
from docent.launcher.local.failures import FailureOutput, ShardEnd, note_unit_failure
from docent.launcher.runs.display import RunDisplay
from docent.launcher.runs.settings import store, write_attempt
from docent.launcher.runs.time_left import time_left
from docent.launcher.runs.unit_state import Phase, UnitState
from docent.launcher.schedule import Scheduler
from docent.spec import RunStates

LOCK_ATTEMPTS = 10
LOCK_PAUSE_S = 0.1


@contextmanager
def lock(run_dir: Path) -> Iterator[None]:
    """Hold the run's lock; the kernel releases it when the process ends, however it ends.

    Raises:
        LauncherError: (105) another launcher works on this run.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    with _open_lock(run_dir) as file:
        for attempt in range(LOCK_ATTEMPTS):  # `docent status` holds it for a moment to check whether anyone else does
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if attempt == LOCK_ATTEMPTS - 1:
                    what = "another docent process is working on this run"
                    next_step = "use another run name (--run), or watch the other process: docent status"
                    raise LauncherError(105, what, str(run_dir), next_step) from None
                time.sleep(LOCK_PAUSE_S)
        yield


def _open_lock(run_dir: Path) -> IO[bytes]:
    """Open or create the lock file; refuse a link or pipe in its place.

    Raises:
        LauncherError: (105) the path is not a regular file.
    """
    path = run_dir / ".lock"
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        return os.fdopen(os.open(path, flags, 0o644), "ab")
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
            raise
        raise LauncherError(
            105, "the lock of the run is not a regular file", str(path), "delete it, then run again"
        ) from None


def refuse_gaps(states: RunStates, chosen: list[str]) -> None:
    """Refuse units that cannot run because an input is neither complete nor chosen, before anything is changed.

    Raises:
        LauncherError: (101) a unit reads another that is neither complete nor chosen.
    """
    todo = [name for name in chosen if states.of(name).artifact is None]
    for read in (read for name in todo for read in states.units[name].reads if read not in chosen):
        if states.of(read).artifact is None:
            raise LauncherError(101, f"{read} is not complete", str(states.run_dir), f"docent run --to {read}")


def launch(states: RunStates, chosen: list[str], console: Console) -> None:
    """Complete the chosen units. Store the settings with the run only once a unit was completed.

    Raises:
        LauncherError: (100) a unit failed; all workers have ended by then.
    """
    config, run_dir = states.config, states.run_dir
    output, is_stored = FailureOutput(), False

    def explain(end: ShardEnd, then: str) -> None:
        what = f"shard {end.shard.index} ended with exit code {end.exit_code}"
        display.explain_failure(end.unit, f"{what}; {then}" if then else what, output.of(end))

    def publish(units: Mapping[str, UnitState]) -> None:
        nonlocal is_stored
        if not is_stored and any(unit.phase is Phase.DONE and unit.wall_s is not None for unit in units.values()):
            store(config, run_dir)
            is_stored = True
        display.show(units)

    backend = LocalBackend(states, write_attempt(config, run_dir, chosen), explain)
    complete = [name for name in chosen if not is_left(states, name)]
    display = RunDisplay(console, lambda: str(time_left(states, chosen, backend.slots) or ""), quiet=complete)
    scheduler = Scheduler(states, chosen, backend, publish, must_run=lambda name: is_left(states, name))
    with display:
        try:
            scheduler.run()
        finally:
            backend.cancel()
    for name in scheduler.failed:
        note_unit_failure(states, name, scheduler.units[name])
    if scheduler.failed:
        first = scheduler.failed[0]
        next_step = output.advice.get(first) or scheduler.units[first].next_step or f"docent logs {first}"
        raise LauncherError(100, f"failed: {', '.join(scheduler.failed)}", str(run_dir), next_step)
