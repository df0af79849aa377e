"""What can be known to go wrong before anything is written: rights, CRDs, keys, and what the server would refuse.

Reads the cluster and asks it for dry runs; writes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from docent.errors import LauncherError
from docent.launcher.cluster.api.connection import ApiError
from docent.launcher.cluster.api.differences import MADE_ONCE, Change, change
from docent.launcher.cluster.api.kinds import KINDS, plural
from docent.launcher.render import pod_templates

if TYPE_CHECKING:
    from docent.launcher.cluster.api.client import Cluster, Object

DEFAULT_ACCOUNT_S = 15.0


def check_rights(cluster: Cluster, bodies: Iterable[Object]) -> None:
    """May I make everything that is needed?

    Raises:
        LauncherError: (4) no, and what is missing.
    """
    kinds = {body["kind"] for body in bodies} - MADE_ONCE
    needed = {(verb, kind, "") for kind in kinds | {"ConfigMap"} for verb in ("create", "patch")}
    needed |= {("create", "Pod", ""), ("delete", "Pod", ""), ("create", "Pod", "exec"), ("create", "Job", "")}
    refused = [(verb, kind, part) for verb, kind, part in sorted(needed) if not allowed(cluster, verb, kind, part=part)]
    if refused:
        listed = ", ".join(f"{verb} {plural(kind)}{'/' + part if part else ''}" for verb, kind, part in refused)
        raise LauncherError(
            4,
            f"forbidden: {listed}",
            f"namespace {cluster.namespace}",
            "ask for a Role with these, or --namespace OTHER",
        )


def allowed(cluster: Cluster, verb: str, kind: str, *, part: str = "", name: str = "") -> bool:
    """Whether whoever the kubeconfig names may do this in the namespace."""
    asked = {
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
        "spec": {"resourceAttributes": {key: value for key, value in asked.items() if value}},
    }
    return bool(cluster.create(body).get("status", {}).get("allowed"))


def check_operators(cluster: Cluster, bodies: Iterable[Object]) -> None:
    """Are the kinds that training on several pods needs installed?

    Raises:
        LauncherError: (105) one is not.
    """
    for kind in sorted({body["kind"] for body in bodies} - {"Job"}):
        try:
            served = cluster.connection.json("GET", f"/apis/{KINDS[kind]}")["resources"]
        except ApiError as error:
            if error.status != 404:
                raise
            served = []
        if kind not in {resource["kind"] for resource in served}:
            raise LauncherError(
                105, f"the cluster has no {kind}", "kubernetes.training", "install its operator, or training: indexed"
            )


def check_keys(cluster: Cluster, workloads: Iterable[Object]) -> None:
    """Are the Secrets there that units cannot start without? Skipped where they may not be looked at.

    Raises:
        LauncherError: (105) one is not.
    """
    for name, key in sorted({found for body in workloads for found in _keys_of(body)}):
        if not allowed(cluster, "get", "Secret", name=name):
            continue
        secret = cluster.get("Secret", name)
        if secret is None or key not in (secret.get("data") or {}):
            raise LauncherError(
                105,
                f"the key {key} is not there",
                f"Secret {name} in namespace {cluster.namespace}",
                f"kubectl -n {cluster.namespace} create secret generic {name} --from-literal={key}=...",
            )


def _keys_of(body: Object) -> Iterator[tuple[str, str]]:
    for template in pod_templates(body):
        for container in template["spec"]["containers"]:
            for variable in container.get("env", ()):
                reference = variable.get("valueFrom", {}).get("secretKeyRef")
                if reference and not reference.get("optional"):
                    yield reference["name"], reference["key"]


def check_claim(cluster: Cluster, claim: Object) -> None:
    """Can a volume that is there already be used the way the configuration wants?

    Raises:
        LauncherError: (105) it has another access mode.
    """
    live = cluster.get("PersistentVolumeClaim", claim["metadata"]["name"])
    wanted = claim["spec"]["accessModes"][0]
    if live is not None and wanted == "ReadWriteMany" and wanted not in live["spec"]["accessModes"]:
        raise LauncherError(
            105,
            f"the volume is {', '.join(live['spec']['accessModes'])}, not {wanted}",
            f"PersistentVolumeClaim {claim['metadata']['name']}",
            "storage.mode: rwo, or another storage.claim",
        )


def rehearse_platform(cluster: Cluster, bodies: Iterable[Object]) -> list[Change]:
    """Every platform object as the server would take it."""
    return [change(cluster, body) for body in bodies]


def rehearse_workloads(cluster: Cluster, workloads: Iterable[Object]) -> None:
    """Every workload, and a pod of every template in them, as admission would take it.

    The pods are tried with the namespace's own ServiceAccount, because theirs may not be there yet.

    Raises:
        ApiError: (5) one is refused, and why.
    """
    _wait_for_default_account(cluster)
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


def _wait_for_default_account(cluster: Cluster) -> None:
    """In a namespace made a moment ago pods are refused until its controller has made the account `default`."""
    if cluster.get("ServiceAccount", "default") is not None:
        return
    items, version = cluster.list("ServiceAccount")
    if any(item["metadata"]["name"] == "default" for item in items):
        return
    until_s = time.monotonic() + DEFAULT_ACCOUNT_S
    for _, body in cluster.watch("ServiceAccount", "", version, DEFAULT_ACCOUNT_S):
        if body.get("metadata", {}).get("name") == "default" or time.monotonic() > until_s:
            return
