"""Allow one launcher per run: acquire, renew and release the coordination.k8s.io Lease `<run>-launcher`.

This machine's own clock decides whether another holder is still alive: a lease that has not changed for its full
duration has expired, whatever the clocks of the two nodes show.
"""

import contextlib
import logging
import threading
import time
from datetime import UTC, datetime

from docent.errors import LauncherError, PipelineError, StoppedError
from docent.launcher.cluster.api.client import ApiError, Cluster, Object

log = logging.getLogger("docent.lease")

DURATION_S = 30
POLL_S = 1.0


class Lease:
    """The exclusive right to create this run's workloads.

    Args:
        cluster: the cluster; its `patience_s` must be short, so that a hanging renewal does not outlive the lease.
        body: the Lease without its spec: names, labels, owner.
        holder: identity of this launcher, e.g. the name of its pod.
        patience_s: how long `check` waits for a late renewal; nothing is created meanwhile.
        duration_s: how long after the last renewal the lease expires. It is renewed four times in that period.
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
        """Wait until nobody else holds the lease, acquire it, and keep renewing it.

        Args:
            give_up_s: longest wait in seconds.

        Raises:
            LauncherError: (105) another launcher held it the entire time; 4 cluster unreachable or forbidden.
        """
        until_s, seen, since_s = time.monotonic() + give_up_s, "", 0.0
        while not self._try(seen if time.monotonic() - since_s >= self.duration_s else ""):
            current = self._current() or {}
            version, other = current.get("metadata", {}).get("resourceVersion", ""), _holder(current)
            if version != seen:
                if not seen:
                    log.info("%s holds the lease of this run: waiting until it ends", other)
                seen, since_s = version, time.monotonic()
                self.duration_s = max(self.duration_s, int(current.get("spec", {}).get("leaseDurationSeconds") or 0))
            if time.monotonic() >= until_s:
                what = f"another launcher is already running: {other}"
                raise LauncherError(105, what, self._name, "wait until it ends, or: docent cancel")
            self.cluster.connection.pause(POLL_S)
        self._thread.start()

    def check(self) -> None:
        """Return once this launcher certainly holds the lease: at once, unless a renewal is late.

        Raises:
            LauncherError: (4) another launcher took the lease, or it was not renewed; the Job starts another pod.
        """
        until_s = time.monotonic() + self.patience_s
        while not self._lost and time.monotonic() - self._renewed_s >= self.duration_s:
            if time.monotonic() >= until_s:
                self._lost = f"it could not be renewed for {self.duration_s} s"
            else:
                self.cluster.connection.pause(POLL_S)
        if self._lost:
            raise LauncherError(
                4,
                f"this launcher lost its lease: {self._lost}",
                self._name,
                "no action needed: another launcher takes over",
            )

    def release(self) -> None:
        """Release the lease, so that the next launcher need not wait; do nothing if it is not held."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._held is not None and not self._lost:
            with contextlib.suppress(PipelineError):  # the lease expires by itself
                self._write(self._held, "")
            self._held = None

    def __enter__(self) -> "Lease":
        return self

    def __exit__(self, *details: object) -> None:
        self.release()

    @property
    def _name(self) -> str:
        return str(self.body["metadata"]["name"])

    def _current(self) -> Object | None:
        return self.cluster.get("Lease", self._name)

    def _try(self, expired_version: str) -> bool:
        """Acquire the lease if it is free, already ours, or unchanged since it expired; return whether it worked."""
        current = self._current()
        try:
            if current is None:
                self._held = self.cluster.create({**self.body, "spec": self._spec(self.holder, 0)})
                self._renewed_s = time.monotonic()
                return True
            if _holder(current) in ("", self.holder) or current["metadata"]["resourceVersion"] == expired_version:
                self._write(current, self.holder)
                return True
        except ApiError as error:
            if error.reason not in ("AlreadyExists", "Conflict"):
                raise
        return False

    def _write(self, current: Object, holder: str) -> None:
        """Overwrite exactly the version that was read; a Conflict means that another launcher was faster."""
        sent_s = time.monotonic()
        transitions = int(current["spec"].get("leaseTransitions") or 0) + int(_holder(current) != holder)
        spec = {**current["spec"], **self._spec(holder, transitions)}
        self._held = self.cluster.replace({**current, "spec": spec})
        self._renewed_s = sent_s

    def _spec(self, holder: str, transitions: int) -> Object:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec: Object = {"holderIdentity": holder, "leaseDurationSeconds": self.duration_s, "renewTime": now}
        return {**spec, "leaseTransitions": transitions} if holder else spec

    def _keep(self) -> None:
        """Renew the lease until it is released, or until another launcher holds it."""
        while not self._lost and not self._ended.wait(self.duration_s / 4):
            try:
                current = self._current()
                if current is None or _holder(current) != self.holder:
                    self._lost = f"{_holder(current or {}) or 'another launcher'} acquired it"
                    return
                self._write(current, self.holder)
            except ApiError as error:
                log.warning("the lease was not renewed: %s", error.what)
            except StoppedError:
                return


def _holder(lease: Object) -> str:
    return str(lease.get("spec", {}).get("holderIdentity") or "")
