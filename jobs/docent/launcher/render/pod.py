"""Render one pod: container, mounts, environment, security, resources.

All pods share this code (every stage, training in all three modes, the launcher and the transfer pod), so that Pod
Security `restricted` is met in one place. The volume is mounted at /data, the working directory; /tmp and /dev/shm are
the only other writable paths.
"""

from dataclasses import dataclass, field
from typing import Any

from docent import __version__
from docent.config import PipelineConfig
from docent.config.kubernetes import Resources
from docent.errors import LauncherError
from docent.launcher.render.names import labels
from docent.launcher.render.plan import Plan

USER = 10001
DATA = "/data"
PLAN_FOLDER = "/etc/docent"
PLAN_FILE = f"{PLAN_FOLDER}/pipeline.yaml"
CLAIM_LABEL = "docent/claim"


@dataclass(frozen=True)
class Pod:
    """The parameters that differ from pod to pod.

    Attributes:
        component: a unit, `launcher` or `transfer`.
        image: last part of the image's name, after `docent-`.
        args: arguments of the image's entrypoint.
        account: name of its ServiceAccount.
        env: variables, in the form of a container's `env`.
        labels: labels in addition to those of every object of the run.
        container: name of the container; training operators require their own.
        with_plan: whether the plan is mounted.
        read_only_data: whether the volume is mounted read-only.
        with_token: whether a token for the API server is mounted.
        restart_policy: the restart policy, or None if a training operator sets it.
        subdomain: name of the headless Service through which the pods find each other.
    """

    component: str
    image: str
    args: tuple[str, ...]
    account: str
    env: tuple[dict[str, Any], ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    container: str = "main"
    with_plan: bool = True
    read_only_data: bool = False
    with_token: bool = False
    restart_policy: str | None = "Never"
    subdomain: str | None = None


def template(plan: Plan, pod: Pod, resources: Resources) -> dict[str, Any]:
    """Return a pod template: labels and spec.

    Raises:
        LauncherError: (105) the volume pins all pods to one node, and their node selectors contradict each other.
    """
    claim = {CLAIM_LABEL: plan.config.kubernetes.storage.claim}
    return {
        "metadata": {"labels": labels(plan.run, pod.component) | claim | pod.labels},
        "spec": _spec(plan, pod, resources),
    }


def image(config: PipelineConfig, name: str) -> str:
    """Return `<registry>/docent-<name>:<tag>`."""
    registry = config.kubernetes.registry.rstrip("/")
    return f"{registry}/docent-{name}:{config.kubernetes.tag or __version__}".removeprefix("/")


def env_list(values: dict[str, str]) -> tuple[dict[str, Any], ...]:
    """Return environment variables in the form that Kubernetes uses."""
    return tuple({"name": name, "value": value} for name, value in values.items())


def secret_env(variable: str, secret: str, optional: bool = False) -> dict[str, Any]:
    """Return a variable whose value comes from the key of the same name in a Secret."""
    source: dict[str, Any] = {"name": secret, "key": variable}
    return {"name": variable, "valueFrom": {"secretKeyRef": source | ({"optional": True} if optional else {})}}


def _spec(plan: Plan, pod: Pod, resources: Resources) -> dict[str, Any]:
    cluster = plan.config.kubernetes
    spec: dict[str, Any] = {
        "serviceAccountName": pod.account,
        "automountServiceAccountToken": pod.with_token,
        "enableServiceLinks": False,
        "restartPolicy": pod.restart_policy,
        "terminationGracePeriodSeconds": cluster.grace_s,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            # Otherwise every pod would walk the entire volume, which takes hours if it holds many small pictures.
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "imagePullSecrets": [{"name": name} for name in cluster.pull_secrets],
        "priorityClassName": resources.priority_class,
        "runtimeClassName": resources.runtime_class,
        "subdomain": pod.subdomain,
        **_placement(plan, resources),
        "containers": [_container(plan, pod, resources)],
        "volumes": _volumes(plan, pod, resources),
    }
    return {key: value for key, value in spec.items() if value not in (None, [], {})}


def _container(plan: Plan, pod: Pod, resources: Resources) -> dict[str, Any]:
    mounts: list[dict[str, Any]] = [
        {"name": "data", "mountPath": DATA} | ({"readOnly": True} if pod.read_only_data else {}),
        {"name": "tmp", "mountPath": "/tmp"},
        {"name": "shm", "mountPath": "/dev/shm"},
    ]
    if pod.with_plan:
        mounts.append({"name": "plan", "mountPath": PLAN_FOLDER, "readOnly": True})
    return {
        "name": pod.container,
        "image": image(plan.config, pod.image),
        "imagePullPolicy": "IfNotPresent",
        "args": list(pod.args),
        "workingDir": DATA,
        "env": list(pod.env),
        "resources": _resources(resources),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
        },
        "volumeMounts": mounts,
    }


def _resources(resources: Resources) -> dict[str, Any]:
    # No CPU limit: it would only slow a pod down on a node with idle cores. Memory is reserved in full, because a pod
    # that uses more than it requested is killed when its node runs out of memory.
    fixed = {"memory": resources.memory, "ephemeral-storage": resources.scratch}
    if resources.gpus:
        fixed[resources.gpu_resource] = str(resources.gpus)
    return {"requests": {"cpu": resources.cpu, **fixed}, "limits": fixed}


def _volumes(plan: Plan, pod: Pod, resources: Resources) -> list[dict[str, Any]]:
    volumes: list[dict[str, Any]] = [
        {"name": "data", "persistentVolumeClaim": {"claimName": plan.config.kubernetes.storage.claim}},
        {"name": "tmp", "emptyDir": {"sizeLimit": resources.scratch}},
        {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": resources.shared_memory}},
    ]
    if pod.with_plan:
        volumes.append({"name": "plan", "configMap": {"name": plan.config_map}})
    return volumes


def _placement(plan: Plan, resources: Resources) -> dict[str, Any]:
    """Return the constraints on where the pod may run.

    A ReadWriteOnce volume is attached to one node. All pods of the claim, including pods of other runs, follow the
    first one. (It may go anywhere, because it matches its own term; the scheduler places pods one by one.) So the first
    one has to go to a node that suits all of them: every pod has the selectors and tolerations of all.
    """
    storage = plan.config.kubernetes.storage
    if storage.mode == "rwx":
        return {"nodeSelector": dict(resources.node_selector), "tolerations": _tolerations([resources])}
    same_claim = {"matchLabels": {CLAIM_LABEL: storage.claim}}
    term = {"labelSelector": same_claim, "topologyKey": "kubernetes.io/hostname"}
    return {
        "nodeSelector": _one_selector(plan.resources),
        "tolerations": _tolerations(plan.resources),
        "affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}},
    }


def _one_selector(requests: list[Resources]) -> dict[str, str]:
    selector: dict[str, str] = {}
    for label, value in (item for one in requests for item in one.node_selector.items()):
        if selector.setdefault(label, value) != value:
            asked = f"{label}={selector[label]} and {label}={value}"
            what = f"a ReadWriteOnce volume keeps all pods on one node, but their node selectors are {asked}"
            next_step = "select one node, or use a ReadWriteMany StorageClass and storage.mode: rwx"
            raise LauncherError(105, what, "kubernetes.resources, kubernetes.storage.mode", next_step)
    return selector


def _tolerations(requests: list[Resources]) -> list[dict[str, Any]]:
    distinct = dict.fromkeys(toleration for one in requests for toleration in one.tolerations)
    return [toleration.model_dump(exclude_none=True) for toleration in distinct]
