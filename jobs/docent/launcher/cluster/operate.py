"""Launch, retry, cancel, wait for and clean up a run in the cluster.

Reads and writes the run's record and objects; never the volume and never Secrets.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from docent.errors import LauncherError
from docent.launcher.cluster import state
from docent.launcher.cluster.api.connection import ApiError
from docent.launcher.cluster.api.differences import change
from docent.launcher.cluster.start import Intent, is_plan, plan_table, volume_uid
from docent.launcher.cluster.state import FINISHED, RunRecord, command, place, standing, stored_config
from docent.launcher.cluster.watch import conditions
from docent.launcher.cluster.watch.attach import LAUNCHER, RunWatcher, conclude
from docent.launcher.cluster.watch.observing import snapshots
from docent.launcher.render import Plan, launcher_job, platform
from docent.launcher.render.names import plan_name
from docent.launcher.runs.unit_state import Phase

if TYPE_CHECKING:
    from docent.launcher.cluster.api.client import Cluster, Object

LAUNCHER_GONE_S = 120.0
NAME_FREE_S = 60.0
PAUSE_S = 1.0
# Kinds that a run's workloads can have; the last two may not be installed.
WORKLOADS = ("Job", "PyTorchJob", "TrainJob")
PLATFORM = ("Pod", "NetworkPolicy", "RoleBinding", "Role", "ServiceAccount", "Service", "Lease", "ConfigMap")


def launch(cluster: Cluster, intent: Intent) -> int:
    """Write the record, the plan and the launcher's Job; return the number of the launch."""
    plan, before = intent.plan, intent.record
    number = before.last_launch + 1 if before else 1
    record = {
        "launch": number,
        "plan10": plan.digest10,
        "plans": plan.plan_hashes,
        "inputs": intent.digests,
        "volume": volume_uid(cluster, plan.config),
        "images": {row["unit"]: row["image"] for row in plan_table(plan)},
        "started": _now(),
    }
    owner = state.parse(cluster.apply(state.run_body(plan.run, record)))
    plan_body = next(body for body in platform(plan) if is_plan(plan, body))
    planned = change(cluster, state.owned(plan_body, owner))
    if planned.differs:
        cluster.apply(planned.body)
    start_launcher(cluster, plan, number, owner)
    return number


def start_launcher(cluster: Cluster, plan: Plan, number: int, owner: RunRecord) -> None:
    """Create the launcher's Job for this launch, after deleting the Job of an earlier run with the same name.

    Raises:
        LauncherError: (104) the Job of an earlier run of this name is not deleted in time.
    """
    body = state.owned(launcher_job(plan, number), owner)
    body["metadata"]["labels"] = {**body["metadata"]["labels"], "docent/launch": str(number)}
    until_s = time.monotonic() + NAME_FREE_S
    while True:
        try:
            cluster.create(body)
            return
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
        name = str(body["metadata"]["name"])
        existing = cluster.get("Job", name) or {"metadata": {}}
        owners = {reference["uid"] for reference in existing["metadata"].get("ownerReferences", ())}
        if owner.uid in owners:
            return
        if time.monotonic() > until_s:
            raise LauncherError(104, "a Job of an earlier run still exists", name, f"kubectl delete job {name}")
        cluster.delete("Job", name)
        time.sleep(PAUSE_S)


def retry(cluster: Cluster, run: str, record: RunRecord) -> int | None:
    """Launch the stored plan once more; return the number of the launch, or None if there is nothing to retry.

    Raises:
        LauncherError: (101) the run is not finished; (102) its plan is missing; (105) its plan is from another version.
    """
    stands = standing(cluster, run, record)
    if stands == "done":
        return None
    if stands not in FINISHED:
        raise LauncherError(101, f"run {run} is still in progress", place(cluster, run), command("wait", cluster, run))
    plan = Plan.of(stored_config(cluster, run, record))
    if plan.digest10 != record.run["plan10"]:
        what = "this plan was created by another version of docent"
        raise LauncherError(105, what, f"run {run}", command("run", cluster, run))
    number = record.last_launch + 1
    owner = state.parse(cluster.apply(state.run_body(run, {**record.run, "launch": number, "started": _now()})))
    start_launcher(cluster, plan, number, owner)
    return number


def cancel(cluster: Cluster, run: str, record: RunRecord) -> bool:
    """Stop the launcher and then everything it started, and record the end; return False if nothing was running.

    Pods get SIGTERM and their grace period to write a checkpoint.

    Raises:
        LauncherError: (104) the launcher's pod does not end.
    """
    if standing(cluster, run, record) in FINISHED and next(_active(cluster, run), None) is None:
        return False
    launchers, _ = cluster.list("Job", f"docent/run={run},{LAUNCHER}")
    for job in launchers:
        if not conditions.read(job).finished:
            cluster.delete("Job", job["metadata"]["name"])
    _wait_for_launcher_to_end(cluster, run)  # until it has ended, it may still write to the record
    for body in _active(cluster, run):
        cluster.delete(body["kind"], body["metadata"]["name"])
    record = state.read(cluster, run) or record
    for unit in record.units.values():
        if unit.phase in (Phase.RUNNING, Phase.QUEUED):
            unit.phase, unit.cause = Phase.WAITING, "cancelled"
    body = state.units_body(run, record.last_launch, "cancelled", record.units)
    cluster.apply(body, force=True, manager=state.LAUNCHER_MANAGER)
    return True


def wait(cluster: Cluster, run: str, timeout_s: float | None) -> None:
    """Wait until the run is done.

    Raises:
        LauncherError: 100 the run failed, 103 it was cancelled, 104 it takes longer than `timeout_s`.
    """
    until_s = None if timeout_s is None else time.monotonic() + timeout_s
    watcher = RunWatcher(cluster, run)
    for record in watcher.records_until_end():
        if until_s is not None and time.monotonic() > until_s and not watcher.is_finished(record):
            what = f"run {run} is not finished after {timeout_s:g} s"
            raise LauncherError(104, what, place(cluster, run), command("wait", cluster, run))
    conclude(cluster, run, record)


def garbage(cluster: Cluster, run: str, record: RunRecord, everything: bool) -> list[Object]:
    """Return a run's objects that are no longer needed; with `everything`, all of them except volume and Secrets.

    Raises:
        LauncherError: (101) the run is not finished.
    """
    if standing(cluster, run, record) not in FINISHED:
        what, next_step = f"run {run} is still in progress", command("cancel", cluster, run)
        raise LauncherError(101, what, place(cluster, run), next_step)
    selector = f"docent/run={run}"
    workloads = [body for kind in WORKLOADS for body in _listed(cluster, kind, selector)]
    if everything:
        return [*workloads, *(body for kind in PLATFORM for body in _listed(cluster, kind, selector))]
    plans = _listed(cluster, "ConfigMap", selector)
    current = plan_name(run, record.run.get("plan10", ""))
    old = [body for body in plans if current != (name := body["metadata"]["name"]) and name.startswith(f"{run}-plan-")]
    # The record shows that the launcher has ended, although the status of its Job may lag.
    ended = [body for body in workloads if conditions.read(body).finished or _is_launcher(body)]
    return [*ended, *old]


def _is_launcher(body: Object) -> bool:
    return bool(body["metadata"]["labels"].get("app.kubernetes.io/component") == "launcher")


def _active(cluster: Cluster, run: str) -> Iterator[Object]:
    """Yield the workloads of units that have not finished."""
    for kind in WORKLOADS:
        for body in _listed(cluster, kind, f"docent/run={run},docent/unit"):
            if not conditions.read(body).finished and not body["metadata"].get("deletionTimestamp"):
                yield body


def _listed(cluster: Cluster, kind: str, selector: str) -> list[Object]:
    """Return the objects of a kind; none if an optional kind is not installed or this user may not list it."""
    try:
        return cluster.list(kind, selector)[0]
    except ApiError as error:
        if error.status in (403, 404) and kind in WORKLOADS[1:]:
            return []
        raise


def _wait_for_launcher_to_end(cluster: Cluster, run: str) -> None:
    for pods in snapshots(cluster, "Pod", f"docent/run={run},{LAUNCHER}", LAUNCHER_GONE_S):
        left = [pod["metadata"]["name"] for pod in pods if conditions.is_active(pod)]
        if not left:
            return
    raise LauncherError(104, "the launcher is still running", ", ".join(sorted(left)), command("cancel", cluster, run))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
