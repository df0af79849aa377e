"""What docent asks of a Kubernetes cluster: plain dicts in, plain dicts out.

Reads and writes objects of one namespace (and the few kinds that have none). Works on the packages kubernetes 35 and
37 alike; every error is a LauncherError that names the verb and the object.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import urllib3

from docent.launcher.cluster.api.connection import ApiError, Connection, load_configuration, refusal
from docent.launcher.cluster.api.execution import run_in_pod
from docent.launcher.cluster.api.kinds import KINDS, path

__all__ = ["KINDS", "RELISTED", "ApiError", "Cluster", "Object"]

Object = dict[str, Any]

MANAGER = "docent"
RELISTED = "RELISTED"
PAGE = 500
WATCH_S = 280
SHORT_WATCH_S = 1.0
LOG_CHUNK_BYTES = 1 << 16
GONE = 410


class Cluster:
    """One namespace of a cluster.

    Args:
        connection: where requests go.
        namespace: where objects lie that name none.
    """

    def __init__(self, connection: Connection, namespace: str) -> None:
        self.connection, self.namespace = connection, namespace

    @classmethod
    def connect(
        cls, namespace: str, patience_s: float = 20.0, pause: Callable[[float], object] = time.sleep
    ) -> Cluster:
        """The cluster of the kubeconfig, or the one around this pod. Sends nothing yet.

        Args:
            namespace: where objects lie that name none.
            patience_s: how long an API server that is away is tried again.
            pause: how waiting is done; may raise to end it.

        Raises:
            LauncherError: (4) there are no credentials, or the package kubernetes is missing.
        """
        return cls(Connection(load_configuration(), patience_s, pause), namespace)

    def with_patience(self, patience_s: float) -> Cluster:
        """The same cluster, with its own connections and another patience."""
        return Cluster(Connection(self.connection.configuration, patience_s, self.connection.pause), self.namespace)

    def apply(self, body: Object, dry_run: bool = False, force: bool = False, manager: str = MANAGER) -> Object:
        """Server-side apply: make the object, or bring the fields that `manager` owns to what `body` says.

        Raises:
            ApiError: 4 unreachable or forbidden, 5 refused at admission or owned by another manager.
        """
        query = {"fieldManager": manager, "force": force, "dryRun": "All" if dry_run else ""}
        return self.connection.json("PATCH", self._path_of(body, body["metadata"]["name"]), query, body)

    def create(self, body: Object, dry_run: bool = False) -> Object:
        """Make an object that must not be there yet.

        Raises:
            ApiError: 5 with reason AlreadyExists, and as `apply`.
        """
        query = {"fieldManager": MANAGER, "dryRun": "All" if dry_run else ""}
        return self.connection.json("POST", self._path_of(body), query, body)

    def replace(self, body: Object) -> Object:
        """Put an object in the place of the one with the same resourceVersion.

        Raises:
            ApiError: 5 with reason Conflict when somebody wrote it since, and as `apply`.
        """
        query = {"fieldManager": MANAGER}
        return self.connection.json("PUT", self._path_of(body, body["metadata"]["name"]), query, body)

    def get(self, kind: str, name: str) -> Object | None:
        """One object, or None when it is not there."""
        try:
            return self.connection.json("GET", path(kind, self.namespace, name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list(self, kind: str, selector: str = "", fields: str = "") -> tuple[list[Object], str]:
        """All objects of a kind that match a label selector (and a field selector), and the version to watch from."""
        found: list[Object] = []
        query: dict[str, Any] = {"labelSelector": selector, "fieldSelector": fields, "limit": PAGE}
        while True:
            page = self.connection.json("GET", path(kind, self.namespace), query)
            found += [{"apiVersion": KINDS[kind], "kind": kind, **item} for item in page["items"]]
            query["continue"] = page["metadata"].get("continue", "")
            if not query["continue"]:
                return found, str(page["metadata"].get("resourceVersion", ""))

    def watch(self, kind: str, selector: str, resource_version: str, timeout_s: float) -> Iterator[tuple[str, Object]]:
        """Changes since a resource version, for `timeout_s`: ADDED, MODIFIED or DELETED and the object.

        A broken connection is opened again from where it broke. Where the server no longer knows that point, the kind
        is listed again and comes as one `RELISTED` with `items`: what is not among them has gone.

        Raises:
            ApiError: the server is away for longer than this connection's patience, or says no.
        """
        until_s = time.monotonic() + timeout_s
        while (left_s := until_s - time.monotonic()) > 0:
            opened_s = time.monotonic()
            try:
                for event, body in self._watch_once(kind, selector, resource_version, min(left_s, WATCH_S)):
                    resource_version = body["metadata"].get("resourceVersion", resource_version)
                    if event != "BOOKMARK":
                        yield event, body
            except ApiError as error:
                if error.status != GONE:
                    raise
                items, resource_version = self.list(kind, selector)
                yield RELISTED, {"items": items}
            if time.monotonic() - opened_s < SHORT_WATCH_S:  # a proxy that cuts watches at once must not be hammered
                self.connection.pause(SHORT_WATCH_S)

    def _watch_once(
        self, kind: str, selector: str, resource_version: str, timeout_s: float
    ) -> Iterator[tuple[str, Object]]:
        query = {
            "watch": True,
            "labelSelector": selector,
            "resourceVersion": resource_version,
            "allowWatchBookmarks": True,
            "timeoutSeconds": max(1, round(timeout_s)),
        }
        where = path(kind, self.namespace)
        answer = self.connection.open("GET", where, query, read_s=timeout_s + 15)
        for line in _lines(answer):
            try:
                event = json.loads(line)
            except json.JSONDecodeError:  # the connection broke in the middle of it: it comes again
                return
            if event["type"] == "ERROR":
                status = event["object"]
                raise refusal("WATCH", where, int(status.get("code", 500)), status)
            yield event["type"], {"apiVersion": KINDS[kind], "kind": kind, **event["object"]}

    def delete(self, kind: str, name: str, uid: str | None = None) -> bool:
        """Delete an object and, in the background, what it owns; False when it was not there.

        Args:
            kind: one of KINDS.
            name: its name.
            uid: only if it is still this very object.
        """
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if uid:
            options["preconditions"] = {"uid": uid}
        try:
            self.connection.json("DELETE", path(kind, self.namespace, name), None, options)
        except ApiError as error:
            if error.status == 404 or (uid and error.reason == "Conflict"):
                return False
            raise
        return True

    def log(
        self, pod: str, *, follow: bool = False, tail_bytes: int | None = None, container: str = ""
    ) -> Iterator[str]:
        """The lines of a pod's log, without their line ends.

        Args:
            pod: its name.
            follow: go on until the container ends.
            tail_bytes: about so much of the end; whole lines.
            container: which one, where there are several.

        Raises:
            ApiError: 102 no such pod; 5 its container has not started.
        """
        # The API cuts at the end (limitBytes) or counts lines; lines of 40 bytes and more make at least what is asked.
        query = {"follow": follow, "container": container, "tailLines": tail_bytes and max(10, tail_bytes // 40)}
        where = path("Pod", self.namespace, pod, "log")
        answer = self.connection.open("GET", where, query, read_s=None if follow else 60.0)
        texts = (line.decode("utf-8", "replace") for line in _lines(answer))
        yield from texts if tail_bytes is None or follow else _tail(texts, tail_bytes)

    def run_in(
        self, pod: str, command: Sequence[str], stdin: Iterable[bytes] | None = None, container: str = ""
    ) -> Iterator[bytes]:
        """Run a command in a pod: `stdin` goes in while its standard output comes out, both byte for byte.

        Standard input cannot be closed: the command must know from the bytes where they end.

        Raises:
            CommandError: it ended with another status than 0; holds the end of its standard error.
            ApiError: 4 unreachable, forbidden or broken off; 102 no such pod.
        """
        return run_in_pod(self.connection, path("Pod", self.namespace, pod, "exec"), command, stdin, container)

    def _path_of(self, body: Object, name: str = "") -> str:
        return path(body["kind"], body["metadata"].get("namespace", self.namespace), name)


def _lines(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Lines as they come, until the answer ends or breaks off."""
    left = b""
    try:
        for piece in answer.stream(LOG_CHUNK_BYTES):
            *whole, left = (left + piece).split(b"\n")
            yield from whole
        if left:
            yield left
    except urllib3.exceptions.HTTPError:
        return
    finally:
        answer.close()


def _tail(lines: Iterable[str], size: int) -> list[str]:
    kept: list[str] = []
    for line in reversed(list(lines)):
        size -= len(line.encode()) + 1
        if size < 0 and kept:
            break
        kept.insert(0, line)
    return kept
