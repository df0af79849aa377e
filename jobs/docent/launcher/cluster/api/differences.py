"""Compare live objects with the result of applying new ones, using a dry run on the server."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from docent.launcher.render import to_yaml

if TYPE_CHECKING:
    from docent.launcher.cluster.api.client import Cluster, Object

# Fields that the server sets, or changes with every write.
OF_THE_SERVER = ("managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink")
# Created once and never changed: docent may lack the permission, and it does not own the data of a volume claim.
MADE_ONCE = frozenset({"Namespace", "PersistentVolumeClaim"})


@dataclass(frozen=True)
class Change:
    """One object as it is, and as it would be after the apply; both are equal if there is nothing to do."""

    body: Object
    before: Object | None
    after: Object

    @property
    def differs(self) -> bool:
        """Whether applying the object would change it."""
        return self.before != self.after

    def lines(self) -> list[str]:
        """Return a unified diff of both versions as YAML; empty if they are equal."""
        name = f"{self.body['kind']}/{self.body['metadata']['name']}"
        old, new = (to_yaml(one).splitlines(keepends=True) if one else [] for one in (self.before, self.after))
        return [line.rstrip("\n") for line in difflib.unified_diff(old, new, f"live/{name}", f"new/{name}")]


def change(cluster: Cluster, body: Object) -> Change:
    """Return what an apply of `body` would change; docent takes over fields that were set by hand or with kubectl.

    Raises:
        ApiError: (5) the server refuses the object; (4) forbidden or unreachable.
    """
    live = cluster.get(body["kind"], body["metadata"]["name"])
    if live is not None and body["kind"] in MADE_ONCE:
        return Change(body, {}, {})
    after = stripped(cluster.apply(body, dry_run=True, force=True))
    return Change(body, stripped(live) if live else None, after)


def stripped(body: Object) -> Object:
    """Return a copy of an object without the fields that the server manages."""
    metadata = {key: value for key, value in body["metadata"].items() if key not in OF_THE_SERVER}
    return {**{key: value for key, value in body.items() if key != "status"}, "metadata": metadata}
