"""Which workload of a unit is followed or made, and when: over a cluster that is a dictionary."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from docent.config import PipelineConfig
from docent.launcher.cluster.api.client import ApiError, Cluster
from docent.launcher.cluster.controller.ledger import Ledger
from docent.launcher.cluster.controller.working import Workshop
from docent.launcher.cluster.state import RunRecord
from docent.launcher.cluster.watch.observing import Observed
from docent.launcher.render import Plan, workload

Body = dict[str, Any]
FAILED = {"conditions": [{"type": "Failed", "status": "True"}]}


class Shelf(Cluster):
    """Holds what is put on it."""

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


def workshop(*there: Body, launch: int = 2, cluster: Cluster | None = None) -> Workshop:
    config = PipelineConfig.model_validate({"ingest": {"sources": [{"kind": "exhibits-csv", "path": "/data/x.csv"}]}})
    plan, cluster = Plan.of(config), cluster or Shelf()
    made = Workshop(cluster, plan, Ledger(cluster, plan.run, launch, RunRecord(uid="u", name="n")), Path("/none"), 60.0)
    made.observed = Observed(cluster, (), "", threading.Event())
    made.observed._objects = {"Job": {}, "Pod": {}}
    for body in there:
        made.observed.put(body)
    return made


def job(attempt: int, launch: int, status: Body | None = None) -> Body:
    body = workload(workshop().plan, "ingest", attempt)
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
    shop = workshop(*(job(*one) for one in there))
    found = shop.find("ingest")
    assert (found.name, found.is_new) == (workload(shop.plan, "ingest", attempt)["metadata"]["name"], is_new)


def test_nobody_works_beside_a_pod_that_is_on_its_way_out() -> None:
    name = workshop().find("ingest").name
    assert workshop().leaving(workshop().find("ingest")) == ""
    for left in (pod(f"{name}-abc", "Running"), pod("of-an-older-plan", "Running", deletionTimestamp="2026-01-01")):
        shop = workshop(left)
        work = shop.find("ingest")
        assert shop.leaving(work) == left["metadata"]["name"]
        assert (shop.judge(work).phase, work.vanished) == ("at work", 0)
    shop = workshop(pod(f"{name}-abc", "Succeeded"))
    assert shop.judge(shop.find("ingest")).phase == "gone"


def test_a_workload_that_its_queue_admitted_meanwhile_is_followed() -> None:
    cluster = Shelf()
    shop = workshop(cluster=cluster)
    work = shop.find("ingest")
    cluster.refusal = "Conflict"
    with pytest.raises(ApiError):
        shop.make(work)
    cluster.there["Job", work.name] = {**work.body, "spec": {**work.body["spec"], "suspend": False}}
    shop.make(work)
    assert shop.judge(work).phase == "at work"
