"""Run as the first process of a pod that trains on several processes: start torchrun, pass SIGTERM on, report the end.

Reads the PET_* variables that a PyTorchJob, a TrainJob or docent's Indexed Job gives its pods, and the exit files that
ranks write below /tmp (peers.py); writes nothing that stays. Torchrun reads PET_* itself and starts the same command
once per rank. Its own exit code is 1 whatever happened, so the ranks' files decide:

    any 43 → 43, any 42 → 42, any 44 → 44, any 1 (a bug) → 1     one cause makes all others lose a peer: it wins
    all 0 → 0
    SIGTERM arrived here, or all stopped together → 143
    a rank killed, a peer lost or never there → 200

Run alone, two processes on one machine: `PET_NPROC_PER_NODE=2 docent stage finetune-lora --config pipeline.yaml
--run-dir runs/demo --rehearse`.
"""

from __future__ import annotations

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

# A pod whose peers never come ends after so long, and Kubernetes tries again; torchrun would wait for 15 minutes.
JOIN_TIMEOUT_S = 300
CAUSE_LINES = 60
PREFIX = "[rank ${rank}] "
_LINE = re.compile(r"\[rank (\d+)\] ?(?:(DEBUG|INFO|WARNING|ERROR|CRITICAL) )?(.*)")
# One rank's error of these kinds makes the others lose a peer, so they win, in this order.
CAUSES = (ConfigError.exit_code, InputError.exit_code, IncompleteInputError.exit_code, PipelineError.exit_code)


def wanted(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment asks for more than one process, and this one is not among them already.

    Raises:
        ConfigError: PET_NNODES or PET_NPROC_PER_NODE is not a number.
    """
    return FOLDER not in environ and nodes(environ) * processes(environ) > 1


def nodes(environ: Mapping[str, str] = os.environ) -> int:
    """Pods that train together: PET_NNODES, of `min:max` the larger."""
    return _number("PET_NNODES", environ.get("PET_NNODES", "1").rpartition(":")[2])


def processes(environ: Mapping[str, str] = os.environ) -> int:
    """Ranks of each pod: PET_NPROC_PER_NODE; `auto`, `gpu` and `cpu` count what is there, as torchrun does."""
    given = environ.get("PET_NPROC_PER_NODE", "1")
    if given not in ("auto", "gpu", "cpu"):
        return _number("PET_NPROC_PER_NODE", given)
    import torch

    gpus = 0 if given == "cpu" else torch.cuda.device_count()
    return gpus or (0 if given == "gpu" else os.cpu_count() or 1)


def node_index(environ: Mapping[str, str] = os.environ) -> int:
    """Which pod of the group this is, for names of files: by variable, or by the number that ends the host's name."""
    for name in ("JOB_COMPLETION_INDEX", "PET_NODE_RANK"):
        if environ.get(name, "").isdecimal():
            return int(environ[name])
    number = re.search(r"-(\d+)$", socket.gethostname())
    return int(number[1]) if number else 0


def run_ranks(stop: threading.Event, grace_s: float) -> None:
    """Run this very command once per rank and return when all are done.

    Args:
        stop: set when SIGTERM arrived.
        grace_s: seconds that Kubernetes leaves between SIGTERM and SIGKILL.

    Raises:
        PipelineError: of the kind that the table above chooses.
    """
    if importlib.util.find_spec("torch") is None:
        raise ConfigError("training on several processes needs torch", sys.prefix, "use the image docent-finetune")
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
    """Return what the pod ends with, by the table above; None when it is done.

    Args:
        exits: the exit files found.
        expected: ranks of this pod.
        stopped: whether SIGTERM arrived here.
        code: how torchrun ended, 2 when it did not understand its variables.
        output: torchrun's own last lines, for the message where no rank explains it.
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
        return ConfigError(f"torchrun does not start: {_gist(output)}", "PET_*", "fix the variables of the pod")
    killed = [exit_.rank for exit_ in exits if exit_.code is None]
    lost = [exit_.what for exit_ in exits if exit_.code == TemporaryError.exit_code]
    lost.sort(key=lambda what: what.startswith(LOST))  # a full disk on one rank is why the others lost it
    if not killed and not lost:
        where = os.environ.get("PET_RDZV_ENDPOINT") or os.environ.get("PET_MASTER_ADDR", "")
        return TemporaryError(f"the ranks did not meet: {_gist(output)}", where, "look at the logs of the other pods")
    what = f"rank {', '.join(map(str, killed))} was killed, by hand or for want of memory" if killed else lost[0]
    return TemporaryError(what, socket.gethostname(), "to go on from the newest checkpoint: docent run")


def _gist(output: Sequence[str]) -> str:
    """Return the error in torchrun's last lines, without the traceback before it and the ruled table after it."""
    errors = [line for line in output if re.match(r"[\w.: -]*error\b", line, re.IGNORECASE)]
    return (errors or [*output] or ["no output"])[-1]


def environment(folder: Path, grace_s: float, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables of torchrun and the ranks: those of the pod, and defaults for what it does not set.

    Raises:
        ConfigError: there are several pods and no address to meet at.
    """
    variables = dict(environ)
    several = nodes(environ) > 1
    if several and not (environ.get("PET_RDZV_ENDPOINT") or environ.get("PET_MASTER_ADDR")):
        raise ConfigError("several pods, but no rendezvous address", "PET_RDZV_ENDPOINT or PET_MASTER_ADDR", "set one")
    if several and "PET_LOCAL_ADDR" not in environ:
        with contextlib.suppress(OSError):  # without it peers look this host up by name, which takes longer to be known
            variables["PET_LOCAL_ADDR"] = socket.gethostbyname(socket.gethostname())
    variables |= {
        "PET_MAX_RESTARTS": "0",  # a lost rank ends the pod, and Kubernetes tries the whole again
        "PET_RDZV_CONF": _rendezvous(environ),
        "PET_SHUTDOWN_TIMEOUT": str(int(save_s(grace_s))),
        "PET_LOG_DIR": str(folder / "log"),
        "PET_TEE": "3",
        "TORCHELASTIC_LOG_LINE_PREFIX_TEMPLATE": PREFIX,
        "PYTHONSAFEPATH": "1",  # a yaml.py in the working directory is not the yaml that docent means
        FOLDER: str(folder),
    }
    return variables


def save_s(grace_s: float) -> float:
    """Seconds that ranks have for their checkpoint; what is left of the grace period is for killing and the exit."""
    return grace_s - min(10.0, 0.4 * grace_s)


def _rendezvous(environ: Mapping[str, str]) -> str:
    """PET_RDZV_CONF with a join timeout that holds for every way of meeting."""
    given = dict(pair.split("=", 1) for pair in environ.get("PET_RDZV_CONF", "").split(",") if "=" in pair)
    join_s = given.get("join_timeout") or given.get("timeout") or str(JOIN_TIMEOUT_S)
    settings = {"join_timeout": join_s, "timeout": join_s, "read_timeout": join_s}
    host = environ.get("PET_RDZV_ENDPOINT", "").rpartition(":")[0]
    if host and host.split(".")[0] == socket.gethostname().split(".")[0]:
        settings["is_host"] = "1"  # torchrun would ask DNS, which may not know this pod yet
    return ",".join(f"{name}={value}" for name, value in (settings | given).items())


def _torchrun(folder: Path, stop: threading.Event, grace_s: float, last_lines: deque[str]) -> int:
    """Run torchrun to its end, or to that of the grace period; no process of it is left."""
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
    """Wait until torchrun ends; after SIGTERM it has the time to save and two seconds more."""
    until_s = None
    while process.poll() is None and (until_s is None or time.monotonic() < until_s):
        if until_s is None and stop.is_set():
            log.info("stopping: the ranks have %.0f s to save", save_s(grace_s))
            # Once: torchrun passes it on and waits PET_SHUTDOWN_TIMEOUT; a second one would cut that short.
            process.terminate()
            until_s = time.monotonic() + save_s(grace_s) + min(2.0, 0.1 * grace_s)
        reap(process.pid)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(POLL_S)


def _relay(output: IO[bytes], last_lines: deque[str]) -> None:
    """Log every line of the ranks with its rank; keep the last lines of torchrun itself for a message."""
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
        raise ConfigError(f"{name} is {text!r}, not a number", "environment of the pod", "set it to 1 or more")
    return int(text)
