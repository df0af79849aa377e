"""Render the workloads that run a unit, the launcher and data transfers.

A workload's name ends in a hash of its content, so a changed configuration creates a new object and never updates an
immutable one. Training on several pods is in training.py.
"""

from docent.errors import LauncherError
from docent.launcher.render import names
from docent.launcher.render.plan import Plan
from docent.launcher.render.platform import peers_policy
from docent.launcher.render.pod import DATA, PLAN_FILE, Pod, env_list, template
from docent.launcher.render.stage_pod import EGRESS_API, plain_environment, stage_template
from docent.launcher.render.training import (
    DISRUPTED,
    TRAINER_API,
    Body,
    gang_job,
    indexed,
    job_spec,
    pytorch_job,
    rendezvous_service,
    train_job,
    training_runtime,
)
from docent.pipeline import STAGES, Unit, shards_of, workers_of

LAUNCHER_RETRIES = 6
# Exit codes after which restarting the launcher cannot help.
LAUNCHER_FINAL = [2, 3, 5, 100, 103, 105]
TRANSFER_S = 6 * 3600


def workload(
    plan: Plan, unit_name: str, attempt: int = 0, *, workers: int | None = None, rehearse: bool = False
) -> Body:
    """Return the object that runs a unit: Job, Indexed Job, PyTorchJob or TrainJob.

    Args:
        plan: the plan.
        unit_name: name of the unit.
        attempt: number of the attempt; 0 is the first.
        workers: number of pods that train together, by default the approach's; one pod is a plain Job in every training
            mode.
        rehearse: the ranks only connect and add numbers; nothing is trained.

    Raises:
        LauncherError: (102) no such unit; (105) several pods and a volume that only one node can mount, or node
            selectors that contradict each other on such a volume.
    """
    workers = workers or workers_of(plan.config, plan.unit(unit_name))
    unit = _checked(plan, unit_name, workers)
    # The name is part of the object too (as the rendezvous address), so hash the object without it.
    digest = names.digest10([_object(plan, unit, workers, rehearse, ""), plan.plan_hashes[unit_name]])
    run = names.letter_first(plan.run) if workers > 1 else plan.run
    return _object(plan, unit, workers, rehearse, names.workload_name(run, unit_name, digest, attempt))


def extras(plan: Plan, unit_name: str, workers: int) -> list[Body]:
    """Return the objects that must exist before a workload with several pods, in apply order; empty for one pod.

    Raises:
        LauncherError: see `workload`.
    """
    unit = _checked(plan, unit_name, workers)
    if workers == 1:
        return []
    render = {"indexed": rendezvous_service, "trainjob": training_runtime}.get(plan.config.kubernetes.training)
    return [peers_policy(plan, unit), *([render(plan, unit)] if render else [])]


def launcher_job(plan: Plan, launch: int) -> Body:
    """Return the Job that runs the launcher inside the cluster.

    Args:
        plan: the plan.
        launch: number of this launch; a new one is a new Job.
    """
    cluster = plan.config.kubernetes
    pod = Pod(
        component="launcher",
        image="launcher",
        args=("conduct", "--config", PLAN_FILE, "--data", DATA, "--launch", str(launch)),
        account=names.unit_name(plan.run, "launcher"),
        env=env_list(plain_environment(threads=1)),
        labels={EGRESS_API: "true"},
        read_only_data=True,
        with_token=True,
    )
    final = {"containerName": "main", "operator": "In", "values": LAUNCHER_FINAL}
    spec = job_spec(
        plan,
        template(plan, pod, cluster.resources_of("launcher", "launcher")),
        backoffLimit=LAUNCHER_RETRIES,
        podFailurePolicy={"rules": [{"action": "FailJob", "onExitCodes": final}, DISRUPTED]},
        # The launcher waits for the units one after another, each with its own deadline.
        activeDeadlineSeconds=cluster.deadline_s * (len(plan.units) + 1),
    )
    body = plan.body("batch/v1", "Job", None, names.labels(plan.run, "launcher"), spec=spec)
    body["metadata"]["name"] = names.workload_name(plan.run, "launcher", names.digest10(body))
    return body


def transfer_pod(plan: Plan) -> Body:
    """Return the pod that transfers data to and from the volume; it ends by itself after six hours."""
    pod = Pod(
        component="transfer",
        image="launcher",
        args=("hold", "--timeout-s", str(TRANSFER_S)),
        account=names.unit_name(plan.run, "transfer"),
        env=env_list(plain_environment(threads=1)),
        with_plan=False,
    )
    rendered = template(plan, pod, plan.config.kubernetes.resources_of("transfer", "transfer"))
    spec = rendered["spec"] | {"activeDeadlineSeconds": TRANSFER_S + plan.config.kubernetes.grace_s}
    return plan.body("v1", "Pod", names.unit_name(plan.run, "transfer"), rendered["metadata"]["labels"], spec=spec)


def pod_templates(body: Body) -> list[Body]:
    """Return every pod template inside an object, for checks; a TrainJob's template is in its TrainingRuntime."""
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
        what = f"{unit_name} trains on {workers} pods, but the volume can be used by one node only"
        next_step = "use a ReadWriteMany StorageClass and storage.mode: rwx, or an approach that trains on one pod"
        raise LauncherError(105, what, "kubernetes.storage.mode", next_step)
    return plan.unit(unit_name)


def _object(plan: Plan, unit: Unit, workers: int, rehearse: bool, name: str) -> Body:
    """Return the object that runs a unit; pass "" as `name` to compute its digest."""
    cluster = plan.config.kubernetes
    labels = names.unit_labels(plan.run, unit.name)
    if workers == 1:
        api, kind, spec = "batch/v1", "Job", _job(plan, unit, rehearse)
    elif cluster.training == "pytorchjob":
        api, kind, spec = "kubeflow.org/v1", "PyTorchJob", pytorch_job(plan, unit, workers, rehearse)
    elif cluster.training == "trainjob":
        api, kind, spec = TRAINER_API, "TrainJob", train_job(plan, unit, workers, rehearse)
    else:
        api, kind, spec = "batch/v1", "Job", gang_job(plan, unit, workers, rehearse, name)
    if cluster.queue:
        (spec["runPolicy"] if kind == "PyTorchJob" else spec)["suspend"] = True
        labels["kueue.x-k8s.io/queue-name"] = cluster.queue
        if cluster.queue_priority:
            labels["kueue.x-k8s.io/priority-class"] = cluster.queue_priority
    return plan.body(api, kind, name, labels, spec=spec)


def _job(plan: Plan, unit: Unit, rehearse: bool) -> Body:
    pod = stage_template(plan, unit, rehearse=rehearse)
    if STAGES[unit.stage].kind != "indexed":
        return job_spec(plan, pod, backoffLimit=plan.config.kubernetes.max_retries)
    shards = shards_of(plan.config, unit)
    # If a shard fails, all other shards continue; the Job fails at the end, and names the index.
    return job_spec(plan, pod, "FailIndex", **indexed(plan, shards, max_failed=shards))
