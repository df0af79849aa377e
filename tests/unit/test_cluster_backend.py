"""Which workload of a unit is followed or created, and when: over a cluster that is a dictionary."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from docent.config import PipelineConfig
from docent.launcher.cluster.api.client import ApiError, Cluster
from docent.launcher.cluster.controller.backend import ClusterBackend
from docent.launcher.cluster.controller.state_record import StateRecord
from docent.launcher.cluster.state import RunRecord
from docent.launcher.cluster.watch.observing import Observed
from docent.launcher.render import Plan, workload
from docent.launcher.runs.unit_state import Phase, UnitState
from docent.spec import RunStates

Body = dict[str, Any]
FAILED = {"conditions": [{"type": "Failed", "status": "True"}]}


class FakeCluster(Cluster):
    """A cluster that knows the objects of a dictionary and accepts every other one."""

    def __init__(self) -> None:
        self.namespace, self.there, self.refusal = "here", {}, ""

    def apply(self, body: Body, *_: Any, **__: Any) -> Body:
        if self.refusal:
            error = ApiError(5, "refused", "", "")
            error.status, error.reason = 409, self.refusal
            raise error
        return body

    def get(self, kind: str, name: str) -> Body | None:
        return self.there.get((kind, name))

    def list(self, *_: Any, **__: Any) -> tuple[list[Body], str]:
        return [], ""

    def delete(self, kind: str, name: str, uid: str | None = None) -> bool:
        return True


def backend_of(*there: Body, launch: int = 2, cluster: Cluster | None = None) -> ClusterBackend:
    config = PipelineConfig.model_validate({"ingest": {"sources": [{"kind": "exhibits-csv", "path": "/data/x.csv"}]}})
    plan, cluster = Plan.of(config), cluster or FakeCluster()
    record = StateRecord(cluster, plan.run, launch)
    record.record = RunRecord(uid="u", name="n")
    backend = ClusterBackend(cluster, plan, RunStates(config, Path("/none")), record, lambda seconds: None)
    backend.observed = Observed(cluster, (), "", threading.Event())
    backend.observed._objects = {"Job": {}, "Pod": {}}
    for body in there:
        backend.observed.put(body)
    return backend


def job(attempt: int, launch: int, status: Body | None = None) -> Body:
    body = workload(backend_of().plan, "ingest", attempt)
    body["metadata"] |= {"labels": {**body["metadata"]["labels"], "docent/launch": str(launch)}}
    return body | {"status": status or {}}


def pod(name: str, phase: str, **metadata: Any) -> Body:
    return {
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"docent/unit": "ingest"}, **metadata},
        "status": {"phase": phase},
    }


@pytest.mark.parametrize(
    ("there", "attempt", "is_new"),
    [
        ((), 0, True),
        (((0, 1, FAILED),), 1, True),
        (((0, 2, FAILED),), 0, False),
        (((0, 1, FAILED), (1, 1, None)), 1, False),
        (((1, 1, None),), 1, False),  # attempt 0 was removed by its TTL, its successor is still at work
        (((3, 1, FAILED),), 4, True),
    ],
)
def test_the_last_attempt_counts(there: tuple[tuple[int, int, Body | None], ...], attempt: int, is_new: bool) -> None:
    backend = backend_of(*(job(*one) for one in there))
    found, is_there = backend.find("ingest")
    assert (found.name, not is_there) == (workload(backend.plan, "ingest", attempt)["metadata"]["name"], is_new)


def test_nobody_works_beside_a_pod_that_is_ending() -> None:
    name = backend_of().find("ingest")[0].name
    assert backend_of().ending_pod(backend_of().find("ingest")[0]) == ""
    for ending in (pod(f"{name}-abc", "Running"), pod("of-an-older-plan", "Running", deletionTimestamp="2026-01-01")):
        backend = backend_of(ending)
        waiting = UnitState(cause=f"waits until pod {ending['metadata']['name']} has ended")
        assert backend.submit("ingest", attach_only=False) == waiting
        deleted = backend.judge(backend.find("ingest")[0])
        assert (deleted.phase, deleted.cause) == ("running", f"{name} was deleted, its pods are ending")
    backend = backend_of(pod(f"{name}-abc", "Succeeded"))
    assert backend.judge(backend.find("ingest")[0]).phase == "stopped"


def test_a_workload_that_somebody_deletes_again_and_again_fails() -> None:
    backend = backend_of()
    found, _ = backend.find("ingest")
    phases = [backend.judge(found).phase for _ in range(backend.plan.config.kubernetes.max_retries + 1)]
    assert phases == ["stopped"] * (len(phases) - 1) + ["failed"]


def test_a_workload_that_its_queue_admitted_meanwhile_is_followed() -> None:
    cluster = FakeCluster()
    backend = backend_of(cluster=cluster)
    found, _ = backend.find("ingest")
    cluster.refusal = "Conflict"
    with pytest.raises(ApiError):
        backend.create(found)
    metadata = {**found.body["metadata"], "creationTimestamp": "2026-01-01"}
    cluster.there["Job", found.name] = {**found.body, "metadata": metadata}
    backend.create(found)
    assert backend.judge(found).phase == "running"


def test_a_workload_that_is_refused_is_a_failure_of_its_unit() -> None:
    cluster = FakeCluster()
    cluster.refusal = "Forbidden"
    backend = backend_of(cluster=cluster)
    assert backend.submit("ingest", attach_only=True).phase == "waiting"
    assert backend.submit("ingest", attach_only=False).phase == "queued"
    assert backend.wait(0.0) == {"ingest": UnitState(Phase.FAILED, cause="refused")}
    assert backend.wait(0.0) == {}
