"""The scheduler: submit units whose inputs are complete, wait for them, and record their states.

The same for both backends. Whether a unit is complete is decided by its output on disk alone; a backend only reports
how the work on it ended. Reads the run folder; writes through the backend and `publish`.
"""

from __future__ import annotations

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
"""Longest wait for a backend; it returns sooner when something changed."""
ENDED = (Phase.DONE, Phase.FAILED, Phase.STOPPED)
MAX_SPECS = 3
"""Most spec hashes with which one launch submits a unit; sources that change more often are reported as a failure."""


class Backend(Protocol):
    """A place to run units."""

    def submit(self, unit: str, attach_only: bool) -> UnitState:
        """Start a unit, or follow what already works on it.

        Args:
            attach_only: start nothing new.

        Returns:
            Its state; `waiting`, with the cause if there is one, where nothing works on it.
        """
        ...

    def wait(self, timeout_s: float) -> Mapping[str, UnitState]:
        """Return the states of submitted units, after a change or `timeout_s`.

        Each unit is reported once as `done` (the work exited 0), `failed`, or `stopped` (it can be submitted again).
        """
        ...

    def logs(self, unit: str) -> str:
        """Return the end of a unit's log; "" where there is none."""
        ...

    def cancel(self) -> None:
        """Stop the work on every submitted unit; it may write a checkpoint."""
        ...


@dataclass
class Scheduler:
    """One launch of a run.

    Attributes:
        states: the run on disk.
        chosen: names of the units to complete, in pipeline order; what else they read is complete.
        backend: where they run.
        publish: called with the states of all chosen units after every pass.
        grace_s: how long the output of a unit that is reported as done may take to appear; network filesystems lag.
        must_run: whether a complete unit has to run once more.
        earlier: states that the launch before recorded; workload and retries are kept where the output is the same.
        units: states of the chosen units.
        failed: names of those that failed, the first one first.
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
        """Whether nothing is left to wait for."""
        at_work = self._running or self._expected_s
        return not at_work and (bool(self.failed) or all(unit.phase is Phase.DONE for unit in self.units.values()))

    def look(self) -> bool:
        """Note which units are complete already; return whether all are."""
        for name, unit in self.units.items():
            if unit.phase is Phase.WAITING and self._is_readable(name):
                self._complete(name)
        return all(unit.phase is Phase.DONE for unit in self.units.values())

    def run(self) -> None:
        """Work until every chosen unit is complete, or one failed and the others that were begun have ended."""
        self.look()
        while True:
            # What works already is followed first: when this launcher was started again after a failure, nothing new
            # must start.
            attached = [name for name in self._ready() if self._submit(name, attach_only=True)]
            if not attached and not self.failed:
                for name in self._ready():
                    self._submit(name, attach_only=False)
            self.publish(self.units)
            if self.is_finished:
                return
            reports = self.backend.wait(0.0 if attached else WAIT_S)
            # Failures first: a stopped unit is submitted again only where none failed.
            for name, report in sorted(reports.items(), key=lambda item: item[1].phase is not Phase.FAILED):
                self._take(name, report)
            for name in list(self._expected_s):
                self._expect(name)

    def _ready(self) -> list[str]:
        """Return the units that wait for nothing but their submission."""
        if self._is_cancelled:
            return []
        waiting = [name for name, unit in self.units.items() if unit.phase is Phase.WAITING]
        ready = [name for name in waiting if self._is_readable(name)]
        return [name for name in ready if not self._complete(name) and self.units[name].phase is Phase.WAITING]

    def _is_readable(self, name: str) -> bool:
        """Return whether everything that a unit reads is complete; what is only being pushed still is."""
        reads = (read for read in self.states.units[name].reads if read in self.units)
        return all(
            self.units[read].phase is Phase.DONE or (read in self._running and is_kept(self.states, read))
            for read in reads
        )

    def _complete(self, name: str) -> bool:
        """Look whether a unit's output is complete, and note it; a unit whose source is missing has failed."""
        unit = self.units[name]
        try:
            state = self.states.of(name)
        except TemporaryError as error:  # a source changed while it was hashed: the next pass looks again
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
        """Submit a unit; return whether something works on it now."""
        spec = self.units[name].spec
        self.units[name] = replace(self.backend.submit(name, attach_only), spec=spec)
        if self.units[name].phase is Phase.WAITING:
            return False
        self._running.add(name)
        self._submitted.setdefault(name, []).append(spec)
        return True

    def _take(self, name: str, report: UnitState) -> None:
        """Record what the backend reports about a unit that was submitted."""
        if name not in self._running:
            return
        unit = self.units[name] = replace(report, spec=self.units[name].spec)
        if report.phase not in ENDED:
            return
        self._running.discard(name)
        if report.phase is Phase.DONE:
            unit.phase = Phase.RUNNING  # until its output is seen
            self._expected_s[name] = time.monotonic() + self.grace_s
        elif self._complete(name) or name in self.failed:
            return
        elif report.phase is Phase.FAILED:
            self._fail(name, report)
        elif not self.failed:
            self.units[name] = UnitState(spec=unit.spec)

    def _expect(self, name: str) -> None:
        """Look for the output of a unit whose work ended well; without it the unit has failed."""
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
        for other in self._running:  # with the same configuration or key they would only spend
            self.units[other] = UnitState(cause=f"stopped because {name} failed")
        self._running.clear()
