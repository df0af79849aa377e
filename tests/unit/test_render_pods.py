"""Every pod that is rendered: how it is locked in, what it may see, where it may go."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from tests.pod_security import violations
from tests.render_variants import ONLINE, TRAINING, VARIANTS, everything, plan_of

from docent.errors import ConfigError, LauncherError
from docent.launcher.render import Plan, extras, launcher_job, pod_templates, transfer_pod, workload
from docent.pipeline import needs_of

Body = dict[str, Any]


def templates(plan: Plan) -> list[Body]:
    return [template for body in everything(plan) for template in pod_templates(body)]


def main_of(template: Body) -> Body:
    (container,) = template["spec"]["containers"]
    return container


def found(value: Any, key: str) -> list[Any]:
    """Every value under `key`, wherever it is."""
    if isinstance(value, dict):
        own = [value[key]] if key in value else []
        return own + [hit for inner in value.values() for hit in found(inner, key)]
    return [hit for inner in value for hit in found(inner, key)] if isinstance(value, list) else []


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_pod_is_restricted_and_more(variant: str) -> None:
    plan = plan_of(*VARIANTS[variant])
    rendered = templates(plan)
    assert len(rendered) >= len(plan.units) + 2
    for template in rendered:
        spec, container = template["spec"], main_of(template)
        assert list(violations(spec)) == []
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert spec["securityContext"]["fsGroupChangePolicy"] == "OnRootMismatch"
        assert {spec["securityContext"][key] for key in ("runAsUser", "runAsGroup", "fsGroup")} == {10001}
        assert spec["enableServiceLinks"] is False
        assert container["imagePullPolicy"] == "IfNotPresent"
        assert "initContainers" not in spec


def test_the_evaluator_refuses_what_restricted_refuses() -> None:
    (good,) = pod_templates(workload(plan_of(), "ingest"))
    for path, value in (
        (("securityContext", "runAsNonRoot"), False),
        (("securityContext", "seccompProfile"), {"type": "Unconfined"}),
    ):
        spec = copy.deepcopy(good["spec"])
        spec[path[0]][path[1]] = value
        spec["containers"][0]["securityContext"].pop("runAsNonRoot")
        assert list(violations(spec))
    for key, value in (("allowPrivilegeEscalation", True), ("capabilities", {"drop": []}), ("privileged", True)):
        spec = copy.deepcopy(good["spec"])
        spec["containers"][0]["securityContext"][key] = value
        assert list(violations(spec))


@pytest.mark.parametrize("variant", VARIANTS)
def test_only_the_launcher_has_a_token(variant: str) -> None:
    plan = plan_of(*VARIANTS[variant])
    with_token = [t for t in templates(plan) if t["spec"]["automountServiceAccountToken"]]
    assert [t["metadata"]["labels"]["app.kubernetes.io/component"] for t in with_token] == ["launcher"]
    accounts = [body for body in everything(plan) if body["kind"] == "ServiceAccount"]
    assert {body["automountServiceAccountToken"] for body in accounts} == {False}
    known = {body["metadata"]["name"] for body in accounts}
    used = [t["spec"]["serviceAccountName"] for t in templates(plan)]
    assert set(used) == known
    assert len(known) == len(plan.units) + 2


@pytest.mark.parametrize("variant", VARIANTS)
def test_resources_are_what_the_configuration_says(variant: str) -> None:
    plan = plan_of(*VARIANTS[variant])
    for template in templates(plan):
        asked = main_of(template)["resources"]
        assert asked["limits"]["memory"] == asked["requests"]["memory"]
        assert "cpu" in asked["requests"]
        assert "cpu" not in asked["limits"]
        shm = next(v["emptyDir"] for v in template["spec"]["volumes"] if v["name"] == "shm")
        assert shm["medium"] == "Memory"
        assert shm["sizeLimit"]
        component = template["metadata"]["labels"]["app.kubernetes.io/component"]
        gpus = "2" if variant.endswith("all") and component.startswith("finetune") else None
        assert asked["limits"].get("nvidia.com/gpu") == asked["requests"].get("nvidia.com/gpu") == gpus


def test_a_secret_is_named_only_where_it_is_used() -> None:
    offline = [*everything(plan_of())]
    assert found(offline, "secretKeyRef") == []
    plan = plan_of(*ONLINE)
    for body in everything(plan):
        assert found(body, "envFrom") == []
        for template in pod_templates(body):
            component = template["metadata"]["labels"]["app.kubernetes.io/component"]
            needs = needs_of(plan.config, plan.units[component]) if component in plan.units else frozenset()
            keys = {ref["key"]: ref.get("optional", False) for ref in found(template, "secretKeyRef")}
            expected = {"OPENAI_API_KEY": False} if "llm" in needs else {}
            assert keys == expected | ({"HF_TOKEN": True} if "hub" in needs else {})
    assert len(found([*everything(plan)], "secretKeyRef")) >= 4


@pytest.mark.feature("hub-push")
def test_the_token_of_a_push_reaches_build_dataset_and_nothing_else() -> None:
    pushes = ("build_dataset.push_to=me/set", "build_dataset.token_env=MY_HUB")
    plan = plan_of(*pushes)
    for body in everything(plan):
        for template in pod_templates(body):
            component = template["metadata"]["labels"]["app.kubernetes.io/component"]
            keys = [ref["key"] for ref in found(template, "secretKeyRef")]
            assert keys == (["MY_HUB"] if component == "build-dataset" else [])
            labels = template["metadata"]["labels"]
            assert ("docent/egress-hub" in labels) == (component == "build-dataset")
    with pytest.raises(ConfigError, match="MY_HUB is a secret"):
        workload(plan_of(*pushes, "kubernetes.env={MY_HUB: canary}"), "ingest")


def test_no_secret_value_is_ever_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-7f2b")
    monkeypatch.setenv("HF_TOKEN", "canary-7f2b")
    plan = plan_of(*ONLINE)
    assert "canary" not in repr([*everything(plan)]) + repr(plan)


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "HF_TOKEN", "DOCENT_RUN__THREADS"])
def test_variables_hold_no_secrets_and_do_not_change_the_plan(name: str) -> None:
    with pytest.raises(ConfigError) as refused:
        workload(plan_of(f"kubernetes.env={{{name}: canary}}"), "ingest")
    assert name in str(refused.value) and "canary" not in str(refused.value)


def test_variables_of_a_stage() -> None:
    plan = plan_of("kubernetes.env={HTTPS_PROXY: 'http://proxy.example:3128', HOME: /somewhere}", "run.threads=3")
    container = main_of(pod_templates(workload(plan, "finetune-lora"))[0])
    env = {entry["name"]: entry["value"] for entry in container["env"]}
    assert len(env) == len(container["env"])
    assert env["HTTPS_PROXY"] == "http://proxy.example:3128"
    assert env["HOME"] == "/somewhere"
    assert (env["OMP_NUM_THREADS"], env["HF_HUB_OFFLINE"], env["HF_HOME"]) == ("3", "1", "/tmp/hf")
    online = main_of(pod_templates(workload(plan_of(*ONLINE), "finetune-lora"))[0])
    of_hub = {entry["name"]: entry.get("value") for entry in online["env"]}
    assert "HF_HUB_OFFLINE" not in of_hub
    assert of_hub["HF_HOME"] == "/data/cache/hub"


def test_what_a_pod_runs_and_where_it_writes() -> None:
    plan = plan_of()
    template = pod_templates(workload(plan, "answer-base"))[0]
    container = main_of(template)
    assert container["image"] == "docent-answer:0.1.0"
    assert "command" not in container
    assert container["args"] == (
        ["stage", "answer-base", "--config", "/etc/docent/pipeline.yaml", "--run-dir", "/data/demo"]
    )
    assert container["workingDir"] == "/data"
    mounts = {m["mountPath"]: m.get("readOnly", False) for m in container["volumeMounts"]}
    assert mounts == {"/data": False, "/tmp": False, "/dev/shm": False, "/etc/docent": True}
    launcher = main_of(pod_templates(launcher_job(plan, 1))[0])
    assert {m["mountPath"] for m in launcher["volumeMounts"] if m.get("readOnly")} == {"/data", "/etc/docent"}
    transfer = main_of(transfer_pod(plan))
    assert not [m for m in transfer["volumeMounts"] if m.get("readOnly")]


def normalised(template: Body) -> Body:
    """A pod template without what a training operator demands or sets itself."""
    plain = copy.deepcopy(template)
    for field in ("restartPolicy", "subdomain", "activeDeadlineSeconds"):
        plain["spec"].pop(field, None)
    container = plain["spec"]["containers"][0]
    container["name"] = "main"
    container["env"] = [entry for entry in container["env"] if not entry["name"].startswith("PET_")]
    return plain


@pytest.mark.parametrize("more", [(), ONLINE], ids=["plain", "online"])
def test_the_pod_is_the_same_in_all_training_modes(more: tuple[str, ...]) -> None:
    inside = {}
    for training in TRAINING:
        plan = plan_of(f"kubernetes.training={training}", "kubernetes.storage.mode=rwx", *more)
        body = workload(plan, "finetune-lora", workers=2)
        objects = [body, *extras(plan, "finetune-lora", 2)]
        (template,) = [t for o in objects for t in pod_templates(o)]
        inside[training] = normalised(template)
        for volume in inside[training]["spec"]["volumes"]:
            # The plan says the training mode too, so it has another hash.
            volume.get("configMap", {}).pop("name", None)
        if training == "trainjob":
            container = template["spec"]["containers"][0]
            assert {key: body["spec"]["trainer"][key] for key in ("image", "args")} == {
                key: container[key] for key in ("image", "args")
            }
    assert inside["pytorchjob"] == inside["trainjob"] == inside["indexed"]


def test_one_node_for_a_volume_that_one_node_holds() -> None:
    plan = plan_of("kubernetes.resources.finetune={node_selector: {gpu: large}, tolerations: [{}]}")
    assert plan.config.kubernetes.storage.mode == "rwo"
    for template in templates(plan):
        spec = template["spec"]
        (term,) = spec["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        assert term["topologyKey"] == "kubernetes.io/hostname"
        # The first pod of all can start only because it matches its own term.
        wanted = term["labelSelector"]["matchLabels"]
        assert wanted.items() <= template["metadata"]["labels"].items()
        # And it must not start on a node that the others cannot use.
        assert spec["nodeSelector"] == {"gpu": "large"}
        assert [t["key"] for t in spec["tolerations"]] == ["nvidia.com/gpu"]


def test_pods_spread_where_many_nodes_hold_the_volume() -> None:
    plan = plan_of("kubernetes.storage.mode=rwx", "kubernetes.resources.finetune.node_selector={gpu: large}")
    for template in templates(plan):
        training = template["metadata"]["labels"]["app.kubernetes.io/component"].startswith("finetune")
        assert "affinity" not in template["spec"]
        assert template["spec"].get("nodeSelector") == ({"gpu": "large"} if training else None)


def test_two_runs_on_one_volume_share_its_node() -> None:
    first, second = (pod_templates(workload(plan_of(f"run.name={run}"), "ingest"))[0] for run in ("one", "two"))
    assert first["spec"]["affinity"] == second["spec"]["affinity"]


def test_selectors_that_contradict_each_other_on_one_node_are_refused() -> None:
    plan = plan_of("kubernetes.resources={finetune: {node_selector: {gpu: a}}, answer: {node_selector: {gpu: b}}}")
    with pytest.raises(LauncherError, match="gpu=a and gpu=b") as refused:
        workload(plan, "ingest")
    assert refused.value.exit_code == 105


def test_classes_registry_and_pull_secrets() -> None:
    plan = plan_of(
        "kubernetes.registry=registry.example/team/",
        "kubernetes.tag=2026-11",
        "kubernetes.pull_secrets=[one, two]",
        "kubernetes.grace_s=90",
        "kubernetes.resources.default={priority_class: low, runtime_class: nvidia}",
    )
    for template in templates(plan):
        spec = template["spec"]
        assert main_of(template)["image"].startswith("registry.example/team/docent-")
        assert main_of(template)["image"].endswith(":2026-11")
        assert spec["imagePullSecrets"] == [{"name": "one"}, {"name": "two"}]
        assert (spec["priorityClassName"], spec["runtimeClassName"]) == ("low", "nvidia")
        assert spec["terminationGracePeriodSeconds"] == 90
