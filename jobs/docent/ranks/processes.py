"""Adopt orphaned processes, reap ended ones, and kill the rest at the end.

The first process of a container is the parent of every orphan in it, and only it can remove ended processes from the
process table. Reads /proc; on systems without /proc only the direct child is known.
"""

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

log = logging.getLogger("docent.ranks.lead")

POLL_S = 0.1
REAP_TIMEOUT_S = 5.0
_PR_SET_CHILD_SUBREAPER = 36


def end_all(process: subprocess.Popen[bytes]) -> None:
    """Kill the remaining processes: torchrun, ranks and their children; each rank is in its own session."""
    until_s = time.monotonic() + REAP_TIMEOUT_S
    while time.monotonic() < until_s:
        left = _descendants()
        if process.poll() is not None and not left:
            return
        for pid in {*left, *([process.pid] if process.returncode is None else [])}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        reap(process.pid)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(POLL_S)
    log.warning("processes that did not exit after SIGKILL: %s", sorted(_descendants()))


def adopt_orphans() -> None:
    """Become the parent of orphaned descendants, as the first process of a container always is."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap(kept: int) -> None:
    """Remove ended adopted processes from the process table; leave `kept` to the caller that waits for it."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(ChildProcessError):
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid == kept:
                return
            os.waitpid(ended.si_pid, 0)


def _descendants() -> set[int]:
    """Return the ids of all descendants of this process."""
    parents = _parents()
    family = {os.getpid()}
    while added := {pid for pid, parent in parents.items() if parent in family and pid not in family}:
        family |= added
    return family - {os.getpid()}


def _parents() -> dict[int, int]:
    """Return the parent of every process; empty if there is no /proc."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):  # the process ended in the meantime
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    return parents
