"""Run as the first process of a pod with several ranks: start torchrun, forward SIGTERM, report the result.

Reads the PET_* variables that a PyTorchJob, a TrainJob or docent's Indexed Job gives its pods, and the exit files that
ranks write below /tmp (peers.py); leaves no files behind. Torchrun reads PET_* itself and starts the same command
once per rank. Its own exit code is 1 for every failure, so the ranks' exit files decide:

    any 43 → 43, any 42 → 42, any 44 → 44, any 1 (a bug) → 1     one cause makes all others lose a peer, so it wins
    all 0 → 0
    SIGTERM arrived here, or all stopped together → 143
    a rank was killed, or a peer was lost or never joined → 200

To run two processes on one machine, without a cluster: `PET_NPROC_PER_NODE=2 docent stage finetune-lora --config
pipeline.yaml --run-dir runs/demo --rehearse`.
"""

import contextlib
import importlib.util
import logging
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from docent.errors import ConfigError, IncompleteInputError, InputError, PipelineError, StoppedError, TemporaryError
from docent.ranks.peers import FOLDER, LOST, RankExit, read_exits
from docent.ranks.processes import POLL_S, REAP_TIMEOUT_S, adopt_orphans, end_all, reap

log = logging.getLogger("docent.ranks.lead")

# A pod whose peers never join exits after this time, and Kubernetes tries again; torchrun would wait for 15 minutes.
JOIN_TIMEOUT_S = 300
CAUSE_LINES = 60
PREFIX = "[rank ${rank}] "
_LINE = re.compile(r"\[rank (\d+)\] ?(?:(DEBUG|INFO|WARNING|ERROR|CRITICAL) )?(.*)")
# An error of these kinds on one rank makes the others lose a peer, so these decide, in this order.
CAUSES = (ConfigError.exit_code, InputError.exit_code, IncompleteInputError.exit_code, PipelineError.exit_code)


def wanted(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether the environment requests several processes and this process is not one of them.

    Raises:
        ConfigError: PET_NNODES or PET_NPROC_PER_NODE is not a number.
    """
    return FOLDER not in environ and nodes(environ) * processes(environ) > 1


def nodes(environ: Mapping[str, str] = os.environ) -> int:
    """Return the number of pods that train together: PET_NNODES, or the maximum if it is `min:max`."""
    return _number("PET_NNODES", environ.get("PET_NNODES", "1").rpartition(":")[2])


def processes(environ: Mapping[str, str] = os.environ) -> int:
    """Return the ranks per pod: PET_NPROC_PER_NODE; `auto`, `gpu` and `cpu` count the hardware, as torchrun does."""
    given = environ.get("PET_NPROC_PER_NODE", "1")
    if given not in ("auto", "gpu", "cpu"):
        return _number("PET_NPROC_PER_NODE", given)
    import torch

    gpus = 0 if given == "cpu" else torch.cuda.device_count()
    return gpus or (0 if given == "gpu" else os.cpu_count() or 1)


def node_index(environ: Mapping[str, str] = os.environ) -> int:
    """Return the index of this pod in its group, for file names: from a variable, or from the end of the host name."""
    for name in ("JOB_COMPLETION_INDEX", "PET_NODE_RANK"):
        if environ.get(name, "").isdecimal():
            return int(environ[name])
    number = re.search(r"-(\d+)$", socket.gethostname())
    return int(number[1]) if number else 0


def run_ranks(stop: threading.Event, grace_s: float) -> None:
    """Run this same command once per rank, and return when all ranks have finished.

    Args:
        stop: set once SIGTERM arrives.
        grace_s: seconds that Kubernetes allows between SIGTERM and SIGKILL.

    Raises:
        PipelineError: a rank failed or was stopped; the table above selects the kind.
    """
    if importlib.util.find_spec("torch") is None:
        raise ConfigError("distributed training requires torch", sys.prefix, "use the image docent-finetune")
    adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="docent-ranks-") as folder:
        output: deque[str] = deque(maxlen=CAUSE_LINES)
        code = _torchrun(Path(folder), stop, grace_s, output)
        exits = read_exits(Path(folder))
    error = outcome(exits, processes(), stop.is_set(), code, output)
    if error:
        raise error


def outcome(
    exits: Sequence[RankExit], expected: int, stopped: bool, code: int, output: Sequence[str] = ()
) -> PipelineError | None:
    """Return the error that the pod ends with, by the table above, or None if all ranks succeeded.

    Args:
        exits: the exit files of the ranks.
        expected: number of ranks in this pod.
        stopped: whether SIGTERM arrived here.
        code: exit code of torchrun; 2 if it could not parse its variables.
        output: torchrun's own last lines, for the message if no rank explains the failure.
    """
    for cause in CAUSES:
        for exit_ in exits:
            if exit_.code == cause:
                return exit_.error()
    codes = [exit_.code for exit_ in exits] + [None] * (expected - len(exits))
    if all(one == 0 for one in codes):
        return None
    if stopped or all(one == StoppedError.exit_code for one in codes):
        causes = [exit_.what for exit_ in exits if exit_.code == StoppedError.exit_code]
        return StoppedError(causes[0] if causes else "the ranks were stopped", next_step="docent run")
    if code == 2 and not exits:
        return ConfigError(f"torchrun cannot start: {_gist(output)}", "PET_*", "correct these variables of the pod")
    killed = [exit_.rank for exit_ in exits if exit_.code is None]
    lost = [exit_.what for exit_ in exits if exit_.code == TemporaryError.exit_code]
    lost.sort(key=lambda what: what.startswith(LOST))  # another error first: a full disk makes other ranks lose a peer
    if not killed and not lost:
        where = os.environ.get("PET_RDZV_ENDPOINT") or os.environ.get("PET_MASTER_ADDR", "")
        return TemporaryError(f"the ranks cannot connect: {_gist(output)}", where, "check the logs of the other pods")
    what = f"rank {', '.join(map(str, killed))} was killed, by hand or because memory ran out" if killed else lost[0]
    return TemporaryError(what, socket.gethostname(), "to resume from the newest checkpoint: docent run")


def _gist(output: Sequence[str]) -> str:
    """Return the error from torchrun's last lines, without the traceback before it and the table after it."""
    errors = [line for line in output if re.match(r"[\w.: -]*error\b", line, re.IGNORECASE)]
    return (errors or [*output] or ["no output"])[-1]


def environment(folder: Path, grace_s: float, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables of torchrun and the ranks: those of the pod, plus defaults for missing ones.

    Raises:
        ConfigError: there are several pods, but no rendezvous address.
    """
    variables = dict(environ)
    several = nodes(environ) > 1
    if several and not (environ.get("PET_RDZV_ENDPOINT") or environ.get("PET_MASTER_ADDR")):
        raise ConfigError("several pods need a rendezvous address", "PET_RDZV_ENDPOINT or PET_MASTER_ADDR", "set one")
    if several and "PET_LOCAL_ADDR" not in environ:
        with contextlib.suppress(OSError):  # otherwise peers look this host up by name, which takes longer to resolve
            variables["PET_LOCAL_ADDR"] = socket.gethostbyname(socket.gethostname())
    variables |= {
        "PET_MAX_RESTARTS": "0",  # a lost rank ends the pod, and Kubernetes retries the entire group
        "PET_RDZV_CONF": _rendezvous(environ),
        "PET_SHUTDOWN_TIMEOUT": str(int(save_s(grace_s))),
        "PET_LOG_DIR": str(folder / "log"),
        "PET_TEE": "3",
        "TORCHELASTIC_LOG_LINE_PREFIX_TEMPLATE": PREFIX,
        "PYTHONSAFEPATH": "1",  # a yaml.py in the working directory must not shadow the package
        FOLDER: str(folder),
    }
    return variables


def save_s(grace_s: float) -> float:
    """Return the seconds that ranks have to save; the rest of the grace period is for killing them and exiting."""
    return grace_s - min(10.0, 0.4 * grace_s)


def _rendezvous(environ: Mapping[str, str]) -> str:
    """Return PET_RDZV_CONF with a join timeout that applies to every rendezvous backend."""
    given = dict(pair.split("=", 1) for pair in environ.get("PET_RDZV_CONF", "").split(",") if "=" in pair)
    join_s = given.get("join_timeout") or given.get("timeout") or str(JOIN_TIMEOUT_S)
    settings = {"join_timeout": join_s, "timeout": join_s, "read_timeout": join_s}
    host = environ.get("PET_RDZV_ENDPOINT", "").rpartition(":")[0]
    if host and host.split(".")[0] == socket.gethostname().split(".")[0]:
        settings["is_host"] = "1"  # otherwise torchrun asks DNS, which may not know this pod yet
    return ",".join(f"{name}={value}" for name, value in (settings | given).items())


def _torchrun(folder: Path, stop: threading.Event, grace_s: float, last_lines: deque[str]) -> int:
    """Run torchrun until it exits or the grace period ends; leave none of its processes behind."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--with-launcher"]
    process = subprocess.Popen(
        [sys.executable, "-m", "torch.distributed.run", "--module", "docent", *arguments],
        env=environment(folder, grace_s),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None  # noqa: S101 - for the type checker
    relay = threading.Thread(target=_relay, args=(process.stdout, last_lines), daemon=True)
    relay.start()
    try:
        _wait(process, stop, grace_s)
    finally:
        end_all(process)
    relay.join(REAP_TIMEOUT_S)
    return process.returncode


def _wait(process: subprocess.Popen[bytes], stop: threading.Event, grace_s: float) -> None:
    """Wait until torchrun exits; after SIGTERM, wait for the time to save plus up to two seconds."""
    until_s = None
    while process.poll() is None and (until_s is None or time.monotonic() < until_s):
        if until_s is None and stop.is_set():
            log.info("stopping: the ranks have %.0f s to save a checkpoint", save_s(grace_s))
            # Only once: torchrun forwards it and waits PET_SHUTDOWN_TIMEOUT; a second SIGTERM would cut that short.
            process.terminate()
            until_s = time.monotonic() + save_s(grace_s) + min(2.0, 0.1 * grace_s)
        reap(process.pid)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(POLL_S)


def _relay(output: IO[bytes], last_lines: deque[str]) -> None:
    """Log every line of the ranks with its rank; keep torchrun's own last lines for an error message."""
    for raw in output:
        line = raw.decode("utf-8", "replace").rstrip()
        rank_line = _LINE.fullmatch(line)
        if rank_line:
            log.log(logging.getLevelNamesMapping()[rank_line[2] or "INFO"], "[rank %s] %s", rank_line[1], rank_line[3])
        elif line:
            last_lines.append(line)
            log.debug("[torchrun] %s", line)


def _number(name: str, text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ConfigError(f"{name} is {text!r}, not a positive number", "environment of the pod", "set it to 1 or more")
    return int(text)
