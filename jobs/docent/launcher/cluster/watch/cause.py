"""One line that says why a unit waits or failed, and what to do about it.

Reads what the cluster shows of it (the workload's condition, its pods, warnings) and the end of its log, all as plain
values; writes nothing. Several things can be true of one unit: the tables below are in order of how much each decides,
and the first that applies is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from docent.errors import STAGE_ERRORS, ConfigError, PipelineError, TemporaryError
from docent.launcher.cluster.watch.conditions import Reading
from docent.launcher.cluster.watch.loglines import last_error, one_line

Object = dict[str, Any]

MEANINGS = {error.exit_code: error.meaning.split(":", 1)[0].split(";", 1)[0] for error in STAGE_ERRORS}
# Which of several failed pods speaks for the unit: what ends a run comes before what is tried again.
OTHER = -1
SPEAKS = (ConfigError.exit_code, 44, 42, PipelineError.exit_code, OTHER, TemporaryError.exit_code, 143)
SIGKILL = 137

CANNOT_PULL = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
CANNOT_CONFIGURE = frozenset({"CreateContainerConfigError"})
CANNOT_CREATE = frozenset({"CreateContainerError", "RunContainerError", "StartError", "ContainerCannotRun"})
REFUSED = frozenset({"FailedCreate"})
NOT_MOUNTED = frozenset({"FailedMount", "FailedAttachVolume"})


@dataclass(frozen=True)
class Evidence:
    """What is known about a unit that waits or failed.

    Attributes:
        unit: its name, for the key to edit.
        reading: how its workload stands.
        pods: its pods, in any order.
        warnings: events of type Warning about its workload and pods.
        log: the end of its log.
        queue: the Kueue queue it waits in, "" for none.
    """

    unit: str
    reading: Reading
    pods: tuple[Object, ...] = ()
    warnings: tuple[Object, ...] = ()
    log: str = ""
    queue: str = ""


@dataclass(frozen=True)
class Cause:
    """Why: one line, and the exit code of the pod that decided it, where one did."""

    text: str
    exit_code: int | None = None


def why_failed(evidence: Evidence) -> Cause:
    """The cause of a failed unit."""
    for explain in _FAILED:
        found = explain(evidence)
        if found:
            return found
    reading = evidence.reading
    return Cause(one_line(f"{reading.reason or 'failed'}: {reading.message or 'the cluster gives no reason'}"))


def why_waiting(evidence: Evidence) -> str:
    """Why a submitted unit does not run yet; "" when it runs or only just came."""
    for explain in _WAITING:
        found = explain(evidence)
        if found:
            return found.text
    return ""


def _out_of_memory(evidence: Evidence) -> Cause | None:
    for pod, ended in _ended(evidence.pods):
        if ended.get("reason") == "OOMKilled":
            key = f"kubernetes.resources.{evidence.unit}.memory"
            return Cause(f"out of memory at its limit of {_memory_limit(pod)}: raise {key}", SIGKILL)
    return None


def _exit_code(evidence: Evidence) -> Cause | None:
    codes = [int(ended["exitCode"]) for _, ended in _ended(evidence.pods) if ended.get("exitCode")]
    if not codes:
        return None
    code = min(codes, key=_rank)
    meaning = MEANINGS.get(code) or (f"killed by signal {code - 128}" if code > 128 else "failed")
    tried = f", tried {evidence.reading.retries} times" if evidence.reading.retries > 1 else ""
    where = f", index {evidence.reading.failed_indexes}" if evidence.reading.failed_indexes else ""
    return Cause(one_line(f"exit {code}{where}{tried}: {last_error(evidence.log) or meaning}"), code)


def decisiveness(pod: Object) -> int:
    """For sorting failed pods: the one that speaks for the unit has the least."""
    codes = [int(ended["exitCode"]) for _, ended in _ended([pod]) if ended.get("exitCode")]
    return min((_rank(code) for code in codes), default=len(SPEAKS))


def _rank(code: int) -> int:
    return SPEAKS.index(code if code in SPEAKS else OTHER)


def _evicted(evidence: Evidence) -> Cause | None:
    for pod in evidence.pods:
        status = pod.get("status", {})
        if status.get("phase") == "Failed" and status.get("reason") in (
            "Evicted",
            "Preempting",
            "NodeLost",
            "NodeShutdown",
        ):
            return Cause(one_line(f"{status['reason']}: {status.get('message', 'the node took its pod away')}"))
        for condition in _conditions(pod):
            if condition["type"] == "DisruptionTarget" and condition["status"] == "True":
                return Cause(one_line(f"{condition.get('reason', 'Disrupted')}: {condition.get('message', '')}"))
    return None


def _deadline(evidence: Evidence) -> Cause | None:
    if evidence.reading.reason != "DeadlineExceeded":
        return None
    blocked = why_waiting(Evidence(evidence.unit, Reading("running"), evidence.pods, evidence.warnings))
    return Cause(one_line(f"it took longer than kubernetes.deadline_s{f', {blocked}' if blocked else ''}"))


def _image(evidence: Evidence) -> Cause | None:
    for pod, waiting in _waiting(evidence.pods):
        if waiting.get("reason") in CANNOT_PULL:
            images = ", ".join(c["image"] for c in pod["spec"]["containers"])
            said = waiting.get("message") or waiting["reason"]
            said = said.partition(": ErrImagePull: ")[2] or said  # between two tries it says so first: the same cause
            return Cause(one_line(f"image {images} cannot be pulled: {said}"))
    return None


def _configuration(evidence: Evidence) -> Cause | None:
    for _, waiting in _waiting(evidence.pods):
        if waiting.get("reason") in CANNOT_CONFIGURE:
            return Cause(one_line(f"a Secret or ConfigMap is missing: {waiting.get('message', '')}"))
        if waiting.get("reason") in CANNOT_CREATE:
            return Cause(one_line(f"its container cannot start: {waiting.get('message') or waiting['reason']}"))
    return None


def _refused(evidence: Evidence) -> Cause | None:
    said = _warning(evidence.warnings, REFUSED)
    return Cause(one_line(f"its pods are refused: {said}")) if said and not evidence.pods else None


def _unschedulable(evidence: Evidence) -> Cause | None:
    for pod in evidence.pods:
        for condition in _conditions(pod):
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                said = condition.get("message") or condition.get("reason", "")
                said = said.partition(" no new claims")[0].partition(" preemption:")[0]  # what was tried besides
                volume = "PersistentVolumeClaim" in said or "persistentvolumeclaim" in said
                return Cause(one_line(f"{'its volume is not ready' if volume else 'no node fits'}: {said}"))
    return None


def _unmounted(evidence: Evidence) -> Cause | None:
    starting = any(waiting.get("reason") == "ContainerCreating" for _, waiting in _waiting(evidence.pods))
    said = _warning(evidence.warnings, NOT_MOUNTED)
    return Cause(one_line(f"a volume cannot be mounted: {said}")) if starting and said else None


def _suspended(evidence: Evidence) -> Cause | None:
    if evidence.reading.phase != "queued":
        return None
    if evidence.queue:
        return Cause(f"waits for Kueue to admit it from queue {evidence.queue}")
    return Cause("suspended: kubectl patch it with spec.suspend false")


_FAILED: tuple[Callable[[Evidence], Cause | None], ...] = (
    _out_of_memory,
    _exit_code,
    _evicted,
    _deadline,
    _image,
    _configuration,
    _refused,
    _unschedulable,
)
_WAITING: tuple[Callable[[Evidence], Cause | None], ...] = (
    _suspended,
    _image,
    _configuration,
    _refused,
    _unschedulable,
    _unmounted,
)


def _conditions(pod: Object) -> Iterable[Object]:
    found: Iterable[Object] = pod.get("status", {}).get("conditions") or ()
    return found


def _states(pods: Iterable[Object], state: str) -> Iterator[tuple[Object, Object]]:
    for pod in pods:
        status = pod.get("status", {})
        for container in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
            if state in container.get("state", {}):
                yield pod, container["state"][state]


def _waiting(pods: Iterable[Object]) -> Iterator[tuple[Object, Object]]:
    return _states(pods, "waiting")


def _ended(pods: Iterable[Object]) -> Iterator[tuple[Object, Object]]:
    return _states(pods, "terminated")


def _memory_limit(pod: Object) -> str:
    limits = (c.get("resources", {}).get("limits", {}).get("memory") for c in pod["spec"]["containers"])
    return next((limit for limit in limits if limit), "the node")


def _warning(warnings: Iterable[Object], reasons: frozenset[str]) -> str:
    """The latest warning of one of these reasons."""
    found = [event for event in warnings if event.get("reason") in reasons]
    found.sort(key=lambda e: str(e.get("lastTimestamp") or e.get("eventTime") or ""))
    return str(found[-1].get("message", "")) if found else ""
