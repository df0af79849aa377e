"""Keep `units.json` of the run's state ConfigMap: at once when a phase changes, else at most every 3 s, never idly.

Writes the ConfigMap `<run>-state`; nobody else writes that key.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from docent.errors import LauncherError
from docent.launcher.cluster.api.client import ApiError, Cluster
from docent.launcher.cluster.state import (
    LAUNCHER_MANAGER,
    RunPhase,
    RunRecord,
    read,
    state_name,
    units_body,
    units_text,
)
from docent.launcher.runs.unit_state import UnitState

# Progress changes all the time, and every write goes to all who watch the run.
INTERVAL_S = 3.0


class StateRecord:
    """The states of all units, and what of them the cluster knows already.

    Args:
        cluster: where the ConfigMap lies.
        run: name of the run.
        launch: number of this launch.

    Attributes:
        record: what the ConfigMap said at first; empty where it is not there yet.
        check: raises when this launcher may no longer write.
    """

    def __init__(self, cluster: Cluster, run: str, launch: int) -> None:
        self.cluster, self.run, self.launch = cluster, run, launch
        record = read(cluster, run)
        self.record = record or RunRecord()
        self.check: Callable[[], None] = lambda: None
        self.phase: RunPhase = "running"
        self.units: Mapping[str, UnitState] = {}
        self._written = units_text(self.record.launch, self.record.phase, self.record.units) if record else ""
        self._phases = self._phases_of(self.record.phase, self.record.units)
        self._written_s = 0.0

    @property
    def is_written(self) -> bool:
        """Whether the cluster knows all of this."""
        return units_text(self.launch, self.phase, self.units) == self._written

    def ensure_owner(self) -> None:
        """Create the ConfigMap where a run is started by hand, so that it can own the run's objects.

        Raises:
            LauncherError: (5) this launcher may write the record but not create it, as its Role in a cluster has it.
        """
        if self.record.uid:
            return
        try:
            self.write()
        except ApiError as error:
            if error.status != 403:
                raise
            name = state_name(self.run)
            raise LauncherError(
                5, f"the ConfigMap {name} is not there", error.where, f"kubectl create configmap {name}, or: docent run"
            ) from None
        self.record = read(self.cluster, self.run) or self.record

    def write(self, at_once: bool = False) -> None:
        """Write what changed, if it is time to.

        Raises:
            LauncherError: (103) somebody deleted the run; 4 the lease is lost, or the cluster unreachable or forbidden.
        """
        phases = self._phases_of(self.phase, self.units)
        due = at_once or phases != self._phases or time.monotonic() - self._written_s >= INTERVAL_S
        if not due or self.is_written:
            return
        self.check()
        body = units_body(self.run, self.launch, self.phase, self.units)
        if self.record.uid:  # so that a run that somebody deleted does not come back
            body["metadata"]["uid"] = self.record.uid
        try:
            self.cluster.apply(body, force=True, manager=LAUNCHER_MANAGER)
        except ApiError as error:
            if error.reason != "Conflict":
                raise
            raise LauncherError(103, "somebody deleted this run", state_name(self.run), "docent run") from None
        self._written, self._phases, self._written_s = body["data"]["units.json"], phases, time.monotonic()

    @staticmethod
    def _phases_of(phase: RunPhase, units: Mapping[str, UnitState]) -> tuple[str, ...]:
        return (phase, *(f"{name} {unit.phase} {unit.job}" for name, unit in units.items()))
