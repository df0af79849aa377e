"""Workloads: identity (one name, one content), what is retried and what is not, and the platform around them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from tests.render_variants import ONLINE, QUEUE, TRAINING, config_of, everything, plan_of

from docent.config import PipelineConfig
from docent.errors import LAUNCHER_EXIT_CODES, STAGE_ERRORS, ConfigError, LauncherError
from docent.launcher.render import Plan, extras, launcher_job, platform, pod_templates, transfer_pod, workload
from docent.launcher.render.platform import rights
from docent.pipeline import STAGES, needs_of, shards_of

Body = dict[str, Any]
RWX = "kubernetes.storage.mode=rwx"


def changed(value: Any) -> Iterator[Any]:
    """A value of the same kind that says something else."""
    match value:
        case bool():
            yield not value
        case int():
            yield value + 1
        case float():
            yield from (value / 2, value + 1)
        case str():
            yield from (f"{value}x", "rwx", "indexed", "openai", "published", "DEBUG", "bfloat16", "512Mi", "300m")
        case None:
            yield from (1, 1.0, "named")
        case list() if value:
            yield value[:-1]


def changes(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every leaf of a configuration with other values for it."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, inner in children:
        yield from changes(inner, (*path, key))
    yield from ((path, other) for other in changed(node))


def with_change(data: Body, path: tuple[Any, ...], value: Any) -> PipelineConfig | None:
    """The configuration with one leaf changed; None where that is not allowed."""
    other = copy.deepcopy(data)
    target = other
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    try:
        return PipelineConfig.model_validate(other)
    except ValidationError:
        return None


def identities(plan: Plan) -> dict[str, Body]:
    """Everything that must never be updated in place, by name."""
    several = plan.config.kubernetes.storage.mode == "rwx"
    finetunes = [name for name, unit in plan.units.items() if unit.stage == "finetune"] if several else []
    found = [workload(plan, name) for name in plan.units]
    found += [workload(plan, name, workers=2) for name in finetunes]
    found += [b for name in finetunes for b in extras(plan, name, 2) if b["kind"] == "TrainingRuntime"]
    found += [launcher_job(plan, 1), platform(plan)[-1]]
    return {f"{body['kind']}/{body['metadata']['name']}": body for body in found}


@pytest.mark.parametrize("training", TRAINING)
def test_one_name_never_has_two_contents(training: str) -> None:
    config = config_of(f"kubernetes.training={training}", RWX, *QUEUE)
    data = config.model_dump(mode="json", by_alias=True)
    before, tried = identities(Plan.of(config)), set()
    for path, value in changes(data):
        # Every field once; in the other two training modes only those that the workloads of training show.
        if path in tried or not (training == "pytorchjob" or path[0] in ("kubernetes", "finetune")):
            continue
        other = with_change(data, path, value)
        if other is None:
            continue
        try:
            after = identities(Plan.of(other))
        except (ConfigError, LauncherError):  # a stage is switched off that another one requires
            continue
        tried.add(path)
        for name in before.keys() & after.keys():
            assert before[name] == after[name], (name, path)
    assert len(tried) > 50


def test_attempts_differ_in_nothing_but_the_name() -> None:
    plan = plan_of()
    first, third = workload(plan, "curate"), workload(plan, "curate", 2)
    assert third["metadata"]["name"] == f"{first['metadata']['name']}-r2"
    assert third["spec"] == first["spec"]
    assert third["metadata"]["labels"] == first["metadata"]["labels"]


def test_what_a_stage_writes_enters_its_name(bump_version: Any) -> None:
    before = {name: workload(plan_of(), name)["metadata"]["name"] for name in plan_of().units}
    bump_version("curate")  # the code writes other bytes; nothing in the objects says so
    after = {name: workload(plan_of(), name)["metadata"]["name"] for name in before}
    renamed = [name for name in before if before[name] != after[name]]
    assert renamed[0] == "curate"
    assert {"ingest", "assemble", "generate-qa"}.isdisjoint(renamed)


def test_the_plan_survives_its_own_text() -> None:
    plan = plan_of(*ONLINE, "kubernetes.env={B: '1', A: '2'}")
    again = Plan.of(PipelineConfig.model_validate(yaml.safe_load(plan.text)))
    assert again == plan
    (config_map,) = [body for body in platform(plan) if body["kind"] == "ConfigMap"]
    assert config_map["metadata"]["name"] == f"demo-plan-{plan.digest10}" == plan.config_map
    assert config_map["immutable"] is True
    assert config_map["data"] == {"pipeline.yaml": plan.text}
    mounted = {
        v["configMap"]["name"] for t in pod_templates(workload(plan, "score")) for v in t["spec"]["volumes"][-1:]
    }
    assert mounted == {plan.config_map}


def rules_of(body: Body) -> dict[int | str, str]:
    """Exit code or pod condition → action, the first rule that matches."""
    found: dict[int | str, str] = {}
    for rule in body["spec"]["podFailurePolicy"]["rules"]:
        for code in rule.get("onExitCodes", {}).get("values", []):
            found.setdefault(code, rule["action"])
        for condition in rule.get("onPodConditions", []):
            found.setdefault(condition["type"], rule["action"])
    return found


@pytest.mark.parametrize("unit", plan_of().units)
def test_exit_codes_and_retries(unit: str) -> None:
    plan = plan_of(
        "kubernetes.max_retries=5", "generate_qa.shards=7", "kubernetes.ttl_s=60", "kubernetes.deadline_s=90"
    )
    body = workload(plan, unit)
    spec, indexed = body["spec"], STAGES[plan.units[unit].stage].kind == "indexed"
    assert rules_of(body) == {
        42: "FailIndex" if indexed else "FailJob",
        43: "FailJob",
        44: "FailJob",
        "DisruptionTarget": "Ignore",
    }
    assert {error.exit_code for error in STAGE_ERRORS} >= {42, 43, 44}
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    assert spec["podReplacementPolicy"] == "Failed"
    assert (spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"]) == (90, 60)
    if indexed:
        shards = shards_of(plan.config, plan.units[unit])
        assert spec["completionMode"] == "Indexed"
        assert spec["completions"] == spec["parallelism"] == spec["maxFailedIndexes"] == shards
        assert spec["backoffLimitPerIndex"] == 5
        assert "backoffLimit" not in spec
    else:
        assert spec["backoffLimit"] == 5
        assert "completions" not in spec


def test_one_shard_is_an_indexed_job_all_the_same() -> None:
    spec = workload(plan_of("answer.shards=1"), "answer-base")["spec"]
    assert (spec["completionMode"], spec["completions"]) == ("Indexed", 1)


@pytest.mark.parametrize("training", TRAINING)
def test_training_on_one_pod_is_a_plain_job(training: str) -> None:
    plan = plan_of(f"kubernetes.training={training}")
    assert workload(plan, "finetune-full")["kind"] == "Job"
    assert extras(plan, "finetune-full", 1) == []


def test_training_on_several_pods() -> None:
    gpus = "kubernetes.resources.finetune.gpus=4"
    job, pytorch, train = (
        workload(plan_of(f"kubernetes.training={training}", RWX, gpus), "finetune-lora", workers=3, rehearse=True)
        for training in ("indexed", "pytorchjob", "trainjob")
    )
    spec = job["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    env = {entry["name"]: entry["value"] for entry in container["env"]}
    assert spec["completions"] == spec["parallelism"] == 3
    assert spec["maxFailedIndexes"] == 0
    assert container["args"][-1] == "--rehearse"
    assert (env["PET_NNODES"], env["PET_NPROC_PER_NODE"], env["PET_RDZV_BACKEND"]) == ("3", "4", "c10d")
    service = spec["template"]["spec"]["subdomain"]
    assert env["PET_RDZV_ENDPOINT"] == f"{job['metadata']['name']}-0.{service}:29400"
    assert list(pytorch["spec"]["pytorchReplicaSpecs"]) == ["Worker"]
    worker = pytorch["spec"]["pytorchReplicaSpecs"]["Worker"]
    assert (worker["replicas"], worker["restartPolicy"]) == (3, "ExitCode")
    assert "restartPolicy" not in worker["template"]["spec"]
    elastic = pytorch["spec"]["elasticPolicy"]
    assert (elastic["minReplicas"], elastic["maxReplicas"], elastic["maxRestarts"]) == (3, 3, 0)
    assert pytorch["spec"]["nprocPerNode"] == "4"
    assert train["spec"]["trainer"]["numNodes"] == 3
    assert train["spec"]["trainer"]["args"][-1] == "--rehearse"


def test_the_service_of_an_indexed_training_selects_its_pods() -> None:
    plan = plan_of("kubernetes.training=indexed", RWX)
    body = workload(plan, "finetune-lora", workers=2)
    policy, service = extras(plan, "finetune-lora", 2)
    labels = body["spec"]["template"]["metadata"]["labels"]
    assert service["metadata"]["name"] == body["spec"]["template"]["spec"]["subdomain"]
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"] is True
    for selector in (service["spec"]["selector"], policy["spec"]["podSelector"]["matchLabels"]):
        assert selector.items() <= labels.items()
        assert not selector.items() <= pod_templates(workload(plan, "finetune-full"))[0]["metadata"]["labels"].items()


def test_a_train_job_refers_to_the_runtime_that_is_rendered_with_it() -> None:
    plan = plan_of("kubernetes.training=trainjob", RWX)
    runtime = extras(plan, "finetune-lora", 2)[-1]
    for rehearse in (False, True):
        reference = workload(plan, "finetune-lora", 1, workers=2, rehearse=rehearse)["spec"]["runtimeRef"]
        assert reference["name"] == runtime["metadata"]["name"]
        assert reference["kind"] == runtime["kind"] == "TrainingRuntime"


def test_several_pods_need_a_volume_that_several_nodes_hold() -> None:
    for render in (
        lambda plan: workload(plan, "finetune-lora", workers=2),
        lambda plan: extras(plan, "finetune-lora", 2),
    ):
        with pytest.raises(LauncherError) as refused:
            render(plan_of())
        assert refused.value.exit_code == 105
        assert "rwx" in refused.value.next_step


def test_a_unit_that_is_not_there_is_named() -> None:
    with pytest.raises(LauncherError) as refused:
        workload(plan_of(), "finetune-lorra")
    assert refused.value.exit_code == 102
    assert "finetune-lora" in refused.value.next_step


@pytest.mark.parametrize("training", TRAINING)
def test_a_queue_holds_every_workload_but_not_the_launcher(training: str) -> None:
    plan = plan_of(*QUEUE, f"kubernetes.training={training}", RWX)
    held = [workload(plan, name) for name in plan.units] + [workload(plan, "finetune-lora", workers=2)]
    for body in held:
        assert (body["spec"].get("runPolicy") or body["spec"])["suspend"] is True
        assert body["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "science"
        assert body["metadata"]["labels"]["kueue.x-k8s.io/priority-class"] == "low"
    assert "suspend" not in launcher_job(plan, 1)["spec"]
    free = plan_of()
    assert all("suspend" not in workload(free, name)["spec"] for name in free.units)


def test_a_new_launch_is_a_new_job() -> None:
    plan = plan_of()
    first, second = launcher_job(plan, 1), launcher_job(plan, 2)
    assert first == launcher_job(plan, 1)
    assert first["metadata"]["name"] != second["metadata"]["name"]
    (container,) = second["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["conduct", "--config", "/etc/docent/pipeline.yaml", "--data", "/data", "--launch", "2"]
    final = [code for code, action in rules_of(first).items() if action == "FailJob"]
    assert set(final) <= set(LAUNCHER_EXIT_CODES)
    assert {1, 4}.isdisjoint(final)  # a lost API server is worth another try


def test_the_transfer_pod_ends_by_itself() -> None:
    body = transfer_pod(plan_of())
    assert body["metadata"]["name"] == "demo-transfer"
    verb, option, held_s = body["spec"]["containers"][0]["args"]
    assert (verb, option) == ("hold", "--timeout-s")
    assert body["spec"]["activeDeadlineSeconds"] > int(held_s) > 0


def test_the_launchers_rights_are_the_same_for_every_plan_of_a_run() -> None:
    one, other = plan_of(), plan_of("kubernetes.ttl_s=60")
    assert one.config_map != other.config_map
    assert rights(one) == rights(other)


@pytest.mark.parametrize("training", TRAINING)
def test_the_launcher_may_do_the_least(training: str) -> None:
    plan = plan_of(f"kubernetes.training={training}", RWX)

    def rules(workers: int) -> dict[tuple[str, str], list[Body]]:
        (role,) = [body for body in platform(plan, workers=workers) if body["kind"] == "Role"]
        found: dict[tuple[str, str], list[Body]] = {}
        for rule in role["rules"]:
            for resource in rule["resources"]:
                found.setdefault((rule["apiGroups"][0], resource), []).append(rule)
        return found

    alone, several = rules(1), rules(2)
    operators = {key for key in several if key[0] in ("kubeflow.org", "trainer.kubeflow.org")}
    expected = {
        "pytorchjob": {("kubeflow.org", "pytorchjobs")},
        "trainjob": {("trainer.kubeflow.org", "trainjobs"), ("trainer.kubeflow.org", "trainingruntimes")},
        "indexed": set(),
    }
    assert operators == expected[training]
    assert (("", "services") in several) == (training == "indexed")
    assert {("", "services"), ("networking.k8s.io", "networkpolicies")}.isdisjoint(alone)
    for granted in (alone, several):
        resources = {resource for _, resource in granted}
        assert {"secrets", "persistentvolumeclaims", "serviceaccounts", "roles", "*"}.isdisjoint(resources)
        assert not [rule for rules in granted.values() for rule in rules if "*" in rule["verbs"] + rule["apiGroups"]]
        # It may read and write the state of its own run, and no other ConfigMap: the plan is mounted.
        assert all(rule["resourceNames"] for rule in granted["", "configmaps"])
        assert {"create", "delete"}.isdisjoint(verb for rule in granted["", "configmaps"] for verb in rule["verbs"])


def test_platform_comes_in_apply_order_and_is_shared_where_it_must_be() -> None:
    kinds = [body["kind"] for body in platform(plan_of())]
    assert kinds[:2] == ["Namespace", "PersistentVolumeClaim"]
    assert (
        kinds.index("ServiceAccount") < kinds.index("Role") < kinds.index("RoleBinding") < kinds.index("NetworkPolicy")
    )
    one, two = ({repr_key(body): body for body in platform(plan_of(f"run.name={run}"))} for run in ("one", "two"))
    # What both have is the same object, so that two runs do not fight over it, and gc of one run does not find it.
    assert {key[0] for key in one.keys() & two.keys()} == {"Namespace", "PersistentVolumeClaim"}
    for key in one.keys() & two.keys():
        assert one[key] == two[key]
        assert "docent/run" not in one[key]["metadata"]["labels"]
    own = [body for key, body in one.items() if key not in two]
    assert all(body["metadata"]["labels"]["docent/run"] == "one" for body in own)


def repr_key(body: Body) -> tuple[str, str]:
    return body["kind"], body["metadata"]["name"]


def selecting(plan: Plan, template: Body) -> list[Body]:
    """Policies that apply to a pod."""
    labels = template["metadata"]["labels"]
    found = [body for body in everything(plan) if body["kind"] == "NetworkPolicy"]
    return [body for body in found if body["spec"]["podSelector"]["matchLabels"].items() <= labels.items()]


def test_every_pod_is_shut_in_and_let_out_only_where_it_needs() -> None:
    plan = plan_of(*ONLINE)
    for body in everything(plan):
        for template in pod_templates(body):
            component = template["metadata"]["labels"]["app.kubernetes.io/component"]
            names = {policy["metadata"]["name"].removeprefix("demo-") for policy in selecting(plan, template)}
            needs = needs_of(plan.config, plan.units[component]) if component in plan.units else frozenset()
            expected = {"deny-all"} | {f"egress-{need}" for need in needs if need != "gpu"}
            assert names == expected | ({"egress-api"} if component == "launcher" else set()), component
    (shut,) = [body for body in platform(plan) if body["metadata"]["name"] == "demo-deny-all"]
    assert shut["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert {"ingress", "egress"}.isdisjoint(shut["spec"])


def test_pictures_of_tables_are_fetched_by_ingest_alone_on_the_ports_of_their_hosts() -> None:
    hosts = "ingest.rows.image_hosts=[images.example.org, '[2001:db8::1]:8443', 192.0.2.7:81]"
    plan = plan_of(*ONLINE, hosts, "kubernetes.egress_cidrs=[192.0.2.0/24]")
    label = {"docent/egress-web": "true"}
    marked = {
        template["metadata"]["labels"]["app.kubernetes.io/component"]
        for body in everything(plan)
        for template in pod_templates(body)
        if label.items() <= template["metadata"]["labels"].items()
    }
    assert marked == {"ingest"}
    (rule,) = way_out(plan, "egress-web")
    assert rule["to"] == [{"ipBlock": {"cidr": "192.0.2.0/24"}}]
    assert [port["port"] for port in rule["ports"]] == [80, 443, 8443, 81]
    names = {body["metadata"]["name"] for body in platform(plan_of(*ONLINE))}
    assert "demo-egress-web" not in names


def way_out(plan: Plan, name: str) -> list[Body]:
    (policy,) = [body for body in platform(plan) if body["metadata"]["name"] == f"demo-{name}"]
    dns, *others = policy["spec"]["egress"]
    assert {port["port"] for port in dns["ports"]} == {53}
    return others


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("https://api.example.com/v1", 443),
        ("http://api.example.com", 80),
        ("http://10.1.2.3:8000/v1", 8000),
        ("https://gateway.example.com:8443/v1", 8443),
    ],
)
def test_an_endpoint_outside_is_reached_by_its_port(url: str, port: int) -> None:
    plan = plan_of(f"llm.base_url={url}", "kubernetes.egress_cidrs=[10.0.0.0/8, 192.0.2.0/24]")
    (rule,) = way_out(plan, "egress-llm")
    assert [peer["ipBlock"]["cidr"] for peer in rule["to"]] == ["10.0.0.0/8", "192.0.2.0/24"]
    assert [entry["port"] for entry in rule["ports"]] == [port]


@pytest.mark.parametrize(
    ("url", "namespace"),
    [
        ("http://vllm:8000/v1", "docent"),
        ("http://vllm.models.svc:8000/v1", "models"),
        ("http://vllm.models.svc.cluster.local/v1", "models"),
        ("http://vllm-0.vllm.models.svc.cluster.local./v1", "models"),
    ],
)
def test_an_endpoint_in_the_cluster_is_reached_by_its_namespace(url: str, namespace: str) -> None:
    (rule,) = way_out(plan_of(f"llm.base_url={url}"), "egress-llm")
    assert rule == {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}]}


def test_a_proxy_is_reached_too() -> None:
    plan = plan_of("kubernetes.env={https_proxy: 'http://proxy.example:3128', NO_PROXY: '.svc'}")
    for name in ("egress-llm", "egress-hub"):
        (rule,) = way_out(plan, name)
        assert [entry["port"] for entry in rule["ports"]] == [443, 3128]


def test_the_launcher_reaches_the_api_server() -> None:
    (rule,) = way_out(plan_of("kubernetes.api_server_cidrs=[10.244.0.1/32]"), "egress-api")
    assert rule["to"] == [{"ipBlock": {"cidr": "10.244.0.1/32"}}]
    assert [entry["port"] for entry in rule["ports"]] == [443, 6443]
