"""The launcher inside the cluster, against a real API server, real Jobs and real pods."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from tests.cluster.conftest import COLUMNS, WAIT_S, Run, eventually, write_exhibits
from tests.cluster.relay import Relay

from docent.launcher.cluster import state
from docent.launcher.cluster.api.client import Cluster
from docent.launcher.render import names, workload

MakeRun = Callable[..., Run]
ASSESS = {"assess_images": {"shards": 2}}
NOWHERE = {"default": {"cpu": "4000", "memory": "64Mi"}}


def versions(run: Run) -> dict[str, str]:
    """Resource versions of everything that a launcher may write."""
    selector = f"docent/run={run.name}"
    found = [body for kind in ("ConfigMap", "Lease", "Job") for body in run.cluster.list(kind, selector)[0]]
    return {f"{body['kind']} {body['metadata']['name']}": body["metadata"]["resourceVersion"] for body in found}


def test_a_run_ends_and_once_ended_nothing_is_written(make_run: MakeRun) -> None:
    run = make_run(stages=ASSESS)
    by_hand = workload(run.plan, "ingest")
    run.cluster.apply(by_hand, manager="kubectl")

    assert run.conduct() == 0

    record = run.record()
    assert (record.phase, record.launch) == ("done", 1)
    assert {name: (unit.phase, unit.rows) for name, unit in record.units.items()} == {
        "ingest": ("done", 3),
        "assess-images": ("done", 3),
    }
    assert "assess-images is complete" in record.units["assess-images"].log
    assert record.units["ingest"].job == by_hand["metadata"]["name"]
    jobs = run.jobs()
    assert [len(found) for found in jobs.values()] == [1, 1]
    (assess,) = jobs["assess-images"]
    assert assess["metadata"]["labels"]["docent/launch"] == "1"
    assert [owner["uid"] for owner in assess["metadata"]["ownerReferences"]] == [record.uid]

    before = versions(run)
    assert run.conduct() == 0
    assert versions(run) == before
    for (job,) in jobs.values():  # as their TTL would
        run.cluster.delete("Job", job["metadata"]["name"])
    after = {name: version for name, version in before.items() if not name.startswith("Job ")}
    assert run.conduct() == 0
    assert versions(run) == after


def test_bad_input_is_named_and_the_next_launch_tries_again(make_run: MakeRun) -> None:
    run = make_run(columns=("item_name", "description", "fotos"), stages=ASSESS)

    assert run.conduct() == 100

    record = run.record()
    assert record.phase == "failed"
    ingest = record.units["ingest"]
    assert ingest.phase == "failed"
    assert ingest.cause.startswith("exit 42: ") and "raw_data.csv" in ingest.cause
    assert "raw_data.csv" in ingest.log
    assert record.units["assess-images"].phase == "waiting"
    assert list(run.jobs()) == ["ingest"]

    assert run.conduct() == 100, "the same launch started again does not try again"
    assert len(run.jobs()["ingest"]) == 1

    write_exhibits(run.volume / "sources" / run.name, COLUMNS)
    assert run.conduct(launch=2) == 0
    record = run.record()
    assert (record.phase, record.launch) == ("done", 2)
    assert record.units["ingest"].job.endswith("-r1")
    assert record.units["ingest"].cause == ""


def test_what_is_removed_comes_again_and_a_stopped_launcher_leaves_it(make_run: MakeRun) -> None:
    run = make_run(resources=NOWHERE)
    launcher = run.start()
    eventually(lambda: "Insufficient cpu" in run.unit("ingest").cause, launcher)
    assert run.unit("ingest").cause.startswith("no node fits: ")
    (first,) = run.jobs()["ingest"]
    pods, _ = run.cluster.list("Pod", f"docent/run={run.name}")
    run.cluster.delete("Pod", pods[0]["metadata"]["name"])
    eventually(lambda: run.unit("ingest").retries == 1, launcher)

    run.cluster.delete("Job", first["metadata"]["name"])
    eventually(
        lambda: [j["metadata"]["uid"] for j in run.jobs().get("ingest", [])] not in ([], [first["metadata"]["uid"]])
    )
    eventually(lambda: run.unit("ingest").retries == 0, launcher)

    assert run.stop(launcher) == 143
    assert len(run.jobs()["ingest"]) == 1
    assert not lease_holder(run.cluster, run.name)


def test_a_deleted_workload_comes_again_only_after_its_pods_have_ended(make_run: MakeRun) -> None:
    run = make_run()
    job = run.stand_in("ingest", "import time; time.sleep(600)")  # as first process it does not hear SIGTERM
    (pod,) = eventually(lambda: pods_at_work(run))
    launcher = run.start()
    eventually(lambda: run.unit("ingest").phase == "running", launcher)

    run.cluster.delete("Job", job["metadata"]["name"])
    eventually(lambda: "was deleted, its pods are ending" in run.unit("ingest").cause, launcher)
    assert pods_at_work(run) == [pod]
    eventually(lambda: run.jobs().get("ingest"), launcher)
    assert pod not in pods_at_work(run)
    assert launcher.wait(WAIT_S) == 0


def pods_at_work(run: Run) -> list[str]:
    """Names of pods with a container that runs."""
    pods, _ = run.cluster.list("Pod", f"docent/run={run.name}")
    return [pod["metadata"]["name"] for pod in pods if pod["status"].get("phase") == "Running"]


def test_complete_without_success_is_a_failure(make_run: MakeRun) -> None:
    run = make_run()
    run.stand_in("ingest", "print('done, says I')")

    assert run.conduct() == 100

    assert run.unit("ingest").cause == "exited 0 without writing _SUCCESS.json"


def test_a_wrong_key_ends_the_others_too(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(
        stages={
            "assemble": {},
            "generate_qa": {},
            "build_dataset": {},
            "finetune": {"base_model": "./model", "approaches": ["lora", "full"]},
        }
    )
    monkeypatch.chdir(run.volume)  # what the relative paths of the configuration start from
    for unit in ("ingest", "assemble", "generate-qa", "build-dataset"):
        run.pretend(unit)
    run.stand_in("finetune-full", "import time; time.sleep(600)")
    run.stand_in("finetune-lora", "print('10:00:00 ERROR the token is not valid'); raise SystemExit(43)")

    assert run.conduct() == 100

    units = run.record().units
    assert (units["finetune-lora"].phase, units["finetune-lora"].cause) == ("failed", "exit 43: the token is not valid")
    assert (units["finetune-full"].phase, units["finetune-full"].cause) == (
        "waiting",
        "stopped because finetune-lora failed",
    )
    eventually(lambda: list(run.jobs()) == ["finetune-lora"])


def test_refused_pods_are_told(make_run: MakeRun) -> None:
    run = make_run()
    run.cluster.delete("ServiceAccount", names.unit_name(run.name, "ingest"))
    launcher = run.start()
    cause = eventually(lambda: run.unit("ingest").cause, launcher)
    assert cause.startswith("its pods are refused: ") and "serviceaccount" in cause
    run.stop(launcher)


def test_a_unit_that_its_queue_holds_back_is_queued(make_run: MakeRun) -> None:
    run = make_run(queue="nowhere")
    launcher = run.start()
    eventually(lambda: run.unit("ingest").phase == "queued", launcher)
    assert run.unit("ingest").cause == "waits for Kueue to admit it from queue nowhere"
    assert run.stop(launcher) == 143


def test_two_launchers_at_once_and_the_first_killed(make_run: MakeRun) -> None:
    run = make_run()
    launchers = {process.pid: process for process in (run.start(), run.start())}
    (job,) = eventually(lambda: run.jobs().get("ingest"))
    holder = int(lease_holder(run.cluster, run.name).rsplit("-", 1)[1])

    os.kill(holder, signal.SIGKILL)
    launchers.pop(holder).wait()
    (other,) = launchers.values()

    assert other.wait(60) == 0
    assert run.record().phase == "done"
    assert uids(run) == [job["metadata"]["uid"]]


def test_an_api_server_that_comes_back_finds_its_launcher(make_run: MakeRun, relay: Relay) -> None:
    run = make_run(resources=NOWHERE)
    launcher = run.start(address=relay.address)
    (before,) = eventually(lambda: run.jobs().get("ingest"), launcher)
    renewed = lease_of(run.cluster, run.name)["renewTime"]
    relay.away = True
    relay.cut()
    run.cluster.delete("Job", before["metadata"]["name"])
    with pytest.raises(subprocess.TimeoutExpired):
        launcher.wait(6)  # longer than the lease

    relay.away = False
    eventually(lambda: uids(run) not in ([], [before["metadata"]["uid"]]), launcher)
    eventually(lambda: lease_of(run.cluster, run.name)["renewTime"] > renewed, launcher)
    assert run.stop(launcher) == 143


def test_a_deleted_run_does_not_come_back(make_run: MakeRun) -> None:
    run = make_run(resources=NOWHERE)
    launcher = run.start()
    eventually(lambda: run.unit("ingest").cause, launcher)
    run.cluster.delete("ConfigMap", state.state_name(run.name))
    # 103 when it writes the record first, 4 when it looks after its lease first, which goes with the run.
    assert launcher.wait(60) in (103, 4)
    eventually(lambda: not run.jobs())
    assert state.read(run.cluster, run.name) is None


def uids(run: Run) -> list[str]:
    """Of the Jobs of `ingest`."""
    return [job["metadata"]["uid"] for job in run.jobs().get("ingest", [])]


def lease_holder(cluster: Cluster, run: str) -> str:
    """Who holds the lease of a run, "" for nobody."""
    return str(lease_of(cluster, run).get("holderIdentity", ""))


def lease_of(cluster: Cluster, run: str) -> dict[str, Any]:
    """The spec of a run's lease."""
    found = cluster.get("Lease", names.unit_name(run, "launcher")) or {"spec": {}}
    return dict(found["spec"])
