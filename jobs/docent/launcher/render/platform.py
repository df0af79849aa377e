"""The platform of a run: what has to be there before its first workload, in apply order.

Pure functions from a plan to plain dicts: namespace, volume claim, accounts, the launcher's rights, policies, the plan.
"""

from __future__ import annotations

from typing import Any

from docent.launcher.render import names
from docent.launcher.render.network import policies
from docent.launcher.render.plan import Plan

Body = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"
OPERATORS = {"pytorchjob": ("kubeflow.org", "pytorchjobs"), "trainjob": ("trainer.kubeflow.org", "trainjobs")}


def platform(plan: Plan, *, workers: int = 1) -> list[Body]:
    """All platform objects of a run, in apply order.

    Args:
        plan: the plan.
        workers: the most pods that train together; with several the launcher may also make what they meet by.

    Raises:
        LauncherError: (105) node selectors contradict each other on a volume that one node holds.
    """
    return [
        namespace(plan),
        volume_claim(plan),
        *accounts(plan),
        *rights(plan, workers),
        *policies(plan),
        plan_config(plan),
    ]


def namespace(plan: Plan) -> Body:
    """The namespace, which admits only pods of Pod Security `restricted`."""
    modes = ("enforce", "warn", "audit")
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": plan.config.kubernetes.namespace,
            "labels": names.shared_labels() | {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in modes},
        },
    }


def volume_claim(plan: Plan) -> Body:
    """The shared volume. It belongs to no run, and docent never deletes it."""
    storage = plan.config.kubernetes.storage
    spec: Body = {
        "accessModes": ["ReadWriteMany" if storage.mode == "rwx" else "ReadWriteOnce"],
        "resources": {"requests": {"storage": storage.size}},
    }
    if storage.storage_class:
        spec["storageClassName"] = storage.storage_class
    metadata = {"name": storage.claim, "namespace": plan.config.kubernetes.namespace, "labels": names.shared_labels()}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def plan_config(plan: Plan) -> Body:
    """The configuration that every pod of this plan reads; a changed one is another object."""
    metadata = _metadata(plan, plan.config_map)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "immutable": True,
        "data": {"pipeline.yaml": plan.text},
    }


def accounts(plan: Plan) -> list[Body]:
    """One ServiceAccount per unit, one for the launcher, one for the transfer of data."""
    of_units = [_account(plan, names.unit_name(plan.run, unit), unit) for unit in plan.units]
    transfer = _account(plan, names.transfer_name(plan.run), "transfer")
    # Only the launcher talks to the API server; its pod asks for the token itself.
    launcher = _account(plan, names.launcher_name(plan.run), "launcher")
    return [*of_units, launcher, transfer]


def rights(plan: Plan, workers: int = 1) -> list[Body]:
    """Role and RoleBinding of the launcher: the least it needs, and never Secrets."""
    name = names.launcher_name(plan.run)
    metadata = _metadata(plan, name, "launcher")
    role = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": _rules(plan, workers)}
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": plan.config.kubernetes.namespace}],
    }
    return [role, binding]


def _rules(plan: Plan, workers: int) -> list[Body]:
    """Server-side apply is the verb patch, and create where the object is not there yet.

    The state and its rights are by name: the command line made it. A plain create has no name that a rule could look
    at, so the one for new Leases is without.
    """
    training = plan.config.kubernetes.training
    own = {"state": names.state_name(plan.run), "lease": names.launcher_name(plan.run)}
    workload_verbs = ["create", "delete", "get", "list", "patch", "watch"]
    found = [
        _rule("batch", ["jobs"], workload_verbs),
        _rule("", ["pods"], ["get", "list", "watch"]),
        _rule("", ["pods/log"], ["get"]),
        _rule("", ["events"], ["list"]),
        _rule("", ["configmaps"], ["get", "patch"], own["state"]),
        _rule("coordination.k8s.io", ["leases"], ["create"]),
        _rule("coordination.k8s.io", ["leases"], ["get", "update"], own["lease"]),
    ]
    if training in OPERATORS:
        group, resource = OPERATORS[training]
        found.append(_rule(group, [resource], workload_verbs))
    if workers > 1:
        found.append(_rule("networking.k8s.io", ["networkpolicies"], ["create", "get", "patch"]))
        if training == "indexed":
            found.append(_rule("", ["services"], ["create", "get", "patch"]))
        if training == "trainjob":
            found.append(_rule("trainer.kubeflow.org", ["trainingruntimes"], ["create", "get", "patch"]))
    return found


def _rule(group: str, resources: list[str], verbs: list[str], name: str | None = None) -> Body:
    rule: Body = {"apiGroups": [group], "resources": resources, "verbs": verbs}
    return rule | ({"resourceNames": [name]} if name else {})


def _account(plan: Plan, name: str, component: str) -> Body:
    body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _metadata(plan, name, component)}
    return body | {"automountServiceAccountToken": False}


def _metadata(plan: Plan, name: str, component: str = "platform") -> Body:
    labels = names.unit_labels(plan.run, component) if component in plan.units else names.labels(plan.run, component)
    return {"name": name, "namespace": plan.config.kubernetes.namespace, "labels": labels}
