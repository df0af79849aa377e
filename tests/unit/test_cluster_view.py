"""What is said about a run in the cluster: in lines, in a table, as a difference."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from docent.config import PipelineConfig
from docent.errors import LauncherError
from docent.launcher.cluster.api.client import Cluster
from docent.launcher.cluster.api.differences import Change, stripped
from docent.launcher.cluster.start import failure, plan_table
from docent.launcher.cluster.state import RunRecord, all_runs
from docent.launcher.cluster.watch.attach import conclude
from docent.launcher.cluster.watch.conditions import read
from docent.launcher.render import Plan
from docent.launcher.runs.display import RunDisplay, run_table
from docent.launcher.runs.unit_state import Phase, UnitState, after_launch, note


def record(**units: UnitState) -> RunRecord:
    return RunRecord(run={"launch": 1}, launch=1, units=units)


def test_plain_lines_are_said_once_per_change() -> None:
    screen = io.StringIO()
    with RunDisplay(Console(file=screen, width=160)) as view:
        view.show(dict(ingest=UnitState(Phase.RUNNING), curate=UnitState()))
        for done in (1, 2, 3):
            view.show(dict(ingest=UnitState(Phase.RUNNING, progress={"done": done, "total": 9, "eta_s": None})))
        view.show(dict(ingest=UnitState(Phase.RUNNING, cause="no node fits: 0/1 nodes")))
        view.show(dict(ingest=UnitState(Phase.DONE, rows=3, seconds=1.25)))
    lines = [" ".join(line.split()) for line in screen.getvalue().splitlines()]
    assert lines == ["ingest started", "ingest running no node fits: 0/1 nodes", "ingest done in 1.2 s, 3 rows"]


def test_the_table_shows_progress_and_causes() -> None:
    screen = io.StringIO()
    units = {
        "ingest": UnitState(Phase.RUNNING, progress={"done": 5, "total": 10, "eta_s": 7.4}),
        "assess-images": UnitState(Phase.QUEUED, cause="waits for Kueue"),
    }
    Console(file=screen, width=120).print(run_table(units, has_ended=False))
    said = screen.getvalue()
    assert "━" * 12 + "╌" * 12 + " 5 of 10, 7 s to go" in said
    assert "waits for Kueue" in said
    assert note(UnitState(Phase.FAILED, cause="exit 42: bad")) == "exit 42: bad"


@pytest.mark.parametrize("is_remote", [True, False])
def test_after_ctrl_c_the_last_table_says_running_only_if_the_run_continues(is_remote: bool) -> None:
    screen = io.StringIO()
    console = Console(file=screen, width=120, force_terminal=True)
    with pytest.raises(KeyboardInterrupt), RunDisplay(console, is_remote=is_remote) as view:
        view.show(dict(ingest=UnitState(Phase.RUNNING, progress={"done": 5, "total": 10, "eta_s": 7.4})))
        raise KeyboardInterrupt
    last = screen.getvalue().rpartition("ingest")[2]
    assert ("5 of 10, 7 s to go" in last) is is_remote and ("stopped at 5 of 10" in last) is not is_remote


def test_a_unit_that_reported_no_progress_has_stopped_once_its_launch_has_ended() -> None:
    ended = after_launch(UnitState(Phase.RUNNING))
    assert (ended.phase, ended.cause) == (Phase.STOPPED, "stopped before its first row")
    assert after_launch(UnitState(Phase.QUEUED)).phase is Phase.QUEUED


def test_a_failed_run_names_the_units_and_why() -> None:
    found = record(
        ingest=UnitState(Phase.DONE),
        curate=UnitState(Phase.FAILED, cause="exit 43: no key"),
        score=UnitState(Phase.FAILED),
    )
    assert failure(found) == "curate: exit 43: no key; score: no cause was recorded"
    assert "launcher" in failure(record())


@pytest.mark.parametrize(("phase", "code"), [("failed", 100), ("cancelled", 103)])
def test_the_end_of_a_run_is_its_exit_code(phase: Any, code: int) -> None:
    cluster = Cluster.__new__(Cluster)
    cluster.namespace = "elsewhere"
    found = record(curate=UnitState(Phase.FAILED, cause="x"))
    found.phase = phase
    with pytest.raises(LauncherError) as ended:
        conclude(cluster, "demo", found)
    assert ended.value.exit_code == code
    found.phase = "done"
    conclude(cluster, "demo", found)


def test_a_difference_shows_what_would_change_and_nothing_of_the_servers_own() -> None:
    live = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "x", "resourceVersion": "7", "uid": "u", "managedFields": [], "labels": {"a": "1"}},
        "data": {"k": "old"},
        "status": {},
    }
    new = {**live, "metadata": {**live["metadata"], "resourceVersion": "8"}}  # type: ignore[dict-item]
    assert not Change(live, stripped(live), stripped(new)).differs
    changed = Change(live, stripped(live), stripped({**new, "data": {"k": "new"}}))
    assert [line for line in changed.lines() if line[0] in "+-"][2:] == ["-  k: old", "+  k: new"]
    assert "metadata" in live and live["metadata"]["resourceVersion"] == "7"  # type: ignore[index]


def test_every_unit_stands_in_the_plan_table_with_what_it_asks_for() -> None:
    config = PipelineConfig.model_validate(
        {
            "ingest": {"sources": [{"kind": "exhibits-folder", "path": "x"}], "shards": 3},
            "assess_images": {},
            "kubernetes": {"tag": "7", "resources": {"assess-images": {"gpus": 2, "memory": "9Gi"}}},
        }
    )
    ingest, assess = plan_table(Plan.of(config))
    assert (ingest["unit"], ingest["shards"], ingest["image"]) == ("ingest", 3, "docent-ingest:7")
    assert (assess["gpus"], assess["memory"]) == (2, "9Gi")
    assert assess["object"].startswith("Job/demo-assess-images-")


def test_a_plan_is_not_taken_for_a_state() -> None:
    names = ("demo-state", "demo-plan-0123456789", "other-state")
    config_maps = [{"metadata": {"name": name, "labels": {"docent/run": "demo"}}} for name in names]
    records = all_runs(SimpleNamespace(list=lambda *_: (config_maps, "1")))  # type: ignore[arg-type]
    assert {run: record.name for run, record in records.items()} == {"demo": "demo-state"}


def test_a_job_has_ended_only_when_it_says_so() -> None:
    def job(kind: str, status: str) -> dict[str, Any]:
        return {"kind": "Job", "status": {"conditions": [{"type": kind, "status": status}]}}

    assert read(job("Complete", "True")).phase == "complete"
    assert read(job("Failed", "True")).phase == "failed"
    going_on = (job("Failed", "False"), job("FailureTarget", "True"), {"kind": "Job"})
    assert not any(read(one).finished for one in going_on)
