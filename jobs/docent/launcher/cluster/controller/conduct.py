"""The launcher inside the cluster: holds the run's lease and brings the run to its end.

Reads the run's volume (never writes it) and the run's objects; writes workloads, the Lease and the state ConfigMap.
Run alone, where a folder is the volume:
`python -m docent.launcher.cluster.controller.conduct --config pipeline.yaml --data DIR --launch 1`.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from docent.config import PipelineConfig, load_config
from docent.errors import LauncherError, PipelineError, StoppedError
from docent.launcher.cluster import state
from docent.launcher.cluster.api.client import Cluster
from docent.launcher.cluster.api.lease import DURATION_S, Lease
from docent.launcher.cluster.controller.conductor import Conductor
from docent.launcher.cluster.controller.ledger import Ledger
from docent.launcher.cluster.controller.working import Workshop
from docent.launcher.cluster.watch.observing import Observed
from docent.launcher.cluster.watch.runs import command
from docent.launcher.render import Plan, names
from docent.spec import RunStates

log = logging.getLogger("docent.conduct")

RENEWAL_PATIENCE_S = 5.0
POLL_S = 1.0
GATHER_S = 0.1  # events come in bursts


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
        raise LauncherError(105, later, state.state_name(plan.run), command("status", cluster, plan.run))
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
