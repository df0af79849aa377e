"""Watch a run in the cluster from outside until it ends: its record, and the launcher's own Job and pods."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from docent.errors import LauncherError
from docent.launcher.cluster import state
from docent.launcher.cluster.api.connection import ApiError
from docent.launcher.cluster.start import failure
from docent.launcher.cluster.state import RunRecord, UnitState
from docent.launcher.cluster.watch import conditions
from docent.launcher.cluster.watch.cause import Evidence, why_failed, why_waiting
from docent.launcher.cluster.watch.notes import in_words, note
from docent.launcher.cluster.watch.observing import Observed
from docent.launcher.cluster.watch.runs import command, launch_of
from docent.launcher.runs.view import BAR_WIDTH, PLAIN_INTERVAL_S, STYLES

if TYPE_CHECKING:
    from docent.launcher.cluster.api.client import Cluster

LOOK_S = 1.0
# The record may arrive a moment after the Job that wrote it has ended.
LATE_S = 5.0
# An image that cannot be pulled or a full quota may be fixed meanwhile, but do not wait for ever.
OBSTACLE_S = 120.0
LAUNCHER = "app.kubernetes.io/component=launcher"


class RunWatcher:
    """Watch one run.

    Args:
        cluster: the cluster.
        run: its name.
        launch: the launch to watch; the record's own when None.
    """

    def __init__(self, cluster: Cluster, run: str, launch: int | None = None) -> None:
        self.cluster, self.run = cluster, run
        self.changed = threading.Event()
        self.records = Observed(cluster, ("ConfigMap",), f"docent/run={run}", self.changed)
        self.launchers = Observed(cluster, ("Job", "Pod"), f"docent/run={run},{LAUNCHER}", self.changed)
        self.launch = launch or int(self.record().run.get("launch", 0))

    def record(self) -> RunRecord:
        """Return the record as it is now.

        Raises:
            LauncherError: (102) it was deleted.
        """
        config_map = self.records.get("ConfigMap", state.state_name(self.run))
        if config_map is None:
            where = f"namespace {self.cluster.namespace}"
            raise LauncherError(102, f"there is no run {self.run!r}", where, "docent run --backend kubernetes")
        return state.parse(config_map)

    def is_current(self, record: RunRecord) -> bool:
        """Whether a record is about the watched launch, and not about an earlier one."""
        return record.launch >= self.launch

    def is_finished(self, record: RunRecord) -> bool:
        """Whether a record says that the watched launch has ended."""
        return self.is_current(record) and record.phase != "running"

    def records_until_end(self) -> Iterator[RunRecord]:
        """Yield the record at each change and at least every second; the last one is of a finished launch.

        Raises:
            LauncherError: (100) the launcher ended without recording how; (102) the run was deleted.
        """
        ended_s: float | None = None
        while True:
            self.changed.clear()
            record = self.record()
            # After a retry meanwhile, that launch is the one to watch. A run started by hand has no number.
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
        """Return why the launcher's own pod does not start, "" when it runs or nothing is known yet."""
        jobs = [job for job in self._jobs() if launch_of(job) == self.launch]
        if not jobs:
            return ""
        pods = tuple(self.launchers.labelled("Pod", "batch.kubernetes.io/job-name", jobs[-1]["metadata"]["name"]))
        warnings = () if pods else tuple(self._events_of(jobs[-1]["metadata"]["name"]))
        return why_waiting(Evidence("launcher", conditions.read(jobs[-1]), pods, warnings))

    def _events_of(self, name: str) -> list[Any]:
        try:
            events, _ = self.cluster.list("Event")
        except ApiError as error:
            if error.status != 403:  # then the cause is given without them
                raise
            return []
        return [event for event in events if event.get("involvedObject", {}).get("name") == name]

    def _jobs(self) -> list[Any]:
        return self.launchers.labelled("Job", "app.kubernetes.io/component", "launcher")

    def _launcher_ended(self) -> str:
        """Return why the launcher ended, "" while it works."""
        jobs = [job for job in self._jobs() if launch_of(job) == self.launch]
        if not jobs:
            pods = self.launchers.labelled("Pod", "app.kubernetes.io/component", "launcher")
            # `docent cancel` deletes the Job, waits for its pod, and only then records it.
            is_active = any(pod.get("status", {}).get("phase") not in ("Succeeded", "Failed") for pod in pods)
            return "" if is_active else "its Job is gone"
        status = conditions.read(jobs[-1])
        if not status.finished:
            return ""
        pods = self.launchers.labelled("Pod", "batch.kubernetes.io/job-name", jobs[-1]["metadata"]["name"])
        return why_failed(Evidence("launcher", status, tuple(pods), log=self._log(pods))).text

    def _log(self, pods: list[Any]) -> str:
        if not pods:
            return ""
        try:
            return "\n".join(self.cluster.log(pods[-1]["metadata"]["name"], tail_bytes=state.LOG_BYTES))
        except ApiError:  # its container never started, or the pod was deleted
            return ""


def attach(cluster: Cluster, run: str, launch: int | None, console: Console) -> None:
    """Show a run until it ends; Ctrl-C leaves it running.

    Raises:
        LauncherError: 100 failed, 101 Ctrl-C or it cannot start, 103 cancelled.
    """
    try:
        watcher = RunWatcher(cluster, run, launch)
        with RunView(console) as view:
            record = _show(watcher, view)
    except KeyboardInterrupt:
        what, where = (
            f"watching stopped; run {run} goes on in the cluster",
            f"run {run} in namespace {cluster.namespace}",
        )
        raise LauncherError(101, what, where, command("status -w", cluster, run)) from None
    conclude(cluster, run, record)


def _show(watcher: RunWatcher, view: RunView) -> RunRecord:
    obstacle, since_s, looked_s = "", time.monotonic(), 0.0
    for record in watcher.records_until_end():
        is_current = watcher.is_current(record)
        view.show(record if is_current else RunRecord())
        if not is_current and time.monotonic() - looked_s > 2 * LOOK_S:
            looked_s = time.monotonic()
            if (latest := watcher.obstacle()) != obstacle:
                obstacle, since_s = latest, time.monotonic()
                view.say(f"the launcher waits: {latest}" if latest else "the launcher starts")
            if obstacle and time.monotonic() - since_s > OBSTACLE_S:
                what, cancel = f"the launcher cannot start: {obstacle}", command("cancel", watcher.cluster, watcher.run)
                raise LauncherError(101, what, f"run {watcher.run}", cancel)
    return record


def conclude(cluster: Cluster, run: str, record: RunRecord) -> None:
    """Return when the run is done.

    Raises:
        LauncherError: 100 failed, 103 cancelled.
    """
    where = f"run {run} in namespace {cluster.namespace}"
    if record.phase == "failed":
        failed = next((name for name, unit in record.units.items() if unit.phase == "failed"), "launcher")
        raise LauncherError(100, f"failed: {failure(record)}", where, command(f"logs {failed}", cluster, run))
    if record.phase == "cancelled":
        raise LauncherError(103, "the run was cancelled", where, command("retry", cluster, run))


class RunView:
    """A table that redraws itself on a terminal; elsewhere a line when something happens and every 20 seconds."""

    def __init__(self, console: Console) -> None:
        self.console, self.live = console, Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._said: dict[str, str] = {}
        self._said_s = time.monotonic()

    def __enter__(self) -> RunView:
        if self.live:
            self.live.__enter__()
        return self

    def __exit__(self, *details: Any) -> None:
        if self.live:
            self.live.__exit__(*details)

    def say(self, line: str) -> None:
        """One line that stays."""
        self.console.print(Text(line), soft_wrap=True)

    def show(self, record: RunRecord) -> None:
        """The run as it is now."""
        if self.live:
            self.live.update(picture(record), refresh=True)
            return
        for name, unit in record.units.items():
            line = f"{unit.phase} {unit.cause}" if unit.phase in ("failed", "queued", "running") else unit.phase
            if unit.phase != "waiting" and self._said.get(name) != line:
                self._said[name] = line
                self.say(f"{name:<18} {unit.phase:<8} {note(unit)}".rstrip())
        if time.monotonic() - self._said_s > PLAIN_INTERVAL_S:
            self._said_s = time.monotonic()
            for name, unit in record.units.items():
                if unit.phase == "running" and unit.progress:
                    self.say(f"{name:<18} {note(unit)}")


def picture(record: RunRecord) -> Table:
    """The units of a run with their phases, progress and causes."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, unit in record.units.items():
        bar = _bar(unit) if unit.phase == "running" and record.phase == "running" else ""
        phase, said = in_words(unit, ended=record.phase != "running")
        said = note(unit) if phase == "done" else said
        table.add_row(Text(name), Text(phase, style=STYLES.get(phase, "yellow")), Text(bar + said))
    if not record.units:
        table.add_row(Text("the launcher is starting", style="dim"))
    return table


def _bar(unit: UnitState) -> str:
    progress = unit.progress or {}
    share = progress["done"] / progress["total"] if progress.get("total") else 0.0
    filled = round(min(1.0, share) * BAR_WIDTH)
    return f"{'━' * filled}{'╌' * (BAR_WIDTH - filled)} "
