"""The launcher inside the cluster: makes the workloads of a run in order and watches over them.

Reads the run's volume (never writes it) and the run's objects; writes workloads, the Lease and the state ConfigMap.
What is complete is decided by the volume alone: a Job is only somebody who works. Run alone, where a folder is the
volume: `python -m docent.launcher.cluster.conduct --config pipeline.yaml --data DIR --launch 1`.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from docent.config import PipelineConfig, load_config
from docent.errors import ConfigError, LauncherError, PipelineError, StoppedError
from docent.launcher.cluster import state, volume
from docent.launcher.cluster.client import ApiError, Cluster
from docent.launcher.cluster.lease import DURATION_S, Lease
from docent.launcher.cluster.ledger import Ledger
from docent.launcher.cluster.observing import Observed
from docent.launcher.cluster.working import Work, Workshop
from docent.launcher.render import Plan, names
from docent.spec import RunStates

log = logging.getLogger("docent.conduct")

RENEWAL_PATIENCE_S = 5.0
POLL_S = 1.0
GATHER_S = 0.1  # events come in bursts
FILES_S = 2.0


@dataclass(frozen=True)
class Patience:
    """How long the launcher waits for what may take a while.

    Attributes:
        success_s: until the output of a Job that says Complete is seen here; network filesystems lag.
        cluster_s: until an API server that is away comes back; it is replaced within minutes.
        lease_s: until the lease of a launcher that died is free.
    """

    success_s: float = 60.0
    cluster_s: float = 300.0
    lease_s: int = DURATION_S


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
            self._make(self.workshop.find(name))

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


def conduct(config: PipelineConfig, data: Path, launch: int, patience: Patience = Patience()) -> int:  # noqa: B008 - frozen
    """Bring a run to its end.

    Args:
        config: the configuration of the launch.
        data: where the run's volume is mounted; also the folder that relative paths of the configuration start from.
        launch: number of this launch; what earlier ones left failed is tried again.
        patience: how long to wait for what.

    Returns:
        0 when everything is complete, 100 when a unit failed, 143 when asked to stop.

    Raises:
        LauncherError: 4 cluster away, forbidden, or the lease lost: to be started again; 103 the run was deleted;
            105 another launcher works on it, or a later launch did.
    """
    stop, changed = threading.Event(), threading.Event()
    _on_sigterm(stop, changed)

    def pause(seconds: float) -> None:
        if stop.wait(seconds):
            raise StoppedError("the launcher was asked to stop", config.run.name, "docent run")

    cluster = Cluster.connect(config.kubernetes.namespace, patience.cluster_s, pause)
    try:
        return _conduct(_Launch(cluster, Plan.of(config), launch, patience), data, changed)
    except StoppedError as error:
        log.info("%s", error.what)  # workloads go on, the next launcher attaches to them
        return StoppedError.exit_code
    except OSError as error:
        raise LauncherError(4, f"the volume cannot be read: {error}", str(data), "kubectl describe pod") from None


@dataclass(frozen=True)
class _Launch:
    cluster: Cluster
    plan: Plan
    number: int
    patience: Patience

    def lease(self, ledger: Ledger) -> Lease:
        """The lease of the run, not held yet."""
        name = names.launcher_name(self.plan.run)
        metadata = {"name": name, "labels": names.labels(self.plan.run, "launcher")}
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata}
        holder = f"{socket.gethostname()}-{os.getpid()}"
        cluster = self.cluster.with_patience(RENEWAL_PATIENCE_S)
        return Lease(cluster, state.owned(body, ledger.record), holder, self.patience.cluster_s, self.patience.lease_s)


def _conduct(this: _Launch, data: Path, changed: threading.Event) -> int:
    cluster, plan = this.cluster, this.plan
    states = RunStates(plan.config, data / plan.run)
    ledger = Ledger(cluster, plan.run, this.number, state.read(cluster, plan.run))
    if ledger.record.launch > this.number:
        later = f"launch {ledger.record.launch} of this run has begun since"
        raise LauncherError(105, later, state.state_name(plan.run), "docent status")
    workshop = Workshop(cluster, plan, ledger, states.run_dir, this.patience.success_s)
    conductor = Conductor(plan, states, ledger, workshop)
    complete = conductor.look()
    if complete:
        ledger.phase = "done"
        if ledger.is_written:
            log.info("everything is complete: nothing to do")
            return 0
    ledger.ensure_owner()
    with this.lease(ledger) as lease:
        lease.acquire(plan.config.kubernetes.deadline_s)
        ledger.write()
        if not complete:
            workshop.observed = Observed(cluster, workshop.kinds, f"docent/run={plan.run}", changed)
            workshop.check = lease.check
            _carry_out(conductor, lease, changed)
        ledger.phase = "failed" if conductor.failed else "done"
        lease.check()
        ledger.write(at_once=True)
    log.info("the run is %s", ledger.phase)
    return 100 if conductor.failed else 0


def _carry_out(conductor: Conductor, lease: Lease, changed: threading.Event) -> None:
    while True:
        changed.clear()
        lease.check()
        conductor.step()
        conductor.refresh()
        lease.check()
        conductor.ledger.write()
        if conductor.finished:
            return
        changed.wait(POLL_S)
        conductor.ledger.cluster.connection.pause(GATHER_S)


def _on_sigterm(stop: threading.Event, changed: threading.Event) -> None:
    def end(*_: object) -> None:
        stop.set()
        changed.set()

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, end)


def main() -> None:
    """The launcher for a volume that is a folder of this machine."""
    from docent.logs import configure

    parser = argparse.ArgumentParser(description="The launcher inside the cluster.")
    parser.add_argument("--config", type=Path, required=True, help="the pipeline file")
    parser.add_argument("--data", type=Path, default=Path("/data"), help="where the volume is mounted")
    parser.add_argument("--launch", type=int, required=True, help="number of this launch of the run")
    parser.add_argument("--success-s", type=float, default=Patience.success_s, help="see Patience")
    parser.add_argument("--lease-s", type=int, default=Patience.lease_s, help="see Patience")
    given = parser.parse_args()
    configure("INFO")
    try:
        config = load_config(given.config)
        os.chdir(given.data)
        patience = Patience(success_s=given.success_s, lease_s=given.lease_s)
        sys.exit(conduct(config, given.data, given.launch, patience))
    except LauncherError as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_code)
    except PipelineError as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(3)


if __name__ == "__main__":
    main()
