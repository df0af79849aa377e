"""The client against a real API server: what comes back, what errors mean, what survives a broken connection."""

from __future__ import annotations

import os
from itertools import islice
from typing import Any

import pytest
from tests.cluster.conftest import Run, eventually
from tests.cluster.relay import Relay

from docent.launcher.cluster.api.client import RELISTED, ApiError, Cluster, Object
from docent.launcher.cluster.api.connection import Connection, load_configuration
from docent.launcher.cluster.api.execution import CommandError
from docent.launcher.render import transfer_pod


def config_map(name: str, **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"t": name}}, "data": data}


def test_objects_are_made_read_changed_and_deleted(cluster: Cluster) -> None:
    assert cluster.get("ConfigMap", "a") is None
    cluster.apply(config_map("a", x="1"), dry_run=True)
    assert cluster.get("ConfigMap", "a") is None
    made = cluster.apply(config_map("a", x="1"))
    again = cluster.apply(config_map("a", x="1"))
    assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    other = cluster.apply(config_map("a", y="2"), manager="other")
    assert other["data"] == {"x": "1", "y": "2"}
    items, _ = cluster.list("ConfigMap", "t=a")
    assert [(item["kind"], item["data"]) for item in items] == [("ConfigMap", {"x": "1", "y": "2"})]
    assert not cluster.delete("ConfigMap", "a", uid="00000000-0000-0000-0000-000000000000")
    assert cluster.delete("ConfigMap", "a", uid=made["metadata"]["uid"])
    assert not cluster.delete("ConfigMap", "a")


def test_every_refusal_has_its_code(cluster: Cluster) -> None:
    cluster.apply(config_map("b", x="1"))
    pod: dict[str, Any] = {"containers": [{"name": "main", "image": "x"}]}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b"}, "spec": pod}
    cases: list[tuple[int, str, Any]] = [
        (5, "already exists", lambda: cluster.create(config_map("b"))),
        (5, "conflict", lambda: cluster.apply(config_map("b", x="2"), manager="other")),
        (5, 'violates PodSecurity "restricted', lambda: cluster.apply(body, dry_run=True)),
        (5, "Invalid value", lambda: cluster.apply(config_map("B_"))),
        (102, "not found", lambda: list(cluster.log("nobody"))),
        (102, "not found", lambda: list(cluster.run_in("nobody", ["true"]))),
    ]
    for code, said, ask in cases:
        with pytest.raises(ApiError) as refused:
            ask()
        assert (refused.value.exit_code, said in refused.value.what) == (code, True), str(refused.value)
        assert refused.value.where and refused.value.next_step


def test_what_is_forbidden_is_named(cluster: Cluster) -> None:
    configuration = load_configuration()
    configuration.cert_file = configuration.key_file = None  # nobody: system:anonymous
    with pytest.raises(ApiError, match='cannot list resource "jobs"') as refused:
        Cluster(Connection(configuration), cluster.namespace).list("Job")
    assert refused.value.exit_code == 4


def test_a_watch_tells_every_change(cluster: Cluster) -> None:
    _, version = cluster.list("ConfigMap", "t=w")
    watch = cluster.watch("ConfigMap", "t=w", version, 60)
    for data in ("1", "2"):
        cluster.apply(config_map("w", x=data))
    cluster.delete("ConfigMap", "w")
    seen = [(event, body["data"]["x"]) for event, body in islice(watch, 3)]
    assert seen == [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")]


def test_a_version_that_the_server_forgot_is_listed_again(cluster: Cluster) -> None:
    cluster.apply(config_map("g"))
    about = {"kind": "ConfigMap", "name": "g", "namespace": cluster.namespace}
    cluster.create({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "g"}, "involvedObject": about})
    # Events are not in the server's watch cache: what etcd has compacted is really gone for them. A cluster younger
    # than its first compaction still tells every event from the beginning.
    event, body = next(cluster.watch("Event", "", "1", 60))
    assert (event == RELISTED and "items" in body) or event == "ADDED"


def test_broken_connections_lose_nothing(cluster: Cluster, relay: Relay) -> None:
    there = relay.cluster(cluster.namespace)
    _, version = there.list("ConfigMap", "t=p")
    watch = there.watch("ConfigMap", "t=p", version, 60)
    cluster.apply(config_map("p", x="1"))
    assert next(watch)[1]["data"] == {"x": "1"}

    relay.cut()
    cluster.apply(config_map("p", x="2"))
    assert next(watch)[1]["data"] == {"x": "2"}
    relay.cut()
    assert there.apply(config_map("p", x="2"))["data"] == {"x": "2"}


def test_a_server_that_stays_away_ends_in_4(cluster: Cluster, relay: Relay) -> None:
    there = relay.cluster(cluster.namespace, patience_s=0.5)
    relay.close()
    with pytest.raises(ApiError, match="cannot be reached") as refused:
        there.get("ConfigMap", "p")
    assert refused.value.exit_code == 4


def test_commands_in_pods_move_bytes_both_ways(make_run: Any) -> None:
    run: Run = make_run()
    pod = transfer_pod(run.plan)
    container = pod["spec"]["containers"][0]
    container["image"] = run.plan_image("ingest")
    container["command"] = ["python", "-c", "print('hello', flush=True); import time; time.sleep(600)"]
    del container["args"]
    name = pod["metadata"]["name"]
    run.cluster.apply(pod)
    eventually(lambda: (run.cluster.get("Pod", name) or {})["status"].get("phase") == "Running")

    data = os.urandom(5_000_003)
    assert b"".join(run.cluster.run_in(name, ["head", "-c", str(len(data))], [data[:7], data[7:]])) == data
    # More comes out than the pipe holds before anything is read in: neither side may wait for the other.
    script = (
        "import sys, os; os.write(1, b'x' * 3_000_000); sys.stdout.write(str(len(sys.stdin.buffer.read(3_000_000))))"
    )
    out = b"".join(run.cluster.run_in(name, ["python", "-c", script], [bytes(3_000_000)]))
    assert out.lstrip(b"x") == b"3000000"
    with pytest.raises(CommandError) as failed:
        list(run.cluster.run_in(name, ["sh", "-c", "echo no >&2; exit 7"]))
    assert (failed.value.status, failed.value.stderr) == (7, "no\n")
    assert list(run.cluster.log(name, tail_bytes=100)) == ["hello"]
    run.cluster.delete("Pod", name)
