"""Workloads: what runs a unit, the launcher and the transfer of data. Pure functions from a plan to plain dicts.

A workload's name ends in a hash of all it says, so a changed configuration is a new object and never an update of an
immutable one. What several pods that train together become is in training.py.
"""

from __future__ import annotations

from typing import Any

from docent.errors import LauncherError
from docent.launcher.render import names
from docent.launcher.render.network import peers_policy
from docent.launcher.render.plan import Plan
from docent.launcher.render.pod import DATA, PLAN_FILE, Pod, env_list, template
from docent.launcher.render.stage_pod import EGRESS_API, plain_environment, stage_template
from docent.launcher.render.training import (
    TRAINER_API,
    Body,
    failure_rules,
    gang_job,
    pytorch_job,
    rendezvous_service,
    train_job,
    training_runtime,
)
from docent.pipeline import STAGES, Unit, shards_of, workers_of

LAUNCHER_RETRIES = 6
# What the launcher ends with when starting it again cannot help.
LAUNCHER_FINAL = [2, 3, 5, 100, 103, 105]
TRANSFER_S = 6 * 3600


def workload(
    plan: Plan, unit_name: str, attempt: int = 0, *, workers: int | None = None, rehearse: bool = False
) -> Body:
    """The object that runs a unit: Job, Indexed Job, PyTorchJob or TrainJob.

    Args:
        plan: the plan.
        unit_name: the unit.
        attempt: 0, or N for the N-th `docent retry`.
        workers: pods that train together, by default as many as the approach has; one is a plain Job in every training
            mode.
        rehearse: the ranks only meet and add numbers; nothing is trained.

    Raises:
        LauncherError: (102) no such unit; (105) several pods and a volume that one node holds, or node selectors that
            contradict each other on such a volume.
    """
    workers = workers or workers_of(plan.config, plan.unit(unit_name))
    unit = _checked(plan, unit_name, workers)
    # The name stands inside the object too (where the ranks meet), so the hash is taken of the object without it.
    digest = names.digest10([_object(plan, unit, workers, rehearse, ""), plan.plan_hashes[unit_name]])
    run = names.letter_first(plan.run) if workers > 1 else plan.run
    return _object(plan, unit, workers, rehearse, names.workload_name(run, unit_name, digest, attempt))


def extras(plan: Plan, unit_name: str, workers: int) -> list[Body]:
    """What must be there before a workload of several pods, in apply order; empty for one pod.

    Raises:
        LauncherError: as `workload`.
    """
    unit = _checked(plan, unit_name, workers)
    if workers == 1:
        return []
    meeting = {"indexed": rendezvous_service, "trainjob": training_runtime}.get(plan.config.kubernetes.training)
    return [peers_policy(plan, unit), *([meeting(plan, unit)] if meeting else [])]


def launcher_job(plan: Plan, launch: int) -> Body:
    """The Job that carries the run out inside the cluster.

    Args:
        plan: the plan.
        launch: number of this launch; a new one is a new Job.
    """
    cluster = plan.config.kubernetes
    pod = Pod(
        component="launcher",
        image="launcher",
        args=("conduct", "--config", PLAN_FILE, "--data", DATA, "--launch", str(launch)),
        account=names.launcher_name(plan.run),
        env=env_list(plain_environment(threads=1)),
        labels={EGRESS_API: "true"},
        read_only_data=True,
        with_token=True,
    )
    final = {"containerName": "main", "operator": "In", "values": LAUNCHER_FINAL}
    spec = {
        "backoffLimit": LAUNCHER_RETRIES,
        "podFailurePolicy": {"rules": [{"action": "FailJob", "onExitCodes": final}, _disrupted()]},
        "podReplacementPolicy": "Failed",
        # It waits for every unit in turn, each with a deadline of its own.
        "activeDeadlineSeconds": cluster.deadline_s * (len(plan.units) + 1),
        "ttlSecondsAfterFinished": cluster.ttl_s,
        "template": template(plan, pod, cluster.resources_of("launcher", "launcher")),
    }
    body = _body("batch/v1", "Job", plan, names.labels(plan.run, "launcher"), spec)
    return _named(body, names.workload_name(plan.run, "launcher", names.digest10(body)))


def transfer_pod(plan: Plan) -> Body:
    """The pod through which data goes onto and off the volume; it ends by itself after six hours."""
    pod = Pod(
        component="transfer",
        image="launcher",
        args=("hold", "--timeout-s", str(TRANSFER_S)),
        account=names.transfer_name(plan.run),
        env=env_list(plain_environment(threads=1)),
        with_plan=False,
    )
    made = template(plan, pod, plan.config.kubernetes.resources_of("transfer", "transfer"))
    spec = made["spec"] | {"activeDeadlineSeconds": TRANSFER_S + plan.config.kubernetes.grace_s}
    return _named(_body("v1", "Pod", plan, made["metadata"]["labels"], spec), names.transfer_name(plan.run))


def pod_templates(body: Body) -> list[Body]:
    """Every pod template inside an object, for checks; a TrainJob's is in its TrainingRuntime."""
    spec = body.get("spec", {})
    match body["kind"]:
        case "Pod":
            return [{"metadata": body["metadata"], "spec": spec}]
        case "Job":
            return [spec["template"]]
        case "PyTorchJob":
            return [replica["template"] for replica in spec["pytorchReplicaSpecs"].values()]
        case "TrainingRuntime":
            return [job["template"]["spec"]["template"] for job in spec["template"]["spec"]["replicatedJobs"]]
        case _:
            return []


def _checked(plan: Plan, unit_name: str, workers: int) -> Unit:
    if workers > 1 and plan.config.kubernetes.storage.mode == "rwo":
        raise LauncherError(
            105,
            f"{unit_name} trains on {workers} pods, but the volume can be used by one node only",
            "kubernetes.storage.mode",
            "use a ReadWriteMany StorageClass and storage.mode: rwx, or an approach of one pod",
        )
    return plan.unit(unit_name)


def _object(plan: Plan, unit: Unit, workers: int, rehearse: bool, name: str) -> Body:
    labels = names.unit_labels(plan.run, unit.name) | _queue_labels(plan)
    if workers == 1:
        api, kind, spec = "batch/v1", "Job", _job(plan, unit, rehearse)
    elif plan.config.kubernetes.training == "pytorchjob":
        api, kind, spec = "kubeflow.org/v1", "PyTorchJob", pytorch_job(plan, unit, workers, rehearse)
    elif plan.config.kubernetes.training == "trainjob":
        api, kind, spec = TRAINER_API, "TrainJob", train_job(plan, unit, workers, rehearse)
    else:
        api, kind, spec = "batch/v1", "Job", gang_job(plan, unit, workers, rehearse, name)
    if plan.config.kubernetes.queue:
        suspended = spec["runPolicy"] if kind == "PyTorchJob" else spec
        suspended["suspend"] = True
    return _named(_body(api, kind, plan, labels, spec), name)


def _job(plan: Plan, unit: Unit, rehearse: bool) -> Body:
    cluster = plan.config.kubernetes
    indexed = STAGES[unit.stage].kind == "indexed"
    shards = shards_of(plan.config, unit)
    spread = {
        "completionMode": "Indexed",
        "completions": shards,
        "parallelism": shards,
        "backoffLimitPerIndex": cluster.max_retries,
        # All other shards go on when one has failed; the Job then fails, and says which index.
        "maxFailedIndexes": shards,
    }
    return {
        **(spread if indexed else {"backoffLimit": cluster.max_retries}),
        "podFailurePolicy": failure_rules("main", "FailIndex" if indexed else "FailJob"),
        "podReplacementPolicy": "Failed",
        "activeDeadlineSeconds": cluster.deadline_s,
        "ttlSecondsAfterFinished": cluster.ttl_s,
        "template": stage_template(plan, unit, rehearse=rehearse),
    }


def _disrupted() -> Body:
    return {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}


def _queue_labels(plan: Plan) -> dict[str, str]:
    cluster = plan.config.kubernetes
    queue = {"kueue.x-k8s.io/queue-name": cluster.queue} if cluster.queue else {}
    priority = {"kueue.x-k8s.io/priority-class": cluster.queue_priority} if cluster.queue_priority else {}
    return queue | (priority if queue else {})


def _body(api: str, kind: str, plan: Plan, labels: dict[str, str], spec: Any) -> Body:
    metadata = {"namespace": plan.config.kubernetes.namespace, "labels": labels}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


def _named(body: Body, name: str) -> Body:
    return body | {"metadata": {"name": name} | body["metadata"]}
