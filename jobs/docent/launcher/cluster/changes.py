"""List what a run would change, object by object and unit by unit: `docent diff`. Writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docent.config import PipelineConfig
from docent.launcher.cluster import start, state
from docent.launcher.cluster.api.differences import Change, change, stripped
from docent.launcher.render import platform

if TYPE_CHECKING:
    from docent.launcher.cluster.api.client import Cluster


def differences(cluster: Cluster, config: PipelineConfig) -> list[str]:
    """Return the lines to show; none when a run would change nothing.

    Units are compared by their plan hashes, because finished workloads are deleted after a while.

    Raises:
        LauncherError: 4 unreachable or forbidden, 5 refused at admission.
    """
    intent = start.intend(cluster, config)
    plan, record = intent.plan, intent.record
    owner = record if record and record.uid else None
    bodies = [state.owned(body, owner) if owner and start.is_plan(plan, body) else body for body in platform(plan)]
    if start.namespace_exists(cluster):
        changes = [change(cluster, body) for body in bodies if body["kind"] != "Namespace"]
    else:
        changes = [Change(body, None, stripped(body)) for body in bodies]
    lines = [line for one in changes if one.differs for line in one.lines()]
    before = record.run.get("plans", {}) if record else {}
    for name, plan_hash in plan.plan_hashes.items():
        if before.get(name) != plan_hash:
            lines.append(f"~ {name}: {'its configuration changed' if name in before else 'it has never run'}")
    lines += [f"~ {one.destination}: not on the volume as it is here" for one in intent.pushes]
    return lines + [f"- {name}: no longer in the plan" for name in before if name not in plan.plan_hashes]
