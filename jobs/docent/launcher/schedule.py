"""The scheduler: submit units whose inputs are complete, wait for them, and record their states.

Both backends use it. Only the output on disk decides whether a unit is complete; a backend only reports how the work
on it ended. Reads the run folder; writes through the backend and `publish`.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from docent.artifacts.pushed import is_kept
from docent.errors import ConfigError, PipelineError, TemporaryError
from docent.launcher.runs.folder import done_state
from docent.launcher.runs.unit_state import Phase, UnitState
from docent.pipeline import shards_of
from docent.spec import RunStates

log = logging.getLogger("docent.schedule")

WAIT_S = 1.0
"""Longest wait for a backend in one pass; it returns earlier if something changes."""
ENDED = (Phase.DONE, Phase.FAILED, Phase.STOPPED)
MAX_SPECS = 3
"""Most spec hashes with which one launch submits a unit; sources that change more often are reported as a failure."""


class Backend(Protocol):
    """A place to run units."""

    def submit(self, unit: str, attach_only: bool) -> UnitState:
        """Start a unit, or follow work on it that is already running.

        Args:
            unit: name of the unit.
            attach_only: never start new work.

        Returns:
            The state of the unit; `waiting`, with the cause if there is one, if nothing is working on it.
        """
        ...

    def wait(self, timeout_s: float) -> Mapping[str, UnitState]:
        """Return the states of submitted units as soon as one changes, or after `timeout_s`.

        Each unit is reported once as `done` (its work exited 0), `failed`, or `stopped` (it can be submitted again).
        """
        ...

    def logs(self, unit: str) -> str:
        """Return the end of a unit's log, or "" if there is none."""
        ...

    def cancel(self) -> None:
        """Stop the work on every submitted unit; units may still write a checkpoint."""
        ...


@dataclass
class Scheduler:
    """One launch of a run.

    Attributes:
        states: state of the run on disk.
        chosen: names of the units to complete, in pipeline order; all their other inputs are complete.
        backend: runs the units.
        publish: called with the states of all chosen units after every pass.
        grace_s: how long to wait for the output of a unit that was reported as done; network filesystems lag.
        must_run: returns whether a complete unit has to run once more.
        earlier: states recorded by the previous launch; workload and retries are kept if the output is the same.
        units: states of the chosen units.
        failed: names of failed units, in the order in which they failed.
    """

    states: RunStates
    chosen: list[str]
    backend: Backend
    publish: Callable[[Mapping[str, UnitState]], None]
    grace_s: float = 0.0
    must_run: Callable[[str], bool] = lambda name: False
    earlier: Mapping[str, UnitState] = field(default_factory=dict)
    units: dict[str, UnitState] = field(init=False)
    failed: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.units = {name: UnitState() for name in self.chosen}
        self._running: set[str] = set()
        self._expected_s: dict[str, float] = {}  # until when the output of a unit that is reported as done may appear
        self._submitted: dict[str, list[str | None]] = {}  # spec hashes with which a unit was submitted
        self._is_cancelled = False

    @property
    def is_finished(self) -> bool:
        """Whether there is nothing left to wait for."""
        at_work = self._running or self._expected_s
        return not at_work and (bool(self.failed) or all(unit.phase is Phase.DONE for unit in self.units.values()))

    def look(self) -> bool:
        """Find the units that are complete already; return whether all are."""
        for name, unit in self.units.items():
            if unit.phase is Phase.WAITING and self._is_readable(name):
                self._complete(name)
        return all(unit.phase is Phase.DONE for unit in self.units.values())

    def run(self) -> None:
        """Run until every chosen unit is complete, or until one has failed and all others that started have ended."""
        self.look()
        while True:
            # Attach to running work first: if this launcher was restarted after a failure, it must not start anything
            # new.
            attached = [name for name in self._ready() if self._submit(name, attach_only=True)]
            if not attached and not self.failed:
                for name in self._ready():
                    self._submit(name, attach_only=False)
            self.publish(self.units)
            if self.is_finished:
                return
            reports = self.backend.wait(0.0 if attached else WAIT_S)
            # Failures first: a stopped unit is submitted again only if no unit has failed.
            for name, report in sorted(reports.items(), key=lambda item: item[1].phase is not Phase.FAILED):
                self._take(name, report)
            for name in list(self._expected_s):
                self._expect(name)

    def _ready(self) -> list[str]:
        """Return the waiting units that can be submitted now."""
        if self._is_cancelled:
            return []
        waiting = [name for name, unit in self.units.items() if unit.phase is Phase.WAITING]
        ready = [name for name in waiting if self._is_readable(name)]
        return [name for name in ready if not self._complete(name) and self.units[name].phase is Phase.WAITING]

    def _is_readable(self, name: str) -> bool:
        """Return whether all inputs of a unit are complete; an input that is still being pushed is complete too."""
        reads = (read for read in self.states.units[name].reads if read in self.units)
        return all(
            self.units[read].phase is Phase.DONE or (read in self._running and is_kept(self.states, read))
            for read in reads
        )

    def _complete(self, name: str) -> bool:
        """Check whether a unit's output is complete, and record it; if a source is missing, the unit has failed."""
        unit = self.units[name]
        try:
            state = self.states.of(name)
        except TemporaryError as error:  # a source changed while it was hashed: the next pass checks again
            log.info("%s: %s", name, error.what)
            return False
        except PipelineError as error:
            cause = f"{error.what}: {error.where}" if error.where else error.what
            self._fail(name, replace(unit, cause=cause, exit_code=error.exit_code, next_step=error.next_step))
            return False
        unit.spec = state.spec
        if state.artifact is None or (unit.phase is Phase.WAITING and self.must_run(name)):
            return False
        before = unit if unit.phase is not Phase.WAITING else self.earlier.get(name, unit)
        shards = shards_of(self.states.config, self.states.units[name])
        self.units[name] = done_state(state.artifact, shards, before, self.backend.logs(name))
        return True

    def _submit(self, name: str, attach_only: bool) -> bool:
        """Submit a unit; return whether it is queued or running now."""
        spec = self.units[name].spec
        self.units[name] = replace(self.backend.submit(name, attach_only), spec=spec)
        if self.units[name].phase is Phase.WAITING:
            return False
        self._running.add(name)
        self._submitted.setdefault(name, []).append(spec)
        return True

    def _take(self, name: str, report: UnitState) -> None:
        """Record the backend's report on a submitted unit."""
        if name not in self._running:
            return
        unit = self.units[name] = replace(report, spec=self.units[name].spec)
        if report.phase not in ENDED:
            return
        self._running.discard(name)
        if report.phase is Phase.DONE:
            unit.phase = Phase.RUNNING  # until its output appears
            self._expected_s[name] = time.monotonic() + self.grace_s
        elif self._complete(name) or name in self.failed:
            return
        elif report.phase is Phase.FAILED:
            self._fail(name, report)
        elif not self.failed:
            self.units[name] = UnitState(spec=unit.spec)

    def _expect(self, name: str) -> None:
        """Check for the output of a unit whose work succeeded; if it does not appear in time, the unit has failed."""
        if not self._complete(name):
            if name not in self.failed and time.monotonic() < self._expected_s[name]:
                return
            specs, spec = self._submitted[name], self.units[name].spec
            if spec not in specs and len(specs) < MAX_SPECS and not self.failed:
                # Its sources changed between two of its shards: those that read the earlier ones have to run again.
                self.units[name] = UnitState(spec=spec)
            else:
                lacking = "exited 0 without writing _SUCCESS.json"
                self._fail(name, replace(self.units[name], cause=lacking, exit_code=PipelineError.exit_code))
        del self._expected_s[name]

    def _fail(self, name: str, report: UnitState) -> None:
        if name in self.failed:
            return
        text = report.log or self.backend.logs(name)
        self.units[name] = replace(report, phase=Phase.FAILED, spec=self.units[name].spec, progress=None, log=text)
        self.failed.append(name)
        if report.exit_code != ConfigError.exit_code or self._is_cancelled:
            return
        self._is_cancelled = True
        self.backend.cancel()
        for other in self._running:  # with the same configuration or key, they would only waste money and time
            self.units[other] = UnitState(cause=f"stopped because {name} failed")
        self._running.clear()
