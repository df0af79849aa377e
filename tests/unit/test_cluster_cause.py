"""One line that says why: which of several true things is said, and that it names what to edit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from docent.launcher.cluster.watch.cause import UnitEvidence, decisiveness, why_failed, why_waiting
from docent.launcher.cluster.watch.conditions import WorkloadStatus, read
from docent.launcher.cluster.watch.loglines import last_error, readable

FAILED = WorkloadStatus("failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit", 4)
RUNNING = WorkloadStatus("running")


def pod(state: dict[str, Any] | None = None, conditions: tuple[Any, ...] = (), **status: Any) -> dict[str, Any]:
    statuses = [{"name": "main", "state": state}] if state else []
    container = {"name": "main", "image": "docent-ingest:0.1.0", "resources": {"limits": {"memory": "1Gi"}}}
    return {
        "metadata": {"name": "demo-ingest-0"},
        "spec": {"containers": [container]},
        "status": {"containerStatuses": statuses, "conditions": list(conditions), **status},
    }


def ended(code: int, reason: str = "Error") -> dict[str, Any]:
    return pod({"terminated": {"exitCode": code, "reason": reason}}, phase="Failed")


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return pod({"waiting": {"reason": reason, "message": message}}, phase="Pending")


def unscheduled(message: str) -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return pod(conditions=(condition,), phase="Pending")


def warning(reason: str, message: str, time: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    return {"reason": reason, "message": message, "lastTimestamp": time, "involvedObject": {"name": "demo-ingest"}}


LOG = """2026-01-01 10:00:00,000 INFO ingest begins
2026-01-01 10:00:01,000 ERROR the CSV has no column 'description'
  where: raw_data.csv:1
  next:  add it
"""
JSON_LOG = "\n".join(
    json.dumps({"time": "t", "level": level, "logger": "docent", "message": message})
    for level, message in (("ERROR", "first"), ("ERROR", "the key is wrong\n  where: llm.api_key_env"), ("INFO", "bye"))
)
TRACEBACK = (
    "2026-01-01 10:00:01,000 ERROR unexpected error in ingest\nTraceback (most recent call last):\n  x\nKeyError: 'a'\n"
)


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (LOG, "the CSV has no column 'description' (raw_data.csv:1)"),
        (JSON_LOG, "the key is wrong (llm.api_key_env)"),
        (TRACEBACK, "unexpected error in ingest: KeyError: 'a'"),
        (
            "Traceback (most recent call last):\n  File\nModuleNotFoundError: No module named 'x'\n",
            "ModuleNotFoundError: No module named 'x'",
        ),
        ("exec docent: no such file\n", "exec docent: no such file"),
        ('{"level": 3\n', '{"level": 3'),
        ("", ""),
        ("\n\n", ""),
    ],
)
def test_the_last_error_of_a_log_on_one_line(log: str, said: str) -> None:
    assert last_error(log) == said


@pytest.mark.parametrize(
    ("pods", "log", "text", "code"),
    [
        ((ended(42),), LOG, "exit 42, tried 4 times: the CSV has no column 'description' (raw_data.csv:1)", 42),
        ((ended(200), ended(43)), JSON_LOG, "exit 43, tried 4 times: the key is wrong (llm.api_key_env)", 43),
        ((ended(42), ended(1)), "", "exit 42, tried 4 times: invalid input", 42),
        ((ended(200), ended(139)), "", "exit 139, tried 4 times: killed by signal 11", 139),
        ((ended(143), ended(200)), "", "exit 200, tried 4 times: temporary failure", 200),
        ((ended(44),), "", "exit 44, tried 4 times: an input is not complete", 44),
        (
            (ended(42), ended(137, "OOMKilled")),
            LOG,
            "out of memory at its limit of 1Gi: raise kubernetes.resources.ingest.memory",
            137,
        ),
        (
            (pod(phase="Failed", reason="Evicted", message="The node was low on resource: ephemeral-storage."),),
            "",
            "Evicted: The node was low on resource: ephemeral-storage.",
            None,
        ),
        ((), "", "BackoffLimitExceeded: Job has reached the specified backoff limit", None),
    ],
)
def test_why_it_failed(pods: tuple[Any, ...], log: str, text: str, code: int | None) -> None:
    cause = why_failed(UnitEvidence("ingest", FAILED, pods, log=log))
    assert (cause.text, cause.exit_code) == (text, code)


def test_a_failed_shard_is_named() -> None:
    conditions = [{"type": "Failed", "status": "True", "reason": "FailedIndexes", "message": "Job has failed indexes"}]
    status = {"failed": 1, "failedIndexes": "1,3-5", "conditions": conditions}
    reading = read({"kind": "Job", "spec": {"completions": 8}, "status": status})
    assert why_failed(UnitEvidence("ingest", reading, (ended(42),))).text == "exit 42, index 1,3-5: invalid input"
    alone = read({"kind": "Job", "spec": {"completions": 1}, "status": {**status, "failedIndexes": "0"}})
    assert why_failed(UnitEvidence("ingest", alone, (ended(42),))).text == "exit 42: invalid input"


def test_a_pods_log_for_people() -> None:
    assert readable(JSON_LOG + "\nplain {") == (
        "t ERROR first\nt ERROR the key is wrong\n  where: llm.api_key_env\nt INFO bye\nplain {\n"
    )
    assert last_error(readable(JSON_LOG)) == last_error(JSON_LOG)
    assert readable("") == ""


def test_a_deadline_says_what_was_in_the_way() -> None:
    late = WorkloadStatus("failed", "DeadlineExceeded", "Job was active longer than specified deadline")
    assert why_failed(UnitEvidence("ingest", late)).text == "it took longer than kubernetes.deadline_s"
    stuck = why_failed(UnitEvidence("ingest", late, (unscheduled("0/1 nodes are available"),)))
    assert stuck.text == "it took longer than kubernetes.deadline_s, no node fits: 0/1 nodes are available"


@pytest.mark.parametrize(
    ("evidence", "text"),
    [
        (
            UnitEvidence("ingest", RUNNING, (waiting("ImagePullBackOff", 'Back-off pulling image "x"'),)),
            'image docent-ingest:0.1.0 cannot be pulled: Back-off pulling image "x"',
        ),
        (
            UnitEvidence(
                "ingest", RUNNING, (waiting("ImagePullBackOff", 'Back-off pulling image "x": ErrImagePull: gone'),)
            ),
            "image docent-ingest:0.1.0 cannot be pulled: gone",
        ),
        (
            UnitEvidence(
                "ingest", RUNNING, (waiting("CreateContainerConfigError", 'secret "docent-secrets" not found'),)
            ),
            'a Secret or ConfigMap is missing: secret "docent-secrets" not found',
        ),
        (
            UnitEvidence("ingest", RUNNING, (unscheduled("0/3 nodes are available: 3 Insufficient nvidia.com/gpu."),)),
            "no node fits: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
        ),
        (
            UnitEvidence("ingest", RUNNING, (unscheduled("pod has unbound immediate PersistentVolumeClaims"),)),
            "its volume is not ready: pod has unbound immediate PersistentVolumeClaims",
        ),
        (
            UnitEvidence(
                "ingest",
                RUNNING,
                warnings=(
                    warning("FailedCreate", "exceeded quota: small", "2026-01-01T00:00:05Z"),
                    warning("FailedCreate", "old news"),
                    warning("BackOff", "unrelated", "2026-01-01T00:00:09Z"),
                ),
            ),
            "its pods are refused: exceeded quota: small",
        ),
        (
            UnitEvidence(
                "ingest", RUNNING, (waiting("ContainerCreating"),), (warning("FailedMount", "no such volume"),)
            ),
            "a volume cannot be mounted: no such volume",
        ),
        (UnitEvidence("ingest", WorkloadStatus("queued"), queue="gpus"), "waits for Kueue to admit it from queue gpus"),
        (UnitEvidence("ingest", WorkloadStatus("queued")), "suspended: set spec.suspend to false with kubectl patch"),
        (UnitEvidence("ingest", RUNNING, (waiting("ContainerCreating"),)), ""),
        (UnitEvidence("ingest", RUNNING, (pod(phase="Running"),), (warning("FailedCreate", "once"),)), ""),
    ],
)
def test_why_it_waits(evidence: UnitEvidence, text: str) -> None:
    assert why_waiting(evidence) == text


def test_the_pod_that_speaks_for_the_unit() -> None:
    pods = [ended(200), ended(1), ended(42), ended(43), ended(5), pod(phase="Failed")]
    codes = [200, 1, 42, 43, 5, None]
    by_rank = sorted(zip(pods, codes, strict=True), key=lambda both: decisiveness(both[0]))
    assert [code for _, code in by_rank] == [43, 42, 1, 5, 200, None]


@pytest.mark.parametrize(
    ("kind", "status", "spec", "phase", "retries"),
    [
        ("Job", {}, {}, "running", 0),
        ("Job", {"failed": 2, "active": 1}, {}, "running", 2),
        ("Job", {}, {"suspend": True}, "queued", 0),
        ("Job", {"conditions": [{"type": "Suspended", "status": "True"}]}, {}, "queued", 0),
        ("Job", {"conditions": [{"type": "Suspended", "status": "False"}]}, {}, "running", 0),
        ("Job", {"conditions": [{"type": "FailureTarget", "status": "True"}]}, {}, "running", 0),
        ("Job", {"failed": 1, "conditions": [{"type": "Failed", "status": "True"}]}, {}, "failed", 1),
        ("Job", {"conditions": [{"type": "Complete", "status": "True"}]}, {}, "complete", 0),
        ("PyTorchJob", {"conditions": [{"type": "Running", "status": "True"}]}, {}, "running", 0),
        (
            "PyTorchJob",
            {
                "conditions": [{"type": "Running", "status": "False"}, {"type": "Succeeded", "status": "True"}],
                "replicaStatuses": {"Worker": {"succeeded": 2, "failed": 1}},
            },
            {},
            "complete",
            1,
        ),
        ("PyTorchJob", {}, {"runPolicy": {"suspend": True}}, "queued", 0),
        ("TrainJob", {"conditions": [{"type": "Failed", "status": "True"}]}, {}, "failed", 0),
    ],
)
def test_how_conditions_read(kind: str, status: dict[str, Any], spec: dict[str, Any], phase: str, retries: int) -> None:
    reading = read({"kind": kind, "spec": spec, "status": status})
    assert (reading.phase, reading.retries) == (phase, retries)
    assert reading.finished == (phase in ("complete", "failed"))
