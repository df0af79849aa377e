"""The client's patience, against an HTTP server that answers as API servers do on a bad day."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest

from docent.launcher.cluster.api.client import RELISTED, ApiError, Cluster
from docent.launcher.cluster.api.connection import Connection

Answer = tuple[int, Any]
BROKEN: Answer = (0, None)
SERVER = Callable[..., tuple[Cluster, list[str], list[float]]]


@pytest.fixture
def server() -> Iterator[SERVER]:
    """Starts a server that gives these answers in turn; the last one again and again."""
    running: list[ThreadingHTTPServer] = []

    def start(*answers: Answer, patience_s: float = 5.0) -> tuple[Cluster, list[str], list[float]]:
        from kubernetes.client import Configuration

        left, asked, waited = list(answers), list[str](), list[float]()

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked.append(f"{self.command} {self.path}")
                code, body = left.pop(0) if len(left) > 1 else left[0]
                if not code:
                    self.connection.close()
                    return
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(code)
                if code == 429:
                    self.send_header("Retry-After", "3")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815

            def log_message(self, *_: object) -> None:
                return

        http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        running.append(http)
        threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
        configuration = Configuration(host=f"http://127.0.0.1:{http.server_address[1]}")
        return Cluster(Connection(configuration, patience_s, waited.append), "museum"), asked, waited

    yield start
    for http in running:
        http.shutdown()
        http.server_close()


BODY = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}


def test_what_can_be_repeated_is(server: SERVER) -> None:
    cluster, asked, waited = server((503, {}), BROKEN, (429, {}), (200, BODY))
    assert cluster.apply(BODY) == BODY
    assert asked == ["PATCH /api/v1/namespaces/museum/configmaps/a?fieldManager=docent"] * 4
    assert len(waited) == 3
    assert waited[2] == 3.0, "the server said when to come again"
    assert all(0 < seconds <= 5 for seconds in waited)


@pytest.mark.parametrize("answer", [BROKEN, (500, {"message": "etcdserver: request timed out"})])
def test_what_may_have_been_done_is_not_done_again(server: SERVER, answer: Answer) -> None:
    cluster, asked, _ = server(answer)
    with pytest.raises(ApiError) as refused:
        cluster.create(BODY)
    assert refused.value.exit_code == 4
    assert len(asked) == 1


def test_a_creation_that_was_turned_away_is_repeated(server: SERVER) -> None:
    cluster, asked, _ = server((429, {}), (201, BODY))
    assert cluster.create(BODY) == BODY
    assert len(asked) == 2


def test_patience_ends(server: SERVER) -> None:
    cluster, asked, _ = server((503, {"message": "apiserver is shutting down"}), patience_s=0.05)
    with pytest.raises(ApiError, match="shutting down") as refused:
        cluster.get("ConfigMap", "a")
    assert (refused.value.exit_code, refused.value.status) == (4, 503)
    assert asked


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((403, {"message": 'jobs.batch is forbidden: User "x" cannot create resource "jobs"'}), 4),
        ((403, {"message": 'pods "a" is forbidden: exceeded quota: small'}), 5),
        ((403, {"message": 'pods "a" is forbidden: violates PodSecurity "restricted:latest"'}), 5),
        ((400, {"message": 'admission webhook "w" denied the request'}), 5),
        ((401, {"message": "Unauthorized"}), 4),
        ((404, b"404 page not found\n"), 102),
        ((422, {"message": "Invalid value"}), 5),
    ],
)
def test_refusals_are_sorted_by_what_to_do(server: SERVER, answer: Answer, code: int) -> None:
    cluster, asked, _ = server(answer)
    with pytest.raises(ApiError) as refused:
        cluster.apply(BODY)
    assert refused.value.exit_code == code
    assert len(asked) == 1


def test_a_full_quota_is_to_be_looked_at(server: SERVER) -> None:
    cluster, _, _ = server((403, {"message": 'pods "a" is forbidden: exceeded quota: small'}))
    with pytest.raises(ApiError) as refused:
        cluster.apply(BODY)
    assert refused.value.next_step.startswith(f"kubectl describe quota -n {cluster.namespace},")


def test_a_long_list_comes_in_pages(server: SERVER) -> None:
    first = {"items": [{"metadata": {"name": "a"}}], "metadata": {"resourceVersion": "7", "continue": "more"}}
    last = {"items": [{"metadata": {"name": "b"}}], "metadata": {"resourceVersion": "7"}}
    cluster, asked, _ = server((200, first), (200, last))
    items, version = cluster.list("Job", "docent/run=demo")
    assert [item["metadata"]["name"] for item in items] == ["a", "b"]
    assert {item["kind"] for item in items} == {"Job"} and version == "7"
    assert "continue=more" in asked[1] and "labelSelector=docent/run=demo" in unquote(asked[1])


def lines(*events: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def pod(name: str, version: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": version}}


def test_a_watch_goes_on_from_where_it_broke_and_lists_again_what_is_gone(server: SERVER) -> None:
    gone = {"type": "ERROR", "object": {"code": 410, "reason": "Expired", "message": "too old"}}
    cluster, asked, _ = server(
        (200, lines({"type": "ADDED", "object": pod("a", "11")}) + b'{"type": "MODIF'),
        (200, lines({"type": "BOOKMARK", "object": pod("", "15")}, gone)),
        (200, {"items": [pod("b", "20")], "metadata": {"resourceVersion": "21"}}),
        (200, lines({"type": "DELETED", "object": pod("b", "22")})),
    )
    watch = cluster.watch("Pod", "", "10", 60)
    seen = [next(watch) for _ in range(3)]
    assert [event for event, _ in seen] == ["ADDED", RELISTED, "DELETED"]
    assert [item["metadata"]["name"] for item in seen[1][1]["items"]] == ["b"]
    assert [f"resourceVersion={n}" in asked[i] for i, n in ((0, 10), (1, 11), (3, 21))] == [True] * 3


def test_a_watch_that_is_always_cut_at_once_does_not_hammer(server: SERVER) -> None:
    cluster, asked, waited = server((200, b""))
    for _ in cluster.watch("Pod", "", "10", 0.3):
        pass
    assert asked and len(waited) >= len(asked) - 1
    assert min(waited) >= 1
