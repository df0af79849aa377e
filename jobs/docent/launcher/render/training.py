"""Training on several pods: PyTorchJob, TrainJob or an Indexed Job, each with the same pod inside.

Pure functions from a plan to plain dicts. In all three the pods meet by torchrun's c10d rendezvous; the variables
PET_* that say where come from the operator, or, for the Indexed Job, from here. A lost worker ends the others with
200, so that what is retried is always the whole group.
"""

from __future__ import annotations

from typing import Any

from docent.launcher.render.names import digest10, letter_first, service_name, unit_labels, workload_name
from docent.launcher.render.plan import Plan
from docent.launcher.render.pod import image
from docent.launcher.render.stage_pod import stage_args, stage_template
from docent.pipeline import Unit

RDZV_PORT = 29400
TRAINER_API = "trainer.kubeflow.org/v1alpha1"
Body = dict[str, Any]


def failure_rules(container: str, bad_input: str) -> Body:
    """What Kubernetes does on which end of a container.

    Args:
        container: name of the container.
        bad_input: `FailIndex` where other shards go on after exit code 42, else `FailJob`.
    """

    def on_exit(action: str, codes: list[int]) -> Body:
        return {
            "action": action,
            "onExitCodes": {"containerName": container, "operator": "In", "values": codes},
        }

    final = {"FailIndex": [on_exit("FailIndex", [42]), on_exit("FailJob", [43, 44])]}
    rules = final.get(bad_input, [on_exit("FailJob", [42, 43, 44])])
    # A node that is drained or a pod that is preempted is nobody's fault and does not count as a try.
    disrupted = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    return {"rules": [*rules, disrupted]}


def gang_job(plan: Plan, unit: Unit, workers: int, rehearse: bool, name: str) -> Body:
    """Spec of an Indexed Job whose pods train together; needs `rendezvous_service`."""
    cluster = plan.config.kubernetes
    service = service_name(plan.run, unit.name)
    env = {
        "PET_NNODES": str(workers),
        "PET_NPROC_PER_NODE": str(_ranks_per_pod(plan, unit)),
        "PET_RDZV_BACKEND": "c10d",
        "PET_RDZV_ENDPOINT": f"{name}-0.{service}:{RDZV_PORT}",
        "PET_RDZV_ID": name,
    }
    return {
        "completionMode": "Indexed",
        "completions": workers,
        "parallelism": workers,
        "backoffLimitPerIndex": cluster.max_retries,
        # One worker that is given up ends the group.
        "maxFailedIndexes": 0,
        "podFailurePolicy": failure_rules("main", "FailJob"),
        "podReplacementPolicy": "Failed",
        "activeDeadlineSeconds": cluster.deadline_s,
        "ttlSecondsAfterFinished": cluster.ttl_s,
        "template": stage_template(plan, unit, rehearse=rehearse, env=env, subdomain=service),
    }


def rendezvous_service(plan: Plan, unit: Unit) -> Body:
    """Headless Service under which the pods of an Indexed Job find each other, before they are ready."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": service_name(plan.run, unit.name),
            "namespace": plan.config.kubernetes.namespace,
            "labels": unit_labels(plan.run, unit.name),
        },
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": {"docent/run": plan.run, "docent/unit": unit.name},
            "ports": [{"name": "rendezvous", "port": RDZV_PORT, "protocol": "TCP"}],
        },
    }


def pytorch_job(plan: Plan, unit: Unit, workers: int, rehearse: bool) -> Body:
    """Spec of a PyTorchJob of the Training Operator v1.

    Workers only: a Master would make the operator add an init container that Pod Security `restricted` refuses.
    """
    cluster = plan.config.kubernetes
    pod = stage_template(plan, unit, rehearse=rehearse, container="pytorch", restart_policy=None)
    # The operator ends no pod when the job has failed, so the deadline stands in the pods as well.
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
            # A group that is tried again counts once for each pod. What the operator starts again by its exit code
            # it does not count at all; the deadline is what ends that.
            "backoffLimit": cluster.max_retries * workers,
            # The job counts as done with the first pod that is: the others must end by themselves, and keep their logs.
            "cleanPodPolicy": "None",
            "activeDeadlineSeconds": cluster.deadline_s,
            "ttlSecondsAfterFinished": cluster.ttl_s,
        },
    }


def training_runtime(plan: Plan, unit: Unit) -> Body:
    """The TrainingRuntime that a TrainJob refers to: its pod, and what happens when one is lost.

    Kubeflow's own `torch-distributed` does not meet Pod Security `restricted`, and a TrainJob cannot add what it lacks.
    """
    cluster = plan.config.kubernetes
    job = {
        # The JobSet starts all pods again when one is lost, so the Job itself tries once.
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
    body: Body = {
        "apiVersion": TRAINER_API,
        "kind": "TrainingRuntime",
        "metadata": {
            "namespace": cluster.namespace,
            "labels": unit_labels(plan.run, unit.name) | {"trainer.kubeflow.org/framework": "torch"},
        },
        "spec": {
            "mlPolicy": {"numNodes": 1, "torch": {"numProcPerNode": _ranks_per_pod(plan, unit)}},
            "template": {
                "spec": {
                    "replicatedJobs": [node],
                    "failurePolicy": {"maxRestarts": cluster.max_retries, "rules": [final]},
                    "ttlSecondsAfterFinished": cluster.ttl_s,
                }
            },
        },
    }
    body["metadata"]["name"] = workload_name(letter_first(plan.run), unit.name, digest10(body))
    return body


def train_job(plan: Plan, unit: Unit, workers: int, rehearse: bool) -> Body:
    """Spec of a TrainJob of Kubeflow Trainer v2; needs `training_runtime`."""
    runtime = training_runtime(plan, unit)
    return {
        "runtimeRef": {
            "apiGroup": "trainer.kubeflow.org",
            "kind": "TrainingRuntime",
            "name": runtime["metadata"]["name"],
        },
        "trainer": {
            "image": image(plan.config, unit.stage),
            "args": list(stage_args(plan, unit, rehearse)),
            "numNodes": workers,
            "numProcPerNode": _ranks_per_pod(plan, unit),
        },
    }


def _ranks_per_pod(plan: Plan, unit: Unit) -> int:
    return max(1, plan.config.kubernetes.resources_of(unit.stage, unit.name).gpus)
