"""Watching a run in the cluster from outside: the table, plain lines, and the end.

Reads the run's record (one list, one watch) and the launcher's own Job and pods; writes only to the terminal.
"""

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
from docent.launcher.cluster.state import RunRecord
from docent.launcher.cluster.watch import conditions
from docent.launcher.cluster.watch.cause import Evidence, why_failed, why_waiting
from docent.launcher.cluster.watch.observing import Observed
from docent.launcher.cluster.watch.runs import command, launch_of
from docent.launcher.runs.display import RunDisplay
from docent.launcher.runs.log_tail import LOG_BYTES
from docent.launcher.runs.unit_state import Phase

if TYPE_CHECKING:
    from docent.launcher.cluster.api.client import Cluster

LOOK_S = 1.0
# The record may come a moment after the Job that wrote it has ended.
LATE_S = 5.0
# An image that cannot be pulled or a quota that is full may be fixed meanwhile, but not without end.
OBSTACLE_S = 120.0
LAUNCHER = "app.kubernetes.io/component=launcher"


class Follower:
    """A run as it goes on.

    Args:
        cluster: where.
        run: its name.
        launch: the launch to follow; the record's own when None.
    """

    def __init__(self, cluster: Cluster, run: str, launch: int | None = None) -> None:
        self.cluster, self.run = cluster, run
        self.changed = threading.Event()
        self.records = Observed(cluster, ("ConfigMap",), f"docent/run={run}", self.changed)
        self.launchers = Observed(cluster, ("Job", "Pod"), f"docent/run={run},{LAUNCHER}", self.changed)
        self.launch = launch or int(self.record().run.get("launch", 0))

    def record(self) -> RunRecord:
        """The record as it is now.

        Raises:
            LauncherError: (102) it was deleted.
        """
        found = self.records.get("ConfigMap", state.state_name(self.run))
        if found is None:
            raise LauncherError(
                102,
                f"there is no run {self.run!r}",
                f"namespace {self.cluster.namespace}",
                "docent run --backend kubernetes",
            )
        return state.parse(found)

    def is_told(self, record: RunRecord) -> bool:
        """Whether a record tells of the launch that is followed, and not of one before it."""
        return record.launch >= self.launch

    def is_finished(self, record: RunRecord) -> bool:
        """Whether a record says that the launch that is followed has ended."""
        return self.is_told(record) and record.phase != "running"

    def records_until_end(self) -> Iterator[RunRecord]:
        """The record every time something changes and at least every second; the last one is of a finished launch.

        Raises:
            LauncherError: (100) the launcher ended without a word; (102) the run was deleted.
        """
        ended_s: float | None = None
        while True:
            self.changed.clear()
            record = self.record()
            # Somebody may retry meanwhile: then that launch is the one to follow. A run by hand has no number.
            self.launch = max(self.launch, int(record.run.get("launch", 0)))
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
        """Why the launcher's own pod does not start, "" when it runs or nothing is known yet."""
        jobs = [job for job in self._jobs() if launch_of(job) == self.launch]
        if not jobs:
            return ""
        pods = tuple(self.launchers.labelled("Pod", "batch.kubernetes.io/job-name", jobs[-1]["metadata"]["name"]))
        warnings: tuple[Any, ...] = ()
        if not pods:
            warnings = tuple(self._events_of(jobs[-1]["metadata"]["name"]))
        return why_waiting(Evidence("launcher", conditions.read(jobs[-1]), pods, warnings))

    def _events_of(self, name: str) -> list[Any]:
        try:
            events, _ = self.cluster.list("Event")
        except ApiError as error:
            if error.status != 403:  # then it is said without them
                raise
            return []
        return [event for event in events if event.get("involvedObject", {}).get("name") == name]

    def _jobs(self) -> list[Any]:
        return self.launchers.labelled("Job", "app.kubernetes.io/component", "launcher")

    def _launcher_ended(self) -> str:
        """Why the launcher ended, "" while it works."""
        jobs = [job for job in self._jobs() if launch_of(job) == self.launch]
        if not jobs:
            pods = self.launchers.labelled("Pod", "app.kubernetes.io/component", "launcher")
            # Whoever cancels deletes the Job, waits for its pod, and only then writes it down.
            at_work = any(pod.get("status", {}).get("phase") not in ("Succeeded", "Failed") for pod in pods)
            return "" if at_work else "its Job is gone"
        reading = conditions.read(jobs[-1])
        if not reading.finished:
            return ""
        pods = self.launchers.labelled("Pod", "batch.kubernetes.io/job-name", jobs[-1]["metadata"]["name"])
        return why_failed(Evidence("launcher", reading, tuple(pods), log=self._log(pods))).text

    def _log(self, pods: list[Any]) -> str:
        if not pods:
            return ""
        try:
            return "\n".join(self.cluster.log(pods[-1]["metadata"]["name"], tail_bytes=LOG_BYTES))
        except ApiError:  # its container never started, or it is gone: then there is no log to read
            return ""


def attach(cluster: Cluster, run: str, launch: int | None, console: Console) -> None:
    """Show a run until it ends; Ctrl-C leaves it running.

    Raises:
        LauncherError: 100 failed, 101 Ctrl-C or it cannot start, 103 cancelled.
    """
    try:
        follower = Follower(cluster, run, launch)
        with RunDisplay(console) as display:
            record = _show(follower, display)
    except KeyboardInterrupt:
        raise LauncherError(
            101,
            f"watching stopped; run {run} goes on in the cluster",
            f"run {run} in namespace {cluster.namespace}",
            command("status -w", cluster, run),
        ) from None
    conclude(cluster, run, record)


def _show(follower: Follower, display: RunDisplay) -> RunRecord:
    obstacle, since_s, looked_s = "", time.monotonic(), 0.0
    for record in follower.records_until_end():
        told = follower.is_told(record)
        display.show(record.units if told else {})
        if not told and time.monotonic() - looked_s > 2 * LOOK_S:
            looked_s = time.monotonic()
            found = follower.obstacle()
            if found != obstacle:
                obstacle, since_s = found, time.monotonic()
                display.say(f"the launcher waits: {found}" if found else "the launcher starts")
            if obstacle and time.monotonic() - since_s > OBSTACLE_S:
                run = follower.run
                raise LauncherError(
                    101,
                    f"the launcher cannot start: {obstacle}",
                    f"run {run}",
                    command("cancel", follower.cluster, run),
                )
    return record


def conclude(cluster: Cluster, run: str, record: RunRecord) -> None:
    """Return when the run is done.

    Raises:
        LauncherError: 100 failed, 103 cancelled.
    """
    where = f"run {run} in namespace {cluster.namespace}"
    if record.phase == "failed":
        failed = next((name for name, unit in record.units.items() if unit.phase is Phase.FAILED), "launcher")
        raise LauncherError(100, f"failed: {failure(record)}", where, command(f"logs {failed}", cluster, run))
    if record.phase == "cancelled":
        raise LauncherError(103, "the run was cancelled", where, command("retry", cluster, run))
