"""NetworkPolicies: nothing goes in or out of a pod of docent but what its unit needs.

Pure functions from a plan to plain dicts. A stage that talks to an endpoint, to the hub or to its peers carries a
label; the policy that lets it through selects that label.
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
    """The policies of a run: everything is shut, then what carries a label may go where the label says."""
    cluster = plan.config.kubernetes
    run = {"docent/run": plan.run}
    proxies = _proxy_ports(cluster.env)
    return [
        _policy(plan, "deny-all", {"app.kubernetes.io/part-of": "docent"}, ingress=[], egress=[]),
        _policy(plan, "egress-llm", run | {EGRESS["llm"]: "true"}, egress=[DNS, _to_endpoint(plan, proxies)]),
        _policy(
            plan, "egress-hub", run | {EGRESS["hub"]: "true"}, egress=[DNS, _to(cluster.egress_cidrs, [443, *proxies])]
        ),
        _policy(
            plan, "egress-api", run | {EGRESS_API: "true"}, egress=[DNS, _to(cluster.api_server_cidrs, [443, 6443])]
        ),
        *_web_policies(plan, run, proxies),
    ]


def peers_policy(plan: Plan, unit: Unit) -> Body:
    """Pods of one unit that train together reach each other, on any port: the ranks agree on theirs as they meet."""
    peers = {"docent/run": plan.run, "docent/unit": unit.name}
    others = [{"podSelector": {"matchLabels": peers}}]
    body = _policy(plan, "", peers, ingress=[{"from": others}], egress=[DNS, {"to": others}])
    body["metadata"] |= {"name": f"{unit_name(plan.run, unit.name)}-peers", "labels": unit_labels(plan.run, unit.name)}
    return body


def _web_policies(plan: Plan, run: dict[str, str], proxies: list[int]) -> list[Body]:
    """Where pictures of tables are fetched from: outside by port, for a policy knows no names; none without hosts."""
    ingest = plan.config.ingest
    if ingest is None or not ingest.rows.image_hosts:
        return []
    ports = [port for host in ingest.rows.image_hosts for port in _ports_of(host)]
    outside = _to(plan.config.kubernetes.egress_cidrs, [*ports, *proxies])
    return [_policy(plan, "egress-web", run | {EGRESS["web"]: "true"}, egress=[DNS, outside])]


def _ports_of(host: str) -> list[int]:
    """The port of `host:port`, or the two that `host` alone allows."""
    port = urlsplit(f"//{host}").port
    return [port] if port else [80, 443]


def _policy(plan: Plan, what: str, pods: dict[str, str], **rules: list[Body]) -> Body:
    kinds = {"ingress": "Ingress", "egress": "Egress"}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": f"{plan.run}-{what}",
            "namespace": plan.config.kubernetes.namespace,
            "labels": labels(plan.run),
        },
        "spec": {
            "podSelector": {"matchLabels": pods},
            "policyTypes": [kinds[kind] for kind in rules],
            **{kind: found for kind, found in rules.items() if found},
        },
    }


def _to(cidrs: tuple[str, ...], ports: list[int]) -> Body:
    return {
        "to": [{"ipBlock": {"cidr": cidr}} for cidr in cidrs],
        "ports": [{"protocol": "TCP", "port": port} for port in dict.fromkeys(ports)],
    }


def _to_endpoint(plan: Plan, proxies: list[int]) -> Body:
    """Where the endpoint is: outside by address and port; in the cluster by namespace.

    In the cluster the port of the URL is the Service's, while a policy is asked about the pod's, which only the Service
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
    """Ports of the proxies that `kubernetes.env` names; behind a proxy nothing else is ever connected to."""
    urls = [value for name, value in env.items() if name.lower() in ("http_proxy", "https_proxy", "all_proxy")]
    found = []
    for value in urls:
        url = urlsplit(value if "//" in value else f"//{value}")
        found.append(url.port or (443 if url.scheme == "https" else 80))
    return list(dict.fromkeys(found))
