"""Names: whatever a run and its units are called, everything derived from it is a name that Kubernetes accepts."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from docent.config import PipelineConfig
from docent.launcher.render import Plan, extras, launcher_job, names, platform, transfer_pod, workload

DNS_1123 = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
DNS_1035 = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
LABEL_KEY = re.compile(r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
MOST = 9999

# Runs and approaches as the configuration allows them, the awkward ones often: longest, digits first, double hyphens.
RUNS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?", fullmatch=True)
APPROACHES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,11}[a-z0-9])?", fullmatch=True).filter(
    lambda name: name not in ("base", "retrieval", "colour", "constant", "blind")
)


def config_of(run: str, approach: str, training: str, storage: str) -> PipelineConfig:
    return PipelineConfig.model_validate(
        {
            "run": {"name": run},
            "ingest": {"sources": [{"kind": "exhibits-folder", "path": "photos"}], "shards": MOST + 1},
            "assemble": {},
            "generate_qa": {},
            "build_dataset": {},
            "finetune": {"approaches": [{"name": approach, "is": "lora"}], "base_model": "org/model"},
            "answer": {},
            "kubernetes": {"training": training, "storage": {"mode": storage}},
        }
    )


def assert_valid_labels(value: Any) -> None:
    """Labels and selectors anywhere in an object."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("labels", "matchLabels"):
                assert all(LABEL_KEY.fullmatch(k) and LABEL_VALUE.fullmatch(v) for k, v in inner.items()), inner
            assert_valid_labels(inner)
    elif isinstance(value, list):
        for inner in value:
            assert_valid_labels(inner)


def derived_names(body: dict[str, Any]) -> list[str]:
    """What controllers make of a workload's name: pods' names, hostnames, values of the label job-name."""
    name = body["metadata"]["name"]
    match body["kind"]:
        case "PyTorchJob":
            return [f"{name}-worker-{MOST}"]
        case "TrainJob":
            return [f"{name}-node-0", f"{name}-node-0-{MOST}"]
        case "Job" if body["spec"].get("completionMode") == "Indexed":
            return [name, f"{name}-{body['spec']['completions'] - 1}"]
    return [name]


@settings(max_examples=150, deadline=None)
@given(
    run=RUNS,
    approach=APPROACHES,
    attempt=st.integers(0, 999),
    workers=st.sampled_from([1, 2, MOST + 1]),
    training=st.sampled_from(["pytorchjob", "trainjob", "indexed"]),
)
def test_every_name_and_label_is_valid(run: str, approach: str, attempt: int, workers: int, training: str) -> None:
    plan = Plan.of(config_of(run, approach, training, "rwx"))
    several = [f"finetune-{approach}"] if workers > 1 else []
    workloads = [workload(plan, name, attempt) for name in plan.units]
    workloads += [workload(plan, name, attempt, workers=workers) for name in several]
    supporting = [body for name in several for body in extras(plan, name, workers)]
    for body in [*workloads, launcher_job(plan, attempt), transfer_pod(plan), *platform(plan), *supporting]:
        assert DNS_1123.fullmatch(body["metadata"]["name"]), body["metadata"]["name"]
        assert_valid_labels(body)
    for body in workloads:
        assert len(body["metadata"]["name"]) <= names.MAX_WORKLOAD_NAME
        assert all(DNS_1123.fullmatch(name) for name in derived_names(body)), derived_names(body)
        if workers > 1 and body in workloads[len(plan.units) :]:
            # Services are made of these names, and a Service's starts with a letter.
            assert all(DNS_1035.fullmatch(name) for name in derived_names(body)), derived_names(body)
    for body in supporting:
        if body["kind"] == "Service":
            assert DNS_1035.fullmatch(body["metadata"]["name"])


@given(run=RUNS, unit=st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True), attempt=st.integers(0, 10**6))
def test_cutting_the_unit_leaves_run_hash_and_attempt_whole(run: str, unit: str, attempt: int) -> None:
    name = names.workload_name(run, unit, "0123456789", attempt)
    assert len(name) <= names.MAX_WORKLOAD_NAME
    assert name.startswith(f"{run}-{unit[0]}")
    assert name.endswith(f"-0123456789-r{attempt}" if attempt else "-0123456789")


@given(first=RUNS, second=RUNS)
def test_two_runs_never_share_a_service(first: str, second: str) -> None:
    same = names.service_name(first, "finetune-lora") == names.service_name(second, "finetune-lora")
    assert same == (first == second)
