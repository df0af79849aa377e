"""Read the status of a workload from its conditions, kind by kind. Pure functions over plain dicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from docent.launcher.cluster.api.client import Object

Phase = Literal["queued", "running", "complete", "failed"]

# Phase by condition type; a PyTorchJob is Succeeded where Job and TrainJob are Complete.
PHASES: dict[str, Phase] = {"Complete": "complete", "Succeeded": "complete", "Failed": "failed", "Suspended": "queued"}


@dataclass(frozen=True)
class WorkloadStatus:
    """The status of a workload.

    Attributes:
        phase: queued (suspended), running (submitted, pods may still wait), complete or failed.
        reason: reason of the condition, e.g. DeadlineExceeded.
        message: message of the condition.
        retries: number of pods that failed.
        failed_indexes: failed indexes of an Indexed Job with several pods, in Kubernetes notation: `1,3-5`.
    """

    phase: Phase
    reason: str = ""
    message: str = ""
    retries: int = 0
    failed_indexes: str = ""

    @property
    def finished(self) -> bool:
        """Whether the workload is complete or has failed."""
        return self.phase in ("complete", "failed")


def is_active(pod: Object) -> bool:
    """Return whether a pod has not ended."""
    return pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")


def read(workload: Object) -> WorkloadStatus:
    """Return the status of a workload from its conditions.

    A Job that is about to fail but still has pods counts as running: its pods may still write.
    """
    status, spec = workload.get("status") or {}, workload.get("spec") or {}
    retries = int(status.get("failed") or 0)
    if workload["kind"] != "Job":
        retries = sum(int(one.get("failed") or 0) for one in (status.get("replicaStatuses") or {}).values())
    true = {c["type"]: c for c in status.get("conditions") or () if c.get("status") == "True"}
    for name, phase in PHASES.items():
        if name in true:
            condition, several = true[name], int(spec.get("completions") or 1) > 1
            indexes = str(status.get("failedIndexes") or "") if several else ""
            return WorkloadStatus(phase, condition.get("reason", ""), condition.get("message", ""), retries, indexes)
    # The workload was created suspended, and the controller has not set the condition yet.
    suspended_by_spec = spec.get("suspend") or (spec.get("runPolicy") or {}).get("suspend")
    return WorkloadStatus("queued" if suspended_by_spec else "running", retries=retries)
