"""Render training on several pods: as a PyTorchJob, a TrainJob or an Indexed Job, each with the same pod template.

In all three the pods connect through torchrun's c10d rendezvous. The operator sets the variables PET_* with its
address; for the Indexed Job, this module does. A lost worker makes the others exit with 200, so that the entire group
is retried.
"""

from typing import Any

from docent.launcher.render.names import digest10, letter_first, service_name, unit_labels, workload_name
from docent.launcher.render.plan import Plan
from docent.launcher.render.pod import image
from docent.launcher.render.stage_pod import stage_args, stage_template
from docent.pipeline import Unit

RDZV_PORT = 29400
TRAINER_API = "trainer.kubeflow.org/v1alpha1"
Body = dict[str, Any]
# A pod that ends because its node is drained or it is preempted does not count as an attempt.
DISRUPTED: Body = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}


def failure_rules(container: str, bad_input: str) -> Body:
    """Return the pod failure policy: what Kubernetes does for each exit code of a container.

    Args:
        container: name of the container.
        bad_input: `FailIndex` if other shards continue after exit code 42, otherwise `FailJob`.
    """

    def on_exit(action: str, codes: list[int]) -> Body:
        return {"action": action, "onExitCodes": {"containerName": container, "operator": "In", "values": codes}}

    if bad_input == "FailIndex":
        return {"rules": [on_exit("FailIndex", [42]), on_exit("FailJob", [43, 44]), DISRUPTED]}
    return {"rules": [on_exit("FailJob", [42, 43, 44]), DISRUPTED]}


def job_spec(plan: Plan, pod: Body, bad_input: str = "FailJob", **fields: Any) -> Body:
    """Return the spec of a Job: `fields`, plus the fields that all Jobs of stages share."""
    return {
        "podFailurePolicy": failure_rules("main", bad_input),
        "podReplacementPolicy": "Failed",
        "activeDeadlineSeconds": plan.config.kubernetes.deadline_s,
        "ttlSecondsAfterFinished": plan.config.kubernetes.ttl_s,
        "template": pod,
        **fields,
    }


def indexed(plan: Plan, pods: int, max_failed: int) -> Body:
    """Return the fields that make a Job an Indexed Job whose pods all run at the same time."""
    return {
        "completionMode": "Indexed",
        "completions": pods,
        "parallelism": pods,
        "backoffLimitPerIndex": plan.config.kubernetes.max_retries,
        "maxFailedIndexes": max_failed,
    }


def gang_job(plan: Plan, unit: Unit, workers: int, rehearse: bool, name: str) -> Body:
    """Return the spec of an Indexed Job whose pods train together; it needs `rendezvous_service`."""
    service = service_name(plan.run, unit.name)
    env = {
        "PET_NNODES": str(workers),
        "PET_NPROC_PER_NODE": str(_ranks_per_pod(plan, unit)),
        "PET_RDZV_BACKEND": "c10d",
        "PET_RDZV_ENDPOINT": f"{name}-0.{service}:{RDZV_PORT}",
        "PET_RDZV_ID": name,
    }
    pod = stage_template(plan, unit, rehearse=rehearse, env=env, subdomain=service)
    # A single worker that has used up its retries ends the group.
    return job_spec(plan, pod, **indexed(plan, workers, max_failed=0))


def rendezvous_service(plan: Plan, unit: Unit) -> Body:
    """Return the headless Service through which an Indexed Job's pods find each other, even before they are ready."""
    spec = {
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": {"docent/run": plan.run, "docent/unit": unit.name},
        "ports": [{"name": "rendezvous", "port": RDZV_PORT, "protocol": "TCP"}],
    }
    return plan.body("v1", "Service", service_name(plan.run, unit.name), unit_labels(plan.run, unit.name), spec=spec)


def pytorch_job(plan: Plan, unit: Unit, workers: int, rehearse: bool) -> Body:
    """Return the spec of a PyTorchJob of the Training Operator v1.

    It has workers only: for a Master, the operator adds an init container that Pod Security `restricted` refuses.
    """
    cluster = plan.config.kubernetes
    pod = stage_template(plan, unit, rehearse=rehearse, container="pytorch", restart_policy=None)
    # The operator does not end pods when the job has failed, so the pods have the deadline as well.
    pod["spec"]["activeDeadlineSeconds"] = cluster.deadline_s
    return {
        "nprocPerNode": str(_ranks_per_pod(plan, unit)),
        "elasticPolicy": {
            "minReplicas": workers,
            "maxReplicas": workers,
            "maxRestarts": 0,
            "rdzvBackend": "c10d",
            "rdzvPort": RDZV_PORT,
        },
        "pytorchReplicaSpecs": {"Worker": {"replicas": workers, "restartPolicy": "ExitCode", "template": pod}},
        "runPolicy": {
            # A retried group counts once for each pod. The operator does not count restarts by exit code at all; only
            # the deadline ends those.
            "backoffLimit": cluster.max_retries * workers,
            # The job counts as done once one pod has finished: the others must end by themselves and keep their logs.
            "cleanPodPolicy": "None",
            "activeDeadlineSeconds": cluster.deadline_s,
            "ttlSecondsAfterFinished": cluster.ttl_s,
        },
    }


def training_runtime(plan: Plan, unit: Unit) -> Body:
    """Return the TrainingRuntime that a TrainJob refers to: its pod, and what happens if one is lost.

    Kubeflow's own `torch-distributed` does not meet Pod Security `restricted`, and a TrainJob cannot fix that.
    """
    cluster = plan.config.kubernetes
    job = {
        # The JobSet restarts all pods if one is lost, so the Job itself tries only once.
        "backoffLimit": 0,
        "podFailurePolicy": failure_rules("node", "FailJob"),
        "podReplacementPolicy": "Failed",
        "activeDeadlineSeconds": cluster.deadline_s,
        "template": stage_template(plan, unit, container="node"),
    }
    node = {
        "name": "node",
        "template": {"metadata": {"labels": {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}}, "spec": job},
    }
    final = {"name": "final", "action": "FailJobSet", "onJobFailureReasons": ["PodFailurePolicy", "DeadlineExceeded"]}
    job_set = {
        "replicatedJobs": [node],
        "failurePolicy": {"maxRestarts": cluster.max_retries, "rules": [final]},
        "ttlSecondsAfterFinished": cluster.ttl_s,
    }
    torch = {"numNodes": 1, "torch": {"numProcPerNode": _ranks_per_pod(plan, unit)}}
    labels = unit_labels(plan.run, unit.name) | {"trainer.kubeflow.org/framework": "torch"}
    spec = {"mlPolicy": torch, "template": {"spec": job_set}}
    body = plan.body(TRAINER_API, "TrainingRuntime", None, labels, spec=spec)
    body["metadata"]["name"] = workload_name(letter_first(plan.run), unit.name, digest10(body))
    return body


def train_job(plan: Plan, unit: Unit, workers: int, rehearse: bool) -> Body:
    """Return the spec of a TrainJob of Kubeflow Trainer v2; it needs `training_runtime`."""
    name = training_runtime(plan, unit)["metadata"]["name"]
    return {
        "runtimeRef": {"apiGroup": "trainer.kubeflow.org", "kind": "TrainingRuntime", "name": name},
        "trainer": {
            "image": image(plan.config, unit.stage),
            "args": list(stage_args(plan, unit, rehearse)),
            "numNodes": workers,
            "numProcPerNode": _ranks_per_pod(plan, unit),
        },
    }


def _ranks_per_pod(plan: Plan, unit: Unit) -> int:
    return max(1, plan.config.kubernetes.resources_of(unit.stage, unit.name).gpus)
