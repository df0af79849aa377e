"""Makes the workloads of a run in order and watches over them.

What is complete is decided by the volume alone: a Job is only somebody who works. Reads the run's volume (never writes
it) and, through the workshop, its objects; says how each unit stands to the ledger.
"""

from __future__ import annotations

import logging
import time

from docent.errors import ConfigError, PipelineError, TemporaryError
from docent.launcher.cluster import state
from docent.launcher.cluster.api.client import ApiError
from docent.launcher.cluster.controller import volume
from docent.launcher.cluster.controller.ledger import Ledger
from docent.launcher.cluster.controller.working import Work, Workshop
from docent.launcher.render import Plan
from docent.spec import RunStates

log = logging.getLogger("docent.conduct")

FILES_S = 2.0


class Conductor:
    """One launch of a run, as far as the cluster is concerned.

    Args:
        plan: the plan.
        states: the run on the volume.
        ledger: what is told about it.
        workshop: makes, finds and judges workloads.
    """

    def __init__(self, plan: Plan, states: RunStates, ledger: Ledger, workshop: Workshop) -> None:
        self.plan, self.states, self.ledger, self.workshop = plan, states, ledger, workshop
        self.at_work: dict[str, Work] = {}
        self.failed: list[str] = []
        self.cancelled = False
        self._read_s = 0.0

    def look(self) -> bool:
        """Take stock of the volume; whether everything is complete."""
        return all([self._is_done(name) for name in self.plan.units])  # a list: every one is looked at

    @property
    def finished(self) -> bool:
        """Whether nothing is left to wait for."""
        return not self.at_work and (bool(self.failed) or self._done(*self.plan.units))

    def step(self) -> None:
        """Settle what ended, attach to what is there already, and make what became ready.

        What is there is looked at before anything new is made: after a failure nothing new starts, also when this
        launcher was itself started again since.
        """
        while True:
            for work in list(self.at_work.values()):
                if not self.cancelled:
                    self._settle(work)
            attached = [name for name in self._ready() if self._attach(name)]
            if not attached:
                break
        for name in [] if self.failed else self._ready():
            work = self.workshop.find(name)
            left = self.workshop.leaving(work)
            self.ledger.units[name].cause = f"waits until pod {left} has ended" if left else ""
            if not left:
                self._make(work)

    def refresh(self) -> None:
        """Bring cause, progress and log of everything at work up to date; files are looked at now and then only."""
        read_files = time.monotonic() - self._read_s >= FILES_S
        self._read_s = time.monotonic() if read_files else self._read_s
        for name, work in self.at_work.items():
            unit = self.ledger.units[name]
            unit.phase, unit.retries, unit.cause = self.workshop.describe(work)
            if read_files:
                unit.progress = volume.progress(self.states.run_dir, name)
                unit.log = volume.log_tail(self.states.run_dir, name)

    def _ready(self) -> list[str]:
        """Units that wait for nothing but their workload."""
        if self.cancelled:
            return []
        units = self.ledger.units
        waiting = [n for n, unit in units.items() if unit.phase == "waiting" and n not in self.failed]
        ready = [name for name in waiting if self._done(*self.plan.units[name].reads)]
        return [name for name in ready if not self._is_done(name) and name not in self.failed]

    def _done(self, *names_of_units: str) -> bool:
        return all(self.ledger.units[name].phase == "done" for name in names_of_units)

    def _is_done(self, name: str) -> bool:
        """Look at the volume, and note what is there."""
        known = self.ledger.units.setdefault(name, state.UnitState())
        if known.phase == "done":
            return True
        if not self._done(*(read for read in self.plan.units[name].reads)):
            return False
        try:
            found = self.states.of(name)
        except TemporaryError as error:  # a source changed while it was hashed: looked at again in a moment
            log.info("%s: %s", name, error.what)
            return False
        except PipelineError as error:  # a source of the configuration is not on the volume
            self._fail(name, error.what if not error.where else f"{error.what}: {error.where}", error.exit_code)
            return False
        known.spec = found.spec
        if found.artifact is None:
            return False
        before = known if known.job else self.ledger.record.units.get(name)
        self.ledger.units[name] = volume.done_state(self.states.run_dir, found.artifact, before)
        return True

    def _attach(self, name: str) -> bool:
        """Follow a workload of this unit that is there already."""
        work = self.workshop.find(name)
        if work.is_new:
            return False
        log.info("%s: going on with %s", name, work.name)
        self._follow(work)
        return True

    def _make(self, work: Work) -> None:
        try:
            self.workshop.make(work)
        except ApiError as error:
            if error.exit_code != 5:
                raise
            self._fail(work.unit, error.what, None)  # refused at admission: quota, policy, webhook
            return
        log.info("%s: made %s", work.unit, work.name)
        self._follow(work)

    def _follow(self, work: Work) -> None:
        self.at_work[work.unit] = work
        unit = self.ledger.units[work.unit]
        unit.job, unit.cause = work.name, ""
        unit.phase, unit.retries, _ = self.workshop.describe(work)

    def _settle(self, work: Work) -> None:
        """Decide about a workload that ended or has gone."""
        how = self.workshop.judge(work)
        if how.phase == "at work":
            return
        self.ledger.units[work.unit].retries = how.retries
        if self._is_done(work.unit):
            log.info("%s: done", work.unit)
            del self.at_work[work.unit]
        elif how.phase == "gone" and not self.failed:
            log.warning("%s: %s has gone without a result, it is made again", work.unit, work.name)
            del self.at_work[work.unit]
            self._make(work)
        elif how.phase != "wait":
            del self.at_work[work.unit]
            text = how.cause.text or f"{work.name} was deleted"
            self.ledger.units[work.unit].log = how.log or volume.log_tail(self.states.run_dir, work.unit)
            self._fail(work.unit, text, how.cause.exit_code)

    def _fail(self, name: str, cause: str, exit_code: int | None) -> None:
        log.error("%s: failed: %s", name, cause)
        unit = self.ledger.units[name]
        unit.phase, unit.cause, unit.progress = "failed", cause, None
        self.failed.append(name)
        if exit_code != ConfigError.exit_code:
            return
        self.cancelled = True
        for other, work in self.at_work.items():  # the same configuration or key: they would only spend
            self.workshop.remove(work)
            self.ledger.units[other] = state.UnitState(cause=f"stopped because {name} failed")
        self.at_work.clear()
