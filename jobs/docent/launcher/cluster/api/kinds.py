"""Define the kinds of Kubernetes objects that docent uses, in a table that replaces API discovery."""

from typing import Any

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
    "ResourceQuota": "v1",
    "Role": "rbac.authorization.k8s.io/v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "Lease": "coordination.k8s.io/v1",
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
    "SelfSubjectAccessReview": "authorization.k8s.io/v1",
    "Job": "batch/v1",
    "PyTorchJob": "kubeflow.org/v1",
    "TrainJob": "trainer.kubeflow.org/v1alpha1",
    "TrainingRuntime": "trainer.kubeflow.org/v1alpha1",
}

_CLUSTER_SCOPED = ("Namespace", "PersistentVolume", "CustomResourceDefinition", "SelfSubjectAccessReview")


def plural(kind: str) -> str:
    """Return the plural name of a kind, as used in API paths and Roles: `jobs`, `networkpolicies`."""
    return "networkpolicies" if kind == "NetworkPolicy" else f"{kind.lower()}s"


def resource(kind: str) -> Any:
    """Return the `kubernetes.dynamic` resource of a kind."""
    from kubernetes.dynamic import Resource

    group, _, version = KINDS[kind].rpartition("/")
    return Resource(
        prefix="apis" if group else "api",
        group=group,
        api_version=version,
        kind=kind,
        namespaced=kind not in _CLUSTER_SCOPED,
        name=plural(kind),
    )
