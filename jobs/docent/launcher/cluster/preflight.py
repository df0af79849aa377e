"""Check permissions, CRDs and keys, and submit every object as a dry run, before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from docent.errors import LauncherError
from docent.launcher.cluster.api.connection import ApiError
from docent.launcher.cluster.api.differences import MADE_ONCE
from docent.launcher.cluster.api.kinds import KINDS, plural
from docent.launcher.cluster.watch.observing import snapshots
from docent.launcher.render import pod_templates

if TYPE_CHECKING:
    from docent.launcher.cluster.api.client import Cluster, Object

# A new namespace refuses pods until a controller has created its ServiceAccount `default`.
DEFAULT_ACCOUNT_S = 15.0


def check_rights(cluster: Cluster, bodies: Iterable[Object]) -> None:
    """Check that this user may create all objects that the run needs.

    Raises:
        LauncherError: (4) not allowed; the error lists the missing permissions.
    """
    kinds = {body["kind"] for body in bodies} - MADE_ONCE
    needed = {(verb, kind, "") for kind in kinds | {"ConfigMap"} for verb in ("create", "patch")}
    needed |= {("create", "Pod", ""), ("delete", "Pod", ""), ("create", "Pod", "exec"), ("create", "Job", "")}
    refused = [(verb, kind, part) for verb, kind, part in sorted(needed) if not allowed(cluster, verb, kind, part=part)]
    if refused:
        listed = ", ".join(f"{verb} {plural(kind)}{'/' + part if part else ''}" for verb, kind, part in refused)
        next_step = "request a Role with these permissions, or --namespace OTHER"
        raise LauncherError(4, f"forbidden: {listed}", f"namespace {cluster.namespace}", next_step)


def allowed(cluster: Cluster, verb: str, kind: str, *, part: str = "", name: str = "") -> bool:
    """Return whether the user of the kubeconfig has this permission in the namespace."""
    attributes = {
        "namespace": cluster.namespace,
        "verb": verb,
        "group": KINDS[kind].rpartition("/")[0],
        "resource": plural(kind),
        "subresource": part,
        "name": name,
    }
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
    }
    return bool(cluster.create(body).get("status", {}).get("allowed"))


def check_operators(cluster: Cluster, bodies: Iterable[Object]) -> None:
    """Check that the kinds needed for training on several pods are installed.

    Raises:
        LauncherError: (105) a kind is not installed.
    """
    for kind in sorted({body["kind"] for body in bodies} - {"Job"}):
        try:
            served = cluster.connection.json("GET", f"/apis/{KINDS[kind]}")["resources"]
        except ApiError as error:
            if error.status != 404:
                raise
            served = []
        if kind not in {resource["kind"] for resource in served}:
            next_step = "install its operator, or training: indexed"
            raise LauncherError(105, f"{kind} is not installed in the cluster", "kubernetes.training", next_step)


def check_keys(cluster: Cluster, workloads: Iterable[Object]) -> None:
    """Check that the Secrets that units need exist; skip Secrets that this user may not read.

    Raises:
        LauncherError: (105) a Secret or a key in it is missing.
    """
    for name, key in sorted({reference for body in workloads for reference in _keys_of(body)}):
        if not allowed(cluster, "get", "Secret", name=name):
            continue
        secret = cluster.get("Secret", name)
        if secret is None or key not in (secret.get("data") or {}):
            where = f"Secret {name} in namespace {cluster.namespace}"
            create = f"kubectl -n {cluster.namespace} create secret generic {name} --from-literal={key}=..."
            raise LauncherError(105, f"the key {key} is missing", where, create)


def _keys_of(body: Object) -> Iterator[tuple[str, str]]:
    for template in pod_templates(body):
        for container in template["spec"]["containers"]:
            for variable in container.get("env", ()):
                reference = variable.get("valueFrom", {}).get("secretKeyRef")
                if reference and not reference.get("optional"):
                    yield reference["name"], reference["key"]


def check_claim(cluster: Cluster, claim: Object) -> None:
    """Check that an existing volume claim has the access mode that the configuration needs.

    Raises:
        LauncherError: (105) the claim has another access mode.
    """
    live = cluster.get("PersistentVolumeClaim", claim["metadata"]["name"])
    wanted = claim["spec"]["accessModes"][0]
    if live is not None and wanted == "ReadWriteMany" and wanted not in live["spec"]["accessModes"]:
        what = f"the volume is {', '.join(live['spec']['accessModes'])}, not {wanted}"
        where = f"PersistentVolumeClaim {claim['metadata']['name']}"
        raise LauncherError(105, what, where, "storage.mode: rwo, or another storage.claim")


def rehearse_workloads(cluster: Cluster, workloads: Iterable[Object]) -> None:
    """Create every workload, and a pod from every template in them, as a dry run that passes through admission.

    The pods use the namespace's default ServiceAccount, because the workloads' own may not exist yet.

    Raises:
        ApiError: (5) the server refuses an object; the error gives the reason.
    """
    for accounts in snapshots(cluster, "ServiceAccount", "", DEFAULT_ACCOUNT_S):
        if any(account["metadata"]["name"] == "default" for account in accounts):
            break
    for body in workloads:
        if body["kind"] != "Pod":
            _try(cluster, body)
        for template in pod_templates(body):
            labels = template["metadata"].get("labels", {})
            spec = {key: value for key, value in template["spec"].items() if key != "serviceAccountName"}
            spec.setdefault("restartPolicy", "Never")
            metadata = {"generateName": "docent-dry-run-", "labels": labels, "namespace": cluster.namespace}
            _try(cluster, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


def _try(cluster: Cluster, body: Object) -> None:
    try:
        cluster.create(body, dry_run=True)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
