"""Read and write the ConfigMap `<run>-state`, the record of a run that can be read without its volume.

It has two keys with one writer each. `run.json`, by the command line: launch, plan10, plans {unit: plan hash}, inputs
{path: digest}, images, started. `units.json`, by the launcher in the cluster: launch, phase, units {unit: UnitState}.
The ConfigMap also owns the run's other objects: deleting it deletes them, but never the volume. If the launcher could
not record how the run ended, its standing is derived from the launcher's Job.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import yaml
from pydantic import ValidationError

from docent.config import PipelineConfig
from docent.config.error_messages import describe
from docent.errors import LauncherError
from docent.launcher.cluster.watch import conditions
from docent.launcher.render.names import labels, plan_name
from docent.launcher.render.names import state_name as state_name
from docent.launcher.runs.log_tail import LOG_BYTES, tail
from docent.launcher.runs.unit_state import Phase, UnitState

if TYPE_CHECKING:
    from docent.launcher.cluster.api.client import Cluster, Object

RunPhase = Literal["running", "done", "failed", "cancelled"]

Standing = Literal["starting", "running", "done", "failed", "cancelled"]

TWO_FORMS = frozenset({"run", "status", "logs", "gc", "open"})
FINISHED: tuple[Standing, ...] = ("done", "failed", "cancelled")

RUN_KEY, UNITS_KEY = "run.json", "units.json"
CLI_MANAGER, LAUNCHER_MANAGER = "docent", "docent-launcher"

CAUSE_CHARACTERS = 1000
# A ConfigMap may hold 1 MiB; the plan's inputs need some of it.
UNITS_LIMIT_BYTES = 700 * 1024


@dataclass
class RunRecord:
    """The complete record of a run.

    Attributes:
        run: content of `run.json`, written by the command line; {} if the run was started by hand.
        launch: number of the launch that `units` describes; 0 before the first.
        phase: phase of that launch.
        units: state of each unit by name, in pipeline order.
        uid: uid of the ConfigMap, for ownerReferences.
        name: name of the ConfigMap.
    """

    run: dict[str, Any] = field(default_factory=dict)
    launch: int = 0
    phase: RunPhase = "running"
    units: dict[str, UnitState] = field(default_factory=dict)
    uid: str = ""
    name: str = ""

    @property
    def started_launch(self) -> int:
        """Number of the launch that the command line started last; 0 if the run was started by hand."""
        return int(self.run.get("launch", 0))

    @property
    def last_launch(self) -> int:
        """The highest launch number in either of the two keys."""
        return max(self.launch, self.started_launch)


def read(cluster: Cluster, run: str) -> RunRecord | None:
    """Return the record of a run, or None if there is no run of that name."""
    config_map = cluster.get("ConfigMap", state_name(run))
    return parse(config_map) if config_map else None


def parse(config_map: Object) -> RunRecord:
    """Parse the record in a state ConfigMap; treat missing or damaged parts as not written yet."""
    data = config_map.get("data") or {}
    units = _object(data.get(UNITS_KEY, ""))
    return RunRecord(
        run=_object(data.get(RUN_KEY, "")),
        launch=int(units.get("launch", 0)),
        phase=units.get("phase", "running"),
        units={name: _unit(fields) for name, fields in units.get("units", {}).items()},
        uid=config_map["metadata"].get("uid", ""),
        name=config_map["metadata"]["name"],
    )


def run_body(run: str, record: dict[str, Any]) -> Object:
    """Return the object that the command line applies as CLI_MANAGER."""
    return _body(run, RUN_KEY, json.dumps(record, indent=1, sort_keys=True))


def units_body(run: str, launch: int, phase: RunPhase, units: Mapping[str, UnitState]) -> Object:
    """Return the object that the launcher in the cluster applies as LAUNCHER_MANAGER."""
    return _body(run, UNITS_KEY, units_text(launch, phase, units))


def units_text(launch: int, phase: RunPhase, units: Mapping[str, UnitState]) -> str:
    """Return `units.json` of at most UNITS_LIMIT_BYTES; to fit, cut logs first, then causes, then all but phases."""
    for log_bytes, cause_characters in ((LOG_BYTES, CAUSE_CHARACTERS), (1024, CAUSE_CHARACTERS), (0, 300), (0, 80)):
        cut = {name: _cut(unit, log_bytes, cause_characters) for name, unit in units.items()}
        text = json.dumps({"launch": launch, "phase": phase, "units": cut}, ensure_ascii=False)
        if len(text.encode()) <= UNITS_LIMIT_BYTES:
            return text
    return json.dumps({"launch": launch, "phase": phase, "units": {n: {"phase": u.phase} for n, u in units.items()}})


def owned(body: Object, record: RunRecord) -> Object:
    """Return a copy of `body` owned by the run's state ConfigMap, so that both are deleted together."""
    name, uid = record.name, record.uid
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": uid, "blockOwnerDeletion": False}
    return {**body, "metadata": {**body["metadata"], "ownerReferences": [owner]}}


def _unit(fields: dict[str, Any]) -> UnitState:
    known = {key: value for key, value in fields.items() if key in UnitState.__dataclass_fields__}
    phases = {phase.value: phase for phase in Phase}  # a record that somebody damaged counts as not written yet
    return UnitState(**{**known, "phase": phases.get(str(fields.get("phase")), Phase.WAITING)})


def _cut(unit: UnitState, log_bytes: int, cause_characters: int) -> dict[str, Any]:
    kept = {
        **asdict(unit),
        "log": tail(unit.log, log_bytes) if log_bytes else "",
        "cause": unit.cause[:cause_characters],
    }
    return {key: value for key, value in kept.items() if value not in (None, "") or key == "phase"}


def _body(run: str, key: str, text: str) -> Object:
    metadata = {"name": state_name(run), "labels": labels(run)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {key: text}}


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def all_runs(cluster: Cluster) -> dict[str, RunRecord]:
    """Return the record of every run in the namespace, by run."""
    config_maps, _ = cluster.list("ConfigMap", "app.kubernetes.io/managed-by=docent,docent/run")
    labelled = [(body["metadata"]["labels"]["docent/run"], body) for body in config_maps]  # includes plans
    return {run: parse(body) for run, body in labelled if body["metadata"]["name"] == state_name(run)}


def find(cluster: Cluster, run: str | None) -> tuple[str, RunRecord]:
    """Return the named run, or the most recently launched one.

    Raises:
        LauncherError: (102) there is no such run.
    """
    where, next_step = f"namespace {cluster.namespace}", "docent run --backend kubernetes"
    if run:
        record = read(cluster, run)
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
        LauncherError: (102) its plan is missing or cannot be read.
    """
    name = plan_name(run, record.run.get("plan10", ""))
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
    """Return the number of the launch that a Job belongs to, or 0 if it has none."""
    number = str(job["metadata"].get("labels", {}).get("docent/launch", ""))
    return int(number) if number.isdecimal() else 0


def standing(cluster: Cluster, run: str, record: RunRecord) -> Standing:
    """Return the standing of a run; from the launcher's Job if the launcher could not record it."""
    settled = _is_written(record) and record.phase != "running"
    return how_it_stands(record, None if settled else launcher_job(cluster, run))


def how_it_stands(record: RunRecord, job: Object | None) -> Standing:
    """Derive the standing of a run from its record and the Job of its last launch."""
    launch, written = record.started_launch, _is_written(record)
    if written and record.phase != "running":
        return record.phase
    if job is None or launch_of(job) < launch or conditions.read(job).finished:
        return "failed"
    return "running" if written else "starting"


def _is_written(record: RunRecord) -> bool:
    """Return whether the launcher has written `units.json` for the last launch."""
    return record.launch >= record.started_launch


def place(cluster: Cluster, run: str) -> str:
    """Return where a run is, for error messages."""
    return f"run {run} in namespace {cluster.namespace}"


def command(verb: str, cluster: Cluster, run: str) -> str:
    """Return a command line for this run, to show to users; `verb` may include its own arguments."""
    backend = " --backend kubernetes" if verb.split()[0] in TWO_FORMS else ""
    elsewhere = f" --namespace {cluster.namespace}" if cluster.namespace != "docent" else ""
    return f"docent {verb}{backend} --run {run}{elsewhere}"
