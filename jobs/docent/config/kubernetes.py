"""Define the section `kubernetes` of pipeline.yaml: all settings of the objects that docent creates in a cluster.

Reads and writes nothing. No setting changes the output of a stage. Resources that are not set here come from
DEFAULT_RESOURCES below, and `docent render` shows the result.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import field_validator

from docent.config.fields import ConfigSection, execution
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


class Toleration(ConfigSection):
    """A toleration for a node taint."""

    key: str = execution("nvidia.com/gpu")
    """Taint key."""
    operator: Literal["Exists", "Equal"] = execution("Exists")
    """`Exists` matches any value, `Equal` only `value`."""
    value: str | None = execution(None)
    """Taint value."""
    effect: Literal["NoSchedule", "NoExecute", "PreferNoSchedule"] | None = execution("NoSchedule")
    """Taint effect; null tolerates all effects."""


class Resources(ConfigSection):
    """Resources and scheduling of a unit's pods."""

    cpu: str = execution("250m", pattern=QUANTITY)
    """CPU request. There is no CPU limit."""
    memory: str = execution("1Gi", pattern=QUANTITY)
    """Memory request and limit; includes `shared_memory`."""
    shared_memory: str = execution("256Mi", pattern=QUANTITY)
    """Size of /dev/shm, used by data loaders and NCCL."""
    scratch: str = execution("8Gi", pattern=QUANTITY)
    """Size of the emptyDir volume at /tmp."""
    gpus: int = execution(0, ge=0)
    """GPUs per pod."""
    gpu_resource: str = execution("nvidia.com/gpu")
    """Resource name of the GPUs, such as a MIG slice."""
    node_selector: dict[str, str] = execution(dict)
    """Labels that a node must have."""
    tolerations: tuple[Toleration, ...] = execution(())
    """Tolerations of the pods."""
    priority_class: str | None = execution(None)
    """PriorityClass of the pods."""
    runtime_class: str | None = execution(None)
    """RuntimeClass of the pods."""


class Storage(ConfigSection):
    """The volume that all stages share, mounted at /data."""

    claim: str = execution("docent-data", pattern=DNS_LABEL)
    """Name of the PersistentVolumeClaim. Created if it does not exist, never deleted by docent."""
    mode: Literal["rwo", "rwx"] = execution("rwo")
    """`rwx` allows pods on any node. `rwo` schedules all pods of a run on one node."""
    storage_class: str | None = execution(None)
    """StorageClass; by default that of the cluster."""
    size: str = execution("20Gi", pattern=QUANTITY)
    """Requested size."""


class Kubernetes(ConfigSection):
    """Where and how the stages run on a cluster."""

    namespace: str = execution("docent", pattern=DNS_LABEL)
    """Namespace of all objects. Created if it does not exist."""
    registry: str = execution("")
    """Registry prefix of image names (`<registry>/docent-<stage>`); empty for images loaded into the nodes."""
    tag: str | None = execution(None)
    """Image tag; by default docent's version."""
    pull_secrets: tuple[str, ...] = execution(())
    """Names of Secrets with registry credentials."""
    storage: Storage = execution(Storage)
    """The shared volume."""
    training: Literal["pytorchjob", "trainjob", "indexed"] = execution("pytorchjob")
    """Workload for training on several pods: a PyTorchJob (Training Operator v1), a TrainJob (Kubeflow Trainer v2), or
    an Indexed Job, which needs no operator. Training on one pod is always a plain Job."""
    queue: str | None = execution(None)
    """Kueue LocalQueue. When set, Jobs start suspended and Kueue admits them."""
    queue_priority: str | None = execution(None)
    """Kueue WorkloadPriorityClass."""
    keys_from: str = execution("docent-secrets", pattern=DNS_LABEL)
    """Name of the Secret with API keys. Its keys are named like the variables: that of `llm.api_key_env`, and HF_TOKEN.
    Only units that need one reference it."""
    env: dict[str, str] = execution(dict)
    """Environment variables for every stage, such as proxies and certificates. Values that look like secrets are
    refused."""
    egress_cidrs: tuple[str, ...] = execution(("0.0.0.0/0",), min_length=1)
    """Networks that stages may reach on the ports of the LLM endpoint, the hub and image hosts."""
    api_server_cidrs: tuple[str, ...] = execution(("0.0.0.0/0",), min_length=1)
    """Networks in which the launcher may reach the API server, on ports 443 and 6443."""
    max_retries: int = execution(3, ge=0)
    """Retries per shard after a crash, a lost node or exit code 200."""
    deadline_s: int = execution(86_400, ge=60)
    """Maximum run time of a workload."""
    grace_s: int = execution(60, ge=5)
    """Seconds between SIGTERM and SIGKILL, for the checkpoint."""
    ttl_s: int = execution(604_800, ge=0)
    """Time after which finished workloads are deleted. Their output stays."""
    resources: dict[str, Resources] = execution(dict, validate_default=True)
    """Resources by stage or unit; `default` applies to the rest."""

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
