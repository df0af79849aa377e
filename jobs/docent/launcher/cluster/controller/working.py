"""Workloads of units: finds the one to follow, makes it, removes it, and judges how it stands.

Reads the run's Jobs, pods and warnings; writes (applies, deletes) workloads.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from docent.errors import LauncherError
from docent.launcher.cluster.api.client import ApiError, Cluster, Object
from docent.launcher.cluster.controller.ledger import Ledger
from docent.launcher.cluster.controller.volume import log_tail
from docent.launcher.cluster.state import LOG_BYTES, UnitPhase, owned, tail
from docent.launcher.cluster.watch.cause import Cause, Evidence, decisiveness, why_failed, why_waiting
from docent.launcher.cluster.watch.conditions import read
from docent.launcher.cluster.watch.loglines import last_error, readable
from docent.launcher.cluster.watch.observing import Observed
from docent.launcher.cluster.watch.runs import command
from docent.launcher.render import Plan, workload
from docent.launcher.render.names import attempt_of

log = logging.getLogger("docent.conduct")

LAUNCH_LABEL = "docent/launch"
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
INDEX_ANNOTATION = "batch.kubernetes.io/job-completion-index"
MAX_ATTEMPTS = 100
WARNINGS_INTERVAL_S = 5.0


@dataclass
class Work:
    """A unit's workload.

    Attributes:
        unit: the unit.
        body: as it is rendered.
        is_new: nothing of that name was there.
        vanished: how often it has gone without a result.
        complete_since_s: when it said Complete and the output was not to be seen.
    """

    unit: str
    body: Object
    is_new: bool
    vanished: int = 0
    complete_since_s: float | None = None

    @property
    def kind(self) -> str:
        """Job, PyTorchJob or TrainJob."""
        return str(self.body["kind"])

    @property
    def name(self) -> str:
        """Its name on the cluster."""
        return str(self.body["metadata"]["name"])


@dataclass(frozen=True)
class Judgement:
    """What has become of a workload: `wait` is Complete with its output not seen yet, `gone` is to be made again."""

    phase: Literal["at work", "wait", "gone", "ended"]
    retries: int = 0
    cause: Cause = Cause("")
    log: str = ""


class Workshop:
    """All that happens to workloads.

    Args:
        cluster: where they are.
        plan: the plan they are rendered from.
        ledger: knows the number of this launch and the owner of everything that is made.
        run_dir: folder of the run on the volume.
        grace_s: how long the output of a workload that says Complete may take to be seen.
    """

    def __init__(self, cluster: Cluster, plan: Plan, ledger: Ledger, run_dir: Path, grace_s: float) -> None:
        self.cluster, self.plan, self.ledger, self.run_dir, self.grace_s = cluster, plan, ledger, run_dir, grace_s
        self.check: Callable[[], None] = lambda: None
        self.observed: Observed | None = None
        self._warnings: list[Object] = []
        self._warnings_s: float | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of all that this plan may make, and what they consist of."""
        found = dict.fromkeys(str(workload(self.plan, name)["kind"]) for name in self.plan.units)
        return (*found, "Pod")

    def find(self, unit: str) -> Work:
        """The workload to follow or to make.

        The last attempt counts: those before it may have been removed by their TTL. One that is at work is followed,
        whoever made it. One that ended without output counts when it is of this launch, else the next attempt takes
        its place.

        Raises:
            LauncherError: (105) there have been too many attempts.
        """
        body = workload(self.plan, unit)
        there = self._seen.labelled(body["kind"], "docent/unit", unit)
        attempts = [attempt_of(one["metadata"]["name"], body["metadata"]["name"]) for one in there]
        last = max((attempt for attempt in attempts if attempt is not None), default=None)
        if last is None:
            return Work(unit, body, is_new=True)
        body = workload(self.plan, unit, last)
        found = self._found(body)
        if found is not None:
            of_this_launch = found["metadata"].get("labels", {}).get(LAUNCH_LABEL) == str(self.ledger.launch)
            if of_this_launch or not read(found).finished:
                return Work(unit, body, is_new=False)
            body = workload(self.plan, unit, last + 1)
        if last + 1 >= MAX_ATTEMPTS:
            tried = f"{unit} was tried {MAX_ATTEMPTS} times"
            raise LauncherError(105, tried, self.plan.run, command("gc", self.cluster, self.plan.run))
        return Work(unit, body, is_new=True)

    def make(self, work: Work) -> None:
        """Make the workload; another launcher that does the same at this moment makes the same one.

        Raises:
            ApiError: 5 refused at admission; 4 cluster unreachable or forbidden.
            LauncherError: (4) the lease is lost.
        """
        self.check()
        metadata = work.body["metadata"]
        labels = {**metadata.get("labels", {}), LAUNCH_LABEL: str(self.ledger.launch)}
        body = owned({**work.body, "metadata": {**metadata, "labels": labels}}, self.ledger.record)
        self._seen.put({**self._applied(body), "kind": work.kind})
        work.complete_since_s = None

    def _applied(self, body: Object) -> Object:
        """Apply a workload; one that is there already and that its queue has admitted since is left as it is."""
        try:
            return self.cluster.apply(body)
        except ApiError as error:
            found = self.cluster.get(body["kind"], body["metadata"]["name"]) if error.reason == "Conflict" else None
            if found is None:
                raise
            return found

    def leaving(self, work: Work) -> str:
        """A pod of a workload that was deleted, on its way out; "" when there is none.

        It may still write a checkpoint, so nobody else should be at work in its place.
        """
        pods = self._seen.labelled("Pod", "docent/unit", work.unit)
        active = [pod for pod in pods if pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")]
        left = [pod for pod in active if pod["metadata"].get("deletionTimestamp") or _is_named(pod, work.name)]
        return str(left[0]["metadata"]["name"]) if left else ""

    def remove(self, work: Work) -> None:
        """Delete the workload and its pods; they get SIGTERM and their grace."""
        self.check()
        self.cluster.delete(work.kind, work.name)

    def judge(self, work: Work) -> Judgement:
        """What has become of a workload."""
        found = self._found(work.body)
        if found is None:
            if self.leaving(work):
                return Judgement("at work")
            work.vanished += 1
            if work.vanished > self.plan.config.kubernetes.max_retries:
                return Judgement("ended", cause=Cause(f"{work.name} was deleted {work.vanished} times"))
            return Judgement("gone")
        reading = read(found)
        if not reading.finished:
            return Judgement("at work")
        if reading.phase == "complete":
            work.complete_since_s = work.complete_since_s or time.monotonic()
            if time.monotonic() - work.complete_since_s < self.grace_s:
                return Judgement("wait", reading.retries)
            return Judgement("ended", reading.retries, Cause(f"{work.name} says Complete but left no _SUCCESS.json"))
        text = self._log(work)
        evidence = self._evidence(work, found, text, with_warnings=not self._pods(work))
        return Judgement("ended", reading.retries, why_failed(evidence), text)

    def describe(self, work: Work) -> tuple[UnitPhase, int, str]:
        """Phase, pods that failed so far, and why it does not run, for a workload that has not ended."""
        found = self._found(work.body)
        if found is None:
            return "running", 0, f"{work.name} was deleted, its pods are ending"
        reading = read(found)
        pods = self._pods(work)
        if any(pod.get("status", {}).get("phase") == "Running" for pod in pods):
            return "running", reading.retries, ""
        starting = [pod for pod in pods if pod.get("status", {}).get("phase") == "Pending"]
        evidence = self._evidence(work, found, "", with_warnings=bool(starting) or not pods)
        why = why_waiting(evidence)
        return ("queued" if why or reading.phase == "queued" else "running"), reading.retries, why

    @property
    def _seen(self) -> Observed:
        if self.observed is None:
            raise RuntimeError("nothing is observed before the lease is held")
        return self.observed

    def _found(self, body: Object) -> Object | None:
        return self._seen.get(body["kind"], body["metadata"]["name"])

    def _pods(self, work: Work) -> list[Object]:
        """Its pods; those of a workload of the same name that was deleted before it do not count."""
        found = self._found(work.body)
        since = found["metadata"]["creationTimestamp"] if found else ""
        pods = (pod for pod in self._seen.labelled("Pod", "docent/unit", work.unit) if _is_named(pod, work.name))
        return [pod for pod in pods if pod["metadata"]["creationTimestamp"] >= since]

    def _evidence(self, work: Work, found: Object, text: str, with_warnings: bool) -> Evidence:
        pods = self._pods(work)
        warnings = [w for w in self._recent_warnings() if _is_about(w, work.name)] if with_warnings else []
        queue = found["metadata"].get("labels", {}).get(QUEUE_LABEL, "")
        return Evidence(work.unit, read(found), tuple(pods), tuple(warnings), text, queue)

    def _recent_warnings(self) -> list[Object]:
        """Events of type Warning of the namespace, asked for now and then."""
        if self._warnings_s is None or time.monotonic() - self._warnings_s >= WARNINGS_INTERVAL_S:
            self._warnings_s = time.monotonic()
            try:
                self._warnings, _ = self.cluster.list("Event", fields="type=Warning")
            except ApiError as error:
                if error.status != 403:
                    raise
                log.warning("causes are told without events: %s", error.what)
                self._warnings_s = float("inf")
        return self._warnings

    def _log(self, work: Work) -> str:
        """The end of the log of the pod that failed: from its container, else from the volume."""
        failed = [pod for pod in self._pods(work) if pod.get("status", {}).get("phase") == "Failed"]
        if not failed:
            return log_tail(self.run_dir, work.unit)
        metadata = min(failed, key=decisiveness)["metadata"]
        try:
            text = tail(readable("\n".join(self.cluster.log(metadata["name"], tail_bytes=2 * LOG_BYTES))))
        except ApiError as error:
            log.info("the log of %s is read from the volume: %s", metadata["name"], error.what)
            text = ""
        index = metadata.get("annotations", {}).get(INDEX_ANNOTATION)
        return text if last_error(text) else log_tail(self.run_dir, work.unit, int(index) if index else None)


def _is_named(pod: Object, name: str) -> bool:
    return str(pod["metadata"]["name"]).startswith(f"{name}-")


def _is_about(event: Object, name: str) -> bool:
    about = str(event.get("involvedObject", {}).get("name", ""))
    return about == name or about.startswith(f"{name}-")
