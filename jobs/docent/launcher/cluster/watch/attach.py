"""Watch a run in the cluster from outside until it ends: its record, and the launcher's own Job and pods."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich.console import Console

from docent.errors import LauncherError
from docent.launcher.cluster import state
from docent.launcher.cluster.api.connection import ApiError
from docent.launcher.cluster.start import failure
from docent.launcher.cluster.state import RunRecord, command, launch_of, place
from docent.launcher.cluster.watch import conditions
from docent.launcher.cluster.watch.cause import UnitEvidence, why_failed, why_waiting
from docent.launcher.cluster.watch.observing import Observed
from docent.launcher.runs.display import RunDisplay
from docent.launcher.runs.log_tail import LOG_BYTES
from docent.launcher.runs.unit_state import Phase

if TYPE_CHECKING:
    from docent.launcher.cluster.api.client import Cluster

LOOK_S = 1.0
# The record may arrive a moment after the launcher's Job has ended.
LATE_S = 5.0
# An image that cannot be pulled or a full quota may be fixed in the meantime, but do not wait forever.
OBSTACLE_S = 120.0
LAUNCHER = "app.kubernetes.io/component=launcher"


class RunWatcher:
    """Watches one run.

    Args:
        cluster: the cluster.
        run: name of the run.
        launch: number of the launch to watch; if None, the last launch in the record.
    """

    def __init__(self, cluster: Cluster, run: str, launch: int | None = None) -> None:
        self.cluster, self.run = cluster, run
        self.changed = threading.Event()
        self.records = Observed(cluster, ("ConfigMap",), f"docent/run={run}", self.changed)
        self.launchers = Observed(cluster, ("Job", "Pod"), f"docent/run={run},{LAUNCHER}", self.changed)
        self.launch = launch or self.record().started_launch

    def record(self) -> RunRecord:
        """Return the current record.

        Raises:
            LauncherError: (102) there is no such run, or it was deleted.
        """
        config_map = self.records.get("ConfigMap", state.state_name(self.run))
        if config_map is None:
            where = f"namespace {self.cluster.namespace}"
            raise LauncherError(102, f"there is no run {self.run!r}", where, "docent run --backend kubernetes")
        return state.parse(config_map)

    def is_current(self, record: RunRecord) -> bool:
        """Return whether a record describes the watched launch, rather than an earlier one."""
        return record.launch >= self.launch

    def is_finished(self, record: RunRecord) -> bool:
        """Return whether a record shows that the watched launch has ended."""
        return self.is_current(record) and record.phase != "running"

    def records_until_end(self) -> Iterator[RunRecord]:
        """Yield the record at each change and at least every second; the last one belongs to a finished launch.

        Raises:
            LauncherError: (100) the launcher ended without recording the outcome; (102) the run was deleted.
        """
        ended_s: float | None = None
        while True:
            self.changed.clear()
            record = self.record()
            # After a retry in the meantime, watch the new launch. A run started by hand has no launch number.
            self.launch = max(self.launch, record.started_launch)
            yield record
            if self.is_finished(record):
                return
            ended = self._launcher_ended()
            ended_s = (ended_s or time.monotonic()) if ended else None
            if ended and ended_s and time.monotonic() - ended_s > LATE_S:
                raise LauncherError(
                    100, f"the launcher ended: {ended}", f"run {self.run}", command("retry", self.cluster, self.run)
                )
            self.changed.wait(LOOK_S)

    def obstacle(self) -> str:
        """Return why the launcher's own pod does not start, or "" if it runs or nothing is known yet."""
        jobs = self._jobs()
        if not jobs:
            return ""
        pods = tuple(self.launchers.labelled("Pod", "batch.kubernetes.io/job-name", jobs[-1]["metadata"]["name"]))
        warnings = () if pods else tuple(self._events_of(jobs[-1]["metadata"]["name"]))
        return why_waiting(UnitEvidence("launcher", conditions.read(jobs[-1]), pods, warnings))

    def _events_of(self, name: str) -> list[Any]:
        try:
            events, _ = self.cluster.list("Event")
        except ApiError as error:
            if error.status != 403:  # if forbidden, give the cause without events
                raise
            return []
        return [event for event in events if event.get("involvedObject", {}).get("name") == name]

    def _jobs(self) -> list[Any]:
        """Return the launcher's Jobs for the watched launch, newest last."""
        jobs = self.launchers.labelled("Job", "app.kubernetes.io/component", "launcher")
        return [job for job in jobs if launch_of(job) == self.launch]

    def _launcher_ended(self) -> str:
        """Return why the launcher ended, or "" while it runs."""
        jobs = self._jobs()
        if not jobs:
            pods = self.launchers.labelled("Pod", "app.kubernetes.io/component", "launcher")
            # `docent cancel` deletes the Job, waits for its pod, and only then records it.
            return "" if any(map(conditions.is_active, pods)) else "its Job was deleted"
        status = conditions.read(jobs[-1])
        if not status.finished:
            return ""
        pods = self.launchers.labelled("Pod", "batch.kubernetes.io/job-name", jobs[-1]["metadata"]["name"])
        return why_failed(UnitEvidence("launcher", status, tuple(pods), log=self._log(pods))).text

    def _log(self, pods: list[Any]) -> str:
        if not pods:
            return ""
        try:
            return "\n".join(self.cluster.log(pods[-1]["metadata"]["name"], tail_bytes=LOG_BYTES))
        except ApiError:  # its container never started, or the pod was deleted
            return ""


def attach(cluster: Cluster, run: str, launch: int | None, console: Console) -> None:
    """Show a run until it ends; Ctrl-C leaves it running.

    Raises:
        LauncherError: 100 the run failed, 101 Ctrl-C or it cannot start, 103 it was cancelled.
    """
    try:
        watcher = RunWatcher(cluster, run, launch)
        with RunDisplay(console, is_remote=True) as display:
            record = _show(watcher, display)
    except KeyboardInterrupt:
        what, again = f"stopped watching; run {run} continues in the cluster", command("status -w", cluster, run)
        raise LauncherError(101, what, place(cluster, run), again) from None
    conclude(cluster, run, record)


def _show(watcher: RunWatcher, display: RunDisplay) -> RunRecord:
    obstacle, since_s, looked_s = "", time.monotonic(), 0.0
    for record in watcher.records_until_end():
        is_current = watcher.is_current(record)
        display.show(record.units if is_current else {})
        if not is_current and time.monotonic() - looked_s > 2 * LOOK_S:
            looked_s = time.monotonic()
            if (latest := watcher.obstacle()) != obstacle:
                obstacle, since_s = latest, time.monotonic()
                display.say(f"the launcher is waiting: {latest}" if latest else "the launcher is starting")
            if obstacle and time.monotonic() - since_s > OBSTACLE_S:
                what, cancel = f"the launcher cannot start: {obstacle}", command("cancel", watcher.cluster, watcher.run)
                raise LauncherError(101, what, f"run {watcher.run}", cancel)
    return record


def conclude(cluster: Cluster, run: str, record: RunRecord) -> None:
    """Return normally if the run succeeded; otherwise raise the matching error.

    Raises:
        LauncherError: 100 the run failed, 103 it was cancelled.
    """
    if record.phase == "failed":
        failed = next((name for name, unit in record.units.items() if unit.phase is Phase.FAILED), "launcher")
        next_step = command(f"logs {failed}", cluster, run)
        raise LauncherError(100, f"failed: {failure(record)}", place(cluster, run), next_step)
    if record.phase == "cancelled":
        raise LauncherError(103, "the run was cancelled", place(cluster, run), command("retry", cluster, run))
