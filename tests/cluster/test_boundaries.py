"""What a pod may reach, and where a secret may appear: a real endpoint in the cluster, a real key, real policies.

Needs the images docent-{launcher,ingest,assemble,generate-qa} in the cluster (`make images images-load`).
"""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cluster.conftest import eventually
from tests.cluster.test_pipeline import command, docent

from docent.config import load_config
from docent.launcher.cluster.api.client import Cluster, Object
from docent.launcher.render import Plan, platform, pod_templates, workload
from docent.launcher.render.pod import image

ROOT = Path(__file__).parents[2]
RUN = "taught"
PORT = 8000
# Connects and says so with its exit code; a policy that drops or refuses both end in 7.
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 4)
except OSError:
    sys.exit(7)
"""


@dataclass
class Taught:
    """A finished run whose teacher is an endpoint in the cluster."""

    cluster: Cluster
    key: str
    folder: Path
    file: Path
    said: str

    @property
    def endpoint_ip(self) -> str:
        pod = self.cluster.get("Pod", "endpoint")
        assert pod
        return str(pod["status"]["podIP"])


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taught]:
    namespace = f"docent-taught-{uuid.uuid4().hex[:6]}"
    folder = tmp_path_factory.mktemp("taught")
    file = write_pipeline(folder / "taught.yaml", namespace)
    cluster = Cluster.connect(namespace)
    key = f"canary-{uuid.uuid4().hex}"
    for body in before_the_run(namespace, file, key):
        cluster.apply(body)
    eventually(lambda: (cluster.get("Pod", "endpoint") or {}).get("status", {}).get("phase") == "Running")
    ran = docent(namespace, "run", str(file), "--yes")
    assert ran.returncode == 0, ran.stdout + ran.stderr + docent(namespace, "logs", "generate-qa").stdout
    pulled = docent(namespace, "pull", RUN, str(folder / "run"))
    assert pulled.returncode == 0, pulled.stderr
    yield Taught(cluster, key, folder / "run", file, ran.stdout + ran.stderr)
    cluster.delete("Namespace", namespace)


def write_pipeline(path: Path, namespace: str) -> Path:
    config = {
        "run": {"name": RUN, "input_wait_s": 5},
        "llm": {"provider": "openai", "base_url": f"http://endpoint.{namespace}.svc:{PORT}/v1"},
        "ingest": {"sources": [{"kind": "exhibits-csv", "path": "samples/museum/raw_data.csv"}], "max_exhibits": 2},
        "assemble": {"images_per_item": 8, "test_images": 2, "validation_images": 1},
        "generate_qa": {},
        "kubernetes": {"namespace": namespace},
    }
    path.write_text(yaml.safe_dump(config))
    return path


def before_the_run(namespace: str, file: Path, key: str) -> Iterator[Object]:
    """Namespace, the key, and the endpoint: a pod that only answers requests with that key."""
    plan = Plan.of(load_config(file))
    template = pod_templates(workload(plan, "assemble"))[0]["spec"]
    container = template["containers"][0]
    program = (ROOT / "tests" / "fixtures" / "endpoint.py").read_text()
    yield next(body for body in platform(plan) if body["kind"] == "Namespace")
    yield {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "docent-secrets"},
        "stringData": {"OPENAI_API_KEY": key},
    }
    yield {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "endpoint"},
        "data": {"endpoint.py": program},
    }
    behaviour = '{"key": "\'"$KEY"\'"}'
    secret = {"secretKeyRef": {"name": "docent-secrets", "key": "OPENAI_API_KEY"}}
    yield {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "endpoint", "labels": {"app": "endpoint"}},
        "spec": {
            "automountServiceAccountToken": False,
            "securityContext": template["securityContext"],
            "containers": [
                {
                    "name": "main",
                    "image": image(plan.config, "generate-qa"),
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["sh", "-c", f"exec python /srv/endpoint.py '{behaviour}' 0.0.0.0:{PORT}"],
                    "env": [{"name": "KEY", "valueFrom": secret}],
                    "securityContext": container["securityContext"],
                    "readinessProbe": {"httpGet": {"path": "/stats", "port": PORT}, "periodSeconds": 1},
                    "volumeMounts": [{"name": "program", "mountPath": "/srv"}],
                }
            ],
            "volumes": [{"name": "program", "configMap": {"name": "endpoint"}}],
        },
    }
    ports = [{"port": PORT, "targetPort": PORT}]
    spec = {"selector": {"app": "endpoint"}, "ports": ports}
    yield {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "endpoint"}, "spec": spec}


def test_the_key_reached_the_endpoint_and_nothing_else(taught: Taught) -> None:
    success = json.loads((taught.folder / "generate-qa" / "_SUCCESS.json").read_text())
    assert success["rows"] > 0, "the endpoint refuses requests without the key"
    pods = taught.cluster.list("Pod", f"docent/run={RUN}")[0]
    holders = {pod["metadata"]["labels"].get("docent/unit") for pod in pods if "docent-secrets" in json.dumps(pod)}
    assert holders == {"generate-qa"}
    for where, text in everything_said_and_written(taught):
        assert taught.key not in text, where


def everything_said_and_written(taught: Taught) -> Iterator[tuple[str, str]]:
    """Renders, the terminal, objects, events, logs and every file of the run and of the cache."""
    namespace = taught.cluster.namespace
    yield "the terminal", taught.said
    yield "docent render", docent(namespace, "render", str(taught.file)).stdout
    for kind in ("Job", "Pod", "ConfigMap", "Event", "Lease", "NetworkPolicy", "ServiceAccount"):
        yield kind, json.dumps(taught.cluster.list(kind)[0])
    for pod in taught.cluster.list("Pod", f"docent/run={RUN}")[0]:
        name = pod["metadata"]["name"]
        yield f"log of {name}", "\n".join(taught.cluster.log(name))
    cache = taught.folder.parent / "cache"
    assert docent(namespace, "pull", "cache", str(cache)).returncode == 0
    files = [path for folder in (taught.folder, cache) for path in folder.rglob("*") if path.is_file()]
    assert any("llm" in str(path) for path in files), "the journal of calls is among the files"
    for path in files:
        yield str(path), path.read_bytes().decode("latin-1")


def test_a_stage_reaches_nothing_until_its_policy_is_removed(taught: Taught) -> None:
    assert connect(taught, "assemble") == 7
    assert connect(taught, "generate-qa") == 0, "a stage with a teacher reaches the teacher"
    taught.cluster.delete("NetworkPolicy", f"{RUN}-deny-all")
    eventually(lambda: taught.cluster.get("NetworkPolicy", f"{RUN}-deny-all") is None)
    assert connect(taught, "assemble") == 0


def connect(taught: Taught, unit: str) -> int:
    """Exit code of a pod of that unit that connects to the endpoint."""
    plan = Plan.of(load_config(taught.file))
    template = pod_templates(workload(plan, unit))[0]
    spec: dict[str, Any] = template["spec"] | {"affinity": {}}
    container = spec["containers"][0] | {"command": ["python", "-c", CONNECT, taught.endpoint_ip, str(PORT)]}
    name = f"connect-{uuid.uuid4().hex[:6]}"
    metadata = {"name": name, "labels": template["metadata"]["labels"]}
    spec["containers"] = [{key: value for key, value in container.items() if key != "args"}]
    taught.cluster.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})

    def ended() -> list[Object]:
        pod = taught.cluster.get("Pod", name) or {}
        states = [one.get("state", {}) for one in pod.get("status", {}).get("containerStatuses", ())]
        return [one["terminated"] for one in states if "terminated" in one]

    return int(eventually(ended)[0]["exitCode"])


def test_a_run_without_its_key_is_refused_before_it_starts(taught: Taught) -> None:
    line, environment = command(taught.cluster.namespace, "run", str(taught.file), "--yes", "--run", "keyless")
    asked = subprocess.run(
        [*line, "--set", "kubernetes.keys_from=nobody-made-this"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert asked.returncode == 105, asked.stdout + asked.stderr
    assert "nobody-made-this" in asked.stderr
