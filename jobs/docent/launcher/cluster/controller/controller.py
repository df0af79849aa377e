"""Run all units of a run inside the cluster, as the only launcher that holds the run's lease.

Reads the run's volume (never writes to it) and the run's objects; writes workloads, the Lease and the state ConfigMap.
To run it outside a pod, with a folder as the volume: `docent conduct --config pipeline.yaml --data DIR --launch 1`.
"""

import logging
import os
import signal
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from docent.config import PipelineConfig
from docent.errors import LauncherError, StoppedError
from docent.launcher.cluster import state
from docent.launcher.cluster.api.client import Cluster
from docent.launcher.cluster.api.lease import DURATION_S, Lease
from docent.launcher.cluster.controller.backend import ClusterBackend
from docent.launcher.cluster.controller.state_record import StateRecord
from docent.launcher.cluster.state import command
from docent.launcher.render import Plan, names
from docent.launcher.runs.unit_state import UnitState
from docent.launcher.schedule import Scheduler
from docent.spec import RunStates

log = logging.getLogger("docent.controller")

# A renewal that hangs must not outlive the lease.
RENEWAL_PATIENCE_S = 5.0


@dataclass(frozen=True)
class Timeouts:
    """How long the launcher waits.

    Attributes:
        success_s: longest wait for the output of a Job that is Complete to appear; network filesystems lag.
        cluster_s: longest wait for an unreachable API server; it is usually replaced within minutes.
        lease_s: duration of the lease; after it, the lease of a launcher that died is free.
    """

    success_s: float = 60.0
    cluster_s: float = 300.0
    lease_s: int = DURATION_S


def run_controller(config: PipelineConfig, data: Path, launch: int, timeouts: Timeouts = Timeouts()) -> int:  # noqa: B008 - frozen
    """Run all units to the end and return the exit code.

    Args:
        config: the configuration of the launch.
        data: mount point of the run's volume; also the folder that the configuration's relative paths start from.
        launch: number of this launch; units that failed in earlier launches are tried again.
        timeouts: how long to wait for output, the cluster and the lease.

    Returns:
        0 if everything is complete, 100 if a unit failed, 143 if asked to stop.

    Raises:
        LauncherError: 4 cluster unreachable, forbidden, or the lease lost: start the launcher again; 103 the run was
            deleted; 105 another launcher is running it, or a later launch has begun.
    """
    stop = threading.Event()

    def pause(seconds: float) -> None:
        if stop.wait(seconds):
            raise StoppedError("the launcher received SIGTERM", config.run.name, "docent run")

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
    cluster, plan = Cluster.connect(config.kubernetes.namespace, timeouts.cluster_s, pause), Plan.of(config)
    try:
        record = StateRecord(cluster, plan.run, launch)
        states = RunStates(config, data / plan.run)
        return _run(plan, record, ClusterBackend(cluster, plan, states, record, pause), timeouts)
    except StoppedError as error:
        log.info("%s", error.what)  # workloads keep running, and the next launcher attaches to them
        return StoppedError.exit_code
    except OSError as error:
        raise LauncherError(4, f"the volume cannot be read: {error}", str(data), "kubectl describe pod") from None


def _run(plan: Plan, record: StateRecord, backend: ClusterBackend, timeouts: Timeouts) -> int:
    if record.record.launch > record.launch:
        later = f"launch {record.record.launch} of this run has begun since"
        raise LauncherError(105, later, state.state_name(plan.run), command("status", record.cluster, plan.run))

    def publish(units: Mapping[str, UnitState]) -> None:
        for name, unit in units.items():
            before = record.units.get(name)
            if before and before.phase is not unit.phase:
                log.info("%s: %s", name, f"{unit.phase} {unit.cause}".rstrip())
        record.units = {name: replace(unit) for name, unit in units.items()}
        record.write()

    earlier, chosen = record.record.units, list(plan.units)
    scheduler = Scheduler(backend.states, chosen, backend, publish, timeouts.success_s, earlier=earlier)
    is_complete = scheduler.look()
    record.units = {name: replace(unit) for name, unit in scheduler.units.items()}
    if is_complete:
        record.phase = "done"
        if record.is_written:
            log.info("everything is complete: nothing to do")
            return 0
    record.ensure_owner()
    with _lease(plan, record, timeouts) as lease:
        lease.acquire(plan.config.kubernetes.deadline_s)
        record.check = lease.check
        record.write()
        if not is_complete:
            scheduler.run()
        record.phase = "failed" if scheduler.failed else "done"
        record.write(at_once=True)
    log.info("the run is %s", record.phase)
    return 100 if scheduler.failed else 0


def _lease(plan: Plan, record: StateRecord, timeouts: Timeouts) -> Lease:
    """Return the lease of the run, not acquired yet."""
    name = names.unit_name(plan.run, "launcher")
    metadata = {"name": name, "labels": names.labels(plan.run, "launcher")}
    body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata}
    holder = f"{socket.gethostname()}-{os.getpid()}"
    cluster = record.cluster.with_patience(RENEWAL_PATIENCE_S)
    return Lease(cluster, state.owned(body, record.record), holder, timeouts.cluster_s, timeouts.lease_s)
