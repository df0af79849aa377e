"""The Kubernetes backend: create, follow, judge and delete the workload of every unit.

Reads the run's Jobs, pods and Warning events, and progress and logs on its volume; applies and deletes workloads.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from docent.errors import LauncherError
from docent.launcher.cluster.api.client import ApiError, Cluster, Object
from docent.launcher.cluster.controller.state_record import StateRecord
from docent.launcher.cluster.state import command, owned
from docent.launcher.cluster.watch.cause import UnitEvidence, decisiveness, why_failed, why_waiting
from docent.launcher.cluster.watch.conditions import is_active, read
from docent.launcher.cluster.watch.loglines import last_error, readable
from docent.launcher.cluster.watch.observing import Observed
from docent.launcher.render import Plan, workload
from docent.launcher.render.names import attempt_of
from docent.launcher.runs.log_tail import LOG_BYTES, log_tail, tail
from docent.launcher.runs.progress import progress_of
from docent.launcher.runs.unit_state import Phase, UnitState
from docent.spec import RunStates

log = logging.getLogger("docent.controller")

LAUNCH_LABEL = "docent/launch"
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
INDEX_ANNOTATION = "batch.kubernetes.io/job-completion-index"
# Names number attempts with two digits; a unit with more attempts has a fault that retrying does not fix.
MAX_ATTEMPTS = 100
# Events cannot be watched by the object that they are about, and listing all of a namespace is expensive.
WARNINGS_INTERVAL_S = 5.0
# Reading files on a network volume is expensive, so progress and logs are read less often than objects are observed.
FILES_INTERVAL_S = 2.0
# Changes come in bursts: wait this long to handle a burst at once.
GATHER_S = 0.1


@dataclass(frozen=True)
class Workload:
    """The rendered workload of a unit."""

    unit: str
    body: Object

    @property
    def kind(self) -> str:
        """Job, PyTorchJob or TrainJob."""
        return str(self.body["kind"])

    @property
    def name(self) -> str:
        """Name of the workload on the cluster."""
        return str(self.body["metadata"]["name"])


class ClusterBackend:
    """Runs units as workloads.

    Args:
        cluster: the cluster that holds the workloads.
        plan: the plan that the workloads are rendered from.
        states: state of the run on the volume.
        record: holds the number of this launch and the owner of everything that is created.
        pause: sleeps, and raises StoppedError once the launcher is asked to stop.
    """

    def __init__(
        self, cluster: Cluster, plan: Plan, states: RunStates, record: StateRecord, pause: Callable[[float], None]
    ) -> None:
        self.cluster, self.plan, self.states, self.record, self.pause = cluster, plan, states, record, pause
        self.changed = threading.Event()
        self._workloads: dict[str, Workload] = {}
        self._ended: dict[str, UnitState] = {}
        self._deletions: dict[str, int] = {}  # how often somebody else deleted a unit's workload
        self._read: dict[str, UnitState] = {}  # progress and logs from the last read
        self._read_s = 0.0
        self._warnings: list[Object] = []
        self._warnings_s: float | None = None

    @cached_property
    def observed(self) -> Observed:
        """The run's objects, watched from the first use on, when the launcher holds the lease."""
        kinds = dict.fromkeys(str(workload(self.plan, name)["kind"]) for name in self.plan.units)
        return Observed(self.cluster, (*kinds, "Pod"), f"docent/run={self.plan.run}", self.changed)

    def submit(self, unit: str, attach_only: bool) -> UnitState:
        """Follow the unit's workload if it exists; otherwise create it, unless `attach_only`.

        Raises:
            LauncherError: 4 the lease is lost, or the cluster unreachable or forbidden; (105) too many attempts.
        """
        wanted, is_there = self.find(unit)
        if is_there:
            log.info("%s: attached to %s", unit, wanted.name)
        elif attach_only:
            return UnitState()
        elif ending := self.ending_pod(wanted):
            return UnitState(cause=f"waits until pod {ending} has ended")
        else:
            try:
                self.create(wanted)
            except ApiError as error:
                if error.exit_code != 5:
                    raise
                # Refused at admission: by quota, policy or webhook.
                self._ended[unit] = UnitState(Phase.FAILED, cause=error.what)
                return UnitState(Phase.QUEUED)
            log.info("%s: created %s", unit, wanted.name)
        self._workloads[unit] = wanted
        return self.describe(wanted)

    def wait(self, timeout_s: float) -> dict[str, UnitState]:
        """Return the states of submitted units, once an object of the run changes or after `timeout_s`.

        Raises:
            LauncherError: (4) the lease is lost.
            StoppedError: the launcher was asked to stop.
        """
        if timeout_s:
            self.changed.wait(timeout_s)
            self.pause(GATHER_S)
        self.changed.clear()
        self.record.check()
        reads_files = time.monotonic() - self._read_s >= FILES_INTERVAL_S
        self._read_s = time.monotonic() if reads_files else self._read_s
        reports, self._ended = self._ended, {}
        for unit, one in list(self._workloads.items()):
            report = self.judge(one)
            if report.phase in (Phase.QUEUED, Phase.RUNNING):
                if reads_files or unit not in self._read:
                    run_dir = self.states.run_dir
                    self._read[unit] = UnitState(progress=progress_of(run_dir, unit), log=log_tail(run_dir, unit))
                report = replace(report, progress=self._read[unit].progress, log=self._read[unit].log)
            else:
                del self._workloads[unit]
                self._read.pop(unit, None)
            reports[unit] = report
        return reports

    def logs(self, unit: str) -> str:
        """Return the end of a unit's log on the volume, or "" if there is none."""
        return log_tail(self.states.run_dir, unit)

    def cancel(self) -> None:
        """Delete the workloads that are being followed, and their pods, which get SIGTERM and their grace period.

        Raises:
            LauncherError: (4) the lease is lost.
        """
        for one in self._workloads.values():
            self.record.check()
            self.cluster.delete(one.kind, one.name)
        self._workloads.clear()

    def find(self, unit: str) -> tuple[Workload, bool]:
        """Return the workload to follow or to create, and whether it exists.

        Only the last attempt counts: the TTL may have removed earlier ones. An attempt that is running is followed,
        whoever created it. An attempt that ended without output counts if it belongs to this launch; otherwise the next
        attempt replaces it.

        Raises:
            LauncherError: (105) there have been too many attempts.
        """
        body = workload(self.plan, unit)
        there = self.observed.labelled(body["kind"], "docent/unit", unit)
        attempts = [attempt_of(one["metadata"]["name"], body["metadata"]["name"]) for one in there]
        last = max((attempt for attempt in attempts if attempt is not None), default=None)
        if last is None:
            return Workload(unit, body), False
        body = workload(self.plan, unit, last)
        live = self.observed.get(body["kind"], body["metadata"]["name"])
        if live is not None:
            of_this_launch = live["metadata"].get("labels", {}).get(LAUNCH_LABEL) == str(self.record.launch)
            if of_this_launch or not read(live).finished:
                return Workload(unit, body), True
            body = workload(self.plan, unit, last + 1)
        if last + 1 >= MAX_ATTEMPTS:
            tried = f"{unit} was tried {MAX_ATTEMPTS} times"
            raise LauncherError(105, tried, self.plan.run, command("gc", self.cluster, self.plan.run))
        return Workload(unit, body), False

    def create(self, one: Workload) -> None:
        """Create a workload; if another launcher does so at the same moment, both create the same object.

        Raises:
            ApiError: 5 refused at admission; 4 cluster unreachable or forbidden.
            LauncherError: (4) the lease is lost.
        """
        self.record.check()
        metadata = one.body["metadata"]
        labels = {**metadata.get("labels", {}), LAUNCH_LABEL: str(self.record.launch)}
        body = owned({**one.body, "metadata": {**metadata, "labels": labels}}, self.record.record)
        try:
            live = self.cluster.apply(body)
        except ApiError as error:
            # A workload that exists and was meanwhile admitted by its queue is left unchanged.
            there = self.cluster.get(one.kind, one.name) if error.reason == "Conflict" else None
            if there is None:
                raise
            live = there
        self.observed.put({**live, "kind": one.kind})

    def ending_pod(self, one: Workload) -> str:
        """Return a terminating pod of a deleted workload, or "" if there is none.

        The pod may still write a checkpoint, so no other pod should start in its place.
        """
        pods = self.observed.labelled("Pod", "docent/unit", one.unit)
        active = filter(is_active, pods)
        ending = [pod for pod in active if pod["metadata"].get("deletionTimestamp") or _is_named(pod, one.name)]
        return str(ending[0]["metadata"]["name"]) if ending else ""

    def judge(self, one: Workload) -> UnitState:
        """Return the state of a unit from its workload."""
        live = self._live(one)
        if live is None and not self.ending_pod(one):
            deletions = self._deletions[one.unit] = self._deletions.get(one.unit, 0) + 1
            if deletions > self.plan.config.kubernetes.max_retries:
                return UnitState(Phase.FAILED, one.name, cause=f"{one.name} was deleted {deletions} times")
            return UnitState(Phase.STOPPED, one.name, cause=f"{one.name} was deleted")
        reading = read(live) if live else None
        if live is None or reading is None or not reading.finished:
            return self.describe(one)
        ended = UnitState(Phase.DONE, one.name, retries=reading.retries)
        if reading.phase == "complete":
            return ended
        text = self._log(one)
        cause = why_failed(self._evidence(one, live, text, with_warnings=not self._pods(one)))
        return replace(ended, phase=Phase.FAILED, cause=cause.text, exit_code=cause.exit_code, log=text)

    def describe(self, one: Workload) -> UnitState:
        """Return the state of a unit whose workload has not ended: retries so far, and why it is not running."""
        state, live = UnitState(Phase.RUNNING, one.name), self._live(one)
        if live is None:
            return replace(state, cause=f"{one.name} was deleted, its pods are ending")
        reading, pods = read(live), self._pods(one)
        state.retries = reading.retries
        phases = {pod.get("status", {}).get("phase") for pod in pods}
        if "Running" not in phases:
            with_warnings = "Pending" in phases or not pods
            state.cause = why_waiting(self._evidence(one, live, "", with_warnings))
            if state.cause or reading.phase == "queued":
                state.phase = Phase.QUEUED
        return state

    def _live(self, one: Workload) -> Object | None:
        return self.observed.get(one.kind, one.name)

    def _pods(self, one: Workload) -> list[Object]:
        """Return the workload's pods, without pods of a deleted workload that had the same name."""
        live = self._live(one)
        since = live["metadata"]["creationTimestamp"] if live else ""
        pods = (pod for pod in self.observed.labelled("Pod", "docent/unit", one.unit) if _is_named(pod, one.name))
        return [pod for pod in pods if pod["metadata"]["creationTimestamp"] >= since]

    def _evidence(self, one: Workload, live: Object, text: str, with_warnings: bool) -> UnitEvidence:
        warnings = [w for w in self._recent_warnings() if _is_about(w, one.name)] if with_warnings else []
        queue = live["metadata"].get("labels", {}).get(QUEUE_LABEL, "")
        return UnitEvidence(one.unit, read(live), tuple(self._pods(one)), tuple(warnings), text, queue)

    def _recent_warnings(self) -> list[Object]:
        """Return the namespace's events of type Warning; list them again only after WARNINGS_INTERVAL_S."""
        if self._warnings_s is None or time.monotonic() - self._warnings_s >= WARNINGS_INTERVAL_S:
            self._warnings_s = time.monotonic()
            try:
                self._warnings, _ = self.cluster.list("Event", fields="type=Warning")
            except ApiError as error:
                if error.status != 403:
                    raise
                log.warning("causes may be incomplete, because events cannot be listed: %s", error.what)
                self._warnings_s = float("inf")
        return self._warnings

    def _log(self, one: Workload) -> str:
        """Return the end of the failed pod's log: from its container, or else from the volume."""
        failed = [pod for pod in self._pods(one) if pod.get("status", {}).get("phase") == "Failed"]
        if not failed:
            return self.logs(one.unit)
        metadata = min(failed, key=decisiveness)["metadata"]
        try:
            text = tail(readable("\n".join(self.cluster.log(metadata["name"], tail_bytes=2 * LOG_BYTES))))
        except ApiError as error:
            log.info("the log of %s is read from the volume: %s", metadata["name"], error.what)
            text = ""
        index = metadata.get("annotations", {}).get(INDEX_ANNOTATION)
        return text if last_error(text) else log_tail(self.states.run_dir, one.unit, int(index) if index else None)


def _is_named(pod: Object, name: str) -> bool:
    return str(pod["metadata"]["name"]).startswith(f"{name}-")


def _is_about(event: Object, name: str) -> bool:
    about = str(event.get("involvedObject", {}).get("name", ""))
    return about == name or about.startswith(f"{name}-")
