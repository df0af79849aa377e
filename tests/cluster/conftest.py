"""What tests against a real API server share: a namespace of their own, a volume, and the launcher as a process.

KUBECONFIG names the cluster. The volume is a folder of this machine (hostPath), so tests that run stages need a node
that is this machine, and the images docent-ingest and docent-assess-images on it (DOCENT_IMAGE_TAG, DOCENT_REGISTRY).
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image, ImageDraw
from tests.cluster.relay import Relay

from docent.artifacts.listings import SCHEMA, Marker
from docent.config import PipelineConfig, load_config
from docent.launcher.cluster import state
from docent.launcher.cluster.api.client import Cluster, Object
from docent.launcher.render import Plan, names, platform, workload
from docent.launcher.render.pod import image
from docent.launcher.runs.unit_state import UnitState
from docent.spec import RunStates
from docent.store import Shard, finish, marker_path

ROOT = Path(__file__).parents[2]
CLAIM = "docent-data"
COLUMNS = ("item_name", "description", "train_images")
WAIT_S = 180.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs a cluster."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def namespace() -> Iterator[str]:
    """A namespace of this session that enforces Pod Security `restricted`; it is deleted at the end."""
    if not Path(os.environ.get("KUBECONFIG", "")).is_file():
        pytest.fail("these tests need a cluster: export KUBECONFIG=FILE", pytrace=False)
    name = f"docent-test-{uuid.uuid4().hex[:6]}"
    cluster = Cluster.connect(name)
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    yield name
    cluster.delete("Namespace", name)


@pytest.fixture(scope="session")
def cluster(namespace: str) -> Cluster:
    """The cluster of KUBECONFIG."""
    return Cluster.connect(namespace)


@pytest.fixture(scope="session")
def volume(cluster: Cluster) -> Iterator[Path]:
    """A folder of this machine that is also the claim CLAIM of the namespace."""
    folder = Path(tempfile.mkdtemp(prefix="docent-volume-", dir="/var/tmp"))
    folder.chmod(0o777)
    name = f"{cluster.namespace}-data"
    common: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    size = {"storage": "1Gi"}
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name},
            "spec": {
                **common,
                "capacity": size,
                "hostPath": {"path": str(folder)},
                "claimRef": {"namespace": cluster.namespace, "name": CLAIM},
                "persistentVolumeReclaimPolicy": "Retain",
            },
        }
    )
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": CLAIM},
            "spec": {**common, "resources": {"requests": size}, "volumeName": name},
        }
    )
    yield folder
    cluster.delete("PersistentVolume", name)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def relay(namespace: str) -> Iterator[Relay]:
    """A relay to the API server."""
    made = Relay()
    with closing(made.server):
        yield made
        made.cut()


@dataclass
class Run:
    """A small run, its platform on the cluster, and the launcher as processes of this machine."""

    cluster: Cluster
    volume: Path
    config: PipelineConfig
    file: Path

    @property
    def name(self) -> str:
        return self.config.run.name

    @property
    def plan(self) -> Plan:
        return Plan.of(self.config)

    def plan_image(self, stage: str) -> str:
        """Name of a stage's image."""
        return image(self.config, stage)

    def pretend(self, unit: str) -> None:
        """Leave an empty complete output of a unit on the volume."""
        run_dir = self.volume / self.name
        spec = RunStates(self.config, run_dir).of(unit).spec or ""
        empty: dict[str, Any] = {"parts": [], "rejects": [], "files": [], "reject_reasons": {}, "failed": ""}
        fields = {"schema": SCHEMA, "spec": spec, "index": 0, "count": 1, "seconds": 0.0, "usage": {}, **empty}
        marker = Marker.model_validate(fields)
        folder = run_dir / unit / spec[:10]
        folder.mkdir(parents=True)
        marker_path(folder, Shard(0, 1)).write_bytes(marker.to_json())
        finish(run_dir, self.plan.units[unit], spec, [marker])

    def stand_in(self, unit: str, script: str) -> Object:
        """Put a Job of this launch in the place of a unit's own, which runs some lines of Python."""
        body = workload(self.plan, unit)
        body["metadata"]["labels"]["docent/launch"] = "1"
        container = body["spec"]["template"]["spec"]["containers"][0]
        container |= {"image": self.plan_image("ingest"), "command": ["python", "-c", script], "args": []}
        return self.cluster.apply(body)

    def kubeconfig(self, address: str = "") -> Path:
        """Credentials of the run's launcher, which may do only what its Role says."""
        here = self.cluster.connection
        accounts = f"/api/v1/namespaces/{self.cluster.namespace}/serviceaccounts"
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        token = here.json("POST", f"{accounts}/{names.unit_name(self.name, 'launcher')}/token", asked)["status"][
            "token"
        ]
        server = {"server": address or here.host, "certificate-authority": here.configuration.ssl_ca_cert}
        server |= {"tls-server-name": urlsplit(here.host).hostname} if address else {}
        file = self.file.with_suffix(".kubeconfig")
        found = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": server}],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        file.write_text(json.dumps(found))
        return file

    def start(self, launch: int = 1, address: str = "") -> subprocess.Popen[str]:
        """The launcher, with its own rights and a short patience; `address` leads it to the API server."""
        command = [sys.executable, "-m", "docent", "conduct", "--config", str(self.file)]
        command += ["--data", str(self.volume), "--launch", str(launch), "--success-s", "2", "--lease-s", "4"]
        environ = {**os.environ, "PYTHONPATH": str(ROOT / "jobs"), "KUBECONFIG": str(self.kubeconfig(address))}
        return subprocess.Popen(command, env=environ, text=True, stderr=subprocess.PIPE)

    def conduct(self, launch: int = 1) -> int:
        """Run the launcher to its end; its exit code."""
        process = self.start(launch)
        _, said = process.communicate(timeout=WAIT_S)
        sys.stderr.write(said)
        return process.returncode

    def stop(self, process: subprocess.Popen[str]) -> int:
        """Ask the launcher to stop; its exit code."""
        process.terminate()
        return process.wait(WAIT_S)

    def unit(self, name: str) -> UnitState:
        """What the record says about a unit."""
        return self.record().units.get(name, UnitState())

    def record(self) -> state.RunRecord:
        """The record of the run; empty before the launcher wrote one."""
        found = state.read(self.cluster, self.name)
        return found or state.RunRecord()

    def jobs(self) -> dict[str, list[Object]]:
        """Jobs by unit."""
        found: dict[str, list[Object]] = {}
        for job in self.cluster.list("Job", f"docent/run={self.name}")[0]:
            found.setdefault(job["metadata"]["labels"]["docent/unit"], []).append(job)
        return found


@pytest.fixture
def make_run(cluster: Cluster, volume: Path) -> Iterator[Callable[..., Run]]:
    """Makes runs of `ingest` and other stages over three exhibits; what they left is deleted afterwards."""
    made: list[Run] = []

    def make(columns: tuple[str, ...] = COLUMNS, stages: dict[str, Any] | None = None, **kubernetes: Any) -> Run:
        name = f"t{uuid.uuid4().hex[:8]}"
        write_exhibits(volume / "sources" / name, columns)
        tag = {"tag": os.environ["DOCENT_IMAGE_TAG"]} if "DOCENT_IMAGE_TAG" in os.environ else {}
        file = volume / f"{name}.yaml"
        file.write_text(
            PipelineConfig.model_validate(
                {
                    "run": {"name": name, "input_wait_s": 5},
                    "ingest": {"sources": [source(f"sources/{name}")]},
                    **(stages or {}),
                    "kubernetes": {
                        "namespace": cluster.namespace,
                        "registry": os.environ.get("DOCENT_REGISTRY", ""),
                        "storage": {"claim": CLAIM},
                        "resources": {"default": {"cpu": "50m", "memory": "256Mi", "scratch": "64Mi"}},
                        "deadline_s": 600,
                        "grace_s": 5,
                        **tag,
                        **kubernetes,
                    },
                }
            ).model_dump_json(exclude_unset=True)
        )
        run = Run(cluster, volume, load_config(file, environ={}), file)
        for body in platform(run.plan):
            if body["kind"] not in ("Namespace", "PersistentVolumeClaim"):
                cluster.apply(body)
        cluster.apply(state.run_body(name, {"launch": 1}))  # the launcher may write the record, not make it
        made.append(run)
        return run

    yield make
    for run in made:
        cluster.delete("ConfigMap", state.state_name(run.name))
        # Jobs made by hand have no owner. A namespace that ends while one still waits for a node would hang: Pods go
        # first then, and the Job cannot make the ones that would let it count those.
        for job in cluster.list("Job", f"docent/run={run.name}")[0]:
            cluster.delete("Job", job["metadata"]["name"])


def source(folder: str) -> dict[str, str]:
    """The source that `write_exhibits` writes."""
    return {"kind": "exhibits-csv", "path": f"{folder}/raw_data.csv"}


def write_exhibits(folder: Path, columns: tuple[str, ...]) -> None:
    """Three exhibits with one photo each; the columns may be called something else."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    folder.parent.chmod(0o777)  # where pods put what is pushed from elsewhere
    with (folder / "raw_data.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for number, colour in enumerate(("red", "green", "blue")):
            picture = Image.new("RGB", (320, 240), "white")
            ImageDraw.Draw(picture).rectangle((20 * number, 30, 200, 200), fill=colour)
            picture.save(folder / "images" / f"{colour}.jpg")
            writer.writerow([f"The {colour} cube", f"A {colour} cube of {number + 2} cm.", f"{colour}.jpg"])


def eventually(
    look: Callable[[], Any], launcher: subprocess.Popen[str] | None = None, *, timeout_s: float = WAIT_S
) -> Any:
    """What `look` finds once it finds something.

    Raises:
        AssertionError: it never did, or the launcher that it waits for has ended.
    """
    until_s = time.monotonic() + timeout_s
    while not (found := look()):
        if launcher is not None and launcher.poll() is not None and launcher.stderr is not None:
            raise AssertionError(f"the launcher ended with {launcher.returncode}: {launcher.stderr.read()}")
        assert time.monotonic() < until_s, f"not within {timeout_s:g} s"
        time.sleep(0.2)
    return found
