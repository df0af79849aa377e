"""Render the NetworkPolicies: traffic into and out of a pod of docent is limited to what its unit needs.

A stage that talks to an endpoint, to the hub or to its peers has a label, which the policy that allows it selects.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from docent.launcher.render.names import labels, unit_labels, unit_name
from docent.launcher.render.plan import Plan
from docent.launcher.render.stage_pod import EGRESS, EGRESS_API
from docent.pipeline import Unit

Body = dict[str, Any]
DNS: Body = {
    "to": [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ],
    "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
}


def policies(plan: Plan) -> list[Body]:
    """Return the policies of a run: deny everything, then allow what a label stands for."""
    cluster, ingest = plan.config.kubernetes, plan.config.ingest
    proxies = _proxy_ports(cluster.env)
    egress = {
        EGRESS["llm"]: _to_endpoint(plan, proxies),
        EGRESS["hub"]: _to(cluster.egress_cidrs, [443, *proxies]),
        EGRESS_API: _to(cluster.api_server_cidrs, [443, 6443]),
    }
    # Hosts of the pictures of tables; a policy knows no names, so they are allowed by port.
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
    """Allow the pods of a unit that trains on several to reach each other, on any port: the ranks choose theirs."""
    peers = {"docent/run": plan.run, "docent/unit": unit.name}
    others = [{"podSelector": {"matchLabels": peers}}]
    name, own_labels = f"{unit_name(plan.run, unit.name)}-peers", unit_labels(plan.run, unit.name)
    return _policy(plan, name, peers, own_labels, ingress=[{"from": others}], egress=[DNS, {"to": others}])


def _ports_of(host: str) -> list[int]:
    """Return the port of `host:port`, or the two that `host` alone allows."""
    port = urlsplit(f"//{host}").port
    return [port] if port else [80, 443]


def _policy(
    plan: Plan, name: str, pods: dict[str, str], own_labels: dict[str, str] | None = None, **rules: list[Body]
) -> Body:
    spec: Body = {"podSelector": {"matchLabels": pods}, "policyTypes": [kind.capitalize() for kind in rules]}
    spec |= {kind: allowed for kind, allowed in rules.items() if allowed}
    return plan.body("networking.k8s.io/v1", "NetworkPolicy", name, own_labels or labels(plan.run), spec=spec)


def _to(cidrs: tuple[str, ...], ports: list[int]) -> Body:
    return {
        "to": [{"ipBlock": {"cidr": cidr}} for cidr in cidrs],
        "ports": [{"protocol": "TCP", "port": port} for port in dict.fromkeys(ports)],
    }


def _to_endpoint(plan: Plan, proxies: list[int]) -> Body:
    """Allow the endpoint: outside by address and port, in the cluster by namespace.

    In the cluster the port of the URL is the Service's, while a policy applies to the pod's, which only the Service
    knows; so there the namespace alone decides.
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
    """Return the ports of the proxies in `kubernetes.env`; behind a proxy nothing else is ever connected to."""
    values = [value for name, value in env.items() if name.lower() in ("http_proxy", "https_proxy", "all_proxy")]
    urls = [urlsplit(value if "//" in value else f"//{value}") for value in values]
    return list(dict.fromkeys(url.port or (443 if url.scheme == "https" else 80) for url in urls))
