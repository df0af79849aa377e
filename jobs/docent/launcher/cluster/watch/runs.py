"""Which runs a namespace holds and how each stands, told from its objects alone.

Reads ConfigMaps and the launcher's Job; writes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import yaml
from pydantic import ValidationError

from docent.config import PipelineConfig
from docent.config.error_messages import describe
from docent.errors import LauncherError
from docent.launcher.cluster import state
from docent.launcher.cluster.state import RunRecord
from docent.launcher.cluster.watch import conditions

if TYPE_CHECKING:
    from docent.launcher.cluster.api.client import Cluster, Object

Standing = Literal["starting", "running", "done", "failed", "cancelled"]

TWO_FORMS = frozenset({"run", "status", "logs", "gc", "open"})
FINISHED: tuple[Standing, ...] = ("done", "failed", "cancelled")


def all_runs(cluster: Cluster) -> dict[str, RunRecord]:
    """Record of every run in the namespace, by run."""
    found, _ = cluster.list("ConfigMap", "app.kubernetes.io/managed-by=docent,docent/run")
    named = {body["metadata"]["labels"]["docent/run"]: body for body in found if is_state(body)}
    return {run: state.parse(body) for run, body in named.items()}


def is_state(body: Object) -> bool:
    """Whether a ConfigMap is the state of the run that its label names."""
    return bool(body["metadata"]["name"] == state.state_name(body["metadata"].get("labels", {}).get("docent/run", "")))


def find(cluster: Cluster, run: str | None) -> tuple[str, RunRecord]:
    """The named run, or the one launched last.

    Raises:
        LauncherError: (102) there is none.
    """
    if run:
        record = state.read(cluster, run)
        if record is None:
            raise LauncherError(
                102, f"there is no run {run!r}", f"namespace {cluster.namespace}", "docent run --backend kubernetes"
            )
        return run, record
    found = all_runs(cluster)
    if not found:
        raise LauncherError(
            102, "there is no run yet", f"namespace {cluster.namespace}", "docent run --backend kubernetes"
        )
    newest = max(found, key=lambda name: (str(found[name].run.get("started", "")), name))
    return newest, found[newest]


def stored_config(cluster: Cluster, run: str, record: RunRecord) -> PipelineConfig:
    """The configuration that a run was last launched with.

    Raises:
        LauncherError: (102) its plan is gone.
    """
    name = f"{run}-plan-{record.run.get('plan10', '')}"
    found = cluster.get("ConfigMap", name)
    try:
        if found is None:
            raise ValueError("it is not there")
        return PipelineConfig.model_validate(yaml.safe_load(found["data"]["pipeline.yaml"]))
    except (KeyError, ValueError, ValidationError, yaml.YAMLError) as error:
        said = (describe(error, PipelineConfig) if isinstance(error, ValidationError) else str(error)).splitlines()[0]
        raise LauncherError(
            102, f"the plan of {run} cannot be read: {said}", f"ConfigMap {name}", "docent run --backend kubernetes"
        ) from None


def launcher_job(cluster: Cluster, run: str) -> Object | None:
    """The Job of the run's last launch, if it is still there."""
    jobs, _ = cluster.list("Job", f"docent/run={run},app.kubernetes.io/component=launcher")
    return max(jobs, key=launch_of, default=None)


def launch_of(job: Object) -> int:
    """Number of the launch that a Job belongs to; 0 where it says none."""
    number = str(job["metadata"].get("labels", {}).get("docent/launch", ""))
    return int(number) if number.isdecimal() else 0


def standing(cluster: Cluster, run: str, record: RunRecord) -> Standing:
    """How a run stands. What its launcher could not write down any more is told from the launcher's Job."""
    settled = _is_written(record) and record.phase != "running"
    return how_it_stands(record, None if settled else launcher_job(cluster, run))


def how_it_stands(record: RunRecord, job: Object | None) -> Standing:
    """How a run stands by its record and the Job of its last launch."""
    launch, written = int(record.run.get("launch", 0)), _is_written(record)
    if written and record.phase != "running":
        return record.phase
    if job is None or launch_of(job) < launch or conditions.read(job).finished:
        return "failed"
    return "running" if written else "starting"


def _is_written(record: RunRecord) -> bool:
    """Whether the record tells of the last launch."""
    return record.launch >= int(record.run.get("launch", 0))


def command(verb: str, cluster: Cluster, run: str) -> str:
    """A command line for this run, to be shown to people; `verb` may bring its own arguments."""
    backend = " --backend kubernetes" if verb.split()[0] in TWO_FORMS else ""
    elsewhere = f" --namespace {cluster.namespace}" if cluster.namespace != "docent" else ""
    return f"docent {verb}{backend} --run {run}{elsewhere}"
