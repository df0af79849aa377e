"""Launch a run: write its record (`run.json`), the ConfigMap of its plan and the launcher's Job."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from docent.errors import LauncherError
from docent.launcher.cluster import state
from docent.launcher.cluster.api.connection import ApiError
from docent.launcher.cluster.api.differences import change
from docent.launcher.cluster.start import Intent, is_plan, plan_table, volume_uid
from docent.launcher.render import Plan, launcher_job, platform

if TYPE_CHECKING:
    from docent.launcher.cluster.api.client import Cluster, Object

NAME_FREE_S = 60.0
PAUSE_S = 1.0


def launch(cluster: Cluster, intent: Intent) -> int:
    """Write the record, the plan and the launcher's Job; return the number of the launch."""
    plan, before = intent.plan, intent.record
    number = 1 + max(before.launch, int(before.run.get("launch", 0))) if before else 1
    record = {
        "launch": number,
        "plan10": plan.digest10,
        "plans": plan.plan_hashes,
        "inputs": intent.digests,
        "volume": volume_uid(cluster, plan.config),
        "images": {row["unit"]: row["image"] for row in plan_table(plan)},
        "started": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    owner = cluster.apply(state.run_body(plan.run, record))
    plan_body = next(body for body in platform(plan) if is_plan(plan, body))
    planned = change(cluster, state.owned(plan_body, owner))
    if planned.differs:
        cluster.apply(planned.body)
    start_launcher(cluster, plan, number, owner)
    return number


def start_launcher(cluster: Cluster, plan: Plan, number: int, owner: Object) -> None:
    """Create the launcher's Job for this launch.

    Raises:
        LauncherError: (104) the Job of an earlier run of this name is not deleted in time.
    """
    body = state.owned(launcher_job(plan, number), owner)
    body["metadata"]["labels"] = {**body["metadata"]["labels"], "docent/launch": str(number)}
    until_s = time.monotonic() + NAME_FREE_S
    while True:
        try:
            cluster.create(body)
            return
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
        name = str(body["metadata"]["name"])
        existing = cluster.get("Job", name) or {"metadata": {}}
        owners = {reference["uid"] for reference in existing["metadata"].get("ownerReferences", ())}
        if owner["metadata"]["uid"] in owners:
            return
        if time.monotonic() > until_s:
            raise LauncherError(104, "a Job of an earlier run is in the way", name, f"kubectl delete job {name}")
        cluster.delete("Job", name)
        time.sleep(PAUSE_S)
