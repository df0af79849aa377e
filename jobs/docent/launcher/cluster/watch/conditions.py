"""How the conditions of a workload read, kind by kind. Pure functions over plain dicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from docent.launcher.cluster.api.client import Object

Phase = Literal["queued", "running", "complete", "failed"]

# kind → the conditions that say complete, failed, suspended.
CONDITIONS: dict[str, tuple[str, str, str]] = {
    "Job": ("Complete", "Failed", "Suspended"),
    "PyTorchJob": ("Succeeded", "Failed", "Suspended"),
    "TrainJob": ("Complete", "Failed", "Suspended"),
}


@dataclass(frozen=True)
class Reading:
    """How a workload stands.

    Attributes:
        phase: queued (suspended), running (submitted, pods may still wait), complete or failed.
        reason: the condition's word, e.g. DeadlineExceeded.
        message: its sentence.
        retries: pods that failed.
        failed_indexes: of an Indexed Job of several, as Kubernetes writes them: `1,3-5`.
    """

    phase: Phase
    reason: str = ""
    message: str = ""
    retries: int = 0
    failed_indexes: str = ""

    @property
    def finished(self) -> bool:
        """Whether nothing more comes of it."""
        return self.phase in ("complete", "failed")


def read(workload: Object) -> Reading:
    """How a workload stands by its conditions.

    A Job that is about to fail but still has pods counts as running: its pods may yet write.
    """
    complete, failed, suspended = CONDITIONS[workload["kind"]]
    status = workload.get("status") or {}
    true = {c["type"]: c for c in status.get("conditions") or () if c.get("status") == "True"}
    phases: tuple[tuple[str, Phase], ...] = ((complete, "complete"), (failed, "failed"), (suspended, "queued"))
    for name, phase in phases:
        if name in true:
            said = true[name]
            indexes = str(status.get("failedIndexes") or "") if _is_spread(workload) else ""
            return Reading(phase, said.get("reason", ""), said.get("message", ""), _retries(workload), indexes)
    return Reading("queued" if _held_back(workload) else "running", retries=_retries(workload))


def _held_back(workload: Object) -> bool:
    """Made suspended, and the controller has not said so yet."""
    spec = workload.get("spec") or {}
    return bool(spec.get("suspend") or (spec.get("runPolicy") or {}).get("suspend"))


def _is_spread(workload: Object) -> bool:
    return int((workload.get("spec") or {}).get("completions") or 1) > 1


def _retries(workload: Object) -> int:
    status = workload.get("status") or {}
    if workload["kind"] == "Job":
        return int(status.get("failed") or 0)
    return sum(int(one.get("failed") or 0) for one in (status.get("replicaStatuses") or {}).values())
