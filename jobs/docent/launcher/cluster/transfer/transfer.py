"""Copy data to and from the volume of a run, through a pod that exists only during the transfer.

The remote end is `docent unpack` or `docent pack` in the launcher's image. All data goes through the API server, so no
NetworkPolicy applies. Reads or writes the volume below /data; on this machine only the given file or folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from docent.errors import LauncherError
from docent.launcher.cluster.api.execution import CommandError
from docent.launcher.cluster.transfer.archive import Receipt, StreamTally, pack, reader
from docent.launcher.cluster.transfer.extraction import unpack
from docent.launcher.cluster.watch.cause import UnitEvidence, why_waiting
from docent.launcher.cluster.watch.conditions import WorkloadStatus
from docent.launcher.cluster.watch.observing import snapshots
from docent.launcher.render.pod import CLAIM_LABEL

if TYPE_CHECKING:
    from docent.launcher.cluster.api.client import Cluster, Object

READY_S = 180.0
GONE_S = 90.0

OnBytes = Callable[[int], None]
OnSkipped = Callable[[str], None]


@dataclass(frozen=True)
class Volume:
    """The volume of a run, accessed through a running pod that mounts it.

    Attributes:
        cluster: the cluster.
        pod: name of the transfer pod.
    """

    cluster: Cluster
    pod: str

    def push(
        self,
        source: Path,
        destination: str,
        moved: OnBytes = lambda _: None,
        skipped: OnSkipped = lambda _: None,
        *,
        outwards: bool = True,
    ) -> Receipt:
        """Send a file or folder to a path below /data, replacing an existing file or folder.

        Args:
            source: file or folder on this machine.
            destination: path on the volume.
            moved: called with the size in bytes of every chunk sent.
            skipped: called with the path of everything that cannot be sent.
            outwards: whether links that lead outside the source are followed; otherwise they are skipped.

        Raises:
            LauncherError: (102), (105) the source cannot be read; (100) it did not arrive completely.
        """
        tally = StreamTally()
        pieces = _reported(pack(source, skipped, outwards, tally), moved)
        try:
            answer = b"".join(self.cluster.run_in(self.pod, ["docent", "unpack", destination], pieces))
        except CommandError as error:
            raise _explained(error, destination) from None
        arrived = Receipt.parse(answer)
        if arrived != tally.receipt:
            raise LauncherError(100, "the received data differs from the sent data", destination, "try again")
        return arrived

    def pull(self, source: str, destination: Path, moved: OnBytes = lambda _: None) -> Receipt:
        """Fetch a file or folder below /data to `destination`, replacing an existing file or folder.

        Raises:
            LauncherError: (102) the path does not exist on the volume; (100) it did not arrive completely.
        """
        stream = _reported(self.cluster.run_in(self.pod, ["docent", "pack", source], None), moved)
        try:
            receipt = unpack(reader(stream), destination)
            for _ in stream:  # the exit status of the remote end follows its last byte
                pass
        except CommandError as error:
            raise _explained(error, source) from None
        return receipt

    def run(self, command: list[str]) -> Iterator[bytes]:
        """Yield the standard output of a command in the pod.

        Raises:
            CommandError: the command exited with a status other than 0.
        """
        return self.cluster.run_in(self.pod, command, None)


def _reported(pieces: Iterable[bytes], moved: OnBytes) -> Iterator[bytes]:
    """Yield the chunks, and report the size of each once it has been consumed."""
    for piece in pieces:
        yield piece
        moved(len(piece))


@contextmanager
def volume(cluster: Cluster, body: Object) -> Iterator[Volume]:
    """Provide the volume through the existing transfer pod, or through a new one that is deleted at the end.

    Args:
        cluster: the cluster.
        body: the rendered pod.

    Raises:
        LauncherError: (5) the pod cannot start, with the reason; (104) it is not ready in time.
    """
    name = str(body["metadata"]["name"])
    selector = f"docent/run={body['metadata']['labels']['docent/run']},app.kubernetes.io/component=transfer"
    existing = cluster.get("Pod", name)
    if existing and _is_usable(existing, body):
        yield Volume(cluster, name)  # another transfer created the pod and still needs it, so do not delete it
        return
    if existing:
        cluster.delete("Pod", name)
        if not any(pod is None for pod in _states(cluster, name, selector, GONE_S)):
            raise LauncherError(104, f"pod {name} does not terminate", cluster.namespace, f"kubectl delete pod {name}")
    uid = cluster.create(body)["metadata"]["uid"]
    try:
        _wait_until_ready(cluster, name, selector)
        yield Volume(cluster, name)
    finally:
        cluster.delete("Pod", name, uid)


def _is_usable(pod: Object, wanted: Object) -> bool:
    """Return whether a transfer pod runs and mounts the same volume; a leftover pod may mount another."""
    running = pod["status"].get("phase") == "Running" and not pod["metadata"].get("deletionTimestamp")
    return running and pod["metadata"].get("labels", {}).get(CLAIM_LABEL) == wanted["metadata"]["labels"][CLAIM_LABEL]


def _explained(error: CommandError, path: str) -> LauncherError:
    """Return the pod's error message with the matching launcher exit code."""
    lines = error.stderr.strip().splitlines() or [f"the command in the pod exited with {error.status}"]
    of_docent = (line.removeprefix("docent: ") for line in lines if line.startswith("docent: "))
    what = next(of_docent, lines[-1])
    codes = {2: 2, 102: 102, 105: 105}
    return LauncherError(codes.get(error.status, 100), what, f"{path} on the volume", "fix the error above")


def _wait_until_ready(cluster: Cluster, name: str, selector: str) -> None:
    why, describe = "", f"kubectl describe pod {name}"
    for pod in _states(cluster, name, selector, READY_S):
        if pod is None:
            raise LauncherError(102, f"pod {name} was deleted by another client", cluster.namespace, "try again")
        phase = pod.get("status", {}).get("phase")
        if phase == "Running":
            return
        why = why_waiting(UnitEvidence("transfer", WorkloadStatus("running"), (pod,)))
        if phase in ("Failed", "Succeeded") or "image" in why:
            raise LauncherError(5, f"the transfer pod cannot start: {why or phase}", name, describe)
    raise LauncherError(104, f"the transfer pod is not ready after {READY_S:.0f} s: {why}", name, describe)


def _states(cluster: Cluster, name: str, selector: str, timeout_s: float) -> Iterator[Object | None]:
    """Yield a pod each time it changes, or None if it does not exist; end after `timeout_s`."""
    for pods in snapshots(cluster, "Pod", selector, timeout_s):
        yield next((pod for pod in pods if pod["metadata"]["name"] == name), None)
