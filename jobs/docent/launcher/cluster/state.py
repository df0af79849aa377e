"""Read and write the ConfigMap `<run>-state`: everything that can be known about a run outside the cluster.

Two keys with one writer each. `run.json`, by the command line: launch, plan10, plans {unit: plan hash}, inputs
{path: digest}, images, started. `units.json`, by the launcher in the cluster: launch, phase, units {unit: UnitState}.
The ConfigMap also owns the run's other objects: deleting it deletes them, and never the volume.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from docent.launcher.render.names import labels
from docent.launcher.render.names import state_name as state_name

if TYPE_CHECKING:
    from docent.launcher.cluster.api.client import Cluster, Object

RunPhase = Literal["running", "done", "failed", "cancelled"]
UnitPhase = Literal["waiting", "queued", "running", "done", "failed"]

RUN_KEY, UNITS_KEY = "run.json", "units.json"
CLI_MANAGER, LAUNCHER_MANAGER = "docent", "docent-launcher"

LOG_BYTES = 4096
CAUSE_CHARACTERS = 1000
# A ConfigMap may hold 1 MiB; the plan's inputs need some of it.
UNITS_LIMIT_BYTES = 700 * 1024


@dataclass
class UnitState:
    """How one unit stands.

    Attributes:
        phase: waiting for inputs, queued (submitted, and `cause` says why it does not run), running, done or failed.
        job: name of its workload, "" before there is one.
        spec: its spec hash on disk.
        digest: of what it wrote.
        rows: written.
        rejected: set aside with a reason.
        seconds: summed over shards.
        usd: spent on endpoints.
        retries: pods that had to be started again.
        progress: done, total, eta_s.
        cause: one line: why it waits or failed, or why rows were rejected.
        log: the last 4 KiB.
    """

    phase: UnitPhase = "waiting"
    job: str = ""
    spec: str | None = None
    digest: str | None = None
    rows: int | None = None
    rejected: int | None = None
    seconds: float | None = None
    usd: float | None = None
    retries: int = 0
    progress: dict[str, Any] | None = None
    cause: str = ""
    log: str = ""


@dataclass
class RunRecord:
    """The whole record of a run.

    Attributes:
        run: what the command line wrote; {} where the run was started by hand.
        launch: number of the launch that `units` tells of; 0 before the first.
        phase: of that launch.
        units: by name, in pipeline order.
        uid: of the ConfigMap, for ownerReferences.
        name: of the ConfigMap.
    """

    run: dict[str, Any] = field(default_factory=dict)
    launch: int = 0
    phase: RunPhase = "running"
    units: dict[str, UnitState] = field(default_factory=dict)
    uid: str = ""
    name: str = ""


def read(cluster: Cluster, run: str) -> RunRecord | None:
    """Return the record of a run, or None when there is none of that name."""
    config_map = cluster.get("ConfigMap", state_name(run))
    return parse(config_map) if config_map else None


def parse(config_map: Object) -> RunRecord:
    """Parse the record in a state ConfigMap; what is missing or damaged counts as not written yet."""
    data = config_map.get("data") or {}
    units = _object(data.get(UNITS_KEY, ""))
    known = UnitState.__dataclass_fields__
    return RunRecord(
        run=_object(data.get(RUN_KEY, "")),
        launch=int(units.get("launch", 0)),
        phase=units.get("phase", "running"),
        units={
            name: UnitState(**{key: value for key, value in fields.items() if key in known})
            for name, fields in units.get("units", {}).items()
        },
        uid=config_map["metadata"].get("uid", ""),
        name=config_map["metadata"]["name"],
    )


def run_body(run: str, record: dict[str, Any]) -> Object:
    """Return what the command line applies as CLI_MANAGER."""
    return _body(run, RUN_KEY, json.dumps(record, indent=1, sort_keys=True))


def units_body(run: str, launch: int, phase: RunPhase, units: dict[str, UnitState]) -> Object:
    """Return what the launcher in the cluster applies as LAUNCHER_MANAGER; never larger than UNITS_LIMIT_BYTES."""
    return _body(run, UNITS_KEY, units_text(launch, phase, units))


def units_text(launch: int, phase: RunPhase, units: dict[str, UnitState]) -> str:
    """Return `units.json`; cut logs first, then causes, then everything but phases, until it fits."""
    for log_bytes, cause_characters in ((LOG_BYTES, CAUSE_CHARACTERS), (1024, CAUSE_CHARACTERS), (0, 300), (0, 80)):
        cut = {name: _cut(unit, log_bytes, cause_characters) for name, unit in units.items()}
        text = json.dumps({"launch": launch, "phase": phase, "units": cut}, ensure_ascii=False)
        if len(text.encode()) <= UNITS_LIMIT_BYTES:
            return text
    return json.dumps({"launch": launch, "phase": phase, "units": {n: {"phase": u.phase} for n, u in units.items()}})


def tail(text: str, size: int = LOG_BYTES) -> str:
    """The last `size` bytes of a text, from the start of a line where there is one."""
    data = text.encode()
    if len(data) <= size:
        return text
    end = data[len(data) - size :]
    return end[end.find(b"\n") + 1 :].decode("utf-8", "ignore")


def owned(body: Object, record: RunRecord | Object) -> Object:
    """Return a copy of `body` that is owned by the run's state ConfigMap, and so deleted together with it."""
    if isinstance(record, RunRecord):
        name, uid = record.name, record.uid
    else:
        name, uid = record["metadata"]["name"], record["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": uid, "blockOwnerDeletion": False}
    return {**body, "metadata": {**body["metadata"], "ownerReferences": [owner]}}


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
