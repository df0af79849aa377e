"""The folder manifests/: complete, up to date, the same bytes every time, and valid for old and new Kubernetes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from tests.render_variants import ROOT, VARIANTS, config_of, everything, plan_of

from docent.launcher.render import launcher_job, manifests, platform, pod_templates, to_yaml, workload
from docent.pipeline import STAGES

Body = dict[str, Any]
FOLDER = ROOT / "manifests"
VERSIONS = ("1.31", "1.34", kubernetes_validate.latest_version())
OF_OPERATORS = {"PyTorchJob", "TrainJob", "TrainingRuntime"}


def committed() -> dict[str, list[Body]]:
    return {path.name: [*yaml.safe_load_all(path.read_text(encoding="utf-8"))] for path in FOLDER.glob("*.yaml")}


def test_the_committed_files_are_what_the_renderer_says() -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*")}
    assert files == manifests(config_of()), "next: make generate"


def test_they_hold_exactly_the_objects_that_the_launcher_would_apply() -> None:
    plan = plan_of()
    expected = [*platform(plan), *(workload(plan, name) for name in plan.units)]
    found = [body for name, bodies in sorted(committed().items()) if name != "kustomization.yaml" for body in bodies]
    by_name = {(body["kind"], body["metadata"]["name"]): body for body in found}
    assert len(by_name) == len(found) == len(expected)
    assert by_name == {(body["kind"], body["metadata"]["name"]): body for body in expected}


def test_every_stage_has_its_file_in_run_order() -> None:
    stages = [name for name in sorted(committed()) if name[0].isdigit() and name[0] != "0"]
    assert [name[4:].removesuffix(".yaml") for name in stages] == list(STAGES)
    units = [body["metadata"]["labels"]["docent/unit"] for name in stages for body in committed()[name]]
    assert units == list(plan_of().units)
    kustomization = committed()["kustomization.yaml"][0]
    assert kustomization["resources"] == sorted(name for name in committed() if name != "kustomization.yaml")


def test_the_bytes_do_not_depend_on_the_process() -> None:
    code = (
        "import hashlib; from tests.render_variants import config_of; from docent.launcher.render import manifests;"
        "print(hashlib.sha256(repr(sorted(manifests(config_of()).items())).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_a_file_that_nobody_renders_any_more_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import generate

    for name in ("100-ingest.yaml", "105-renamed.yaml", "README.md"):
        (tmp_path / name).touch()
    assert generate.left_over(tmp_path, {tmp_path / "100-ingest.yaml": ""}) == [tmp_path / "105-renamed.yaml"]


def test_yaml_says_what_the_dicts_say() -> None:
    for body in everything(plan_of()):
        text = to_yaml(body)
        assert yaml.safe_load(text) == body
        assert text.startswith("apiVersion: ")
        assert "&id" not in text
        assert "!!" not in text


def shapes() -> dict[str, Body]:
    """One object of every kind and form; those of the operators by the pods inside them."""
    found: dict[str, Body] = {}
    for overrides in VARIANTS.values():
        plan = plan_of(*overrides)
        option = "-".join(overrides[2:3])
        for body in everything(plan):
            form = "gang" if "PET_NNODES" in repr(body) else body.get("spec", {}).get("completionMode", "")
            if body["kind"] not in OF_OPERATORS:
                found.setdefault(f"{body['kind']}{form}{option}", body)
                continue
            for template in pod_templates(body):
                pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"} | template["metadata"]}
                found.setdefault(f"{body['kind']}-pod{option}", pod | {"spec": template["spec"]})
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_every_form_of_object_is_valid(version: str) -> None:
    forms = shapes()
    assert {name.split("-")[0] for name in forms} >= {"Job", "JobIndexed", "Jobgang", "Service", "PyTorchJob"}
    for name, body in forms.items():
        try:
            kubernetes_validate.validate(body, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            pytest.fail(f"{name} on {version}: {list(error.path)}: {error.message}")


def test_the_check_is_strict() -> None:
    body = launcher_job(plan_of(), 1)
    body["spec"]["backofLimit"] = 3
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(body, "1.34", strict=True)
