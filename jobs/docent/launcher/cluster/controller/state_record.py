"""Write `units.json` in the run's state ConfigMap: at once if a phase changes, otherwise at most every 3 s.

Writes the ConfigMap `<run>-state`, and only if something changed; nothing else writes that key.
"""

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

# Progress changes all the time, and every write is sent to everyone who watches the run.
INTERVAL_S = 3.0


class StateRecord:
    """The states of all units, and which of them the ConfigMap already has.

    Args:
        cluster: the cluster that holds the ConfigMap.
        run: name of the run.
        launch: number of this launch.

    Attributes:
        record: initial content of the ConfigMap; empty if it does not exist yet.
        check: raises if this launcher may no longer write.
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
        """Whether the ConfigMap has the current states."""
        return units_text(self.launch, self.phase, self.units) == self._written

    def ensure_owner(self) -> None:
        """Create the ConfigMap if the run was started by hand, so that it can own the run's objects.

        Raises:
            LauncherError: (5) this launcher may update the ConfigMap but not create it, as is usual in a cluster.
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
                5, f"the ConfigMap {name} is missing", error.where, f"kubectl create configmap {name}, or: docent run"
            ) from None
        self.record = read(self.cluster, self.run) or self.record

    def write(self, at_once: bool = False) -> None:
        """Write the states if they changed and a write is due.

        Raises:
            LauncherError: (103) the run was deleted; 4 the lease is lost, or the cluster unreachable or forbidden.
        """
        phases = self._phases_of(self.phase, self.units)
        due = at_once or phases != self._phases or time.monotonic() - self._written_s >= INTERVAL_S
        if not due or self.is_written:
            return
        self.check()
        body = units_body(self.run, self.launch, self.phase, self.units)
        if self.record.uid:  # so that a run that somebody deleted is not created again
            body["metadata"]["uid"] = self.record.uid
        try:
            self.cluster.apply(body, force=True, manager=LAUNCHER_MANAGER)
        except ApiError as error:
            if error.reason != "Conflict":
                raise
            raise LauncherError(103, "this run was deleted", state_name(self.run), "docent run") from None
        self._written, self._phases, self._written_s = body["data"]["units.json"], phases, time.monotonic()

    @staticmethod
    def _phases_of(phase: RunPhase, units: Mapping[str, UnitState]) -> tuple[str, ...]:
        return (phase, *(f"{name} {unit.phase} {unit.job}" for name, unit in units.items()))
