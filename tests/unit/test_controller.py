"""The launcher inside the cluster, over a cluster that is a dictionary and runs every Job at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests import tiny_museum

from docent.config import PipelineConfig
from docent.context import Context
from docent.errors import InputError, LauncherError
from docent.launcher.cluster import state
from docent.launcher.cluster.api.client import Cluster
from docent.launcher.cluster.controller import controller
from docent.stage import run_shard

Body = dict[str, Any]
WithStage = Callable[[str, Callable[[Context], Any]], None]


class FakeCluster(Cluster):
    """Keeps what is applied; a Job has run as soon as it is there."""

    def __init__(self, config: PipelineConfig, data: Path) -> None:
        self.namespace, self.config, self.data = "here", config, data
        self.there: dict[tuple[str, str], Body] = {}
        self.applied: list[str] = []
        self.is_closed = threading.Event()

    def with_patience(self, patience_s: float) -> Cluster:
        return self

    def apply(self, body: Body, *_: Any, **__: Any) -> Body:
        name = body["metadata"]["name"]
        self.applied.append(f"{body['kind']} {name}")
        before = self.there.get((body["kind"], name), {})
        live = body | {"metadata": body["metadata"] | {"uid": "u", "creationTimestamp": "2026-01-01"}}
        if "data" in body:
            live["data"] = before.get("data", {}) | body["data"]
        if body["kind"] == "Job":
            code = run_shard(self.config, body["metadata"]["labels"]["docent/unit"], self.data / self.config.run.name)
            live["status"] = {"conditions": [{"type": "Failed" if code else "Complete", "status": "True"}]}
        self.there[body["kind"], name] = live
        return live

    def get(self, kind: str, name: str) -> Body | None:
        return self.there.get((kind, name))

    def list(self, kind: str, *_: Any, **__: Any) -> tuple[list[Body], str]:
        return [body for (of_kind, _), body in self.there.items() if of_kind == kind], "1"

    def watch(self, *_: Any, **__: Any) -> Iterator[tuple[str, Body]]:
        if self.is_closed.wait(0.05):  # of no test any more
            threading.Event().wait()
        return iter(())  # and then whoever watches lists again


class FakeLease:
    """A lease that nobody else wants."""

    def __init__(self, *_: Any) -> None:
        self.checks = 0

    def __enter__(self) -> FakeLease:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def acquire(self, give_up_s: float) -> None:
        pass

    def check(self) -> None:
        self.checks += 1


@pytest.fixture
def cluster(tmp_path: Path, with_stage: WithStage, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCluster]:
    tiny_museum.fill_upstream(with_stage)
    config = PipelineConfig.model_validate(tiny_museum.sections(tmp_path))
    made = FakeCluster(config, tmp_path / "volume")
    monkeypatch.setattr(controller.Cluster, "connect", lambda *_: made)
    monkeypatch.setattr(controller, "Lease", FakeLease)
    yield made
    made.is_closed.set()


def run(cluster: FakeCluster, launch: int) -> int:
    return controller.run_controller(cluster.config, cluster.data, launch, controller.Timeouts(success_s=0.0))


def phases(record: state.RunRecord | None) -> dict[str, str]:
    return {name: str(unit.phase) for name, unit in record.units.items()} if record else {}


def test_units_are_created_in_order_recorded_and_not_created_again(cluster: FakeCluster) -> None:
    assert run(cluster, 1) == 0
    record = state.read(cluster, cluster.config.run.name)
    assert record is not None and (record.phase, record.launch) == ("done", 1)
    assert set(phases(record).values()) == {"done"} and list(record.units)[0] == "ingest"
    jobs = [name.split()[1] for name in cluster.applied if name.startswith("Job ")]
    assert [unit.job for unit in record.units.values()] == jobs
    assert all(unit.rows is not None and unit.digest for unit in record.units.values())
    before = list(cluster.applied)
    assert run(cluster, 1) == 0
    assert cluster.applied == before, "nothing is written when everything is complete"
    for name in jobs:  # as their TTL would
        del cluster.there["Job", name]
    assert run(cluster, 1) == 0 and cluster.applied == before


def test_a_failure_is_recorded_and_tried_again_by_the_next_launch_only(
    cluster: FakeCluster, with_stage: WithStage
) -> None:
    def refused(ctx: Context) -> Iterator[Any]:
        raise InputError("line 7 has no name", "list.csv")
        yield

    with_stage("ingest", refused)
    assert run(cluster, 1) == 100 and run(cluster, 1) == 100
    record = state.read(cluster, cluster.config.run.name)
    assert record is not None and record.phase == "failed"
    assert record.units["ingest"].phase == "failed" and record.units["ingest"].cause
    assert phases(record)["assemble"] == "waiting"
    assert len([name for name in cluster.applied if name.startswith("Job ")]) == 1
    tiny_museum.fill_upstream(with_stage)
    assert run(cluster, 2) == 0
    record = state.read(cluster, cluster.config.run.name)
    assert record is not None and (record.phase, record.launch) == ("done", 2)
    assert record.units["ingest"].job.endswith("-r1") and record.units["ingest"].cause == ""


def test_an_earlier_launch_gives_way_to_a_later_one(cluster: FakeCluster) -> None:
    assert run(cluster, 2) == 0
    with pytest.raises(LauncherError) as ended:
        run(cluster, 1)
    assert ended.value.exit_code == 105 and "launch 2 of this run has begun since" in ended.value.what
