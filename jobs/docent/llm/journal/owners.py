"""Who asks: one file per process, so that others can tell a request that is under way from one whose process is gone.

Reads and writes `<data>/cache/llm/claims/`. A try in the journal carries the name of its owner. The owner's file is
created exclusively (O_EXCL, which NFS honours), touched every BEAT_S and removed when its process closes the journal.
An owner is gone when its file is missing; when the same machine says that the process ended; or when the file was not
touched for LEASE_S as seen by whoever waits, so that clocks of two machines are never compared.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from docent.llm.pace.clock import since_boot_s

log = logging.getLogger("docent.llm")

BEAT_S = 5.0
LEASE_S = 30.0
"""Some beats; a process that is suspended for less keeps its claims."""
OLD_S = 86_400.0
"""Files that were not touched for so long are removed."""
LOOK_AGAIN_S = 0.2
"""Within this time the same answer is given without looking at the file."""
MAX_FILE_BYTES = 4096


def this_process() -> dict[str, str]:
    """What tells this process from every other one; `machine` covers the boot and, in containers, the PID namespace."""
    return {"machine": _machine(), "pid": str(os.getpid()), "started": _started(os.getpid()) or ""}


class Owner:
    """This process as an owner; its file appears with the first use of `name`."""

    def __init__(self, folder: Path, beat_s: float = BEAT_S, lease_s: float = LEASE_S) -> None:
        self.folder, self._beat_s, self._lease_s = folder, beat_s, lease_s
        self._name, self._closed, self._naming = "", threading.Event(), threading.Lock()
        self._renewed_s = 0.0

    @property
    def name(self) -> str:
        """The name that tries carry from now on. Raises OSError where the file cannot be made."""
        if not self._name:
            self._appear()
            self._remove_old_ones()
            threading.Thread(target=self._beat, name="journal-owner", daemon=True).start()
        elif self._is_late():  # just resumed, and the other thread did not come to it yet
            self._appear(if_late=True)
        return self._name

    def close(self) -> None:
        """Give up all claims at once."""
        self._closed.set()
        with self._naming:
            if self._name:
                (self.folder / self._name).unlink(missing_ok=True)

    def _is_late(self) -> bool:
        """Whether the file was not renewed within the lease, on a clock that goes on while the machine sleeps."""
        return since_boot_s() - self._renewed_s >= self._lease_s

    def _appear(self, if_late: bool = False) -> None:
        """Make a file under a new name, in place of an older one; of two threads that find it late only one does."""
        with self._naming:
            if self._closed.is_set() or (if_late and not self._is_late()):
                return
            name, before = secrets.token_hex(8), self._name
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / name).open("x", encoding="ascii") as file:
                json.dump(this_process(), file)
            self._name, self._renewed_s = name, since_boot_s()
            if before:
                (self.folder / before).unlink(missing_ok=True)

    def _beat(self) -> None:
        """Touch the file, which gets the time of the file system's own clock.

        Where the file is gone, or the process was suspended for longer than the lease, others have taken its requests
        over: what it begins from then on carries a new name.
        """
        while not self._closed.wait(self._beat_s):
            try:
                if self._is_late():
                    self._appear(if_late=True)
                else:
                    os.utime(self.folder / self._name)
                    self._renewed_s = since_boot_s()
            except FileNotFoundError:
                with contextlib.suppress(OSError):  # the next beat tries again
                    self._appear()
            except OSError as error:
                log.warning("the claim of this process cannot be renewed: %s: %s", self.folder, error.strerror)

    def _remove_old_ones(self) -> None:
        """Remove files of processes that were killed long ago and whose requests nobody asked again."""
        with contextlib.suppress(OSError):
            newest_s = (self.folder / self._name).stat().st_mtime
            for entry in os.scandir(self.folder):
                if newest_s - entry.stat().st_mtime > OLD_S:
                    Path(entry).unlink(missing_ok=True)


@dataclass
class _Seen:
    """What was last seen of another owner: its file's time stamp, since when that is the same, when it was looked at.

    The stamp is only compared with itself; both times are of this process's monotonic clock.
    """

    stamp_ns: int
    since_s: float
    looked_s: float


class Owners:
    """The other processes that use the journal."""

    def __init__(self, folder: Path, lease_s: float = LEASE_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._lease_s, self._clock = folder, lease_s, clock
        self._seen: dict[str, _Seen] = {}
        self._gone: set[str] = set()

    def is_at_work(self, name: str) -> bool:
        """Whether the owner of this name may still bring a reply; False for good once it was False."""
        if name in self._gone:
            return False
        now_s, seen = self._clock(), self._seen.get(name)
        if seen is None or now_s - seen.looked_s >= LOOK_AGAIN_S:
            if not self._look(name, now_s):
                self._gone.add(name)
                self._seen.pop(name, None)
                return False
        return True

    def _look(self, name: str, now_s: float) -> bool:
        try:
            with (self._folder / name).open("rb") as file:  # opened, so that NFS asks the server
                stamp_ns, content = os.fstat(file.fileno()).st_mtime_ns, file.read(MAX_FILE_BYTES)
        except FileNotFoundError:
            return False
        except OSError:  # it cannot be told: as long as the lease allows, it is taken to be at work
            stamp_ns, content = -1, b""
        seen = self._seen.get(name)
        if seen is None or seen.stamp_ns != stamp_ns:
            seen = self._seen[name] = _Seen(stamp_ns, now_s, now_s)
        seen.looked_s = now_s
        return now_s - seen.since_s < self._lease_s and not _has_ended(content)


def _has_ended(content: bytes) -> bool:
    """Whether this machine knows that the process in an owner's file is not there any more."""
    try:
        told = json.loads(content)
        same_machine = told["machine"] == _machine()
        return same_machine and bool(told["started"]) and _started(int(told["pid"])) != told["started"]
    except (ValueError, KeyError, TypeError):
        return False  # still being written, or from elsewhere


def _machine() -> str:
    """This boot of this machine, and the PID namespace in which process numbers mean something."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def _started(pid: int) -> str | None:
    """When a process started, in ticks since the boot; None where it is not there, or there is no /proc."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # a command's name may hold blanks and brackets
    return None if fields[0] in ("Z", "X") else fields[19]
