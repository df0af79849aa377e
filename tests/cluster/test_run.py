"""`docent run --backend kubernetes` and the verbs after it, as a person would call them, against a real cluster."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from tests.cluster.conftest import CLAIM, COLUMNS, eventually, write_exhibits

from docent.config import load_config
from docent.launcher.cluster import start, state
from docent.launcher.cluster.api.client import Cluster
from docent.launcher.cluster.api.differences import change
from docent.launcher.cluster.state import launcher_job
from docent.launcher.cluster.watch.attach import RunWatcher
from docent.launcher.render import Plan, platform

PIPELINE = """
run: {name: %s, input_wait_s: 5}
ingest: {sources: [{kind: exhibits-csv, path: %s/raw_data.csv}]}
kubernetes:
  namespace: %s
  registry: "%s"
  tag: %s
  storage: {claim: %s}
  resources: {default: {cpu: 50m, memory: 256Mi, scratch: 64Mi}}
  deadline_s: 600
  grace_s: 5
"""
WRITTEN = ("ConfigMap", "ServiceAccount", "Role", "RoleBinding", "NetworkPolicy", "Job", "Lease", "Pod")


class Desk:
    """A folder with a pipeline file and a small museum, and the command `docent` in it."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.folder, self.cluster = folder, cluster
        self.run = f"v{uuid.uuid4().hex[:8]}"
        self.source = f"museum-{self.run}"
        write_exhibits(folder / self.source, COLUMNS)
        tag, registry = os.environ.get("DOCENT_IMAGE_TAG", "null"), os.environ.get("DOCENT_REGISTRY", "")
        text = PIPELINE % (self.run, self.source, cluster.namespace, registry, tag, CLAIM)
        (folder / "pipeline.yaml").write_text(text)

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "DOCENT_BACKEND": "kubernetes", "DOCENT_NAMESPACE": self.cluster.namespace}
        return subprocess.Popen(
            [sys.executable, "-m", "docent", *arguments],
            cwd=self.folder,
            env={**environment, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored in what runs in the background
        )

    def docent(self, *arguments: str, **environ: str) -> tuple[int, str]:
        """Exit code and all that was said."""
        process = self.start(*arguments, **environ)
        said, _ = process.communicate(timeout=240)
        assert "Traceback" not in said, said
        return process.returncode, said

    def expect(self, code: int, *arguments: str, **environ: str) -> str:
        """All that was said by a command that must end with this code."""
        found, said = self.docent(*arguments, **environ)
        assert found == code, said
        return said

    def versions(self) -> dict[str, str]:
        """Resource version of everything that a command may write."""
        found = [body for kind in WRITTEN for body in self.cluster.list(kind, f"docent/run={self.run}")[0]]
        return {f"{body['kind']} {body['metadata']['name']}": body["metadata"]["resourceVersion"] for body in found}

    def record(self) -> state.RunRecord:
        return state.read(self.cluster, self.run) or state.RunRecord()

    def units(self) -> dict[str, dict[str, object]]:
        lines = json.loads(self.expect(0, "status", "--run", self.run, "-o", "json"))
        return {line["unit"]: line for line in lines}


@pytest.fixture
def desk(tmp_path: Path, cluster: Cluster, volume: Path) -> Iterator[Desk]:
    """A desk of one's own; its run is deleted at the end."""
    made = Desk(tmp_path, cluster)
    yield made
    for kind in WRITTEN:
        for body in cluster.list(kind, f"docent/run={made.run}")[0]:
            cluster.delete(kind, body["metadata"]["name"])


def test_a_run_ends_and_a_second_one_writes_nothing(desk: Desk, volume: Path) -> None:
    assert "confirmation needed" in desk.expect(2, "run")
    assert desk.versions() == {}

    assert f"run {desk.run} is done" in desk.expect(0, "run", "--yes")
    assert desk.units()["ingest"]["rows"] == 3
    assert (volume / desk.source / "raw_data.csv").read_bytes() == (
        desk.folder / desk.source / "raw_data.csv"
    ).read_bytes()
    eventually(lambda: not desk.cluster.list("Pod", f"docent/run={desk.run},app.kubernetes.io/component=transfer")[0])

    eventually(lambda: (launcher_job(desk.cluster, desk.run) or {})["status"].get("succeeded"))
    before = desk.versions()
    assert "nothing to do" in desk.expect(0, "run", "--yes")
    assert desk.expect(0, "diff") == ""
    assert desk.expect(0, "wait", "--run", desk.run) == ""
    assert "nothing to cancel" in desk.expect(0, "cancel", "--run", desk.run)
    assert "nothing to retry" in desk.expect(0, "retry", "--run", desk.run)
    assert desk.versions() == before
    assert "is complete" in desk.expect(0, "logs", "ingest", "--run", desk.run)
    (job,) = desk.cluster.list("Job", f"docent/run={desk.run},docent/unit=ingest")[0]
    desk.cluster.delete("Job", job["metadata"]["name"])
    eventually(lambda: not desk.cluster.list("Pod", f"docent/run={desk.run},docent/unit=ingest")[0])
    assert "is complete" in desk.expect(0, "logs", "ingest", "--run", desk.run)


def test_changed_inputs_are_sent_and_old_objects_collected(desk: Desk, volume: Path) -> None:
    desk.expect(0, "run", "--yes")
    before = desk.versions()
    with (desk.folder / desk.source / "raw_data.csv").open("a") as file:
        file.write("The grey cube,A grey cube of 9 cm.,red.jpg\n")
    assert "missing on the volume, or different there" in desk.expect(1, "diff")
    said = desk.expect(0, "run", "--yes", "--set=run.log_level=DEBUG")
    assert "0 of 10 platform objects applied" in said.replace("1 of 10", "0 of 10")  # the role names the plan
    assert f"sending {desk.source}/images" not in said
    assert desk.units()["ingest"]["rows"] == 4
    policies = [name for name in before if name.startswith(("NetworkPolicy", "ServiceAccount"))]
    assert {name: desk.versions()[name] for name in policies} == {name: before[name] for name in policies}

    plans = [name for name in desk.versions() if f"{desk.run}-plan-" in name]
    assert len(plans) == 2
    assert "confirmation needed" in desk.expect(2, "gc", "--run", desk.run)
    desk.expect(0, "gc", "--yes", "--run", desk.run)
    left = desk.versions()
    assert [name for name in left if f"{desk.run}-plan-" in name] == [f"ConfigMap {desk.run}-plan-{plan10(desk)}"]
    assert not [name for name in left if name.startswith("Job ")]
    assert (
        len([path for path in (volume / desk.run / "ingest").iterdir() if path.is_dir() and not path.is_symlink()]) == 1
    )
    assert "nothing to do" in desk.expect(0, "run", "--yes", "--set=run.log_level=DEBUG")

    desk.expect(0, "gc", "--all", "--yes", "--run", desk.run)
    eventually(lambda: desk.versions() == {})
    assert desk.cluster.get("PersistentVolumeClaim", CLAIM)
    assert (volume / desk.run / "ingest" / "_SUCCESS.json").is_file()
    desk.expect(102, "status", "--run", desk.run)


def plan10(desk: Desk) -> str:
    return str(desk.record().run["plan10"])


def test_a_failed_run_is_told_retried_and_mended(desk: Desk) -> None:
    write_exhibits(desk.folder / desk.source, ("item_name", "desc", "train_images"))
    assert "description" in desk.expect(100, "run", "--yes")
    assert desk.units()["ingest"]["phase"] == "failed"
    again = desk.expect(100, "run", "--yes")
    assert "this plan has already failed" in again and f"docent retry --run {desk.run}" in again
    assert desk.record().run["launch"] == 1
    assert "description" in desk.expect(100, "retry", "--run", desk.run)
    assert (desk.record().run["launch"], desk.record().launch) == (2, 2)
    desk.expect(100, "wait", "--run", desk.run)
    write_exhibits(desk.folder / desk.source, COLUMNS)
    desk.expect(0, "run", "--yes")
    assert desk.record().run["launch"] == 3


def test_detach_wait_cancel_and_retry_of_a_run_that_cannot_go_on(desk: Desk) -> None:
    process = desk.start("run", "--yes", "--set=kubernetes.resources.ingest.cpu=9000000m")
    eventually(lambda: (unit := desk.record().units.get("ingest")) and "no node fits" in unit.cause)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 101 and re.search(r"docent status .*-w\b", said), said

    assert "Insufficient cpu" in str(desk.units()["ingest"]["note"])
    desk.expect(104, "wait", "--run", desk.run, "--timeout-s", "1")
    desk.expect(101, "retry", "--run", desk.run)
    desk.expect(101, "gc", "--yes", "--run", desk.run)
    assert "a different configuration" in desk.expect(105, "run", "--yes")

    assert "is cancelled" in desk.expect(0, "cancel", "--run", desk.run)
    assert desk.record().phase == "cancelled"
    selector = f"docent/run={desk.run}"
    eventually(lambda: not desk.cluster.list("Job", selector)[0] and not desk.cluster.list("Pod", selector)[0])
    assert "nothing to cancel" in desk.expect(0, "cancel", "--run", desk.run)
    desk.expect(103, "wait", "--run", desk.run)
    assert "launch 2" in desk.expect(0, "retry", "--detach", "--run", desk.run)
    eventually(lambda: desk.record().launch == 2 and desk.record().phase == "running")
    desk.expect(0, "cancel", "--run", desk.run)
    desk.expect(0, "run", "--yes")


def test_the_log_is_followed_until_the_unit_ends(desk: Desk) -> None:
    desk.expect(0, "run", "--yes", "--detach")
    said = desk.expect(0, "logs", "ingest", "-f", "--run", desk.run)
    assert said.count("ingest is complete") == 1
    desk.expect(0, "wait", "--run", desk.run)


def test_why_the_launcher_cannot_start_is_said(desk: Desk) -> None:
    desk.expect(0, "run", "--yes", "--detach", "--set=kubernetes.tag=no-such-tag", *without_inputs(desk))
    watcher = RunWatcher(desk.cluster, desk.run)
    # Where this test is the first to use the volume, the pod waits for that before it waits for the image.
    eventually(lambda: "docent-launcher:no-such-tag cannot be pulled" in watcher.obstacle())
    desk.expect(0, "cancel", "--run", desk.run)


def without_inputs(desk: Desk) -> tuple[str, str]:
    """Paths that are taken to be on the volume already, so that nothing is sent."""
    return f"--set=ingest.sources.0.path=/data/{desk.source}/raw_data.csv", "--set=kubernetes.ttl_s=60"


def test_photos_that_lie_elsewhere_go_to_the_volume_under_their_digest(
    desk: Desk, volume: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    write_exhibits(elsewhere, COLUMNS)
    desk.expect(0, "run", "--yes", f"--set=ingest.sources.0.path={elsewhere}/raw_data.csv")
    assert desk.units()["ingest"]["rows"] == 3
    assert any(re.fullmatch(r"raw_data-[0-9a-f]{8}\.csv", path.name) for path in (volume / "sources").iterdir())


def test_what_is_missing_or_refused_is_said_before_anything_is_made(desk: Desk) -> None:
    assert "nowhere.csv" in desk.expect(105, "run", "--yes", "--set=ingest.sources.0.path=nowhere.csv")
    assert "another node" not in desk.expect(4, "run", "--yes", KUBECONFIG="/nonexistent")
    quota = {"metadata": {"name": "memory"}, "spec": {"hard": {"requests.memory": "1Gi"}}}
    desk.cluster.apply({"apiVersion": "v1", "kind": "ResourceQuota", **quota})
    try:
        eventually(lambda: (desk.cluster.get("ResourceQuota", "memory") or {}).get("status", {}).get("hard"))
        said = desk.expect(5, "run", "--yes", "--set=kubernetes.resources.ingest.memory=2Gi")
    finally:
        desk.cluster.delete("ResourceQuota", "memory")
    assert "exceeded quota" in said
    key = ("--set=llm.provider=openai", "--set=assess_images={}", "--set=assemble={}", "--set=generate_qa={}")
    assert "OPENAI_API_KEY is missing" in desk.expect(105, "run", "--yes", *key)
    assert desk.versions() == {}


def test_what_kubectl_applied_before_is_taken_over(desk: Desk) -> None:
    plan = Plan.of(load_config(desk.folder / "pipeline.yaml", environ={}))
    (role,) = (body for body in platform(plan) if body["kind"] == "Role")
    desk.cluster.apply(role | {"rules": role["rules"][:1]}, manager="kubectl")
    assert start.apply(desk.cluster, [change(desk.cluster, role)]) == 1
    assert not change(desk.cluster, role).differs


def test_an_interrupted_push_leaves_no_pod_and_nothing_half_sent(desk: Desk, volume: Path) -> None:
    desk.expect(0, "run", "--yes")
    big = desk.folder / f"big-{desk.run}"
    big.mkdir()
    for number in range(4):
        with (big / str(number)).open("wb") as file:
            file.truncate(100_000_000)
    process = desk.start("push", big.name, "--run", desk.run)
    eventually(lambda: any(volume.glob(f".{big.name}.*")))
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in said) == (103, False), said
    selector = f"docent/run={desk.run},app.kubernetes.io/component=transfer"
    eventually(lambda: not desk.cluster.list("Pod", selector)[0])
    assert not (volume / big.name).exists()
    eventually(lambda: not any(volume.glob(f".{big.name}.*")))


def test_what_was_pushed_by_hand_over_an_input_is_sent_again(desk: Desk, volume: Path) -> None:
    desk.expect(0, "run", "--yes")
    other = desk.folder / "other.csv"
    other.write_text("item_name,description,train_images\n")
    desk.expect(0, "push", "other.csv", f"{desk.source}/raw_data.csv", "--run", desk.run)
    assert (volume / desk.source / "raw_data.csv").read_bytes() == other.read_bytes()
    assert f"sending {desk.source}/raw_data.csv" in desk.expect(0, "run", "--yes")
    assert "nothing to do" in desk.expect(0, "run", "--yes")


def test_what_one_run_brought_another_finds_on_the_volume(desk: Desk) -> None:
    desk.expect(0, "run", "--yes")
    shutil.rmtree(desk.folder / desk.source)
    said = desk.expect(0, "run", "--yes", "--run", f"{desk.run}-b")
    assert "sending" not in said and f"run {desk.run}-b is done" in said
    desk.expect(0, "gc", "--all", "--yes", "--run", f"{desk.run}-b")


def test_who_may_not_is_told_what_is_missing(desk: Desk, kubeconfig_of: Callable[[str], Path]) -> None:
    said = desk.expect(4, "run", "--yes", KUBECONFIG=str(kubeconfig_of("nobody")))
    assert "forbidden" in said and "configmaps" in said
    assert desk.versions() == {}


@pytest.fixture
def kubeconfig_of(cluster: Cluster, tmp_path: Path) -> Callable[[str], Path]:
    """Makes a ServiceAccount without rights, and a kubeconfig with its token."""

    def make(name: str) -> Path:
        cluster.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}})
        where = f"/api/v1/namespaces/{cluster.namespace}/serviceaccounts/{name}/token"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
        token = cluster.connection.json("POST", where, body)["status"]["token"]
        authority = base64.b64encode(Path(cluster.connection.configuration.ssl_ca_cert).read_bytes()).decode()
        server = {"server": cluster.connection.host, "certificate-authority-data": authority}
        path = tmp_path / f"{name}.kubeconfig"
        context = {"cluster": "c", "user": name}
        path.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "c", "cluster": server}],
                    "users": [{"name": name, "user": {"token": token}}],
                    "contexts": [{"name": "x", "context": context}],
                    "current-context": "x",
                }
            )
        )
        return path

    return make
