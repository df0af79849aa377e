"""Read the log of a unit in the cluster: from its pods, including replacements, or from the record afterwards."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from docent.errors import LauncherError, PipelineError
from docent.launcher.cluster import state
from docent.launcher.cluster.state import FINISHED, RunRecord, command, how_it_stands, launch_of, place
from docent.launcher.cluster.watch.observing import Observed

if TYPE_CHECKING:
    from docent.launcher.cluster.api.client import Cluster, Object

INDEX = "batch.kubernetes.io/job-completion-index"
STARTED = ("Running", "Succeeded", "Failed")
LOOK_S = 1.0


def lines(cluster: Cluster, run: str, record: RunRecord, unit: str, index: int | None) -> Iterator[str]:
    """Yield the log of a unit so far; prefix each line with the pod's index if there are several.

    Raises:
        LauncherError: (102) the unit has no log.
    """
    pods = _newest(_chosen(cluster.list("Pod", _selector(run, unit))[0], index))
    started = [pod for pod in pods if pod.get("status", {}).get("phase") in STARTED]
    if not started:
        recorded = record.units[unit].log if unit in record.units else ""
        if not recorded:
            next_step = command("status", cluster, run)
            raise LauncherError(102, f"unit {unit} has no log yet", place(cluster, run), next_step)
        yield from recorded.splitlines()
        return
    for pod in started:
        prefix = _prefix(pod) if len(started) > 1 else ""
        yield from (f"{prefix}{line}" for line in cluster.log(pod["metadata"]["name"]))


def follow(cluster: Cluster, run: str, unit: str, index: int | None) -> Iterator[str]:
    """Yield the log of a unit until the unit ends, from all its pods, including ones created meanwhile."""
    changed = threading.Event()
    lines_read: queue.Queue[str] = queue.Queue()
    pods = Observed(cluster, ("Pod",), _selector(run, unit), changed)
    records = Observed(cluster, ("ConfigMap", "Job"), f"docent/run={run}", changed)
    followed: dict[str, threading.Thread] = {}
    while True:
        changed.clear()
        ended = _has_ended(records, run, unit)  # read first: a pod that was created before the end is still followed
        for pod in _chosen(pods.labelled("Pod", "app.kubernetes.io/component", unit), index):
            uid = pod["metadata"]["uid"]
            if uid not in followed and pod.get("status", {}).get("phase") in STARTED:
                several = bool(followed) or INDEX in pod["metadata"].get("labels", {})
                followed[uid] = threading.Thread(
                    target=_read, args=(cluster, pod, _prefix(pod) if several else "", pods, lines_read), daemon=True
                )
                followed[uid].start()
        at_work = any(thread.is_alive() for thread in followed.values())
        while True:
            try:
                yield lines_read.get(timeout=0 if changed.is_set() else LOOK_S)
            except queue.Empty:
                break
        if ended and not at_work and lines_read.empty():
            return


def _read(cluster: Cluster, pod: Object, prefix: str, pods: Observed, lines_read: queue.Queue[str]) -> None:
    """Read all lines of one pod; after a broken connection, continue where it broke."""
    name, seen = pod["metadata"]["name"], 0
    try:
        while True:
            for number, line in enumerate(cluster.log(name, follow=True)):
                if number >= seen:
                    seen += 1
                    lines_read.put(f"{prefix}{line}")
            now = pods.get("Pod", name)
            if now is None or now.get("status", {}).get("phase") != "Running":
                return
            pods.changed.wait(LOOK_S)
    except PipelineError as error:
        lines_read.put(f"{prefix}(the rest of this log is missing: {error.what})")


def _has_ended(records: Observed, run: str, unit: str) -> bool:
    config_map = records.get("ConfigMap", state.state_name(run))
    if config_map is None:
        return True
    record = state.parse(config_map)
    launchers = records.labelled("Job", "app.kubernetes.io/component", "launcher")
    stands = how_it_stands(record, max(launchers, key=launch_of, default=None))
    by_hand = not record.run  # a run started by hand has no launcher Job
    going_on = record.phase == "running" if by_hand else stands not in FINISHED
    return not going_on or (unit in record.units and record.units[unit].phase in ("done", "failed"))


def _selector(run: str, unit: str) -> str:
    return f"docent/run={run},app.kubernetes.io/component={unit}"


def _index(pod: Object) -> str:
    return str(pod["metadata"].get("labels", {}).get(INDEX, ""))


def _chosen(pods: list[Object], index: int | None) -> list[Object]:
    return pods if index is None else [pod for pod in pods if _index(pod) == str(index)]


def _newest(pods: list[Object]) -> list[Object]:
    """Return the newest pod of every index; it replaced the older ones."""
    by_age = sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))
    newest = {_index(pod): pod for pod in by_age}
    return [newest[index] for index in sorted(newest, key=lambda text: (len(text), text))]


def _prefix(pod: Object) -> str:
    index = _index(pod)
    return f"[{index or str(pod['metadata']['name']).rpartition('-')[2]}] "
