"""The section `kubernetes` of pipeline.yaml: everything that decides what the cluster is asked for.

Reads and writes nothing. None of it changes what a stage writes. Nothing a pod gets is hidden: what is not set here
comes from DEFAULT_RESOURCES below, and `docent render` shows the outcome.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import field_validator

from docent.config.fields import Section, execution
from docent.messages.masking import holds_secret

DNS_LABEL = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"

# Keys are `default`, a stage, a unit, `launcher` or `transfer`; the most particular one wins, field by field.
# Memory is what the default run and the sample museum need, with room; a real model needs its own entry.
DEFAULT_RESOURCES: dict[str, dict[str, Any]] = {
    "default": {"cpu": "250m", "memory": "1Gi"},
    "finetune": {"cpu": "500m", "memory": "4Gi"},
    "answer": {"cpu": "500m", "memory": "3Gi"},
    "score": {"cpu": "500m", "memory": "3Gi"},
    "launcher": {"cpu": "50m", "memory": "512Mi"},
    "transfer": {"cpu": "50m", "memory": "512Mi"},
}


class Toleration(Section):
    """A taint that a pod may run beside."""

    key: str = execution("nvidia.com/gpu")
    """Key of the taint."""
    operator: Literal["Exists", "Equal"] = execution("Exists")
    """`Exists` takes any value, `Equal` the one below."""
    value: str | None = execution(None)
    """Value of the taint."""
    effect: Literal["NoSchedule", "NoExecute", "PreferNoSchedule"] | None = execution("NoSchedule")
    """Effect of the taint; null tolerates all."""


class Resources(Section):
    """What a pod of a unit asks for."""

    cpu: str = execution("250m", pattern=QUANTITY)
    """Cores reserved; a pod may use more when the node has them free."""
    memory: str = execution("1Gi", pattern=QUANTITY)
    """Memory, reserved and at most; `shared_memory` counts towards it."""
    shared_memory: str = execution("256Mi", pattern=QUANTITY)
    """Size of /dev/shm, which data loaders and NCCL use."""
    scratch: str = execution("8Gi", pattern=QUANTITY)
    """Disk for /tmp, on the node."""
    gpus: int = execution(0, ge=0)
    """GPUs of each pod."""
    gpu_resource: str = execution("nvidia.com/gpu")
    """Name under which the nodes offer them, MIG slices included."""
    node_selector: dict[str, str] = execution(dict)
    """Labels that the node must have."""
    tolerations: tuple[Toleration, ...] = execution(())
    """Taints that do not matter."""
    priority_class: str | None = execution(None)
    """PriorityClass of the pods."""
    runtime_class: str | None = execution(None)
    """RuntimeClass of the pods."""


class Storage(Section):
    """The volume that all stages share, mounted at /data."""

    claim: str = execution("docent-data", pattern=DNS_LABEL)
    """PersistentVolumeClaim; made when it does not exist, never deleted by docent."""
    mode: Literal["rwo", "rwx"] = execution("rwo")
    """`rwx`: pods on any node. `rwo`: one node only, so all pods of a run are put on the same one."""
    storage_class: str | None = execution(None)
    """StorageClass; the cluster's default when not given."""
    size: str = execution("20Gi", pattern=QUANTITY)
    """Size asked for."""


class Kubernetes(Section):
    """Where and how the stages run on a cluster."""

    namespace: str = execution("docent", pattern=DNS_LABEL)
    """Namespace of everything; made when it does not exist."""
    registry: str = execution("")
    """What stands before `/docent-<stage>` in image names; empty for images that are loaded into the nodes."""
    tag: str | None = execution(None)
    """Tag of the images; docent's version when not given."""
    pull_secrets: tuple[str, ...] = execution(())
    """Names of Secrets with registry credentials."""
    storage: Storage = execution(Storage)
    """The shared volume."""
    training: Literal["pytorchjob", "trainjob", "indexed"] = execution("pytorchjob")
    """What training on several pods becomes: a PyTorchJob (Training Operator v1), a TrainJob (Kubeflow Trainer v2), or
    an Indexed Job, which needs neither. Training on one pod is a plain Job in all three."""
    queue: str | None = execution(None)
    """Kueue LocalQueue; Jobs then start suspended and Kueue admits them."""
    queue_priority: str | None = execution(None)
    """Kueue WorkloadPriorityClass."""
    keys_from: str = execution("docent-secrets", pattern=DNS_LABEL)
    """Name of the Secret whose keys are called like the variables: that of `llm.api_key_env`, and HF_TOKEN. Only units
    that use one refer to it."""
    env: dict[str, str] = execution(dict)
    """Variables for every stage, for proxies and certificates. Secrets are refused, by name and by shape."""
    egress_cidrs: tuple[str, ...] = execution(("0.0.0.0/0",), min_length=1)
    """Networks that stages with an endpoint, the hub or hosts of pictures may reach, on those ports."""
    api_server_cidrs: tuple[str, ...] = execution(("0.0.0.0/0",), min_length=1)
    """Networks where the launcher finds the API server, on ports 443 and 6443."""
    max_retries: int = execution(3, ge=0)
    """Times that a shard is tried again after a crash, a lost node or exit code 200."""
    deadline_s: int = execution(86_400, ge=60)
    """A workload that takes longer is ended."""
    grace_s: int = execution(60, ge=5)
    """Seconds between SIGTERM and SIGKILL, for the checkpoint."""
    ttl_s: int = execution(604_800, ge=0)
    """Finished workloads are removed after so long; what they wrote stays."""
    resources: dict[str, Resources] = execution(dict, validate_default=True)
    """What pods ask for, by stage or unit, `default` for the others."""

    @field_validator("env")
    @classmethod
    def _without_secrets(cls, env: dict[str, str]) -> dict[str, str]:
        """Refuse what would put a secret into every manifest and ConfigMap of the run, without repeating it."""
        if secrets := sorted(name for name, value in env.items() if holds_secret(name, value)):
            raise ValueError(
                f"would put a secret into manifests ({', '.join(secrets)}): keep it in the Secret that "
                "kubernetes.keys_from names, under the name that llm.api_key_env gives"
            )
        return env

    @field_validator("resources", mode="before")
    @classmethod
    def _filled_in(cls, given: Any) -> Any:
        """Every entry complete: the built-in default, the file's, then the stage's and the unit's own fields."""
        if not isinstance(given, dict) or not all(isinstance(fields, dict) for fields in given.values()):
            return given
        named = {str(name).replace("_", "-"): fields for name, fields in given.items()}
        names = dict.fromkeys([*DEFAULT_RESOURCES, *named])
        layers = [{**DEFAULT_RESOURCES.get(name, {}), **named.get(name, {})} for name in names]
        by_name = dict(zip(names, layers, strict=True))
        return {
            name: {key: value for above in _above(name, by_name) for key, value in by_name[above].items()}
            for name in names
        }

    def resources_of(self, stage: str, unit: str) -> Resources:
        """Return what the pods of a unit request: its own entry, its stage's, or `default`."""
        return next(self.resources[name] for name in (unit, stage, "default") if name in self.resources)


def _above(name: str, known: dict[str, Any]) -> list[str]:
    """Entries that `name` builds on, the most general first: default, finetune, finetune-lora."""
    parts = name.split("-")
    prefixes = ["-".join(parts[: i + 1]) for i in range(len(parts))]
    return [*(["default"] if name != "default" else []), *(prefix for prefix in prefixes if prefix in known)]
