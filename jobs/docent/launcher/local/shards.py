"""The local backend: every shard is a process on this machine, as many at a time as there are cores.

Starts `docent stage UNIT --config FILE --run-dir <run> --shard i/n`. A worker ends when its
launcher does, however that ended: it holds the read end of a pipe that only the launcher can keep open.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from docent.config import is_override
from docent.messages.masking import mask
from docent.messages.printing import terminal_safe
from docent.store import Shard

POLL_S = 0.1
GRACE_S = 30.0
CAUSE_BYTES = 4096
# In another locale than UTF-8, file names with umlauts would be other names, and ids other ids.
WORKER_ENVIRONMENT = {
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONUNBUFFERED": "1",
    "PYTHONUTF8": "1",
    # Memory of one training step serves the next: else glibc gives it back to the kernel, 5 % of a step.
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
}


@dataclass
class Worker:
    """One running process."""

    unit: str
    shard: Shard
    process: subprocess.Popen[bytes]
    output: IO[bytes]
    started_s: float


@dataclass(frozen=True)
class Finished:
    """How a worker ended: its exit code (128 + signal when killed) and the end of what it said."""

    unit: str
    shard: Shard
    exit_code: int
    cause: str


class LocalBackend:
    """Runs shards as processes.

    Args:
        run_dir: folder of the run.
        file: the configuration that workers read; stays until the last of them ended.
        workers: processes at the same time; 0 takes one per core.
        threads: arithmetic threads of each process.
    """

    def __init__(self, run_dir: Path, file: Path, workers: int, threads: int) -> None:
        self.run_dir, self.file = run_dir, file
        self.slots = slots(workers)
        # The resolved file holds what DOCENT_A__B overrides said; applied again they would beat --set.
        inherited = {name: value for name, value in os.environ.items() if not is_override(name)}
        self._environment = {**inherited, **WORKER_ENVIRONMENT}
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            self._environment[name] = str(threads)
        self._workers: list[Worker] = []

    @property
    def free(self) -> int:
        """How many more workers may start now."""
        return self.slots - len(self._workers)

    def submit(self, unit: str, shard: Shard) -> None:
        """Start one shard."""
        # -P: a yaml.py in the folder where somebody stands is not the yaml that docent means.
        command = [sys.executable, "-P", "-m", "docent", "stage", unit, "--with-launcher"]
        command += ["--config", str(self.file), "--run-dir", str(self.run_dir)]
        command += ["--shard", f"{shard.index}/{shard.count}"]
        output = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the worker
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=self._environment,
            start_new_session=True,
        )
        self._workers.append(Worker(unit, shard, process, output, time.monotonic()))

    def wait(self, timeout_s: float) -> list[Finished]:
        """Workers that ended, after at most `timeout_s`; empty when none did."""
        until_s = time.monotonic() + timeout_s
        while True:
            ended = [worker for worker in self._workers if worker.process.poll() is not None]
            if ended or time.monotonic() >= until_s:
                return [self._collect(worker) for worker in ended]
            time.sleep(POLL_S)

    def running(self) -> Iterator[tuple[str, Shard]]:
        """Unit and shard of every running worker."""
        yield from ((worker.unit, worker.shard) for worker in self._workers)

    def cancel(self) -> None:
        """Ask every worker to stop, wait for their checkpoints, then insist."""
        for worker in self._workers:
            _signal(worker, signal.SIGTERM)
        until_s = time.monotonic() + GRACE_S
        for worker in self._workers:
            try:
                worker.process.wait(max(0.0, until_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(worker, signal.SIGKILL)
                worker.process.wait()
        for worker in list(self._workers):
            self._collect(worker)

    def _collect(self, worker: Worker) -> Finished:
        self._workers.remove(worker)
        if worker.process.stdin:
            worker.process.stdin.close()
        size = worker.output.seek(0, os.SEEK_END)
        worker.output.seek(max(0, size - CAUSE_BYTES))
        cause = terminal_safe(mask(worker.output.read().decode("utf-8", "replace").strip()))
        worker.output.close()
        code = worker.process.returncode
        return Finished(worker.unit, worker.shard, code if code >= 0 else 128 - code, cause)


def slots(workers: int) -> int:
    """Workers at the same time, for the setting `run.workers`; 0 takes one per core."""
    return workers or cores()


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _signal(worker: Worker, number: signal.Signals) -> None:
    if worker.process.poll() is None:
        worker.process.send_signal(number)
