"""Find the runs of a namespace and the standing of each, from ConfigMaps and the launcher's Job alone."""

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
    """Return the record of every run in the namespace, by run."""
    config_maps, _ = cluster.list("ConfigMap", "app.kubernetes.io/managed-by=docent,docent/run")
    labelled = [(body["metadata"]["labels"]["docent/run"], body) for body in config_maps]  # plans among them
    return {run: state.parse(body) for run, body in labelled if body["metadata"]["name"] == state.state_name(run)}


def find(cluster: Cluster, run: str | None) -> tuple[str, RunRecord]:
    """Return the named run, or the one launched last.

    Raises:
        LauncherError: (102) there is none.
    """
    where, next_step = f"namespace {cluster.namespace}", "docent run --backend kubernetes"
    if run:
        record = state.read(cluster, run)
        if record is None:
            raise LauncherError(102, f"there is no run {run!r}", where, next_step)
        return run, record
    records = all_runs(cluster)
    if not records:
        raise LauncherError(102, "there is no run yet", where, next_step)
    newest = max(records, key=lambda name: (str(records[name].run.get("started", "")), name))
    return newest, records[newest]


def stored_config(cluster: Cluster, run: str, record: RunRecord) -> PipelineConfig:
    """Return the configuration that a run was last launched with.

    Raises:
        LauncherError: (102) its plan does not exist any more.
    """
    name = f"{run}-plan-{record.run.get('plan10', '')}"
    plan = cluster.get("ConfigMap", name)
    try:
        if plan is None:
            raise ValueError("it does not exist")
        return PipelineConfig.model_validate(yaml.safe_load(plan["data"]["pipeline.yaml"]))
    except (KeyError, ValueError, yaml.YAMLError) as error:
        why = (describe(error, PipelineConfig) if isinstance(error, ValidationError) else str(error)).splitlines()[0]
        what = f"the plan of {run} cannot be read: {why}"
        raise LauncherError(102, what, f"ConfigMap {name}", "docent run --backend kubernetes") from None


def launcher_job(cluster: Cluster, run: str) -> Object | None:
    """Return the Job of the run's last launch, if it still exists."""
    jobs, _ = cluster.list("Job", f"docent/run={run},app.kubernetes.io/component=launcher")
    return max(jobs, key=launch_of, default=None)


def launch_of(job: Object) -> int:
    """Return the number of the launch that a Job belongs to; 0 where it has none."""
    number = str(job["metadata"].get("labels", {}).get("docent/launch", ""))
    return int(number) if number.isdecimal() else 0


def standing(cluster: Cluster, run: str, record: RunRecord) -> Standing:
    """Return the standing of a run; from the launcher's Job where the launcher could not write it down."""
    settled = _is_written(record) and record.phase != "running"
    return how_it_stands(record, None if settled else launcher_job(cluster, run))


def how_it_stands(record: RunRecord, job: Object | None) -> Standing:
    """Return the standing of a run by its record and the Job of its last launch."""
    launch, written = record.started_launch, _is_written(record)
    if written and record.phase != "running":
        return record.phase
    if job is None or launch_of(job) < launch or conditions.read(job).finished:
        return "failed"
    return "running" if written else "starting"


def _is_written(record: RunRecord) -> bool:
    """Whether the record is about the last launch."""
    return record.launch >= record.started_launch


def command(verb: str, cluster: Cluster, run: str) -> str:
    """Return a command line for this run, to show to people; `verb` may include arguments of its own."""
    backend = " --backend kubernetes" if verb.split()[0] in TWO_FORMS else ""
    elsewhere = f" --namespace {cluster.namespace}" if cluster.namespace != "docent" else ""
    return f"docent {verb}{backend} --run {run}{elsewhere}"
