"""Check all rendered manifests with third-party tools: kubernetes-validate, kubeconform, checkov.

Reads pipeline.yaml and pipelines/; renders every training mode, storage mode, queue, endpoint and GPU variant into a
temporary folder, and checks it there. kubernetes-validate and checkov come from .venv/checks (`make lint-manifests`
creates it); kubeconform is used if it is on the PATH, with the cluster's own PyTorchJob and TrainJob if KUBECONFIG is
set.
Run it: `make lint-manifests`, or `.venv/bin/python scripts/check_manifests.py [--keep FOLDER]`. Exits with 1 on a
finding.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docent.config import load_config
from docent.launcher.render import Plan, extras, launcher_job, platform, pod_templates, transfer_pod, workload
from docent.launcher.render.manifests import to_yaml

ROOT = Path(__file__).resolve().parents[1]
CHECKS = ROOT / ".venv" / "checks"
CHECKOV_CONFIG = ROOT / "scripts" / "checkov.yaml"
OLDEST, CLUSTER = "1.31", "1.34"  # the newest is what kubernetes-validate brings
CORE_KINDS_ONLY = ("PyTorchJob", "TrainJob", "TrainingRuntime")
DEFINITIONS = "/api/_definitions.json"

VARIANTS: dict[str, list[str]] = {
    f"{training}-{mode}": [f"kubernetes.training={training}", f"kubernetes.storage.mode={mode}"]
    for training in ("pytorchjob", "trainjob", "indexed")
    for mode in ("rwo", "rwx")
} | {
    "queue": ["kubernetes.queue=museum", "kubernetes.queue_priority=high"],
    "endpoint": ["llm.provider=openai", "kubernetes.pull_secrets=[registry]"],
    "gpu": [
        "kubernetes.resources.finetune.gpus=2",
        "kubernetes.resources.finetune.tolerations=[{key: nvidia.com/gpu}]",
        "kubernetes.resources.finetune.runtime_class=nvidia",
        "kubernetes.resources.finetune.node_selector={gpu: a100}",
        "finetune.base_model=HuggingFaceM4/idefics2-8b",
    ],
}


def main() -> int:
    """Render, run the checks and print their results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--keep", type=Path, help="render into this folder and keep it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch) / "rendered"
        files = list(render_all(folder))
        print(f"rendered {len(files)} files, {len(VARIANTS)} variants")
        failed = [
            *strict_schemas(files),
            *kubeconform(folder, Path(scratch) / "schemas"),
            *checkov(folder),
        ]
    for line in failed:
        print(line)
    return 1 if failed else 0


def render_all(folder: Path) -> Iterator[Path]:
    """Write every object of every variant, one file each; pods of training operators also as a Job, for checkov."""
    for variant, overrides in VARIANTS.items():
        plan = Plan.of(load_config(ROOT / "pipeline.yaml", overrides, environ={}))
        several = 2 if plan.config.kubernetes.storage.mode == "rwx" else 1
        bodies = [*platform(plan, workers=several), launcher_job(plan, 1), transfer_pod(plan)]
        for name, unit in plan.units.items():
            workers = several if unit.stage == "finetune" else 1
            bodies += [*extras(plan, name, workers), workload(plan, name, workers=workers, rehearse=workers > 1)]
        jobs = [job for body in bodies for job in as_jobs(body)]
        for body in [*bodies, *jobs]:
            path = folder / variant / f"{body['kind'].lower()}-{body['metadata']['name']}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(to_yaml(body), encoding="utf-8")
            yield path


def as_jobs(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the pod templates of an object that checkov does not support, each as a Job."""
    if body["kind"] not in CORE_KINDS_ONLY:
        return
    for number, template in enumerate(pod_templates(body)):
        spec = template["spec"] | {"restartPolicy": "Never"}
        yield {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": body["metadata"] | {"name": f"{body['metadata']['name']}-as-job-{number}"},
            "spec": {"template": template | {"spec": spec}},
        }


def strict_schemas(files: list[Path]) -> Iterator[str]:
    """Run kubernetes-validate --strict, without the kinds that it does not know: it would only warn about them."""
    known = [str(path) for path in files if not path.name.startswith(tuple(k.lower() for k in CORE_KINDS_ONLY))]
    newest = newest_version()
    for version in (OLDEST, CLUSTER, newest):
        command = [CHECKS / "bin" / "kubernetes-validate", "--strict", "-k", version, *known]
        done = subprocess.run(command, capture_output=True, text=True)
        print(f"kubernetes-validate --strict {version}: {len(known)} objects, exit {done.returncode}")
        if done.returncode:
            yield f"kubernetes-validate {version}: {done.stdout}{done.stderr}"


def kubeconform(folder: Path, schemas: Path) -> Iterator[str]:
    """Run kubeconform -strict against the same three versions; operators' kinds against the cluster's definitions."""
    if not shutil.which("kubeconform"):
        print("kubeconform: skipped, not on the PATH")
        return
    operators = write_crd_schemas(schemas / "crd") if os.environ.get("KUBECONFIG") else 0
    print(f"schemas of operators' kinds from the cluster: {operators}")
    skipped = [] if operators else ["-skip", ",".join(CORE_KINDS_ONLY)]
    for version in (OLDEST, CLUSTER, newest_version()):
        write_core_schemas(version, schemas / version)
        places = [f"{at}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json" for at in (schemas / version, schemas / "crd")]
        command = ["kubeconform", "-strict", "-summary", *skipped]
        command += [word for place in places for word in ("-schema-location", place)]
        done = subprocess.run([*command, str(folder)], capture_output=True, text=True)
        print(f"kubeconform -strict {version}: {done.stdout.strip().splitlines()[-1]}")
        if done.returncode:
            yield f"kubeconform {version}: {done.stdout}{done.stderr}"


def checkov(folder: Path) -> Iterator[str]:
    """Run checkov with the skips of scripts/checkov.yaml, which gives the reason for each."""
    command = [CHECKS / "bin" / "checkov", "-d", folder, "--config-file", CHECKOV_CONFIG, "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        summary = json.loads(done.stdout)["summary"]
    except (json.JSONDecodeError, KeyError, TypeError):
        yield f"checkov printed no JSON summary: {done.stdout[:500]}{done.stderr[:500]}"
        return
    print(f"checkov {summary['checkov_version']}: {summary['passed']} passed, {summary['failed']} failed")
    if summary["failed"]:
        failures = json.loads(done.stdout)["results"]["failed_checks"]
        yield from (f"checkov {f['check_id']} {f['check_name']}: {f['resource']} {f['file_path']}" for f in failures)


def schema_folder() -> Path:
    """Return the folder of kubernetes-validate's schemas."""
    return next(CHECKS.glob("lib/python*/site-packages/kubernetes_validate/kubernetes-json-schema"))


def newest_version() -> str:
    """Return the newest Kubernetes version that kubernetes-validate knows, such as 1.37."""
    versions = [path.name.split("-")[0][1:].split(".") for path in schema_folder().glob("v*-local-strict")]
    return ".".join(map(str, max((int(v[0]), int(v[1])) for v in versions)))


def write_core_schemas(version: str, folder: Path) -> None:
    """Write one self-contained schema per kind that docent renders, from kubernetes-validate's definitions."""
    source = schema_folder() / f"v{version}.0-local-strict"
    folder.mkdir(parents=True)
    definitions = json.loads((source / "_definitions.json").read_text().replace(DEFINITIONS, ""))["$defs"]
    kinds = ("job-batch-v1", "networkpolicy-networking-v1", "role-rbac-v1", "rolebinding-rbac-v1")
    core = ("namespace-v1", "pod-v1", "configmap-v1", "service-v1", "serviceaccount-v1", "persistentvolumeclaim-v1")
    for kind in (*kinds, *core):
        schema = json.loads((source / f"{kind}.json").read_text().replace(DEFINITIONS, ""))
        (folder / f"{kind}.json").write_text(json.dumps(schema | {"$defs": definitions}))


def write_crd_schemas(folder: Path) -> int:
    """Write the cluster's schemas of the operators' kinds, without unknown fields; return how many."""
    folder.mkdir(parents=True)
    if not shutil.which("kubectl"):
        return 0
    done = subprocess.run(["kubectl", "get", "crd", "-o", "json"], capture_output=True, text=True)
    crds = json.loads(done.stdout)["items"] if done.returncode == 0 else []
    wanted = [crd for crd in crds if crd["spec"]["names"]["kind"] in CORE_KINDS_ONLY]
    for crd in wanted:
        for version in crd["spec"]["versions"]:
            group = crd["spec"]["group"].split(".")[0]
            name = f"{crd['spec']['names']['kind'].lower()}-{group}-{version['name']}.json"
            schema = closed(version["schema"]["openAPIV3Schema"])
            schema["properties"]["metadata"] = {"type": "object"}
            (folder / name).write_text(json.dumps(schema))
    return len(wanted) if len(wanted) == len(CORE_KINDS_ONLY) else 0


def closed(schema: Any) -> Any:
    """Return the schema with `additionalProperties: false` wherever it lists properties."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and not schema.get("x-kubernetes-preserve-unknown-fields"):
        result.setdefault("additionalProperties", False)
    return result


if __name__ == "__main__":
    sys.exit(main())
