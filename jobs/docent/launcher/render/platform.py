"""Render the platform of a run: namespace, volume claim, accounts, the launcher's rights, policies, the plan."""

from __future__ import annotations

from typing import Any

from docent.launcher.render import names
from docent.launcher.render.network import policies
from docent.launcher.render.plan import Plan

Body = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"
OPERATORS = {"pytorchjob": ("kubeflow.org", "pytorchjobs"), "trainjob": ("trainer.kubeflow.org", "trainjobs")}


def platform(plan: Plan, *, workers: int = 1) -> list[Body]:
    """Return all platform objects of a run, in apply order.

    Args:
        plan: the plan.
        workers: the most pods that train together; with several the launcher may also create what they need to meet.

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
    """Return the namespace, which admits only pods of Pod Security `restricted`."""
    security = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}
    metadata = {"name": plan.config.kubernetes.namespace, "labels": names.shared_labels() | security}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def volume_claim(plan: Plan) -> Body:
    """Return the claim of the shared volume. It belongs to no run, and docent never deletes it."""
    storage = plan.config.kubernetes.storage
    spec: Body = {
        "accessModes": ["ReadWriteMany" if storage.mode == "rwx" else "ReadWriteOnce"],
        "resources": {"requests": {"storage": storage.size}},
    }
    if storage.storage_class:
        spec["storageClassName"] = storage.storage_class
    return plan.body("v1", "PersistentVolumeClaim", storage.claim, names.shared_labels(), spec=spec)


def plan_config(plan: Plan) -> Body:
    """Return the configuration that every pod of this plan reads; a changed one is another object."""
    data = {"pipeline.yaml": plan.text}
    return plan.body("v1", "ConfigMap", plan.config_map, names.labels(plan.run), immutable=True, data=data)


def accounts(plan: Plan) -> list[Body]:
    """Return one ServiceAccount per unit, one for the launcher, one for the transfer of data."""
    labels = {names.unit_name(plan.run, unit): names.unit_labels(plan.run, unit) for unit in plan.units}
    labels[names.launcher_name(plan.run)] = names.labels(plan.run, "launcher")
    labels[names.transfer_name(plan.run)] = names.labels(plan.run, "transfer")
    # Only the launcher talks to the API server; its pod requests the token itself.
    no_token = {"automountServiceAccountToken": False}
    return [plan.body("v1", "ServiceAccount", name, of_account, **no_token) for name, of_account in labels.items()]


def rights(plan: Plan, workers: int = 1) -> list[Body]:
    """Return Role and RoleBinding of the launcher: the least it needs, and never Secrets."""
    name, labels = names.launcher_name(plan.run), names.labels(plan.run, "launcher")
    role = {"apiGroup": RBAC, "kind": "Role", "name": name}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": plan.config.kubernetes.namespace}
    return [
        plan.body(f"{RBAC}/v1", "Role", name, labels, rules=_rules(plan, workers)),
        plan.body(f"{RBAC}/v1", "RoleBinding", name, labels, roleRef=role, subjects=[subject]),
    ]


def _rules(plan: Plan, workers: int) -> list[Body]:
    """Return the rules of the launcher. Server-side apply is the verb patch, and create for a new object.

    The state is granted by name: the command line creates it. A plain create has no name that a rule could match, so
    the rule for new Leases is without.
    """
    training = plan.config.kubernetes.training
    own = {"state": names.state_name(plan.run), "lease": names.launcher_name(plan.run)}
    workload_verbs = ["create", "delete", "get", "list", "patch", "watch"]
    rules = [
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
        rules.append(_rule(group, [resource], workload_verbs))
    if workers > 1:
        rules.append(_rule("networking.k8s.io", ["networkpolicies"], ["create", "get", "patch"]))
        if training == "indexed":
            rules.append(_rule("", ["services"], ["create", "get", "patch"]))
        if training == "trainjob":
            rules.append(_rule("trainer.kubeflow.org", ["trainingruntimes"], ["create", "get", "patch"]))
    return rules


def _rule(group: str, resources: list[str], verbs: list[str], name: str | None = None) -> Body:
    rule: Body = {"apiGroups": [group], "resources": resources, "verbs": verbs}
    return rule | ({"resourceNames": [name]} if name else {})
