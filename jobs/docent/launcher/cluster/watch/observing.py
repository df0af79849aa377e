"""Keep a local copy of a run's objects: one list and one watch per kind, each watch in its own thread."""

import math
import threading
from collections.abc import Iterator

from docent.launcher.cluster.api.client import RELISTED, Cluster, Object


def snapshots(cluster: Cluster, kind: str, selector: str, timeout_s: float) -> Iterator[list[Object]]:
    """Yield the matching objects of a kind: once as they are now, then after every change for `timeout_s`."""
    items, version = cluster.list(kind, selector)
    objects = {item["metadata"]["name"]: item for item in items}
    yield items
    for event, body in cluster.watch(kind, selector, version, timeout_s):
        _update(objects, event, body)
        yield list(objects.values())


def _update(objects: dict[str, Object], event: str, body: Object) -> None:
    """Apply an event of a watch to objects by name."""
    if event == RELISTED:
        objects.clear()
        objects.update({item["metadata"]["name"]: item for item in body["items"]})
        return
    name, uid = body["metadata"]["name"], body["metadata"]["uid"]
    if event != "DELETED":
        objects[name] = body
    elif objects.get(name, {}).get("metadata", {}).get("uid") == uid:  # keep a new object with the same name
        del objects[name]


class Observed:
    """All objects of given kinds that match a label selector, kept up to date (an informer).

    Args:
        cluster: the cluster.
        kinds: kinds to watch.
        selector: label selector of the objects.
        changed: set whenever an object changes.
    """

    def __init__(self, cluster: Cluster, kinds: tuple[str, ...], selector: str, changed: threading.Event) -> None:
        self.cluster, self.selector, self.changed = cluster, selector, changed
        self._objects: dict[str, dict[str, Object]] = {}
        self._lock = threading.Lock()
        self._failed: Exception | None = None
        versions = {}
        for kind in kinds:
            items, versions[kind] = cluster.list(kind, selector)
            self._objects[kind] = {item["metadata"]["name"]: item for item in items}
        for kind, version in versions.items():
            threading.Thread(target=self._follow, args=(kind, version), name=f"watch {kind}", daemon=True).start()

    def get(self, kind: str, name: str) -> Object | None:
        """Return one object, or None if it does not exist.

        Raises:
            PipelineError: the watch has ended, e.g. because the API server was unreachable for too long.
        """
        self._check()
        with self._lock:
            return self._objects[kind].get(name)

    def labelled(self, kind: str, label: str, value: str) -> list[Object]:
        """Return the objects whose label has this value, newest last."""
        self._check()
        with self._lock:
            objects = [o for o in self._objects[kind].values() if o["metadata"].get("labels", {}).get(label) == value]
        return sorted(objects, key=lambda o: str(o["metadata"].get("creationTimestamp", "")))

    def put(self, body: Object) -> None:
        """Add an object that was just created and that the watch has not reported yet."""
        with self._lock:
            self._objects[body["kind"]].setdefault(body["metadata"]["name"], body)

    def _check(self) -> None:
        if self._failed:
            raise self._failed

    def _follow(self, kind: str, version: str) -> None:
        try:
            for event, body in self.cluster.watch(kind, self.selector, version, math.inf):
                with self._lock:
                    _update(self._objects[kind], event, body)
                self.changed.set()
        except Exception as error:  # noqa: BLE001 - raised in the next read, which would otherwise wait forever
            self._failed = error
            self.changed.set()
