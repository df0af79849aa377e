"""One pod: container, mounts, environment, security, resources. Pure functions from configuration to plain dicts.

The same for every stage, for training in all three modes, for the launcher and for the transfer pod, so that Pod
Security `restricted` is met in one place. The volume is /data and the working directory; /tmp and /dev/shm are the
only other places that can be written.
"""

from __future__ import annotations

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
    """What differs from pod to pod.

    Attributes:
        component: a unit, `launcher` or `transfer`.
        image: last part of the image's name, after `docent-`.
        args: what follows the image's entrypoint.
        account: its ServiceAccount.
        env: variables, in the form of a container's `env`.
        labels: beside those of every object of the run.
        container: name of the container; training operators demand their own.
        with_plan: the plan is mounted.
        read_only_data: the volume is mounted read-only.
        with_token: a token of the API server is mounted.
        restart_policy: None where a training operator sets it.
        subdomain: headless Service through which its pods find each other.
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


def template(plan: Plan, pod: Pod, asked: Resources) -> dict[str, Any]:
    """Pod template: labels and spec.

    Raises:
        LauncherError: (105) the volume pins all pods to one node, and their node selectors contradict each other.
    """
    claim = {CLAIM_LABEL: plan.config.kubernetes.storage.claim}
    return {
        "metadata": {"labels": labels(plan.run, pod.component) | claim | pod.labels},
        "spec": _spec(plan, pod, asked),
    }


def image(config: PipelineConfig, name: str) -> str:
    """`<registry>/docent-<name>:<tag>`."""
    registry = config.kubernetes.registry.rstrip("/")
    return f"{registry}/docent-{name}:{config.kubernetes.tag or __version__}".removeprefix("/")


def env_list(values: dict[str, str]) -> tuple[dict[str, Any], ...]:
    """Variables as Kubernetes writes them."""
    return tuple({"name": name, "value": value} for name, value in values.items())


def secret_env(variable: str, secret: str, optional: bool = False) -> dict[str, Any]:
    """A variable from the key of a Secret that is called like it."""
    source: dict[str, Any] = {"name": secret, "key": variable}
    return {"name": variable, "valueFrom": {"secretKeyRef": source | ({"optional": True} if optional else {})}}


def _spec(plan: Plan, pod: Pod, asked: Resources) -> dict[str, Any]:
    cluster = plan.config.kubernetes
    spec: dict[str, Any] = {
        "serviceAccountName": pod.account,
        "automountServiceAccountToken": pod.with_token,
        "enableServiceLinks": False,
        "restartPolicy": pod.restart_policy,
        "terminationGracePeriodSeconds": cluster.grace_s,
        "securityContext": _pod_security(),
        "imagePullSecrets": [{"name": name} for name in cluster.pull_secrets],
        "priorityClassName": asked.priority_class,
        "runtimeClassName": asked.runtime_class,
        "subdomain": pod.subdomain,
        **_placement(plan, asked),
        "containers": [_container(plan, pod, asked)],
        "volumes": _volumes(plan, pod, asked),
    }
    return {key: value for key, value in spec.items() if value not in (None, [], {})}


def _container(plan: Plan, pod: Pod, asked: Resources) -> dict[str, Any]:
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
        "resources": _resources(asked),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
        },
        "volumeMounts": mounts,
    }


def _pod_security() -> dict[str, Any]:
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        # Without it every pod would walk the whole volume, hours where it holds many small pictures.
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _resources(asked: Resources) -> dict[str, Any]:
    # No limit on cores: it would only slow a pod down on a node that has some to spare. Memory is reserved in full,
    # because a pod that was promised less is killed when its neighbours grow.
    fixed = {"memory": asked.memory, "ephemeral-storage": asked.scratch}
    if asked.gpus:
        fixed[asked.gpu_resource] = str(asked.gpus)
    return {"requests": {"cpu": asked.cpu, **fixed}, "limits": fixed}


def _volumes(plan: Plan, pod: Pod, asked: Resources) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": "data", "persistentVolumeClaim": {"claimName": plan.config.kubernetes.storage.claim}},
        {"name": "tmp", "emptyDir": {"sizeLimit": asked.scratch}},
        {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": asked.shared_memory}},
    ]
    if pod.with_plan:
        found.append({"name": "plan", "configMap": {"name": plan.config_map}})
    return found


def _placement(plan: Plan, asked: Resources) -> dict[str, Any]:
    """Where the pod may run.

    A ReadWriteOnce volume is held by one node. All pods of the claim, also those of other runs, go where the first one
    went (which may go anywhere, because it matches its own term; the scheduler takes pods one by one). So the first one
    has to go to a node that suits all of them: every pod carries the selectors and tolerations of all.
    """
    storage = plan.config.kubernetes.storage
    if storage.mode == "rwx":
        return {"nodeSelector": dict(asked.node_selector), "tolerations": _tolerations([asked])}
    everybody = plan.resources
    term = {
        "labelSelector": {"matchLabels": {CLAIM_LABEL: storage.claim}},
        "topologyKey": "kubernetes.io/hostname",
    }
    return {
        "nodeSelector": _one_selector(everybody),
        "tolerations": _tolerations(everybody),
        "affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}},
    }


def _one_selector(everybody: list[Resources]) -> dict[str, str]:
    selector: dict[str, str] = {}
    for asked in everybody:
        for label, value in asked.node_selector.items():
            if selector.setdefault(label, value) != value:
                raise LauncherError(
                    105,
                    f"a ReadWriteOnce volume keeps all pods on one node, but they ask for {label}={selector[label]} "
                    f"and {label}={value}",
                    "kubernetes.resources, kubernetes.storage.mode",
                    "ask for one node, or use a ReadWriteMany StorageClass and storage.mode: rwx",
                )
    return selector


def _tolerations(everybody: list[Resources]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for asked in everybody:
        for toleration in asked.tolerations:
            plain = toleration.model_dump(exclude_none=True)
            if plain not in found:
                found.append(plain)
    return found
