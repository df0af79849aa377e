"""Explain in one line why a unit waits or failed, and what to do about it.

Pure functions over plain values: the workload's condition, its pods, warnings, and the end of its log. If several
causes apply to a unit, the first in the tables at the end is returned: they are ordered from most to least decisive.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from docent.errors import STAGE_ERRORS, ConfigError, PipelineError, TemporaryError
from docent.launcher.cluster.watch.conditions import WorkloadStatus
from docent.launcher.cluster.watch.loglines import last_error, one_line

Object = dict[str, Any]

MEANINGS = {error.exit_code: error.meaning.split(":", 1)[0].split(";", 1)[0] for error in STAGE_ERRORS}
# If several pods failed, the exit code that comes first here decides: errors that end a run precede retried ones.
OTHER = -1
DECISIVE = (ConfigError.exit_code, 44, 42, PipelineError.exit_code, OTHER, TemporaryError.exit_code, 143)
SIGKILL = 137

CANNOT_PULL = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
CANNOT_CONFIGURE = frozenset({"CreateContainerConfigError"})
CANNOT_CREATE = frozenset({"CreateContainerError", "RunContainerError", "StartError", "ContainerCannotRun"})
REFUSED = frozenset({"FailedCreate"})
EVICTED = frozenset({"Evicted", "Preempting", "NodeLost", "NodeShutdown"})
NOT_MOUNTED = frozenset({"FailedMount", "FailedAttachVolume"})


@dataclass(frozen=True)
class UnitEvidence:
    """Everything known about a unit that waits or failed.

    Attributes:
        unit: name of the unit, used to name the config key to edit.
        status: status of its workload.
        pods: pods of the unit, in any order.
        warnings: events of type Warning about its workload and pods.
        log: end of its log.
        queue: the Kueue queue that it waits in, or "" if there is none.
    """

    unit: str
    status: WorkloadStatus
    pods: tuple[Object, ...] = ()
    warnings: tuple[Object, ...] = ()
    log: str = ""
    queue: str = ""


@dataclass(frozen=True)
class Cause:
    """The cause in one line, and the exit code of the pod responsible, if it has one."""

    text: str
    exit_code: int | None = None


Explain = Callable[[UnitEvidence], Cause | None]


def why_failed(evidence: UnitEvidence) -> Cause:
    """Return the cause of a failed unit."""
    status = evidence.status
    unexplained = Cause(one_line(f"{status.reason or 'failed'}: {status.message or 'the cluster reports no reason'}"))
    return next((cause for explain in _FAILED if (cause := explain(evidence))), unexplained)


def why_waiting(evidence: UnitEvidence) -> str:
    """Return why a submitted unit does not run yet, or "" if it runs or was only just created."""
    return next((cause.text for explain in _WAITING if (cause := explain(evidence))), "")


def _out_of_memory(evidence: UnitEvidence) -> Cause | None:
    for pod, ended in _states(evidence.pods, "terminated"):
        if ended.get("reason") == "OOMKilled":
            limits = (c.get("resources", {}).get("limits", {}).get("memory") for c in pod["spec"]["containers"])
            limit, key = next(filter(None, limits), "the node"), f"kubernetes.resources.{evidence.unit}.memory"
            return Cause(f"out of memory at its limit of {limit}: raise {key}", SIGKILL)
    return None


def _exit_code(evidence: UnitEvidence) -> Cause | None:
    code = min(_exit_codes(evidence.pods), key=_rank, default=None)
    if code is None:
        return None
    meaning = MEANINGS.get(code) or (f"killed by signal {code - 128}" if code > 128 else "failed")
    tried = f", tried {evidence.status.retries} times" if evidence.status.retries > 1 else ""
    where = f", index {evidence.status.failed_indexes}" if evidence.status.failed_indexes else ""
    return Cause(one_line(f"exit {code}{where}{tried}: {last_error(evidence.log) or meaning}"), code)


def decisiveness(pod: Object) -> int:
    """Return the sort key of a failed pod; the pod with the smallest key decides the cause."""
    return min(map(_rank, _exit_codes([pod])), default=len(DECISIVE))


def _exit_codes(pods: Iterable[Object]) -> list[int]:
    return [int(ended["exitCode"]) for _, ended in _states(pods, "terminated") if ended.get("exitCode")]


def _rank(code: int) -> int:
    return DECISIVE.index(code if code in DECISIVE else OTHER)


def _evicted(evidence: UnitEvidence) -> Cause | None:
    for pod in evidence.pods:
        status = pod.get("status", {})
        if status.get("phase") == "Failed" and status.get("reason") in EVICTED:
            return Cause(one_line(f"{status['reason']}: {status.get('message', 'the node removed its pod')}"))
        for condition in _conditions(pod):
            if condition["type"] == "DisruptionTarget" and condition["status"] == "True":
                return Cause(one_line(f"{condition.get('reason', 'Disrupted')}: {condition.get('message', '')}"))
    return None


def _deadline(evidence: UnitEvidence) -> Cause | None:
    if evidence.status.reason != "DeadlineExceeded":
        return None
    blocked = why_waiting(UnitEvidence(evidence.unit, WorkloadStatus("running"), evidence.pods, evidence.warnings))
    return Cause(one_line(f"it took longer than kubernetes.deadline_s{f', {blocked}' if blocked else ''}"))


def _image(evidence: UnitEvidence) -> Cause | None:
    for pod, waiting in _states(evidence.pods, "waiting"):
        if waiting.get("reason") in CANNOT_PULL:
            images = ", ".join(c["image"] for c in pod["spec"]["containers"])
            message = waiting.get("message") or waiting["reason"]
            message = message.partition(": ErrImagePull: ")[2] or message  # drop the prefix added during back-off
            return Cause(one_line(f"image {images} cannot be pulled: {message}"))
    return None


def _configuration(evidence: UnitEvidence) -> Cause | None:
    for _, waiting in _states(evidence.pods, "waiting"):
        if waiting.get("reason") in CANNOT_CONFIGURE:
            return Cause(one_line(f"a Secret or ConfigMap is missing: {waiting.get('message', '')}"))
        if waiting.get("reason") in CANNOT_CREATE:
            return Cause(one_line(f"its container cannot start: {waiting.get('message') or waiting['reason']}"))
    return None


def _refused(evidence: UnitEvidence) -> Cause | None:
    message = _warning(evidence.warnings, REFUSED)
    return Cause(one_line(f"its pods are refused: {message}")) if message and not evidence.pods else None


def _unschedulable(evidence: UnitEvidence) -> Cause | None:
    for pod in evidence.pods:
        for condition in _conditions(pod):
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                message = condition.get("message") or condition.get("reason", "")
                message = message.partition(" no new claims")[0].partition(" preemption:")[0]  # drop other attempts
                volume = "persistentvolumeclaim" in message.lower()
                return Cause(one_line(f"{'its volume is not ready' if volume else 'no node fits'}: {message}"))
    return None


def _unmounted(evidence: UnitEvidence) -> Cause | None:
    starting = any(waiting.get("reason") == "ContainerCreating" for _, waiting in _states(evidence.pods, "waiting"))
    message = _warning(evidence.warnings, NOT_MOUNTED)
    return Cause(one_line(f"a volume cannot be mounted: {message}")) if starting and message else None


def _suspended(evidence: UnitEvidence) -> Cause | None:
    if evidence.status.phase != "queued":
        return None
    if evidence.queue:
        return Cause(f"waits for Kueue to admit it from queue {evidence.queue}")
    return Cause("suspended: set spec.suspend to false with kubectl patch")


_NO_START = (_image, _configuration, _refused, _unschedulable)
_FAILED: tuple[Explain, ...] = (_out_of_memory, _exit_code, _evicted, _deadline, *_NO_START)
_WAITING: tuple[Explain, ...] = (_suspended, *_NO_START, _unmounted)


def _conditions(pod: Object) -> Iterable[Object]:
    conditions: Iterable[Object] = pod.get("status", {}).get("conditions") or ()
    return conditions


def _states(pods: Iterable[Object], state: str) -> Iterator[tuple[Object, Object]]:
    for pod in pods:
        status = pod.get("status", {})
        for container in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
            if state in container.get("state", {}):
                yield pod, container["state"][state]


def _warning(warnings: Iterable[Object], reasons: frozenset[str]) -> str:
    """Return the message of the latest warning that has one of these reasons."""
    matching = (event for event in warnings if event.get("reason") in reasons)
    latest = max(matching, key=lambda e: str(e.get("lastTimestamp") or e.get("eventTime") or ""), default={})
    return str(latest.get("message", ""))
