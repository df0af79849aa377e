"""One launcher per run: a coordination.k8s.io Lease `<run>-launcher`, taken, renewed and given back.

Reads and writes that Lease. Whether the other holder still lives is judged by this machine's own clock: a lease that
has not changed for its whole duration has expired, whatever the clocks of the two nodes say.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from datetime import UTC, datetime
from types import TracebackType

from docent.errors import LauncherError, PipelineError, StoppedError
from docent.launcher.cluster.api.client import ApiError, Cluster, Object

log = logging.getLogger("docent.lease")

DURATION_S = 30
POLL_S = 1.0


class Lease:
    """The right to create this run's workloads.

    Args:
        cluster: where the Lease lies; with little patience, so that a renewal that hangs does not outlive the lease.
        body: the Lease without its spec: names, labels, owner.
        holder: who this is; a pod's name.
        patience_s: so long a lease that cannot be renewed is waited for; nothing is made meanwhile.
        duration_s: so long after the last renewal others may take it. Renewed four times as often.
    """

    def __init__(
        self, cluster: Cluster, body: Object, holder: str, patience_s: float = 0.0, duration_s: int = DURATION_S
    ) -> None:
        self.cluster, self.body, self.holder = cluster, body, holder
        self.patience_s, self.duration_s = patience_s, duration_s
        self._held: Object | None = None
        self._renewed_s = 0.0
        self._lost = ""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)

    def acquire(self, give_up_s: float) -> None:
        """Wait until nobody else holds it, take it, and keep renewing it.

        Args:
            give_up_s: wait no longer than so many seconds.

        Raises:
            LauncherError: (105) another launcher held it all the time; 4 cluster unreachable or forbidden.
        """
        until_s, seen, since_s = time.monotonic() + give_up_s, "", 0.0
        while not self._try(seen if time.monotonic() - since_s >= self.duration_s else ""):
            found = self._find() or {}
            version, other = found.get("metadata", {}).get("resourceVersion", ""), _holder(found)
            if version != seen:
                if not seen:
                    log.info("%s holds the lease of this run: waiting until it ends", other)
                seen, since_s = version, time.monotonic()
                self.duration_s = max(self.duration_s, int(found.get("spec", {}).get("leaseDurationSeconds") or 0))
            if time.monotonic() >= until_s:
                raise LauncherError(
                    105, f"another launcher works on this run: {other}", self._name, "let it end, or: docent cancel"
                )
            self.cluster.connection.pause(POLL_S)
        self._thread.start()

    def check(self) -> None:
        """Return once it is certainly ours: at once, unless renewing it has become difficult.

        Raises:
            LauncherError: (4) somebody took it, or it could not be renewed; the launcher's Job starts another pod.
        """
        until_s = time.monotonic() + self.patience_s
        while not self._lost and self._is_late:
            if time.monotonic() >= until_s:
                self._lost = f"it could not be renewed for {self.duration_s} s"
            else:
                self.cluster.connection.pause(POLL_S)
        if self._lost:
            raise LauncherError(4, f"this launcher lost the run: {self._lost}", self._name, "nothing: another goes on")

    def release(self) -> None:
        """Give it back, so that the next launcher need not wait; nothing when it is not ours."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._held is not None and not self._lost:
            with contextlib.suppress(PipelineError):  # it expires by itself
                self._write(self._held, "")
            self._held = None

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    @property
    def _is_late(self) -> bool:
        return time.monotonic() - self._renewed_s >= self.duration_s

    @property
    def _name(self) -> str:
        return str(self.body["metadata"]["name"])

    def _find(self) -> Object | None:
        return self.cluster.get("Lease", self._name)

    def _try(self, expired_version: str) -> bool:
        """Take it if it is not there, free, ours already, or still as it was when it expired."""
        found = self._find()
        try:
            if found is None:
                self._held = self.cluster.create({**self.body, "spec": self._spec(self.holder, 0)})
                self._renewed_s = time.monotonic()
                return True
            if _holder(found) in ("", self.holder) or found["metadata"]["resourceVersion"] == expired_version:
                self._write(found, self.holder)
                return True
        except ApiError as error:
            if error.reason not in ("AlreadyExists", "Conflict"):
                raise
        return False

    def _write(self, found: Object, holder: str) -> None:
        """Write over exactly the version that was read; a Conflict says that somebody was faster."""
        asked_s = time.monotonic()
        changed = int(found["spec"].get("leaseTransitions") or 0) + int(_holder(found) != holder)
        self._held = self.cluster.replace({**found, "spec": {**found["spec"], **self._spec(holder, changed)}})
        self._renewed_s = asked_s

    def _spec(self, holder: str, transitions: int) -> Object:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec: Object = {"holderIdentity": holder, "leaseDurationSeconds": self.duration_s, "renewTime": now}
        return {**spec, "leaseTransitions": transitions} if holder else spec

    def _keep(self) -> None:
        """Renew until the end, or until somebody else holds it."""
        while not self._lost and not self._ended.wait(self.duration_s / 4):
            try:
                found = self._find()
                if found is None or _holder(found) != self.holder:
                    self._lost = f"{_holder(found or {}) or 'somebody'} took its lease"
                    return
                self._write(found, self.holder)
            except ApiError as error:
                log.warning("the lease was not renewed: %s", error.what)
            except StoppedError:
                return


def _holder(lease: Object) -> str:
    return str(lease.get("spec", {}).get("holderIdentity") or "")
