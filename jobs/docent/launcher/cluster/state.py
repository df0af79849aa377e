"""Read and write the ConfigMap `<run>-state`: everything that can be known about a run outside the cluster.

Two keys with one writer each. `run.json`, by the command line: launch, plan10, plans {unit: plan hash}, inputs
{path: digest}, images, started. `units.json`, by the launcher in the cluster: launch, phase, units {unit: UnitState}.
The ConfigMap also owns the run's other objects: deleting it deletes them, and never the volume.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from docent.launcher.render.names import labels
from docent.launcher.render.names import state_name as state_name
from docent.launcher.runs.log_tail import LOG_BYTES, tail
from docent.launcher.runs.unit_state import Phase, UnitState

if TYPE_CHECKING:
    from docent.launcher.cluster.api.client import Cluster, Object

RunPhase = Literal["running", "done", "failed", "cancelled"]

RUN_KEY, UNITS_KEY = "run.json", "units.json"
CLI_MANAGER, LAUNCHER_MANAGER = "docent", "docent-launcher"

CAUSE_CHARACTERS = 1000
# A ConfigMap may hold 1 MiB; the plan's inputs need some of it.
UNITS_LIMIT_BYTES = 700 * 1024


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

    @property
    def started_launch(self) -> int:
        """The number of the launch that the command line started last; 0 where the run was started by hand."""
        return int(self.run.get("launch", 0))

    @property
    def last_launch(self) -> int:
        """The highest number of a launch that either of the two keys has."""
        return max(self.launch, self.started_launch)


def read(cluster: Cluster, run: str) -> RunRecord | None:
    """Return the record of a run, or None when there is none of that name."""
    config_map = cluster.get("ConfigMap", state_name(run))
    return parse(config_map) if config_map else None


def parse(config_map: Object) -> RunRecord:
    """Parse the record in a state ConfigMap; what is missing or damaged counts as not written yet."""
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
    """Return what the command line applies as CLI_MANAGER."""
    return _body(run, RUN_KEY, json.dumps(record, indent=1, sort_keys=True))


def units_body(run: str, launch: int, phase: RunPhase, units: Mapping[str, UnitState]) -> Object:
    """Return what the launcher in the cluster applies as LAUNCHER_MANAGER; never larger than UNITS_LIMIT_BYTES."""
    return _body(run, UNITS_KEY, units_text(launch, phase, units))


def units_text(launch: int, phase: RunPhase, units: Mapping[str, UnitState]) -> str:
    """Return `units.json`; cut logs first, then causes, then everything but phases, until it fits."""
    for log_bytes, cause_characters in ((LOG_BYTES, CAUSE_CHARACTERS), (1024, CAUSE_CHARACTERS), (0, 300), (0, 80)):
        cut = {name: _cut(unit, log_bytes, cause_characters) for name, unit in units.items()}
        text = json.dumps({"launch": launch, "phase": phase, "units": cut}, ensure_ascii=False)
        if len(text.encode()) <= UNITS_LIMIT_BYTES:
            return text
    return json.dumps({"launch": launch, "phase": phase, "units": {n: {"phase": u.phase} for n, u in units.items()}})


def owned(body: Object, record: RunRecord | Object) -> Object:
    """Return a copy of `body` that is owned by the run's state ConfigMap, and so deleted together with it."""
    if isinstance(record, RunRecord):
        name, uid = record.name, record.uid
    else:
        name, uid = record["metadata"]["name"], record["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": uid, "blockOwnerDeletion": False}
    return {**body, "metadata": {**body["metadata"], "ownerReferences": [owner]}}


def _unit(fields: dict[str, Any]) -> UnitState:
    known = {key: value for key, value in fields.items() if key in UnitState.__dataclass_fields__}
    return UnitState(**{**known, "phase": Phase(fields["phase"])})


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
