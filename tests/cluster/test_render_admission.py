"""What is rendered, asked of a real API server: schemas, webhooks, Pod Security. Nothing is run.

Needs KUBECONFIG, kubectl and the right to make a namespace; `make test-cluster`. TrainJobs are left out where Kubeflow
Trainer is not there, PyTorchJobs where the Training Operator is not.
"""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.render_variants import ROOT, VARIANTS, everything, plan_of

from docent.launcher.render import pod_templates, workload

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not on the PATH"),
]

Body = dict[str, Any]
NAMESPACE = "docent-render-test"
APPLIED = "docent-render-applied"
CUSTOM = {"PyTorchJob": "pytorchjobs.kubeflow.org", "TrainJob": "trainjobs.trainer.kubeflow.org"}
# A Pod must find its account, a TrainJob its runtime; everything else is only asked about.
NEEDED = {"Namespace", "ServiceAccount", "TrainingRuntime"}


def kubectl(*args: str, given: list[Body] | None = None) -> subprocess.CompletedProcess[str]:
    text = "\n---\n".join(json.dumps(body) for body in given) if given is not None else None
    command = ["kubectl", *args, *(["-f", "-"] if given is not None else [])]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def accepted(done: subprocess.CompletedProcess[str]) -> str:
    """Its output; warnings count as refusal, Pod Security warns about templates."""
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr, done.stderr
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def _namespace() -> Iterator[None]:
    yield
    kubectl("delete", "namespace", NAMESPACE, APPLIED, "--ignore-not-found", "--wait=false")


@pytest.fixture(scope="module")
def missing() -> set[str]:
    """Kinds that this cluster does not know."""
    there = accepted(kubectl("get", "crd", "-o", "name"))
    kinds = {kind for kind, crd in CUSTOM.items() if crd not in there}
    return kinds | ({"TrainingRuntime"} if "TrainJob" in kinds else set())


def pods_of(objects: list[Body]) -> list[Body]:
    templates = [template for body in objects for template in pod_templates(body)]
    return [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"pod-{number}",
                "namespace": NAMESPACE,
                "labels": template["metadata"]["labels"],
            },
            "spec": template["spec"],
        }
        for number, template in enumerate(templates)
    ]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_server_takes_every_object_and_every_pod(variant: str, missing: set[str]) -> None:
    objects = [*everything(plan_of(*VARIANTS[variant], f"kubernetes.namespace={NAMESPACE}"))]
    pods = pods_of(objects)
    known = [body for body in objects if body["kind"] not in missing]
    accepted(kubectl("apply", "--server-side", given=[body for body in known if body["kind"] in NEEDED]))
    asked = [body for body in known if body["kind"] not in NEEDED]
    accepted(kubectl("create", "--dry-run=server", "--validate=strict", given=asked))
    accepted(kubectl("apply", "--server-side", "--dry-run=server", "--validate=strict", given=asked))
    created = accepted(kubectl("create", "--dry-run=server", "--validate=strict", given=pods))
    assert len(created.splitlines()) == len(pods)


def test_the_server_refuses_a_pod_that_is_less_locked_in() -> None:
    plan = plan_of(f"kubernetes.namespace={NAMESPACE}")
    accepted(kubectl("apply", "--server-side", given=[b for b in everything(plan) if b["kind"] in NEEDED]))
    (pod, *_) = pods_of([workload(plan, "ingest")])
    del (loose := copy.deepcopy(pod))["spec"]["containers"][0]["securityContext"]
    done = kubectl("create", "--dry-run=server", given=[loose])
    assert done.returncode != 0
    assert "violates PodSecurity" in done.stderr


def test_a_second_apply_changes_nothing(tmp_path: Path) -> None:
    for path in (ROOT / "manifests").glob("0*.yaml"):
        bodies = [*yaml.safe_load_all(path.read_text(encoding="utf-8"))]
        for body in bodies:
            key = "name" if body["kind"] == "Namespace" else "namespace"
            body["metadata"][key] = APPLIED
            for subject in body.get("subjects", []):
                subject["namespace"] = APPLIED
        (tmp_path / path.name).write_text("---\n".join(yaml.safe_dump(body) for body in bodies))
    for path in (ROOT / "manifests").glob("[1-9]*.yaml"):
        # Suspended, so that nothing starts here; the object stays the same for the second time.
        bodies = [*yaml.safe_load_all(path.read_text(encoding="utf-8"))]
        for body in bodies:
            body["metadata"]["namespace"] = APPLIED
            body["spec"]["suspend"] = True
        (tmp_path / path.name).write_text("---\n".join(yaml.safe_dump(body) for body in bodies))
    accepted(kubectl("apply", "-f", str(tmp_path)))
    again = accepted(kubectl("apply", "-f", str(tmp_path))).splitlines()
    assert len(again) > 40
    assert [line for line in again if not re.search(r" unchanged$", line)] == []
