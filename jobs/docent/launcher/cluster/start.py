"""`docent run --backend kubernetes`: what is to be done, what it takes, and doing it.

Reads the pipeline's inputs here and the run's record in the cluster; writes the platform objects, the inputs on the
volume, the record's `run.json` and the launcher's Job. Nothing is written that is there already.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from docent.config import PipelineConfig
from docent.errors import LauncherError
from docent.launcher.cluster import preflight, state
from docent.launcher.cluster.connection import ApiError
from docent.launcher.cluster.differences import Change, change
from docent.launcher.cluster.inputs import Input, gather, to_push
from docent.launcher.cluster.runs import all_runs, command, standing
from docent.launcher.cluster.state import RunRecord
from docent.launcher.cluster.transfer import volume
from docent.launcher.render import Plan, launcher_job, platform, pod_templates, transfer_pod, workload

if TYPE_CHECKING:
    from docent.launcher.cluster.client import Cluster, Object

Verdict = Literal["nothing", "attach", "launch"]

NAME_FREE_S = 60.0
PAUSE_S = 1.0


@dataclass(frozen=True)
class Intent:
    """A run that somebody wants.

    Attributes:
        plan: what it comes to, with inputs where they are on the volume.
        inputs: what it reads.
        pushes: those of them that must be sent first.
        record: what the cluster knows of the run of that name.
    """

    plan: Plan
    inputs: tuple[Input, ...]
    pushes: list[Input]
    record: RunRecord | None

    @property
    def digests(self) -> dict[str, str]:
        """Digest of every input by its path on the volume."""
        return {one.destination: one.digest for one in self.inputs}

    @property
    def is_recorded(self) -> bool:
        """Whether the last launch was of this very plan and these inputs."""
        run = self.record.run if self.record else {}
        asked = {"plan10": self.plan.digest10, "plans": self.plan.plan_hashes, "inputs": self.digests}
        return all(run.get(key) == value for key, value in asked.items())


def intend(cluster: Cluster, config: PipelineConfig) -> Intent:
    """What a configuration asks for, compared with what the namespace knows. One list; writes nothing.

    Raises:
        LauncherError: (105) an input is missing or collides.
    """
    runs = all_runs(cluster)
    record = runs.get(config.run.name)
    known = {str(path): str(digest) for path, digest in (record.run if record else {}).get("inputs", {}).items()}
    rewritten, inputs = gather(config, known)
    plan = Plan.of(rewritten)
    return Intent(plan, inputs, to_push(inputs, plan.run, runs), record)


def verdict(cluster: Cluster, intent: Intent) -> Verdict:
    """What there is to do.

    Raises:
        LauncherError: (100) this very plan has failed; (105) the run is going on with another plan.
    """
    if intent.record is None or not intent.record.run:
        return "launch"
    stands = standing(cluster, intent.plan.run, intent.record)
    if stands in ("starting", "running"):
        if intent.is_recorded:
            return "attach"
        raise LauncherError(
            105,
            f"run {intent.plan.run} is going on with another configuration or other inputs",
            f"namespace {cluster.namespace}",
            command("wait", cluster, intent.plan.run),
        )
    if stands == "failed" and intent.is_recorded:
        raise LauncherError(
            100,
            f"this plan has failed: {failure(intent.record)}",
            f"run {intent.plan.run} in namespace {cluster.namespace}",
            command("retry", cluster, intent.plan.run),
        )
    return "nothing" if stands == "done" and intent.is_recorded else "launch"


def failure(record: RunRecord) -> str:
    """Which units failed and why, in one line."""
    failed = [f"{name}: {unit.cause or 'no cause was written'}" for name, unit in record.units.items()]
    failed = [text for text, unit in zip(failed, record.units.values(), strict=True) if unit.phase == "failed"]
    return "; ".join(failed) or "its launcher ended before it could say why (docent logs launcher)"


def workloads(plan: Plan) -> list[Object]:
    """The workload of every unit."""
    return [workload(plan, name) for name in plan.units]


def plan_table(plan: Plan) -> list[dict[str, Any]]:
    """What each unit becomes and asks for, one row per unit."""
    rows = []
    for name, body in zip(plan.units, workloads(plan), strict=True):
        container = pod_templates(body)[0]["spec"]["containers"][0]
        asked = container["resources"]["requests"]
        unit = plan.unit(name)
        rows.append(
            {
                "unit": name,
                "object": f"{body['kind']}/{body['metadata']['name']}",
                "shards": body["spec"].get("completions", 1),
                "image": container["image"],
                "cpu": asked["cpu"],
                "memory": asked["memory"],
                "gpus": plan.config.kubernetes.resources_of(unit.stage, name).gpus,
            }
        )
    return rows


def namespace_exists(cluster: Cluster) -> bool:
    """Whether the namespace is there; those who may not look are taken to have been given one."""
    try:
        return cluster.get("Namespace", cluster.namespace) is not None
    except ApiError as error:
        if error.status == 403:
            return True
        raise


def make_namespace(cluster: Cluster, plan: Plan) -> None:
    """Make the namespace, which admits only pods of Pod Security `restricted`."""
    cluster.apply(next(body for body in platform(plan) if body["kind"] == "Namespace"))


def check(cluster: Cluster, plan: Plan) -> list[Change]:
    """Preflight; returns what applying the platform would change.

    Raises:
        LauncherError: (4) forbidden; (5) refused at admission; (105) something is missing.
    """
    bodies = [body for body in platform(plan) if body["kind"] != "Namespace"]
    units = workloads(plan)
    preflight.check_rights(cluster, bodies)
    preflight.check_operators(cluster, units)
    preflight.check_keys(cluster, units)
    preflight.check_claim(cluster, next(body for body in bodies if body["kind"] == "PersistentVolumeClaim"))
    changes = [change(cluster, body) for body in bodies if not is_plan(plan, body)]
    preflight.rehearse_workloads(cluster, [*units, launcher_job(plan, 1), transfer_pod(plan)])
    return changes


def is_plan(plan: Plan, body: Object) -> bool:
    """Whether an object is the plan's ConfigMap, which belongs to the run's record."""
    return bool(body["kind"] == "ConfigMap" and body["metadata"]["name"] == plan.config_map)


def apply(cluster: Cluster, changes: list[Change]) -> int:
    """Apply what differs; returns how many objects were written."""
    todo = [one for one in changes if one.differs]
    for one in todo:
        cluster.apply(one.body)
    return len(todo)


def send_inputs(cluster: Cluster, intent: Intent, told: Callable[[Input], Any], skipped: Callable[[str], None]) -> None:
    """Bring what differs to the volume.

    Args:
        cluster: where.
        intent: the run.
        told: called before each input; returns what is called with the bytes of every piece sent.
        skipped: called with the path of everything that cannot be sent.
    """
    if not intent.pushes:
        return
    with volume(cluster, transfer_pod(intent.plan)) as far:
        for one in intent.pushes:
            assert one.source is not None  # to_push leaves out what is only on the volume
            far.push(one.source, one.destination, told(one), skipped)


def launch(cluster: Cluster, intent: Intent) -> int:
    """Write the record, the plan and the launcher's Job; returns the number of the launch."""
    plan, before = intent.plan, intent.record
    number = 1 + max(before.launch, int(before.run.get("launch", 0))) if before else 1
    record = {
        "launch": number,
        "plan10": plan.digest10,
        "plans": plan.plan_hashes,
        "inputs": intent.digests,
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
        LauncherError: (104) one of an earlier run of this name does not go away.
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
        there = cluster.get("Job", name) or {"metadata": {}}
        owners = {reference["uid"] for reference in there["metadata"].get("ownerReferences", ())}
        if owner["metadata"]["uid"] in owners:
            return
        if time.monotonic() > until_s:
            raise LauncherError(104, "a Job of an earlier run is in the way", name, f"kubectl delete job {name}")
        cluster.delete("Job", name)
        time.sleep(PAUSE_S)
