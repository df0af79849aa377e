"""Read, write and watch the objects of one namespace, as plain dicts.

Start here for anything that docent sends to a cluster. Works with versions 35 to 37 of the package kubernetes; every
error is a LauncherError that names the request and the object.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import urllib3

from docent.launcher.cluster.api.connection import (
    CONNECT_S,
    READ_S,
    ApiError,
    Connection,
    load_configuration,
    read_json,
    refusal,
)
from docent.launcher.cluster.api.execution import run_in_pod
from docent.launcher.cluster.api.kinds import KINDS, resource
from docent.launcher.runs.log_tail import tail

__all__ = ["KINDS", "RELISTED", "ApiError", "Cluster", "Object"]

Object = dict[str, Any]

MANAGER = "docent"
RELISTED = "RELISTED"
PAGE = 500
WATCH_S = 280.0  # below the five minutes after which many proxies cut idle connections
WATCH_GRACE_S = 15.0
SHORT_WATCH_S = 1.0
GONE = 410


class Cluster:
    """Client of one namespace of a cluster.

    Args:
        connection: sends the requests.
        namespace: namespace of objects that do not name one.
    """

    def __init__(self, connection: Connection, namespace: str) -> None:
        self.connection, self.namespace = connection, namespace

    @classmethod
    def connect(
        cls, namespace: str, patience_s: float = 20.0, pause: Callable[[float], object] = time.sleep
    ) -> "Cluster":
        """Return the kubeconfig's cluster, or the one this pod runs in. Send no request yet.

        Args:
            namespace: namespace of objects that do not name one.
            patience_s: how long requests to an unreachable API server are retried.
            pause: waits the given number of seconds; may raise to end the waiting.

        Raises:
            LauncherError: (4) there are no credentials, or the package kubernetes is missing.
        """
        return cls(Connection(load_configuration(), patience_s, pause), namespace)

    def with_patience(self, patience_s: float) -> "Cluster":
        """Return a client of the same cluster with a connection of its own and a different `patience_s`."""
        return Cluster(Connection(self.connection.configuration, patience_s, self.connection.pause), self.namespace)

    def apply(self, body: Object, dry_run: bool = False, force: bool = False, manager: str = MANAGER) -> Object:
        """Apply an object server-side: create it, or set the fields that `manager` owns to the values in `body`.

        Raises:
            ApiError: 4 unreachable or forbidden, 5 refused at admission or owned by another manager.
        """
        options = {"field_manager": manager, "force_conflicts": "true" if force else None}
        return self._write("server_side_apply", body, dry_run, **options)

    def create(self, body: Object, dry_run: bool = False) -> Object:
        """Create an object that must not exist yet.

        Raises:
            ApiError: 5 with reason AlreadyExists; otherwise see `apply`.
        """
        return self._write("create", body, dry_run, field_manager=MANAGER)

    def replace(self, body: Object) -> Object:
        """Replace an object that still has the resourceVersion of `body`.

        Raises:
            ApiError: 5 with reason Conflict if it has changed since; otherwise see `apply`.
        """
        return self._write("replace", body, field_manager=MANAGER)

    def get(self, kind: str, name: str) -> Object | None:
        """Return one object, or None if it does not exist."""
        try:
            existing: Object = self._send("get", kind, name)
            return existing
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list(self, kind: str, selector: str = "", fields: str = "") -> tuple[list[Object], str]:
        """Return all objects that match a label and a field selector, and the resource version to start a watch at."""
        items: list[Object] = []
        query: dict[str, Any] = {"label_selector": selector or None, "field_selector": fields or None, "limit": PAGE}
        while True:
            page = self._send("get", kind, **query)
            items += [{"apiVersion": KINDS[kind], "kind": kind, **item} for item in page["items"]]
            query["_continue"] = page["metadata"].get("continue") or None
            if not query["_continue"]:
                return items, str(page["metadata"].get("resourceVersion", ""))

    def watch(self, kind: str, selector: str, resource_version: str, timeout_s: float) -> Iterator[tuple[str, Object]]:
        """Yield the changes since a resource version, for `timeout_s`: ADDED, MODIFIED or DELETED and the object.

        A broken connection is resumed where it broke. If the server no longer has that version, the kind is listed
        again and yielded as one `RELISTED` with `items`: objects that are not among them are gone.

        Raises:
            ApiError: the server is unreachable for longer than the connection's `patience_s`, or refuses the request.
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
            if time.monotonic() - opened_s < SHORT_WATCH_S:  # do not flood a proxy that closes watches at once
                self.connection.pause(SHORT_WATCH_S)

    def _watch_once(
        self, kind: str, selector: str, resource_version: str, timeout_s: float
    ) -> Iterator[tuple[str, Object]]:
        # Not `DynamicClient.watch`: it has no read timeout, so a dead connection would block forever.
        answer = self._send(
            "get",
            kind,
            read_s=timeout_s + WATCH_GRACE_S,
            then=lambda answer: answer,
            label_selector=selector or None,
            resource_version=resource_version,
            watch="true",
            timeout_seconds=max(1, round(timeout_s)),
            allow_watch_bookmarks="true",
        )
        for line in _lines(answer):
            try:
                event = json.loads(line)
            except json.JSONDecodeError:  # the connection broke in the middle of the line: the event is sent again
                return
            if event["type"] == "ERROR":
                raise refusal(f"watch {kind}", int(event["object"].get("code", 500)), event["object"])
            yield event["type"], {"apiVersion": KINDS[kind], "kind": kind, **event["object"]}

    def delete(self, kind: str, name: str, uid: str | None = None) -> bool:
        """Delete an object and, in the background, what it owns; return False if it does not exist.

        Args:
            kind: one of KINDS.
            name: name of the object.
            uid: delete it only if it has this uid.
        """
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if uid:
            options["preconditions"] = {"uid": uid}
        try:
            self._send("delete", kind, name, body=options)
        except ApiError as error:
            if error.status == 404 or (uid and error.reason == "Conflict"):
                return False
            raise
        return True

    def log(self, pod: str, *, follow: bool = False, tail_bytes: int | None = None) -> Iterator[str]:
        """Yield the lines of a pod's log, without line ends.

        Args:
            pod: name of the pod.
            follow: continue until the container ends.
            tail_bytes: yield only the last lines, at most this many bytes; a longer last line loses its beginning.

        Raises:
            ApiError: 102 no such pod; 5 the container has not started.
        """
        # The API limits bytes from the start (limitBytes) or counts lines: request a line per 40 bytes, then trim here.
        query: list[tuple[str, Any]] = [("follow", "true")] if follow else []
        query += [("tailLines", max(10, tail_bytes // 40))] if tail_bytes else []
        path, send = self._path("Pod", pod, "log"), self.connection.dynamic.request
        limits = (CONNECT_S, None if follow else 2 * READ_S)
        answer = self.connection.attempt(
            f"log of pod {pod}",
            lambda: send("get", path, query_params=list(query), serialize=False, _request_timeout=limits),
        )
        texts = (line.decode("utf-8", "replace") for line in _lines(answer))
        yield from texts if tail_bytes is None or follow else tail("\n".join(texts), tail_bytes).split("\n")

    def run_in(self, pod: str, command: Sequence[str], stdin: Iterable[bytes] | None = None) -> Iterator[bytes]:
        """Run a command in a pod: send `stdin` while yielding its standard output, both byte for byte.

        Standard input cannot be closed: the command must recognise the end of its input.

        Raises:
            CommandError: the command exited with a status other than 0; holds the end of its standard error.
            ApiError: 4 unreachable, forbidden or interrupted; 102 no such pod.
        """
        return run_in_pod(self.connection, self._path("Pod", pod, "exec"), command, stdin)

    def _path(self, kind: str, name: str, part: str) -> str:
        return f"{resource(kind).path(name=name, namespace=self.namespace)}/{part}"

    def _write(self, verb: str, body: Object, dry_run: bool = False, **options: Any) -> Object:
        metadata = body.get("metadata", {})
        options |= {"namespace": metadata.get("namespace", self.namespace), "dry_run": "All" if dry_run else None}
        written: Object = self._send(verb, body["kind"], metadata.get("name"), body=body, **options)
        return written

    def _send(
        self,
        verb: str,
        kind: str,
        name: str | None = None,
        read_s: float = READ_S,
        then: Callable[[urllib3.BaseHTTPResponse], Any] = read_json,
        **options: Any,
    ) -> Any:
        """Call a method of DynamicClient; return the response as parsed by `then`."""
        namespace = options.pop("namespace", self.namespace)
        options |= {"name": name, "namespace": namespace, "serialize": False, "_request_timeout": (CONNECT_S, read_s)}
        where = f"{verb.replace('_', ' ')} {kind}{f'/{name}' if name else ''} in namespace {namespace}"
        call = getattr(self.connection.dynamic, verb)
        return self.connection.attempt(where, lambda: then(call(resource(kind), **options)), verb != "create")


def _lines(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Yield lines as they arrive, until the response ends or the connection breaks."""
    try:
        for line in answer:
            yield line.rstrip(b"\n")
    except urllib3.exceptions.HTTPError:
        return
    finally:
        answer.close()
