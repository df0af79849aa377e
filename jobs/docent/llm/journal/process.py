"""Find out whether a process on the same machine has ended.

Reads `/proc`; writes nothing. Of a process on another machine nothing is known but whether its journal is touched.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path


def this_process() -> dict[str, str]:
    """Return what tells this process from every other one; `machine` covers the boot and the PID namespace."""
    return {"machine": _machine(), "pid": str(os.getpid()), "started": _started(os.getpid()) or ""}


def has_ended(process: Mapping[str, object]) -> bool:
    """Return whether this machine knows that a process, as `this_process` described it, has ended."""
    pid, started = str(process.get("pid", "")), process.get("started")
    return process.get("machine") == _machine() and bool(started) and pid.isdecimal() and _started(int(pid)) != started


def _machine() -> str:
    """Return this boot of this machine, and the PID namespace in which process numbers mean something."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def _started(pid: int) -> str | None:
    """Return when a process started, in ticks since the boot; None where it has ended, or there is no /proc."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # a command's name may hold blanks and brackets
    return None if fields[0] in ("Z", "X") else fields[19]
