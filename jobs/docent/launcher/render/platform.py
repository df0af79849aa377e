"""Render the platform of a run: namespace, volume claim, accounts, the launcher's rights, NetworkPolicies, the plan.

Traffic into and out of docent's pods is limited to what their unit needs. A pod that talks to an endpoint, to the hub
or to its peers has a label, and the policy that allows this traffic selects that label.
"""

from typing import Any
from urllib.parse import urlsplit

from docent.launcher.render import names
from docent.launcher.render.plan import Plan
from docent.launcher.render.stage_pod import EGRESS, EGRESS_API
from docent.pipeline import Unit

Body = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"
DNS: Body = {
    "to": [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ],
    "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
}
OPERATORS = {"pytorchjob": ("kubeflow.org", "pytorchjobs"), "trainjob": ("trainer.kubeflow.org", "trainjobs")}


def platform(plan: Plan, *, workers: int = 1) -> list[Body]:
    """Return all platform objects of a run, in apply order.

    Args:
        plan: the plan.
        workers: the largest number of pods that train together; if several, the launcher may also create the objects
            that let them reach each other.

    Raises:
        LauncherError: (105) node selectors contradict each other on a volume that only one node can mount.
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
    """Return the ConfigMap that every pod of this plan reads; a changed configuration is a new object."""
    data = {"pipeline.yaml": plan.text}
    return plan.body("v1", "ConfigMap", plan.config_map, names.labels(plan.run), immutable=True, data=data)


def accounts(plan: Plan) -> list[Body]:
    """Return one ServiceAccount per unit, one for the launcher, and one for data transfers."""
    labels = {names.unit_name(plan.run, unit): names.unit_labels(plan.run, unit) for unit in plan.units}
    labels |= {names.unit_name(plan.run, part): names.labels(plan.run, part) for part in ("launcher", "transfer")}
    # Only the launcher calls the API server; its pod requests the token itself.
    no_token = {"automountServiceAccountToken": False}
    return [plan.body("v1", "ServiceAccount", name, of_account, **no_token) for name, of_account in labels.items()]


def rights(plan: Plan, workers: int = 1) -> list[Body]:
    """Return the launcher's Role and RoleBinding: minimal permissions, and no access to Secrets."""
    name, labels = names.unit_name(plan.run, "launcher"), names.labels(plan.run, "launcher")
    role = {"apiGroup": RBAC, "kind": "Role", "name": name}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": plan.config.kubernetes.namespace}
    return [
        plan.body(f"{RBAC}/v1", "Role", name, labels, rules=_rules(plan, workers)),
        plan.body(f"{RBAC}/v1", "RoleBinding", name, labels, roleRef=role, subjects=[subject]),
    ]


def _rules(plan: Plan, workers: int) -> list[Body]:
    """Return the launcher's rules. Server-side apply needs the verb patch, and create for a new object.

    The rule for the state names the ConfigMap, because the command line has created it. A plain create has no name that
    a rule could match, so the rule for new Leases names none.
    """
    training = plan.config.kubernetes.training
    own = {"state": names.state_name(plan.run), "lease": names.unit_name(plan.run, "launcher")}
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


def policies(plan: Plan) -> list[Body]:
    """Return the policies of a run: deny everything, then allow traffic by the labels of the pods."""
    cluster, ingest = plan.config.kubernetes, plan.config.ingest
    proxies = _proxy_ports(cluster.env)
    egress = {
        EGRESS["llm"]: _to_endpoint(plan, proxies),
        EGRESS["hub"]: _to(cluster.egress_cidrs, [443, *proxies]),
        EGRESS_API: _to(cluster.api_server_cidrs, [443, 6443]),
    }
    # Hosts of pictures in tables; a policy cannot match host names, so they are allowed by port.
    if ingest and ingest.rows.image_hosts:
        ports = [port for host in ingest.rows.image_hosts for port in _ports_of(host)]
        egress[EGRESS["web"]] = _to(cluster.egress_cidrs, [*ports, *proxies])
    return [
        _policy(plan, f"{plan.run}-deny-all", {"app.kubernetes.io/part-of": "docent"}, ingress=[], egress=[]),
        *(
            _policy(
                plan, f"{plan.run}-{label.partition('/')[2]}", {"docent/run": plan.run, label: "true"}, egress=[DNS, to]
            )
            for label, to in egress.items()
        ),
    ]


def peers_policy(plan: Plan, unit: Unit) -> Body:
    """Return the policy that lets pods of a multi-pod unit reach each other on any port: ranks choose their ports."""
    peers = {"docent/run": plan.run, "docent/unit": unit.name}
    others = [{"podSelector": {"matchLabels": peers}}]
    name, own_labels = f"{names.unit_name(plan.run, unit.name)}-peers", names.unit_labels(plan.run, unit.name)
    return _policy(plan, name, peers, own_labels, ingress=[{"from": others}], egress=[DNS, {"to": others}])


def _ports_of(host: str) -> list[int]:
    """Return the port of `host:port`, or both default ports if no port is given."""
    port = urlsplit(f"//{host}").port
    return [port] if port else [80, 443]


def _policy(
    plan: Plan, name: str, pods: dict[str, str], own_labels: dict[str, str] | None = None, **rules: list[Body]
) -> Body:
    spec: Body = {"podSelector": {"matchLabels": pods}, "policyTypes": [kind.capitalize() for kind in rules]}
    spec |= {kind: allowed for kind, allowed in rules.items() if allowed}
    return plan.body("networking.k8s.io/v1", "NetworkPolicy", name, own_labels or names.labels(plan.run), spec=spec)


def _to(cidrs: tuple[str, ...], ports: list[int]) -> Body:
    return {
        "to": [{"ipBlock": {"cidr": cidr}} for cidr in cidrs],
        "ports": [{"protocol": "TCP", "port": port} for port in dict.fromkeys(ports)],
    }


def _to_endpoint(plan: Plan, proxies: list[int]) -> Body:
    """Return the rule that allows the endpoint: by address and port outside the cluster, by namespace inside.

    Inside the cluster, the URL has the port of the Service, but a policy matches the port of the pod, which only the
    Service knows; so the rule there matches the namespace alone.
    """
    url = urlsplit(plan.config.llm.base_url)
    host = (url.hostname or "").rstrip(".").removesuffix(".cluster.local")
    if "." in host and not host.endswith(".svc"):
        port = url.port or (80 if url.scheme == "http" else 443)
        return _to(plan.config.kubernetes.egress_cidrs, [port, *proxies])
    parts = host.removesuffix(".svc").split(".")
    namespace = parts[-1] if len(parts) > 1 else plan.config.kubernetes.namespace
    return {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}]}


def _proxy_ports(env: dict[str, str]) -> list[int]:
    """Return the ports of the proxies in `kubernetes.env`; behind a proxy, pods connect to nothing else."""
    values = [value for name, value in env.items() if name.lower() in ("http_proxy", "https_proxy", "all_proxy")]
    urls = [urlsplit(value if "//" in value else f"//{value}") for value in values]
    return list(dict.fromkeys(url.port or (443 if url.scheme == "https" else 80) for url in urls))
