"""Prepare `docent run --backend kubernetes` up to the launch: the comparison, the checks, the platform, the inputs.

Reads the pipeline's inputs here and the run's record in the cluster; writes the platform objects and the inputs on the
volume, but only those that differ.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from docent.config import PipelineConfig
from docent.errors import LauncherError
from docent.launcher.cluster import preflight, state
from docent.launcher.cluster.api.connection import ApiError
from docent.launcher.cluster.api.differences import Change, change, stripped
from docent.launcher.cluster.inputs import Input, are_all_here, gather, overlap, to_push
from docent.launcher.cluster.state import RunRecord, all_runs, command, place, standing
from docent.launcher.cluster.transfer.transfer import OnBytes, OnSkipped, volume
from docent.launcher.render import Plan, launcher_job, platform, pod_templates, transfer_pod, workload
from docent.launcher.runs.unit_state import Phase

if TYPE_CHECKING:
    from docent.launcher.cluster.api.client import Cluster, Object

Verdict = Literal["nothing", "attach", "launch"]


@dataclass(frozen=True)
class Intent:
    """A requested run, compared with the cluster.

    Attributes:
        plan: plan of the run's configuration, with the inputs' paths on the volume.
        inputs: the inputs of the run.
        pushes: the inputs that must be pushed first.
        record: the cluster's record of the run of that name, if there is one.
        volume: uid of the volume's claim, or "" if there is none yet.
    """

    plan: Plan
    inputs: tuple[Input, ...]
    pushes: list[Input]
    record: RunRecord | None
    volume: str

    @property
    def digests(self) -> dict[str, str]:
        """The digest of every input by its path on the volume."""
        return {one.destination: one.digest for one in self.inputs}

    @property
    def is_recorded(self) -> bool:
        """Whether the last launch had exactly this plan, these inputs and this volume."""
        run = self.record.run if self.record else {}
        requested = {"plan10": self.plan.digest10, "plans": self.plan.plan_hashes, "inputs": self.digests}
        requested["volume"] = self.volume
        return all(run.get(key) == value for key, value in requested.items())


def intend(cluster: Cluster, config: PipelineConfig) -> Intent:
    """Compare a configuration with the records of the namespace; write nothing.

    Raises:
        LauncherError: (105) an input is missing or collides.
    """
    runs = all_runs(cluster)
    record, uid = runs.get(config.run.name), volume_uid(cluster, config)
    of_volume = [one.run for one in runs.values() if one.run.get("volume") == uid]
    by_age = sorted(of_volume, key=lambda run: str(run.get("started", "")))
    on_volume = {str(path): str(digest) for run in by_age for path, digest in run.get("inputs", {}).items()}
    rewritten, inputs = gather(config, on_volume)
    plan = Plan.of(rewritten)
    return Intent(plan, inputs, to_push(inputs, plan.run, runs, uid), record, uid)


def volume_uid(cluster: Cluster, config: PipelineConfig) -> str:
    """Return the uid of the volume's claim, or "" if there is none; a recreated claim is a different volume."""
    claim = cluster.get("PersistentVolumeClaim", config.kubernetes.storage.claim)
    return str(claim["metadata"]["uid"]) if claim else ""


def verdict(cluster: Cluster, intent: Intent) -> Verdict:
    """Decide whether to launch the run, attach to it, or do nothing.

    Raises:
        LauncherError: (100) this same plan has failed; (105) the run is running with another plan.
    """
    if intent.record is None or not intent.record.run:
        return "launch"
    stands = standing(cluster, intent.plan.run, intent.record)
    if stands in ("starting", "running"):
        if intent.is_recorded:
            return "attach"
        what = f"run {intent.plan.run} is in progress with a different configuration or different inputs"
        wait = command("wait", cluster, intent.plan.run)
        raise LauncherError(105, what, f"namespace {cluster.namespace}", wait)
    # Without its plan a run cannot be retried: the launch was interrupted before the plan was written.
    if stands == "failed" and intent.is_recorded and cluster.get("ConfigMap", intent.plan.config_map):
        run, what = intent.plan.run, f"this plan has already failed: {failure(intent.record)}"
        raise LauncherError(100, what, place(cluster, run), command("retry", cluster, run))
    # Inputs that are only on the volume may have changed: then the launcher decides, since it can read them.
    known = intent.is_recorded and are_all_here(intent.plan.config, intent.inputs)
    return "nothing" if stands == "done" and known else "launch"


def failure(record: RunRecord) -> str:
    """Return which units failed and why, in one line."""
    no_cause = "its launcher ended without recording a cause; see the log of unit launcher"
    failed = {name: unit for name, unit in record.units.items() if unit.phase is Phase.FAILED}
    return "; ".join(f"{name}: {unit.cause or 'no cause was recorded'}" for name, unit in failed.items()) or no_cause


def workloads(plan: Plan) -> list[Object]:
    """Return the workload of every unit."""
    return [workload(plan, name) for name in plan.units]


def plan_table(plan: Plan) -> list[dict[str, Any]]:
    """Return one row per unit: its object, image and resources."""
    rows = []
    for name, body in zip(plan.units, workloads(plan), strict=True):
        container = pod_templates(body)[0]["spec"]["containers"][0]
        requests = container["resources"]["requests"]
        unit = plan.unit(name)
        rows.append(
            {
                "unit": name,
                "object": f"{body['kind']}/{body['metadata']['name']}",
                "shards": body["spec"].get("completions", 1),
                "image": container["image"],
                "cpu": requests["cpu"],
                "memory": requests["memory"],
                "gpus": plan.config.kubernetes.resources_of(unit.stage, name).gpus,
            }
        )
    return rows


def namespace_exists(cluster: Cluster) -> bool:
    """Return whether the namespace exists; assume so if this user may not read it."""
    try:
        return cluster.get("Namespace", cluster.namespace) is not None
    except ApiError as error:
        if error.status == 403:
            return True
        raise


def differences(cluster: Cluster, config: PipelineConfig) -> list[str]:
    """List what a run would change, object by object and unit by unit; empty if it would change nothing.

    Units are compared by their plan hashes, because finished workloads are deleted after a while.

    Raises:
        LauncherError: 4 unreachable or forbidden, 5 refused at admission.
    """
    intent = intend(cluster, config)
    plan, record = intent.plan, intent.record
    owner = record if record and record.uid else None
    bodies = [state.owned(body, owner) if owner and is_plan(plan, body) else body for body in platform(plan)]
    if namespace_exists(cluster):
        changes = [change(cluster, body) for body in bodies if body["kind"] != "Namespace"]
    else:
        changes = [Change(body, None, stripped(body)) for body in bodies]
    lines = [line for one in changes if one.differs for line in one.lines()]
    before = record.run.get("plans", {}) if record else {}
    for name, plan_hash in plan.plan_hashes.items():
        if before.get(name) != plan_hash:
            lines.append(f"~ {name}: {'its configuration changed' if name in before else 'it has never run'}")
    lines += [f"~ {one.destination}: missing on the volume, or different there" for one in intent.pushes]
    return lines + [f"- {name}: no longer in the plan" for name in before if name not in plan.plan_hashes]


def make_namespace(cluster: Cluster, plan: Plan) -> None:
    """Create the namespace, which admits only pods of Pod Security `restricted`."""
    cluster.apply(next(body for body in platform(plan) if body["kind"] == "Namespace"))


def check(cluster: Cluster, plan: Plan) -> list[Change]:
    """Run the preflight checks; return the changes that applying the platform would make.

    Raises:
        LauncherError: (4) forbidden; (5) refused at admission; (105) an object, kind or key is missing or unsuitable.
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
    """Return whether an object is the plan's ConfigMap, which is owned by the run's record."""
    return bool(body["kind"] == "ConfigMap" and body["metadata"]["name"] == plan.config_map)


def apply(cluster: Cluster, changes: list[Change]) -> int:
    """Apply the objects that differ; return how many were written."""
    differing = [one for one in changes if one.differs]
    for one in differing:
        cluster.apply(one.body, force=True)  # forced, as in the dry run of `change`
    return len(differing)


def forget(cluster: Cluster, destinations: list[str]) -> None:
    """Remove paths that are about to be overwritten from the records of all runs.

    If a launch is interrupted after pushing its inputs, the records would otherwise describe the old content.
    """
    for run, record in all_runs(cluster).items():
        inputs = record.run.get("inputs", {})
        kept = {path: digest for path, digest in inputs.items() if not any(overlap(path, to) for to in destinations)}
        if kept != inputs:
            cluster.apply(state.run_body(run, {**record.run, "inputs": kept}))


def send_inputs(
    cluster: Cluster, intent: Intent, progress: Callable[[Input], AbstractContextManager[OnBytes]], skipped: OnSkipped
) -> None:
    """Push the inputs that differ to the volume.

    Args:
        cluster: the cluster.
        intent: the run.
        progress: context manager entered around each input; provides a callback for the bytes of each chunk sent.
        skipped: called with the path of everything that cannot be sent.
    """
    if not intent.pushes:
        return
    forget(cluster, [one.destination for one in intent.pushes])
    with volume(cluster, transfer_pod(intent.plan)) as far:
        for one in intent.pushes:
            assert one.source is not None  # to_push omits inputs that are only on the volume
            with progress(one) as moved:
                far.push(one.source, one.destination, moved, skipped, outwards=one.outwards)
