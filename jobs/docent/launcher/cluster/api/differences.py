"""What applying an object would change: the server's own answer to a dry run, compared with what is there.

Reads the cluster; a dry run writes nothing.
"""

from __future__ import annotations

import copy
import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from docent.launcher.render import to_yaml

if TYPE_CHECKING:
    from docent.launcher.cluster.api.client import Cluster, Object

# Set by the server, or changed by it with every write.
OF_THE_SERVER = ("managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink")
# Made once and then left alone: docent may not be allowed to change them, and what holds data is not its own.
MADE_ONCE = frozenset({"Namespace", "PersistentVolumeClaim"})


@dataclass(frozen=True)
class Change:
    """One object: as it is, and as it would be after the apply. Equal when there is nothing to do."""

    body: Object
    before: Object | None
    after: Object

    @property
    def differs(self) -> bool:
        """Whether applying it would write."""
        return self.before != self.after

    @property
    def name(self) -> str:
        """Kind and name."""
        return f"{self.body['kind']}/{self.body['metadata']['name']}"

    def lines(self) -> list[str]:
        """A unified diff of both as YAML; empty when they are equal."""
        old, new = (to_yaml(one).splitlines(keepends=True) if one else [] for one in (self.before, self.after))
        return [line.rstrip("\n") for line in difflib.unified_diff(old, new, f"live/{self.name}", f"new/{self.name}")]


def change(cluster: Cluster, body: Object) -> Change:
    """What an apply of `body` would change; fields that somebody set by hand, or with kubectl, are taken over.

    Raises:
        ApiError: (5) the server refuses it; (4) forbidden or unreachable.
    """
    live = cluster.get(body["kind"], body["metadata"]["name"])
    if live is not None and body["kind"] in MADE_ONCE:
        return Change(body, {}, {})
    return Change(
        body, None if live is None else stripped(live), stripped(cluster.apply(body, dry_run=True, force=True))
    )


def stripped(body: Object) -> Object:
    """An object without what the server keeps for itself."""
    found = copy.deepcopy(body)
    found.pop("status", None)
    for key in OF_THE_SERVER:
        found["metadata"].pop(key, None)
    return found
