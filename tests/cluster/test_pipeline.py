"""The whole pipeline on the cluster, compared with the whole pipeline on this machine.

Runs pipelines/smoke.yaml once in a namespace that enforces Pod Security `restricted`, with everything shut by default,
and once locally; the images must be in the cluster (`make images images-load`). The terminal that started it is killed
in the middle.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.conftest import eventually

from docent.config import load_config
from docent.launcher.cluster import state
from docent.launcher.cluster.api.client import Cluster, Object
from docent.launcher.render import Plan, workload

ROOT = Path(__file__).parents[2]
FILE = ROOT / "pipelines" / "smoke.yaml"
RUN = "smoke"
BYTE_EQUAL = (
    "ingest",
    "assess-images",
    "augment-images",
    "assemble",
    "generate-qa",
    "curate",
    "build-dataset",
)
WRITTEN_KINDS = ("ConfigMap", "Job", "Lease", "NetworkPolicy", "PersistentVolumeClaim", "Role", "ServiceAccount")


@dataclass
class Smoke:
    """The same run twice: pulled from the cluster, and made here."""

    cluster: Cluster
    remote: Path
    local: Path
    pods: dict[str, Object] = field(default_factory=dict)

    def docent(self, *words: str) -> subprocess.CompletedProcess[str]:
        return docent(self.cluster.namespace, *words)

    def success(self, at: Path, unit: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((at / unit / "_SUCCESS.json").read_text())
        return found

    def rows(self, at: Path, unit: str) -> list[dict[str, Any]]:
        success = self.success(at, unit)
        folder = at / unit / success["folder"]
        return [json.loads(line) for part in success["parts"] for line in (folder / part["path"]).open()]

    def versions(self) -> dict[str, str]:
        """Resource version of everything of the run that somebody may have written."""
        return {
            f"{kind}/{one['metadata']['name']}": one["metadata"]["resourceVersion"]
            for kind in WRITTEN_KINDS
            for one in self.cluster.list(kind, f"docent/run={RUN}")[0]
        }


def command(namespace: str, *words: str) -> tuple[list[str], dict[str, str]]:
    environment = {**os.environ, "DOCENT_BACKEND": "kubernetes", "DOCENT_NAMESPACE": namespace}
    if "DOCENT_IMAGE_TAG" in os.environ:
        environment["DOCENT_KUBERNETES__TAG"] = os.environ["DOCENT_IMAGE_TAG"]
    return [sys.executable, "-P", "-m", "docent", *words], environment


def docent(namespace: str, *words: str) -> subprocess.CompletedProcess[str]:
    line, environment = command(namespace, *words)
    return subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900)


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Smoke]:
    namespace = f"docent-smoke-{uuid.uuid4().hex[:6]}"
    cluster = Cluster.connect(namespace)
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}})
    shut = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    body = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "shut"}, "spec": shut}
    cluster.apply(body)
    folder = tmp_path_factory.mktemp("smoke")
    pods = start_then_kill_the_terminal(cluster)
    waited = docent(namespace, "wait", "--run", RUN, "--timeout-s", "900")
    if waited.returncode:
        pytest.fail(f"{waited.stderr}\n{docent(namespace, 'status', '--run', RUN).stdout}", pytrace=False)
    pods |= {pod["metadata"]["name"]: pod for pod in cluster.list("Pod", f"docent/run={RUN}")[0]}
    pulled = docent(namespace, "pull", RUN, str(folder / "remote"))
    assert pulled.returncode == 0, pulled.stderr
    local = [sys.executable, "-P", "-m", "docent", "run", str(FILE), "--data", str(folder / "local")]
    subprocess.run(local, cwd=ROOT, check=True, capture_output=True, timeout=900)
    yield Smoke(cluster, folder / "remote", folder / "local" / RUN, pods)
    cluster.delete("Namespace", namespace)


def start_then_kill_the_terminal(cluster: Cluster) -> dict[str, Object]:
    """Attached, as a person would start it, until the first unit is done; then the person's machine dies."""
    line, environment = command(cluster.namespace, "run", "pipelines/smoke.yaml", "--yes")
    attached = subprocess.Popen(
        line, cwd=ROOT, env=environment, start_new_session=True, text=True, stdout=-1, stderr=-2
    )

    def a_unit_is_done() -> bool:
        if attached.poll() is not None:
            pytest.fail(f"docent run ended by itself: {attached.communicate()[0]}", pytrace=False)
        found = state.read(cluster, RUN)
        return any(unit.phase == "done" for unit in found.units.values()) if found else False

    eventually(a_unit_is_done, timeout_s=180)
    os.killpg(attached.pid, signal.SIGKILL)
    attached.communicate()
    return {pod["metadata"]["name"]: pod for pod in cluster.list("Pod", f"docent/run={RUN}")[0]}


@pytest.mark.parametrize("unit", BYTE_EQUAL)
def test_up_to_the_data_set_every_byte_is_that_of_the_local_run(smoke: Smoke, unit: str) -> None:
    here, there = smoke.success(smoke.local, unit), smoke.success(smoke.remote, unit)
    assert there["digest"] == here["digest"]
    assert there["spec"] == here["spec"]


def test_trained_and_scored_units_have_the_same_ids_and_nearly_the_same_scores(smoke: Smoke) -> None:
    for unit in (path.parent.name for path in smoke.local.glob("*/_SUCCESS.json")):
        if unit == "report":
            continue
        here, there = smoke.rows(smoke.local, unit), smoke.rows(smoke.remote, unit)
        assert [row.get("id") for row in there] == [row.get("id") for row in here], unit
    mine, theirs = smoke.rows(smoke.local, "score"), smoke.rows(smoke.remote, "score")
    compared = 0
    for a, b in zip(mine, theirs, strict=True):
        for name, value in a["metrics"].items():
            assert b["metrics"][name] == pytest.approx(value, abs=0.01), name
            compared += 1
    assert compared > 100


def test_there_is_a_report(smoke: Smoke) -> None:
    folder = smoke.remote / "report" / smoke.success(smoke.remote, "report")["folder"]
    assert "<html" in (folder / "index.html").read_text()
    opened = smoke.docent("open", "--run", RUN)
    assert opened.returncode == 0, opened.stderr
    assert Path(opened.stdout.strip().splitlines()[-1]).read_text() == (folder / "index.html").read_text()


def test_no_pod_of_a_stage_has_a_token(smoke: Smoke) -> None:
    stages = [pod for pod in smoke.pods.values() if "docent/unit" in pod["metadata"]["labels"]]
    assert len({pod["metadata"]["labels"]["docent/unit"] for pod in stages}) == len(Plan.of(load_config(FILE)).units)
    for pod in stages:
        assert not [volume for volume in pod["spec"]["volumes"] if "projected" in volume or "secret" in volume]
        assert pod["spec"]["automountServiceAccountToken"] is False


def test_a_second_run_writes_nothing(smoke: Smoke) -> None:
    before = smoke.versions()
    again = smoke.docent("run", "pipelines/smoke.yaml", "--yes")
    assert again.returncode == 0, again.stderr
    assert "nothing to do" in again.stdout
    assert smoke.versions() == before


def test_a_finished_job_that_is_gone_counts_as_done(smoke: Smoke) -> None:
    job = smoke.cluster.list("Job", f"docent/run={RUN},docent/unit=assemble")[0][0]
    smoke.cluster.delete("Job", job["metadata"]["name"])
    again = smoke.docent("run", "pipelines/smoke.yaml", "--yes")
    assert "nothing to do" in again.stdout, again.stderr
    logs = smoke.docent("logs", "assemble", "--run", RUN)
    assert "assemble is complete" in logs.stdout, logs.stderr


def test_a_stage_applied_by_hand_runs_again_and_finds_nothing_to_write(smoke: Smoke, tmp_path: Path) -> None:
    record = state.read(smoke.cluster, RUN)
    assert record
    plan_map = smoke.cluster.get("ConfigMap", f"{RUN}-plan-{record.run['plan10']}")
    assert plan_map
    (tmp_path / "plan.yaml").write_text(plan_map["data"]["pipeline.yaml"])
    body = workload(Plan.of(load_config(tmp_path / "plan.yaml", environ={})), "curate")
    name = body["metadata"]["name"]
    manifest = tmp_path / "curate.json"
    manifest.write_text(json.dumps(body))
    live = smoke.cluster.get("Job", name)
    assert live, "the launcher and the manifest name it alike"
    smoke.cluster.delete("Job", name)
    eventually(lambda: smoke.cluster.get("Job", name) is None)
    said = [kubectl("apply", "-n", smoke.cluster.namespace, "-f", str(manifest)) for _ in range(2)]
    assert said[0].endswith("created") and said[1].endswith("unchanged")

    def finished() -> Object | None:
        job = smoke.cluster.get("Job", name) or {}
        return job if job.get("status", {}).get("completionTime") else None

    assert eventually(finished)["status"]["succeeded"] == 1
    assert smoke.docent("pull", f"{RUN}/curate", str(tmp_path / "curate")).returncode == 0
    assert moments(tmp_path / "curate") == moments(smoke.remote / "curate")


def kubectl(*words: str) -> str:
    return subprocess.run(["kubectl", *words], check=True, capture_output=True, text=True).stdout.strip()


def moments(folder: Path) -> dict[str, int]:
    """When each file of a folder was written, in whole seconds, as archives keep it."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): int(path.stat().st_mtime) for path in files}
