"""Run a command and measure it with all its descendants: wall time, CPU time, resident memory. Linux only (/proc).

Reads /proc; writes the command's output into a file; imported by the benchmarks.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SAMPLE_S = 0.2
PAGE_MB = resource.getpagesize() / 1e6
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Limits:
    """Limits of a command: wall-clock seconds, and MB of resident memory of the process tree."""

    s: float
    mb: float


@dataclass
class Measured:
    """Measurements of a command. MB are 10^6 bytes.

    Attributes:
        rss_mb: peak resident memory of the tree; pages shared by a parent and its forks count once for each process.
        largest_mb: peak resident memory of any one process.
        code: exit code; -9 if a limit ended the command.
        over: the limit that ended it, or "".
        samples: (seconds since the start, sum of resident MB, value of `probe`) about every SAMPLE_S seconds.
    """

    wall_s: float = 0.0
    cpu_s: float = 0.0
    rss_mb: float = 0.0
    largest_mb: float = 0.0
    code: int = 0
    over: str = ""
    samples: list[tuple[float, float, float]] = field(default_factory=list)


def tree(pid: int) -> Iterator[int]:
    """Return a process and its living descendants."""
    yield pid
    try:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in children.read_text().split():
                yield from tree(int(child))
    except OSError:
        return  # it has just ended


def usage(pid: int) -> tuple[float, float]:
    """Return resident MB and CPU seconds of one process, zeros if it has ended."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
        # The name, in brackets, may hold anything; user and system time are the 12th and 13th field after it.
        times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    except (OSError, IndexError):
        return 0.0, 0.0
    return int(pages) * PAGE_MB, sum(map(int, times)) * TICK_S


def end_tree(pid: int) -> None:
    """Kill a living process with all of its descendants."""
    for one in [*tree(pid)]:
        try:
            os.kill(one, signal.SIGKILL)
        except ProcessLookupError:
            continue


def end_group(pid: int) -> None:
    """Kill the processes left in a session after its leader has ended."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def proportional_mb(pid: int) -> float:
    """Return resident MB of one process, shared pages counted proportionally; costs milliseconds per GB."""
    try:
        line = next(one for one in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines() if one.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0.0
    return int(line.split()[1]) * 1024 / 1e6


def exceeded(limits: Limits, now_s: float, rss_mb: float, pids: Iterable[int]) -> str:
    """Return the limit that is exceeded, or "". Pages shared by a parent and its forks count once."""
    if now_s > limits.s:
        return f"> {limits.s:.0f} s"
    return f"> {limits.mb:,.0f} MB" if rss_mb > limits.mb and sum(map(proportional_mb, pids)) > limits.mb else ""


def run(
    command: Sequence[str],
    log: Path,
    environ: Mapping[str, str],
    limits: Limits,
    probe: Callable[[], float] | None = None,
) -> Measured:
    """Run a command until it ends or exceeds a limit.

    Args:
        command: the command, run in the log's folder.
        log: file for stdout and stderr.
        environ: the command's complete environment.
        limits: the command is killed if it exceeds either of them.
        probe: function called at every sample; its value is stored with the sample.
    """
    measured, ended, last_cpu_s = Measured(), threading.Event(), dict[int, float]()
    with log.open("wb") as output:
        started_s = time.monotonic()
        process = subprocess.Popen(
            command, cwd=log.parent, env=dict(environ), stdout=output, stderr=output, start_new_session=True
        )

        def wait() -> None:
            _, status, used = os.wait4(process.pid, 0)
            measured.wall_s = time.monotonic() - started_s
            measured.code = process.returncode = os.waitstatus_to_exitcode(status)
            measured.cpu_s = used.ru_utime + used.ru_stime
            ended.set()

        waiting = threading.Thread(target=wait)
        waiting.start()
        while not ended.wait(SAMPLE_S):
            probed = probe() if probe else 0.0
            used = {pid: usage(pid) for pid in tree(process.pid)}
            last_cpu_s |= {pid: cpu_s for pid, (_, cpu_s) in used.items() if cpu_s}
            now_s, rss_mb = time.monotonic() - started_s, sum(mb for mb, _ in used.values())
            measured.samples.append((now_s, rss_mb, probed))
            measured.rss_mb = max(measured.rss_mb, rss_mb)
            measured.largest_mb = max([measured.largest_mb, *(mb for mb, _ in used.values())])
            measured.over = exceeded(limits, now_s, rss_mb, used)
            if measured.over:
                end_tree(process.pid)
                break
        waiting.join()
    end_group(process.pid)
    # What wait4 tells lacks descendants that nobody waited for; the samples lack the last moments.
    measured.cpu_s = max(measured.cpu_s, sum(last_cpu_s.values()))
    measured.rss_mb = max(measured.rss_mb, measured.largest_mb)
    return measured
