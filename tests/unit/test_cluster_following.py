"""Following a run from outside: which launch a record tells of, when it has ended, and what may not be looked at."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docent.config import PipelineConfig
from docent.errors import LauncherError
from docent.launcher.cluster import operate, start, state
from docent.launcher.cluster.api.client import ApiError, Cluster
from docent.launcher.cluster.inputs import Input
from docent.launcher.cluster.state import RunRecord
from docent.launcher.cluster.transfer.transfer import volume
from docent.launcher.cluster.watch import attach, logs
from docent.launcher.cluster.watch.attach import RunWatcher
from docent.launcher.cluster.watch.observing import Observed
from docent.launcher.render import Plan, transfer_pod
from docent.launcher.runs.display import RunDisplay
from docent.launcher.runs.unit_state import Phase, UnitState

Body = dict[str, Any]
LAUNCHER = {"app.kubernetes.io/component": "launcher", "docent/launch": "2"}
CONFIG = {"ingest": {"sources": [{"kind": "exhibits-csv", "path": "/data/x.csv"}]}}


class Shelf(Cluster):
    """Holds objects; of some kinds nobody may look at the list."""

    def __init__(self, *there: Body, forbidden: str = "") -> None:
        self.namespace, self.there, self.forbidden, self.deleted = "here", list(there), forbidden, []

    def get(self, kind: str, name: str) -> Body | None:
        found = (body for body in self.there if (body["kind"], body["metadata"]["name"]) == (kind, name))
        return next(found, None)

    def list(self, kind: str, *_: Any, **__: Any) -> tuple[list[Body], str]:
        if kind == self.forbidden:
            error = ApiError(4, "forbidden", "", "")
            error.status = 403
            raise error
        return [body for body in self.there if body["kind"] == kind], "1"

    def delete(self, kind: str, name: str, uid: str | None = None) -> bool:
        self.deleted.append(name)
        self.there = [body for body in self.there if body["metadata"]["name"] != name]
        return True

    def create(self, body: Body, dry_run: bool = False) -> Body:
        self.there.append(body | {"metadata": body["metadata"] | {"uid": "new"}, "status": {"phase": "Running"}})
        return self.there[-1]


def observed(*there: Body) -> Observed:
    made = Observed(Shelf(), (), "", threading.Event())
    made._objects = {"ConfigMap": {}, "Job": {}, "Pod": {}}
    for body in there:
        made.put(body)
    return made


def config_map(launch: int, phase: state.RunPhase, asked: int = 2) -> Body:
    units = state.units_body("demo", launch, phase, {"ingest": UnitState(Phase.FAILED, cause="of then")})
    return units | {"data": {**units["data"], **state.run_body("demo", {"launch": asked})["data"]}}


def watcher(record: Body, *there: Body, forbidden: str = "") -> RunWatcher:
    made = RunWatcher.__new__(RunWatcher)
    made.cluster, made.run, made.launch = Shelf(*there, forbidden=forbidden), "demo", 2
    made.changed, made.records, made.launchers = threading.Event(), observed(record), observed(*there)
    return made


def launcher_job(**status: Any) -> Body:
    return {"kind": "Job", "metadata": {"name": "demo-launcher-2", "labels": LAUNCHER}, "spec": {}, "status": status}


def launcher_pod(phase: str) -> Body:
    labels = LAUNCHER | {"batch.kubernetes.io/job-name": "demo-launcher-2"}
    return {"kind": "Pod", "metadata": {"name": "demo-launcher-2-abc", "labels": labels}, "status": {"phase": phase}}


def test_waiting_ends_in_time_also_before_a_later_launch_says_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    found = watcher(config_map(1, "failed"), launcher_job())
    monkeypatch.setattr(operate, "RunWatcher", lambda *_: found)
    with pytest.raises(LauncherError) as ended:
        operate.wait(found.cluster, "demo", 0.0)
    assert ended.value.exit_code == 104


def test_what_an_earlier_launch_left_is_not_shown_as_of_this_one() -> None:
    class View(RunDisplay):
        def __init__(self) -> None:
            self.shown: list[dict[str, UnitState]] = []

        def show(self, units: Mapping[str, UnitState]) -> None:
            self.shown.append(dict(units))

        def say(self, line: str) -> None:
            pass

    view, found = View(), watcher(config_map(1, "failed"), launcher_job())
    found.records_until_end = lambda: iter([found.record()])  # type: ignore[method-assign]
    attach._show(found, view)
    assert view.shown == [{}]


def test_who_may_not_look_at_events_can_follow_a_run() -> None:
    assert watcher(config_map(1, "failed"), launcher_job(), forbidden="Event").obstacle() == ""


@pytest.mark.parametrize(("phase", "said"), [("Running", ""), ("Succeeded", "its Job was deleted")])
def test_a_launcher_that_is_being_cancelled_has_not_ended_by_itself(phase: str, said: str) -> None:
    assert watcher(config_map(2, "running"), launcher_pod(phase))._launcher_ended() == said


def test_a_log_is_not_followed_for_ever_when_the_launcher_has_died() -> None:
    alive, failed = launcher_job(), launcher_job(conditions=[{"type": "Failed", "status": "True"}])
    record = config_map(2, "running") | {"metadata": {"name": "demo-state"}}
    assert not logs._has_ended(observed(record, alive), "demo", "curate")
    assert logs._has_ended(observed(record, failed), "demo", "curate")
    assert logs._has_ended(observed(record), "demo", "curate")


def test_a_watch_that_breaks_is_told_to_whoever_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    found = observed()
    monkeypatch.setattr(found.cluster, "watch", lambda *_: iter([("ADDED", {"metadata": {}})]), raising=False)
    found._follow("Job", "1")
    with pytest.raises(KeyError):
        found.get("Job", "x")


def test_a_launch_that_broke_off_before_its_plan_was_written_is_made_anew() -> None:
    plan = Plan.of(PipelineConfig.model_validate(CONFIG))
    asked = {"launch": 1, "plan10": plan.digest10, "plans": plan.plan_hashes, "inputs": {}, "volume": "v"}
    intent = start.Intent(plan, (), [], RunRecord(run=asked), "v")
    assert start.verdict(Shelf(), intent) == "launch"
    written = {"kind": "ConfigMap", "metadata": {"name": plan.config_map}}
    with pytest.raises(LauncherError) as failed:
        start.verdict(Shelf(written), intent)
    assert failed.value.exit_code == 100


@pytest.mark.parametrize(
    ("path", "source", "todo"),
    [("x.csv", Path("x.csv"), "nothing"), ("x.csv", None, "launch"), ("/data/x.csv", Path("x.csv"), "launch")],
)
def test_what_lies_on_the_volume_alone_is_looked_at_again(path: str, source: Path | None, todo: str) -> None:
    plan = Plan.of(PipelineConfig.model_validate({"ingest": {"sources": [{"kind": "exhibits-csv", "path": path}]}}))
    intent = start.Intent(plan, (Input(source, "x.csv", "d"),), [], None, "v")
    asked = {"launch": 1, "plan10": plan.digest10, "plans": plan.plan_hashes, "inputs": intent.digests, "volume": "v"}
    done = replace(intent, record=RunRecord(run=asked, launch=1, phase="done"))
    assert start.verdict(Shelf(), done) == todo


@pytest.mark.parametrize(("claim", "deleted"), [("docent-data", []), ("another", ["demo-transfer"])])
def test_a_transfer_pod_that_holds_another_volume_is_not_used(claim: str, deleted: list[str]) -> None:
    body = transfer_pod(Plan.of(PipelineConfig.model_validate(CONFIG | {"run": {"name": "demo"}})))
    there = {**body, "metadata": {**body["metadata"], "labels": body["metadata"]["labels"] | {"docent/claim": claim}}}
    cluster = Shelf(there | {"status": {"phase": "Running"}})
    cluster.watch = lambda *_: iter(())  # type: ignore[method-assign]
    with volume(cluster, body):
        assert cluster.deleted == deleted
