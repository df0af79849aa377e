"""The kinds of objects that docent touches, and where the API server keeps them. Reads and writes nothing."""

from __future__ import annotations

KINDS: dict[str, str] = {
    "Namespace": "v1",
    "PersistentVolume": "v1",
    "PersistentVolumeClaim": "v1",
    "ConfigMap": "v1",
    "Secret": "v1",
    "ServiceAccount": "v1",
    "Service": "v1",
    "Pod": "v1",
    "Event": "v1",
    "Node": "v1",
    "ResourceQuota": "v1",
    "Role": "rbac.authorization.k8s.io/v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "Lease": "coordination.k8s.io/v1",
    "StorageClass": "storage.k8s.io/v1",
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
    "Job": "batch/v1",
    "Deployment": "apps/v1",
    "PyTorchJob": "kubeflow.org/v1",
    "TrainJob": "trainer.kubeflow.org/v1alpha1",
    "TrainingRuntime": "trainer.kubeflow.org/v1alpha1",
    "LocalQueue": "kueue.x-k8s.io/v1beta1",
    "Workload": "kueue.x-k8s.io/v1beta1",
}

_PLURALS = {"NetworkPolicy": "networkpolicies", "StorageClass": "storageclasses"}
_WITHOUT_NAMESPACE = frozenset({"Namespace", "PersistentVolume", "Node", "StorageClass", "CustomResourceDefinition"})


def plural(kind: str) -> str:
    """The kind as it stands in paths and Roles: `jobs`, `networkpolicies`."""
    return _PLURALS.get(kind, f"{kind.lower()}s")


def path(kind: str, namespace: str, name: str = "", part: str = "") -> str:
    """Path of one object, of part of it (`log`, `exec`), or of all of a kind."""
    version = KINDS[kind]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    inside = "" if kind in _WITHOUT_NAMESPACE else f"/namespaces/{namespace}"
    return "/".join(filter(None, [f"{root}{inside}/{plural(kind)}", name, part]))
