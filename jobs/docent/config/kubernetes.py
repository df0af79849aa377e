"""Define the section `kubernetes` of pipeline.yaml: all settings of the objects that docent creates in a cluster.

Reads and writes nothing. No setting changes the output of a stage. Resources that are not set here come from
DEFAULT_RESOURCES below, and `docent render` shows the result.
"""

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
    """Key of the taint."""
    operator: Literal["Exists", "Equal"] = execution("Exists")
    """`Exists` tolerates the taint with any value, `Equal` only with `value`."""
    value: str | None = execution(None)
    """Value of the taint, with `operator: Equal`."""
    effect: Literal["NoSchedule", "NoExecute", "PreferNoSchedule"] | None = execution("NoSchedule")
    """Effect of the taint. null tolerates all effects."""


class Resources(ConfigSection):
    """Resources and scheduling of a unit's pods."""

    cpu: str = execution("250m", pattern=QUANTITY)
    """CPU request, such as 500m or 2. There is no CPU limit."""
    memory: str = execution("1Gi", pattern=QUANTITY)
    """Memory request and limit, such as 8Gi. Includes `shared_memory`."""
    shared_memory: str = execution("256Mi", pattern=QUANTITY)
    """Size of /dev/shm, which data loaders and NCCL use."""
    scratch: str = execution("8Gi", pattern=QUANTITY)
    """Size of the emptyDir volume at /tmp."""
    gpus: int = execution(0, ge=0)
    """Number of GPUs per pod."""
    gpu_resource: str = execution("nvidia.com/gpu")
    """Resource name of the GPUs. Change it for other vendors, or for a MIG slice such as `nvidia.com/mig-1g.10gb`."""
    node_selector: dict[str, str] = execution(dict)
    """Labels that a node must have to run the pods."""
    tolerations: tuple[Toleration, ...] = execution(())
    """Taints that the pods tolerate."""
    priority_class: str | None = execution(None)
    """PriorityClass of the pods. null uses the cluster's default."""
    runtime_class: str | None = execution(None)
    """RuntimeClass of the pods. null uses the cluster's default."""


class Storage(ConfigSection):
    """The volume that all stages share, mounted at /data."""

    claim: str = execution("docent-data", pattern=DNS_LABEL)
    """Name of the PersistentVolumeClaim. docent creates it if it does not exist, and never deletes it."""
    mode: Literal["rwo", "rwx"] = execution("rwo")
    """Access mode of the volume. With `rwx` (ReadWriteMany), pods run on any node. With `rwo` (ReadWriteOnce), all pods
    of a run are scheduled on one node."""
    storage_class: str | None = execution(None)
    """StorageClass of the volume. null uses the cluster's default."""
    size: str = execution("20Gi", pattern=QUANTITY)
    """Size of the volume to request."""


class Kubernetes(ConfigSection):
    """Settings for runs on a Kubernetes cluster. They do not affect the output of stages."""

    namespace: str = execution("docent", pattern=DNS_LABEL)
    """Namespace of all objects. docent creates it if it does not exist."""
    registry: str = execution("")
    """Registry prefix of image names (`<registry>/docent-<stage>`). Empty for images that are loaded into the nodes."""
    tag: str | None = execution(None)
    """Tag of the images. null uses docent's version."""
    pull_secrets: tuple[str, ...] = execution(())
    """Names of the Secrets with registry credentials."""
    storage: Storage = execution(Storage)
    """The shared volume."""
    training: Literal["pytorchjob", "trainjob", "indexed"] = execution("pytorchjob")
    """Kind of workload for training on several pods: `pytorchjob` (PyTorchJob of Training Operator v1), `trainjob`
    (TrainJob of Kubeflow Trainer v2), or `indexed` (Indexed Job, which needs no operator). Training on one pod is
    always a plain Job."""
    queue: str | None = execution(None)
    """LocalQueue of Kueue. If set, Jobs start suspended until Kueue admits them. null does not use Kueue."""
    queue_priority: str | None = execution(None)
    """WorkloadPriorityClass of Kueue. null sets none."""
    keys_from: str = execution("docent-secrets", pattern=DNS_LABEL)
    """Name of the Secret with API keys. Its keys have the names of the environment variables: the value of
    `llm.api_key_env`, and HF_TOKEN. Only units that need a key reference the Secret."""
    env: dict[str, str] = execution(dict)
    """Environment variables for every stage, such as those for proxies and certificates. Values that look like secrets
    are refused; put them into the Secret `keys_from`."""
    egress_cidrs: tuple[str, ...] = execution(("0.0.0.0/0",), min_length=1)
    """Networks (CIDR) that stages may reach, on the ports of the LLM endpoint, the Hugging Face Hub and image hosts."""
    api_server_cidrs: tuple[str, ...] = execution(("0.0.0.0/0",), min_length=1)
    """Networks (CIDR) in which the launcher may connect to the Kubernetes API server, on ports 443 and 6443."""
    max_retries: int = execution(3, ge=0)
    """Number of retries of a shard after a crash, or after exit code 143 or 200. Pods that were evicted or preempted do
    not count."""
    deadline_s: int = execution(86_400, ge=60)
    """Maximum run time of a workload in seconds."""
    grace_s: int = execution(60, ge=5)
    """Seconds between SIGTERM and SIGKILL when a pod is stopped. Training uses them to save a checkpoint, stages
    that send requests to receive replies in flight. Raise it if saving a checkpoint takes longer."""
    ttl_s: int = execution(604_800, ge=0)
    """Seconds after which finished workloads are deleted from the cluster. Their output stays on the volume."""
    resources: dict[str, Resources] = execution(dict, validate_default=True)
    """Resources by stage or unit. `default` applies to all others."""

    @field_validator("env")
    @classmethod
    def _without_secrets(cls, env: dict[str, str]) -> dict[str, str]:
        """Refuse a secret, which would be readable in every manifest and ConfigMap of the run; do not repeat it."""
        if secrets := sorted(name for name, value in env.items() if holds_secret(name, value)):
            raise ValueError(
                f"{', '.join(secrets)}: looks like a secret, which would be readable in manifests; put it into the "
                "Secret named by kubernetes.keys_from, under the name in llm.api_key_env"
            )
        return env

    @field_validator("resources", mode="before")
    @classmethod
    def _filled_in(cls, given: Any) -> Any:
        """Complete every entry: built-in defaults first, then the file's `default`, its stage, and its unit."""
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
        """Return the resources of a unit's pods: the entry of the unit, of its stage, or `default`."""
        return next(self.resources[name] for name in (unit, stage, "default") if name in self.resources)


def _above(name: str, known: dict[str, Any]) -> list[str]:
    """Return the entries that `name` inherits from, the most general first: default, finetune, finetune-lora."""
    parts = name.split("-")
    prefixes = ["-".join(parts[: i + 1]) for i in range(len(parts))]
    return [*(["default"] if name != "default" else []), *(prefix for prefix in prefixes if prefix in known)]
